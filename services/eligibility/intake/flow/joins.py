"""Two persons become one, and may be two again: what each had is kept in the transaction that joins them, and given
back in the one that takes the join back."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from services.eligibility.doses.parting import KeptReports
from services.eligibility.doses.reports import Report
from services.eligibility.doses.rules import Ledger
from services.eligibility.doses.store import doses as dose_store
from services.eligibility.intake.flow.parting import PARTS, take_back
from services.eligibility.intake.joins import Kept, document_of, kept_of
from services.eligibility.people.parting import Joined, KeptRows
from services.eligibility.people.possibly_one import WAITING
from services.eligibility.people.roster import Book
from services.eligibility.people.store import joins as join_store
from services.eligibility.people.store import keys as key_store
from services.eligibility.people.store import members as people_store
from services.eligibility.people.store import pairs as person_pairs
from services.eligibility.people.store import possibly_one as pair_store
from services.kit.parts import Row, load_rows
from services.kit.postgres import Connection
from services.kit.problem import Refusal
from services.kit.unit_of_work import UnitOfWork

ALL_PARTS = (*key_store.PARTS, *PARTS)
NO_JOIN = Refusal("unknown-join", "Unknown Join", "There is no such join of two members.", 404)
JOINED_SINCE = Refusal(
    "joined-since", "Joined Since", "One of both was joined with somebody else since: take that back first.", 409
)
JOIN_NOT_KEPT = Refusal(
    "join-not-kept", "Join Not Kept", "What both had before they were one was not kept: they can't be told apart.", 409
)


class Before(NamedTuple):
    """What both of two had who are about to be one."""

    joined: Joined
    tokens: list[UUID]
    tables: Mapping[str, Mapping[UUID, list[Row]]]
    reports: list[Report]
    doses: tuple[UUID, ...]
    pairs: dict[str, list[Row]]


# -- two become one


async def look_before(connection: Connection, book: Book) -> list[Before]:
    """What those of whom the book makes one have now, before anything is saved."""
    return [await _look(connection, joined) for joined in book.joins]


async def _look(connection: Connection, joined: Joined) -> Before:
    pair = joined.survivor, joined.retired
    doses, reports = await dose_store.load_doses(connection, pair)
    return Before(
        joined,
        await people_store.find_standing_for(connection, joined.retired),
        {part.table: await load_rows(connection, part, pair) for part in ALL_PARTS},
        reports,
        tuple(dose.dose_id for dose in doses if dose.member_token == joined.retired),
        await person_pairs.load_naming(connection, pair),
    )


async def look_made(connection: Connection, befores: Sequence[Before]) -> list[dict[str, KeptRows]]:
    """What each join has made of the two persons' rows: asked once all rows were moved and before anything else
    changes."""
    return [await _made(connection, before) for before in befores]


async def _made(connection: Connection, before: Before) -> dict[str, KeptRows]:
    survivor, retired = before.joined.survivor, before.joined.retired
    found = {}
    for part in ALL_PARTS:
        rows, made = before.tables[part.table], await load_rows(connection, part, [survivor])
        found[part.table] = KeptRows(rows.get(survivor, []), rows.get(retired, []), made.get(survivor, []))
    return found


async def keep(
    connection: Connection, book: Book, before: Before, tables: dict[str, KeptRows], ledger: Ledger,
    evidence: tuple[UUID | None, int | None], today: date,
) -> None:  # fmt: skip
    """Keep it all; reports as the batch leaves them."""
    joined = before.joined
    survivor, retired = (
        tuple(report for report in before.reports if report.member_token == member_token)
        for member_token in (joined.survivor, joined.retired)
    )
    ids = {report.report_id for report in (*survivor, *retired)}
    made = tuple(report for report in ledger.reports.values() if report.report_id in ids)
    entries = tuple(known for known in book.enrolments.values() if known.member_token == joined.survivor)
    kept = Kept(joined.entries, entries, tables, KeptReports(survivor, retired, made, before.doses), before.pairs)
    await join_store.save_join(connection, joined, before.tokens, document_of(kept), evidence, today)


# -- and two again


async def withdraw(work: UnitOfWork, join_id: UUID, by: str, reason: str, today: date) -> Refusal | None:
    """Take back what made two persons one, or say why that can't be. A pair that was decided waits again."""
    connection = work.connection
    found = await join_store.load_join(connection, join_id)
    if found is None:
        return NO_JOIN
    await people_store.lock_persons(connection, [found.survivor, found.retired])
    locked = await join_store.lock_join(connection, join_id)
    if locked is None or locked[0].withdrawn_at is not None:
        return None if locked else NO_JOIN
    join, kept = locked[0], kept_of(locked[1])
    if await join_store.is_followed(connection, join_id):
        return JOINED_SINCE
    if kept is None:
        return JOIN_NOT_KEPT
    if join.pair_id is not None:
        await pair_store.save_decision(connection, join.pair_id, WAITING, by, reason)
    await take_back(work, join, kept, by, reason, today)
    return None
