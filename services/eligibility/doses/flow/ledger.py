"""The doses of some persons: loaded and locked, settled, saved and announced."""

from collections import defaultdict
from collections.abc import Collection
from datetime import UTC, date, datetime
from uuid import UUID

from schemas.eligibility_v1 import DoseAdministeredV1
from services.eligibility.doses.flow.linking import link_rows
from services.eligibility.doses.numbers import take_back
from services.eligibility.doses.registry import CODES, waiting_row
from services.eligibility.doses.reports import Report
from services.eligibility.doses.rules import Dose, Ledger
from services.eligibility.doses.store import doses as dose_store
from services.eligibility.doses.store import remarks as remark_store
from services.eligibility.people.store import members as people_store
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
        ledger.add(*await dose_store.load_doses(connection, missing))
        ledger.loaded |= missing


async def link_waiting(connection: Connection, ledger: Ledger, tokens: Collection[UUID]) -> None:
    """Try reports that wait again, now that these persons' identifiers or keys are known; ties bring further ones."""
    while tokens:
        waiting: defaultdict[str, list[Report]] = defaultdict(list)
        for unlinked in await dose_store.load_waiting(connection, tokens):
            if unlinked.event_key not in ledger.changed_reports:
                waiting[unlinked.tenant_id].append(unlinked)
        tokens = set()
        for tenant, reports in sorted(waiting.items()):
            rows = [waiting_row(report) for report in reports]
            links, ties = await link_rows(connection, rows, tenant)
            said = [
                (row, link.member_token) for row, link in zip(rows, links, strict=True) if link.member_token is not None
            ]
            await remark_store.save_remarks(connection, said)
            found = [
                (report, link.member_token)
                for report, link in zip(reports, links, strict=True)
                if link.member_token is not None
            ]
            await extend_ledger(connection, ledger, {member_token for _, member_token in found})
            ledger.add((), [report for report, _ in found])
            for report, member_token in found:
                ledger.link(report.event_key, member_token)
            take_back(ledger, [ledger.reports[report.event_key] for report, _ in found])
            tokens |= {member_token for _, member_token in ties}


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
    return DoseAdministeredV1.model_validate({
        "occurred_at": now, "dose_id": dose.dose_id, "version": dose.version, "action": action,
        "member_token": dose.member_token, "cvx": dose.cvx, "vaccine_group": dose.vaccine_group,
        "vaccine_groups": dose.vaccine_groups, "mvx": dose.mvx or None,
        "lot": dose.lot or None, "administered_on": dose.administered_on, "known_on": dose.known_on,
        "sources": dose.sources, "appointment_id": dose.appointment_id, "supersedes": dose.supersedes,
        "is_partial": dose.is_partial,
    })  # fmt: skip
