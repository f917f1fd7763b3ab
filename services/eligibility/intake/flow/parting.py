"""What made two persons one is taken back: each has what is his, and it is told anew."""

from collections.abc import Sequence
from datetime import date

from services.eligibility.decisions.flow.redecide import redecide
from services.eligibility.decisions.store import caps as cap_store
from services.eligibility.decisions.store import decisions as decision_store
from services.eligibility.doses.flow.ledger import link_reports, load_ledger, save_ledger, share_anew
from services.eligibility.doses.flow.linking import find_linked
from services.eligibility.doses.parting import KeptReports, Parting, agreeing, parted_reports
from services.eligibility.doses.registry import waiting_row
from services.eligibility.doses.reports import REGISTRY, Report
from services.eligibility.doses.rules import Ledger
from services.eligibility.doses.store import remarks as remark_store
from services.eligibility.intake.joins import Kept
from services.eligibility.payers.tenants import EVERY_TENANT
from services.eligibility.people.flow import load_persons_book, save_book
from services.eligibility.people.parting import Holders, Join, Joined, Shares, Whose, shared_out, with_weighed
from services.eligibility.people.parting_words import Agreeing, as_agreed, as_reported, of_decision
from services.eligibility.people.store import doubtful as doubtful_store
from services.eligibility.people.store import joins as join_store
from services.eligibility.people.store import keys as key_store
from services.eligibility.people.store import members as people_store
from services.eligibility.people.store import pairs as person_pairs
from services.eligibility.programmes import store as programme_store
from services.eligibility.vital import store as vital_store
from services.kit.ids import derived_id
from services.kit.parts import Part, load_rows, replace_rows
from services.kit.postgres import Connection
from services.kit.unit_of_work import UnitOfWork

PARTS = (*people_store.PARTS, remark_store.PART, programme_store.PART, cap_store.PART)
"""What is moved when two persons become one, beside what they are found by (`key_store.PARTS`)."""
NO_FILE = 0


async def take_back(work: UnitOfWork, join: Join, kept: Kept, by: str, reason: str, today: date) -> None:
    """Let both be two again, each with what is his, and tell so; the persons are locked."""
    connection = work.connection
    joined = Joined(join.survivor, join.retired, kept.entries)
    await _part_pairs(connection, join, kept, by, reason)
    book = await load_persons_book(connection, [join.survivor, join.retired])
    book.part(joined, kept.made)
    await save_book(work, book, NO_FILE, today)
    await people_store.move_back(connection, join.retired, join.tokens)
    holders = Holders.among(book.enrolments.values(), join.survivor, join.retired)
    for part in key_store.PARTS:
        await _give(connection, part, join, await _shared(connection, part, join, kept, holders))
    ledger = await load_ledger(connection, [join.survivor, join.retired])
    parting, known = await _find_whose(connection, join, holders, ledger)
    await _share_words(connection, join, kept, holders, agreeing(kept.reports, filter(_is_registrys, known), parting))
    await _part_doses(connection, ledger, join, kept.reports, parted_reports(kept.reports, known, parting))
    await save_ledger(work, ledger, today)
    await decision_store.restate(connection, book.moved)
    await redecide(work, book.touched() | ledger.touched(), today, book=book)


async def _part_pairs(connection: Connection, join: Join, kept: Kept, by: str, reason: str) -> None:
    """Who was told apart from each, or may be one with him, is so again; both are two by this word, where a plan's had
    joined them."""
    await join_store.withdraw(connection, join.join_id, by, reason)
    await person_pairs.give_back(connection, join.survivor, join.retired, kept.pairs)
    if join.pair_id is None:
        await doubtful_store.save_apart(connection, [(join.survivor, join.retired)], join.join_id)


async def _shared(connection: Connection, part: Part, join: Join, kept: Kept, holders: Holders) -> Shares:
    now = (await load_rows(connection, part, [join.survivor])).get(join.survivor, [])
    rows = kept.rows_of(part.table)
    whose: Whose = holders.of_row
    if part is vital_store.VITAL_OVERRIDES:
        whose = of_decision(rows, holders, {str(token) for token in (join.retired, *join.tokens)})
    return shared_out(rows, now, part.key_of, whose)


async def _share_words(connection: Connection, join: Join, kept: Kept, holders: Holders, agrees: Agreeing) -> None:
    """What was said of both, and how it was weighed."""
    reported = Shares([], [])
    for part in PARTS:
        rows, shares = kept.rows_of(part.table), await _shared(connection, part, join, kept, holders)
        if part is vital_store.VITAL_OVERRIDES:
            reported = as_reported(shares, rows, holders)
        if part is vital_store.VITAL_STATEMENTS:
            shares = with_weighed(as_agreed(shares, rows, agrees), rows, holders)
            shares = Shares(shares.survivor + reported.survivor, shares.retired + reported.retired)
        await _give(connection, part, join, shares)


async def _give(connection: Connection, part: Part, join: Join, shares: Shares) -> None:
    if part.own_id:
        shares = _with_own_ids(part, shares, join)
    await replace_rows(connection, part, {join.survivor: shares.survivor, join.retired: shares.retired})


def _with_own_ids(part: Part, shares: Shares, join: Join) -> Shares:
    """A row that both have now is two rows."""
    ids = {row[part.own_id] for row in shares.survivor}
    return Shares(
        shares.survivor,
        [
            row | {part.own_id: str(derived_id(part.table, row[part.own_id], join.join_id))}
            if row[part.own_id] in ids
            else row
            for row in shares.retired
        ],
    )


async def _find_whose(
    connection: Connection, join: Join, holders: Holders, ledger: Ledger
) -> tuple[Parting, list[Report]]:
    """By report, with which of the two persons the registry's patient agrees, whose identifiers are tied anew; and the
    reports of both."""
    pair = {join.survivor, join.retired}
    known = [report for report in ledger.reports.values() if report.member_token in pair]
    rows = [waiting_row(report) for report in known if _is_registrys(report)]
    return Parting(join.survivor, join.retired, holders, await find_linked(connection, rows, pair)), known


async def _part_doses(
    connection: Connection, ledger: Ledger, join: Join, kept: KeptReports, reports: Sequence[Report]
) -> None:
    pair = {join.survivor, join.retired}
    ledger.restore(reports)
    ledger.part(join.survivor, join.retired, kept.doses)
    await share_anew(connection, ledger, pair)
    await link_reports(connection, ledger, pair)


def _is_registrys(report: Report) -> bool:
    return report.source == REGISTRY and report.tenant_id == EVERY_TENANT and report.subject is not None
