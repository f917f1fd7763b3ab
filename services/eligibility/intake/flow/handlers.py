"""What facts and files do: load, decide, save, announce. No SQL and no rules here."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime
from uuid import UUID

from schemas.eligibility_v1 import DoseAdministeredV1, MembersMergedV1
from schemas.scheduling_v1 import AppointmentChangedV1
from services.eligibility.clock import store as clock_store
from services.eligibility.clock.rules import ONE_DAY
from services.eligibility.decisions.flow import vital as vital_flow
from services.eligibility.decisions.flow.redecide import redecide
from services.eligibility.doses.flow import known_reports
from services.eligibility.doses.numbers import OLDER
from services.eligibility.doses.outcomes import take, was_deleted
from services.eligibility.doses.registry import CODES, Heard, combined, completed, heard, heard_again, patients_of
from services.eligibility.doses.rules import APPOINTMENT, Dose, Ledger, Report
from services.eligibility.doses.store import doses as dose_store
from services.eligibility.doses.store import remarks as remark_store
from services.eligibility.feeds.outcomes import RowResult
from services.eligibility.feeds.records import DoseRecord, PatientRecord, RosterMention, RosterRecord
from services.eligibility.intake.slices import RosterRow
from services.eligibility.intake.store.files import FeedFile
from services.eligibility.payers.tenants import EVERY_TENANT
from services.eligibility.people import store as people_store
from services.eligibility.people.changes import FAMILY_WAITS, STALE
from services.eligibility.people.coverage import cut
from services.eligibility.people.linkage import IdKey, Index, Link, Subject, is_within, link_and_tie
from services.eligibility.people.matching import old_key, record_identifiers, record_key
from services.eligibility.people.precedence import Said
from services.eligibility.people.roster import Book, said_now
from services.eligibility.programmes import store as programme_store
from services.eligibility.programmes.needs import MemberObservation
from services.eligibility.vital import store as vital_store
from services.kit.ids import derived_id, new_id
from services.kit.postgres import Connection
from services.kit.unit_of_work import UnitOfWork


async def on_roster_rows(
    work: UnitOfWork,
    file: FeedFile,
    rows: Sequence[RosterRow],
    mentions: Sequence[tuple[RosterMention, str]],
    today: date,
) -> list[RowResult]:
    """A plan's rows: members come, change, leave and turn out to be one; each gets his answer."""
    keys = [record_key(row.record) for row in rows]
    book = await _load_book(work.connection, rows, keys, mentions)
    results = []
    for row, key in zip(rows, keys, strict=True):
        said = row.said.not_after(file.received_at)
        is_full = row.header.is_full
        changes = book.apply(row.record, key, row.plan, row.said_on or today, file.file_no, said, is_full=is_full)
        results.append(_roster_result(book, row.record, changes))
    for mention, plan in mentions:
        book.mention(mention.identifiers, plan)
    await _save_book(work, book, file.file_no, today)
    ledger = await _load_ledger(work.connection, {token for pair in book.merges for token in pair})
    for survivor, retired in book.merges:
        ledger.move(retired, survivor)
    await _link_waiting(work.connection, ledger, book.touched() - {retired for _, retired in book.merges})
    await _save_ledger(work, ledger, today)
    await redecide(work, book.touched() | ledger.touched(), today, book=book)
    return results


def _roster_result(book: Book, record: RosterRecord, changes: tuple[str, ...]) -> RowResult:
    """A row of whom it is doubtful whom it means changes nothing and waits for a person."""
    row, segment = record.position
    if (doubt := book.held.get(row)) is not None:
        return RowResult(row, "rejected", "doubtful-identity", doubt.field, segment, doubt.expected)
    if STALE in changes:
        newer = "a statement that is newer than the one that stands"
        outcome = "unchanged" if changes == (STALE,) else "accepted"
        return RowResult(row, outcome, STALE, "BGN-03", segment, newer, changes)
    if FAMILY_WAITS in changes:
        survivors = "a row of each surviving dependant that says whether the cover goes on"
        return RowResult(row, "accepted", FAMILY_WAITS, "INS-04", segment, survivors, changes)
    return RowResult(row, "accepted" if changes else "unchanged", changes=changes)


async def on_registry_rows(
    work: UnitOfWork, file: FeedFile, records: Sequence[DoseRecord | PatientRecord], today: date
) -> list[RowResult]:
    """A registry's rows: doses are linked, counted once, and wait where nobody is found. A sender who may speak for one
    plan finds, and so changes, that plan's people only."""
    rows = [heard(one, file.file_id, new_id(), file.tenant_id) for one in records]
    await people_store.save_patients(work.connection, patients_of(rows, file.tenant_id))
    links, ties = await _link(work.connection, rows, file.tenant_id)
    tokens = {one.token for one in links if one.token is not None}
    named, waiting = await known_reports.load_reports(work.connection, rows, links)
    ledger = await _load_ledger(work.connection, tokens, named)
    ledger.add((), [one for one in waiting if one.event_key not in ledger.reports])
    shared = await known_reports.load_shared(work.connection, rows, links)
    results = [take(ledger, row, one, is_of_another=row.row in shared) for row, one in zip(rows, links, strict=True)]
    taken_back = await _save_remarks(work.connection, rows, links, results)
    results = [was_deleted(one) if one.row in taken_back else one for one in results]
    await _link_waiting(work.connection, ledger, _who_may_be_waited_for(rows, links, ties))
    await _save_ledger(work, ledger, today)
    await redecide(work, tokens | ledger.touched(), today)
    return results


async def on_appointments(work: UnitOfWork, events: Sequence[AppointmentChangedV1]) -> None:
    """A dose given at a site is a report like another; an appointment entered in error takes it back. A visit that
    somebody cancelled because the member has died is a report of that."""
    today = (await clock_store.share_clock(work.connection)).business_on
    survivors = await vital_flow.lock_survivors(work.connection, {one.member_token for one in events})
    told = await vital_flow.hear_appointments(work.connection, events, survivors)
    said = [_appointment_report(one, survivors.get(one.member_token)) for one in events]
    tokens = {one.token for one in said if one.token is not None}
    known = await dose_store.load_reports_by_key(work.connection, {one.event_key for one in said}, (), ())
    ledger = await _load_ledger(work.connection, tokens, known)
    for one in said:
        if not one.is_retracted or one.event_key in ledger.reports:
            ledger.hear(one)
    await _save_ledger(work, ledger, today)
    await redecide(work, ledger.touched() | told, today)


async def lock_members(connection: Connection, plan: str, member_ids: Collection[str]) -> dict[str, list[UUID]]:
    """Whom a plan's member numbers mean, locked before anything is written about them: a merge that is under way ends
    first, and then counts."""
    members: dict[str, list[UUID]] = {}
    while True:
        known, members = members, await people_store.find_members(connection, plan, member_ids)
        if known == members:
            return members
        await people_store.lock_persons(connection, {token for tokens in members.values() for token in tokens})


async def on_observations(
    work: UnitOfWork, plan: str, said: Sequence[tuple[UUID, MemberObservation]], today: date
) -> set[UUID]:
    """What a plan says of members, who are locked. Gives of whom that was new."""
    changed = await programme_store.save_observations(work.connection, plan, said)
    await redecide(work, changed, today)
    return changed


async def end_absent(
    work: UnitOfWork, plan: str, before_no: int, said_on: date, today: date, limit: int, said: Said
) -> int:
    """End the coverage of some members whom a full file no longer lists. Gives how many; 0: nobody is left."""
    tokens = await people_store.load_absent(work.connection, plan, before_no, said_on, limit, said.at)
    await people_store.lock_persons(work.connection, tokens)
    absent = [one for one in await people_store.load_enrolments(work.connection, tokens) if one.tenant_id == plan]
    ended = [said_now(one._replace(spans=cut(one.spans, said_on - ONE_DAY)), said) for one in absent]
    await people_store.save_enrolments(work.connection, ended)
    await redecide(work, tokens, today)
    return len(ended)


async def show_doses(work: UnitOfWork, tokens: Collection[UUID], today: date) -> None:
    """Announce doses that lay ahead until this day, and what codes mean now that said less before."""
    ledger = await _load_ledger(work.connection, tokens)
    ledger.reconsider()
    await _save_ledger(work, ledger, today)


# -- members


async def _load_book(
    connection: Connection,
    rows: Iterable[RosterRow],
    match_keys: Iterable[str],
    mentions: Iterable[tuple[RosterMention, str]],
) -> Book:
    """Everybody whom these rows may be about, locked."""
    identifiers: set[IdKey] = {one for mention, _ in mentions for one in mention.identifiers}
    keys = set(match_keys)
    for row in rows:
        identifiers.update(record_identifiers(row.record))
        if row.record.previous is not None:
            keys.add(old_key(row.record))
    keys.discard("")
    book = Book(new_id, heard_at=datetime.now(UTC))
    by_identifier, by_key = await people_store.load_tokens(connection, identifiers, keys)
    book.by_identifier.update(by_identifier)
    book.by_key.update(by_key)
    tokens = {token for found in (*by_identifier.values(), *by_key.values()) for token in found}
    book.persons.update(await people_store.lock_persons(connection, tokens))
    book.know(await people_store.load_enrolments(connection, tokens))
    for statements in (await vital_store.load_statements(connection, tokens)).values():
        book.vital.update({(one.token, one.source): one for one in statements})
    return book


async def _save_book(work: UnitOfWork, book: Book, file_no: int, today: date) -> None:
    connection = work.connection
    await people_store.save_persons(connection, list(book.changed_persons.values()))
    await people_store.save_enrolments(connection, list(book.changed_enrolments.values()))
    await people_store.save_seen(connection, book.seen - book.heard.keys(), file_no)
    await people_store.save_heard(connection, book.heard, file_no)
    await people_store.save_keys(connection, book.new_identifiers, book.new_keys)
    for survivor, retired in book.merges:
        await people_store.save_merge(connection, survivor, retired)
    await vital_store.save_statements(connection, book.changed_vital.values())
    now = datetime.now(UTC)
    await work.announce([
        MembersMergedV1(occurred_at=now, surviving_token=survivor, retired_token=retired, merged_on=today)
        for survivor, retired in book.merges
    ])  # fmt: skip


# -- doses


async def _link(
    connection: Connection, rows: Sequence[Heard], tenant: str
) -> tuple[list[Link], set[tuple[IdKey, UUID]]]:
    """Find whom the rows of a tenant's sender are about, and keep what linking taught of identifiers, race, tract and
    protection. Gives the identifiers that were tied, too."""
    numbers = {one for row in rows if row.subject.is_number_only for one in row.subject.personal}
    patients = await people_store.load_patients(connection, numbers)
    subjects = [completed(row.subject, patients) for row in rows]
    links, ties = link_and_tie(subjects, await _load_index(connection, subjects, tenant))
    ties = {tie for tie in ties if tenant == EVERY_TENANT or is_within(tenant, tie[0])}
    await people_store.lock_persons(connection, {one.token for one in links if one.token is not None})
    await people_store.save_keys(connection, ties, ())
    await _save_statements(connection, rows, links)
    await vital_flow.save_said(connection, [(row.person, one.token) for row, one in zip(rows, links, strict=True)])
    return links, ties


def _who_may_be_waited_for(
    rows: Iterable[Heard], links: Iterable[Link], ties: Iterable[tuple[IdKey, UUID]]
) -> set[UUID]:
    """Those whose number was tied, or of whose number the birth date came to be known."""
    patients = {one.token for row, one in zip(rows, links, strict=True) if row.is_patient and one.token is not None}
    return patients | {token for _, token in ties}


async def _load_index(connection: Connection, subjects: Sequence[Subject], tenant: str) -> Index:
    identifiers: set[IdKey] = {one for subject in subjects for one in subject.personal}
    keys = {subject.key for subject in subjects if subject.key}
    by_identifier, by_key = await people_store.load_tokens(connection, identifiers, keys)
    tokens = {token for found in (*by_identifier.values(), *by_key.values()) for token in found}
    index = Index(by_identifier, by_key, await people_store.load_candidates(connection, tokens))
    return index if tenant == EVERY_TENANT else index.only(await people_store.load_of_plan(connection, tokens, tenant))


async def _save_statements(connection: Connection, rows: Sequence[Heard], links: Sequence[Link]) -> None:
    said = [(row.said, one.token) for row, one in zip(rows, links, strict=True) if one.token is not None]
    stored = await people_store.load_statements(connection, {token for _, token in said})
    known = {token: one for token, many in stored.items() for one in many if one.source == "registry"}
    before = dict(known)
    for statement, token in said:
        known[token] = combined(known.get(token), statement, token)
    changed = [one for token, one in known.items() if one != before.get(token)]
    await people_store.save_statements(connection, changed)


async def _save_remarks(
    connection: Connection, rows: Iterable[Heard], links: Iterable[Link], results: Iterable[RowResult]
) -> set[int]:
    """What rows say of persons beside doses; what is older than what stands says nothing. Gives the rows that took back
    something."""
    said = [
        (row, one.token) for row, one, result in zip(rows, links, results, strict=True)
        if one.token is not None and result.code != OLDER
    ]  # fmt: skip
    return await remark_store.save_remarks(connection, said)


async def _load_ledger(connection: Connection, tokens: Collection[UUID], named: Collection[Report] = ()) -> Ledger:
    """All doses of these persons, and of whoever was told to have had these events; the persons are locked."""
    ledger = Ledger(new_id, CODES)
    await _extend(connection, ledger, {*tokens, *(one.token for one in named if one.token is not None)})
    ledger.add((), [one for one in named if one.event_key not in ledger.reports])
    return ledger


async def _extend(connection: Connection, ledger: Ledger, tokens: Collection[UUID]) -> None:
    missing = set(tokens) - ledger.loaded
    if missing:
        await people_store.lock_persons(connection, missing)
        ledger.add(*await dose_store.load_doses(connection, missing))
        ledger.loaded |= missing


async def _link_waiting(connection: Connection, ledger: Ledger, tokens: Collection[UUID]) -> None:
    """Try reports that wait again, now that these persons' identifiers or keys are known; ties bring further ones."""
    while tokens:
        waiting: defaultdict[str, list[Report]] = defaultdict(list)
        for one in await dose_store.load_waiting(connection, tokens):
            if one.event_key not in ledger.changed_reports:
                waiting[one.tenant_id].append(one)
        tokens = set()
        for tenant, reports in sorted(waiting.items()):
            rows = [heard_again(one) for one in reports]
            links, ties = await _link(connection, rows, tenant)
            said = [(row, to.token) for row, to in zip(rows, links, strict=True) if to.token is not None]
            await remark_store.save_remarks(connection, said)
            found = [(one, to.token) for one, to in zip(reports, links, strict=True) if to.token is not None]
            await _extend(connection, ledger, {token for _, token in found})
            ledger.add((), [one for one, _ in found])
            for report, token in found:
                ledger.link(report.event_key, token)
            tokens |= {token for _, token in ties}


async def _save_ledger(work: UnitOfWork, ledger: Ledger, today: date) -> None:
    news = ledger.settle(today)
    await dose_store.save_doses(work.connection, ledger.changed_doses.values())
    reports = list(ledger.changed_reports.values())
    keys = {one.report_id: heard_again(one).subject.keys() for one in reports if one.token is None and one.subject}
    await dose_store.save_reports(work.connection, reports, keys)
    now = datetime.now(UTC)
    await work.announce([_dose_fact(dose, action, now) for dose, action in news])


def _dose_fact(dose: Dose, action: str, now: datetime) -> DoseAdministeredV1:
    return DoseAdministeredV1.model_validate({
        "occurred_at": now, "dose_id": dose.dose_id, "version": dose.version, "action": action,
        "member_token": dose.token, "cvx": dose.cvx, "vaccine_group": dose.vaccine_group,
        "vaccine_groups": dose.vaccine_groups, "mvx": dose.mvx or None,
        "lot": dose.lot or None, "administered_on": dose.administered_on, "known_on": dose.known_on,
        "sources": dose.sources, "appointment_id": dose.appointment_id, "supersedes": dose.supersedes,
        "is_partial": dose.is_partial,
    })  # fmt: skip


def _appointment_report(event: AppointmentChangedV1, token: UUID | None) -> Report:
    dose = event.dose
    return Report(
        report_id=derived_id("appointment-report", event.appointment_id),
        source=APPOINTMENT,
        event_key=f"appointment\x1f{event.appointment_id}",
        token=token,
        cvx=dose.cvx if dose else "",
        mvx=(dose.mvx or "") if dose else "",
        lot=dose.lot if dose else "",
        administered_on=dose.administered_on if dose else event.start_on,
        is_retracted=dose is None,
        appointment_id=event.appointment_id,
        appointment_version=event.version,
    )
