"""What a registry's rows do: doses are linked and counted once. Load, decide, save, announce."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from uuid import UUID

from services.eligibility.decisions.flow.redecide import redecide
from services.eligibility.doses.flow import known_reports
from services.eligibility.doses.flow.ledger import (
    link_reports,
    load_ledger,
    save_ledger,
    share_anew,
)
from services.eligibility.doses.flow.linking import find_unborn, link_rows
from services.eligibility.doses.numbers import OLDER
from services.eligibility.doses.outcomes import take_row, was_deleted
from services.eligibility.doses.registry import RegistryRow, patients_of, registry_row, waiting_row
from services.eligibility.doses.store import remarks as remark_store
from services.eligibility.feeds.outcomes import RowResult
from services.eligibility.feeds.records import DoseRecord, PatientRecord
from services.eligibility.intake.store.files import FeedFile
from services.eligibility.payers.rules import code_of
from services.eligibility.payers.tenants import EVERY_TENANT, speaker
from services.eligibility.people.contact import RegistryContact, said_of
from services.eligibility.people.enrolment import Enrolment
from services.eligibility.people.linkage import IdKey, Link
from services.eligibility.people.store import keys as key_store
from services.eligibility.people.store import members as people_store
from services.eligibility.people.store import registry_contacts
from services.eligibility.vital.flow import save_person_statements
from services.kit.ids import new_id
from services.kit.postgres import Connection
from services.kit.unit_of_work import UnitOfWork


async def on_registry_rows(
    work: UnitOfWork, file: FeedFile, records: Sequence[DoseRecord | PatientRecord], today: date
) -> list[RowResult]:
    """A registry's rows: doses are linked, counted once, and wait where nobody is found. A sender who may speak for one
    plan finds, and so changes, that plan's people only."""
    rows = [registry_row(record, file.file_id, new_id(), file.tenant_id) for record in records]
    await key_store.save_patients(work.connection, patients_of(rows, file.tenant_id))
    unborn = await find_unborn(work.connection, rows)
    rows = [row for row in rows if row.row not in unborn]
    rows, links, ties, turned = linked = await link_rows(work.connection, rows, file.tenant_id)
    tokens = linked.tokens
    named, waiting = await known_reports.load_reports(work.connection, rows, links)
    ledger = await load_ledger(work.connection, tokens, named)
    ledger.add((), [report for report in waiting if report.event_key not in ledger.reports])
    await share_anew(work.connection, ledger, turned)
    shared = await known_reports.load_shared(work.connection, rows, links)
    results = [
        take_row(ledger, row, link, is_of_another=row.row in shared) for row, link in zip(rows, links, strict=True)
    ]
    waited = [(waiting_row(report).person, report.member_token) for report in ledger.found]
    await share_anew(work.connection, ledger, await save_person_statements(work.connection, waited))
    taken_back = await _save_remarks(work.connection, rows, links, results)
    results = [was_deleted(result) if result.row in taken_back else result for result in results]
    await _save_contacts(work.connection, file, records, rows, links)
    waited_for = _who_may_be_waited_for(rows, links, ties)
    await link_reports(work.connection, ledger, waited_for)
    await save_ledger(work, ledger, today)
    await redecide(work, tokens | ledger.touched(), today)
    return _by_row([*results, *(_refused(record) for record in records if record.position.row in unborn)])


def _refused(record: DoseRecord | PatientRecord) -> RowResult:
    is_of_message = bool(record.message_control_id) or record.message_at is not None
    day, birth = ("RXA-3", "PID-7") if is_of_message else ("VAXDATE", "DOB")
    row, segment = record.position
    return RowResult(row, "rejected", "order", day, segment, f"a day not before the patient's day of birth ({birth})")


def _by_row(results: Iterable[RowResult]) -> list[RowResult]:
    """A row has one outcome, of however many plans' members it is about: that it was accepted, if any was told
    something."""
    told: dict[int, RowResult] = {}
    for result in results:
        if (known := told.get(result.row)) is None or (result.outcome == "accepted" and known.outcome != "accepted"):
            told[result.row] = result
    return list(told.values())


def _who_may_be_waited_for(
    rows: Iterable[RegistryRow], links: Iterable[Link], ties: Iterable[tuple[IdKey, UUID]]
) -> set[UUID]:
    """Those whose number was tied, or of whose number the birth date came to be known."""
    patients = {
        link.member_token
        for row, link in zip(rows, links, strict=True)
        if row.is_patient and link.member_token is not None
    }
    return patients | {member_token for _, member_token in ties}


async def _save_contacts(
    connection: Connection,
    file: FeedFile,
    records: Iterable[DoseRecord | PatientRecord],
    rows: Iterable[RegistryRow],
    links: Iterable[Link],
) -> None:
    """What messages say of how to reach their patients, for each enrolment of whoever a row was linked to. A sender who
    may speak for one plan is heard of that plan's members."""
    said = {record.position.row: record for record in records if record.message_at and said_of(record.person)}
    heard = [
        (link.member_token, said[row.row])
        for row, link in zip(rows, links, strict=True)
        if link.member_token is not None and row.row in said
    ]
    known = defaultdict[UUID, list[Enrolment]](list)
    for enrolment in await people_store.load_enrolments(connection, {member_token for member_token, _ in heard}):
        if not enrolment.is_retired and file.tenant_id in {EVERY_TENANT, enrolment.tenant_id}:
            known[enrolment.member_token].append(enrolment)
    contacts = [
        RegistryContact(one.enrolment_id, speaker(code_of(record.sender), file.tenant_id), one.tenant_id, at, contact)
        for member_token, record in heard
        for one in known[member_token]
        if (at := record.message_at) is not None and (contact := said_of(record.person)) is not None
    ]
    await registry_contacts.save_contacts(connection, contacts)


async def _save_remarks(
    connection: Connection, rows: Iterable[RegistryRow], links: Iterable[Link], results: Iterable[RowResult]
) -> set[int]:
    """What rows say of persons beside doses; what is older than what stands says nothing. Gives the rows that took back
    something."""
    said = [
        (row, link.member_token) for row, link, result in zip(rows, links, results, strict=True)
        if link.member_token is not None and result.code != OLDER
    ]  # fmt: skip
    return await remark_store.save_remarks(connection, said)
