"""The doses of some persons: loaded and locked, settled, saved and announced."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime
from uuid import UUID

from schemas.eligibility_v1 import DoseAdministeredV1
from services.eligibility.doses.flow.linking import Linked, link_further, link_rows, lock_alike
from services.eligibility.doses.numbers import take_back
from services.eligibility.doses.registry import CODES, RegistryRow, is_copy, key_of_row, waiting_row
from services.eligibility.doses.reports import Report
from services.eligibility.doses.rules import Dose, Ledger
from services.eligibility.doses.store import doses as dose_store
from services.eligibility.doses.store import remarks as remark_store
from services.eligibility.people.store import members as people_store
from services.eligibility.people.store import statements as statement_store
from services.kit.ids import new_id
from services.kit.postgres import Connection
from services.kit.unit_of_work import UnitOfWork


async def show_doses(work: UnitOfWork, tokens: Collection[UUID], today: date) -> None:
    """Announce doses that lay ahead until this day, and what codes mean now that said less before."""
    ledger = await load_ledger(work.connection, tokens)
    ledger.reconsider()
    await save_ledger(work, ledger, today)


async def load_ledger(connection: Connection, tokens: Collection[UUID], named: Collection[Report] = ()) -> Ledger:
    """All doses of these persons, and of whoever was told to have had these events; the persons are locked."""
    ledger = Ledger(new_id, CODES)
    await extend_ledger(
        connection, ledger, {*tokens, *(report.member_token for report in named if report.member_token is not None)}
    )
    ledger.add((), [report for report in named if report.event_key not in ledger.reports])
    return ledger


async def extend_ledger(connection: Connection, ledger: Ledger, tokens: Collection[UUID]) -> None:
    missing = set(tokens) - ledger.loaded
    if missing:
        await people_store.lock_persons(connection, missing)
        doses, reports = await dose_store.load_doses(connection, missing)
        about = missing | {report.member_token for report in reports if report.member_token is not None}
        ledger.withheld |= await statement_store.load_withheld(connection, about)
        ledger.born |= await people_store.load_born(connection, about)
        ledger.add(doses, reports)
        ledger.loaded |= missing


async def share_anew(connection: Connection, ledger: Ledger, tokens: Collection[UUID]) -> None:
    """Of these persons a registry began or ceased to let its word be shared, or a plan states another birth date: all
    their doses are derived anew."""
    if tokens:
        for member_token in tokens:
            ledger.born.pop(member_token, None)
        ledger.born |= await people_store.load_born(connection, tokens)
        withheld = await statement_store.load_withheld(connection, tokens)
        ledger.withheld |= {member_token: withheld.get(member_token, frozenset()) for member_token in tokens}
        await extend_ledger(connection, ledger, tokens)
        ledger.reconsider(tokens)


async def link_reports(connection: Connection, ledger: Ledger, tokens: Collection[UUID]) -> None:
    """Give these persons, whose identifiers or keys are known now, the reports that wait for them and those that were
    heard of others who are listed alike; ties bring further ones, until there are no new ones."""
    while tokens:
        tied = await _link_waiting(connection, ledger, tokens)
        tokens = tied | await _share_reports(connection, ledger, {*tokens, *tied})


async def _link_waiting(connection: Connection, ledger: Ledger, tokens: Collection[UUID]) -> set[UUID]:
    """Try reports that wait again. Gives to whom numbers were tied by it."""
    tied = set[UUID]()
    while tokens:
        waiting: defaultdict[str, list[Report]] = defaultdict(list)
        for stored in await dose_store.load_waiting(connection, tokens):
            report = ledger.reports.get(stored.event_key, stored)
            if report.member_token is None:
                waiting[report.tenant_id].append(report)
        tokens = set()
        for tenant, reports in sorted(waiting.items()):
            linked = await link_rows(connection, [waiting_row(report) for report in reports], tenant)
            await _take_found(connection, ledger, linked)
            await share_anew(connection, ledger, linked.turned)
            tokens |= {member_token for _, member_token in linked.ties}
        tied |= tokens
    return tied


async def _share_reports(connection: Connection, ledger: Ledger, tokens: Collection[UUID]) -> set[UUID]:
    """What registries reported of another plan's member, before these persons were known, is reported of each of them
    too with whom the registry's patient agrees. Gives to whom numbers were tied by it."""
    alike = await lock_alike(connection, tokens)
    rows: dict[str, RegistryRow] = {}
    for known in await dose_store.load_registrys(connection, alike):
        report = ledger.reports.get(known.event_key, known)
        key = key_of_row(report)
        if key not in rows or not is_copy(report):
            rows[key] = waiting_row(report._replace(event_key=key))
    if not rows:
        return set()
    linked = await link_further(connection, list(rows.values()), tokens, ledger.reports.keys())
    await _take_found(connection, ledger, linked)
    await share_anew(connection, ledger, linked.turned)
    return {member_token for _, member_token in linked.ties}


async def _take_found(connection: Connection, ledger: Ledger, linked: Linked) -> None:
    """Reports of whoever was found, with what they say beside doses."""
    found = [
        (row, link.member_token)
        for row, link in zip(linked.rows, linked.links, strict=True)
        if link.member_token is not None
    ]
    await remark_store.save_remarks(connection, found)
    await extend_ledger(connection, ledger, {member_token for _, member_token in found})
    found = _new_to(ledger, found)
    ledger.add((), [row.report for row, _ in found if row.report.event_key not in ledger.reports])
    for row, member_token in found:
        ledger.link(row.report.event_key, member_token)
    take_back(ledger, [ledger.reports[row.report.event_key] for row, _ in found])


def _new_to(ledger: Ledger, found: Iterable[tuple[RegistryRow, UUID]]) -> list[tuple[RegistryRow, UUID]]:
    """Without further reports of a row that the person has already, also as a copy that was another's who is now he."""
    known = {(report.member_token, key_of_row(report)) for report in ledger.reports.values()}
    return [
        (row, member_token)
        for row, member_token in found
        if not is_copy(row.report) or (member_token, key_of_row(row.report)) not in known
    ]


async def save_ledger(work: UnitOfWork, ledger: Ledger, today: date) -> None:
    news = ledger.decide_doses(today)
    await dose_store.save_doses(work.connection, ledger.changed_doses.values())
    reports = list(ledger.changed_reports.values())
    keys = {
        report.report_id: waiting_row(report).subject.keys()
        for report in reports
        if report.member_token is None and report.subject
    }
    await dose_store.save_reports(work.connection, reports, keys)
    now = datetime.now(UTC)
    await work.announce([_dose_fact(dose, action, now) for dose, action in news])


def _dose_fact(dose: Dose, action: str, now: datetime) -> DoseAdministeredV1:
    """Manufacturer and lot stay here: none of the topic's readers needs them (docs/adr/0024)."""
    return DoseAdministeredV1.model_validate({
        "occurred_at": now, "dose_id": dose.dose_id, "version": dose.version, "action": action,
        "member_token": dose.member_token, "cvx": dose.cvx, "vaccine_group": dose.vaccine_group,
        "vaccine_groups": dose.vaccine_groups, "administered_on": dose.administered_on, "known_on": dose.known_on,
        "sources": dose.sources, "appointment_id": dose.appointment_id, "supersedes": dose.supersedes,
        "is_partial": dose.is_partial,
    })  # fmt: skip
