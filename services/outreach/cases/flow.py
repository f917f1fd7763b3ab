"""What outreach does on each fact that it hears: keep it, then decide again about everybody whom it touches."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from operator import attrgetter, itemgetter
from typing import TypeVar
from uuid import UUID

from schemas.eligibility_v1 import (
    BusinessDayOpenedV1,
    DoseAdministeredV1,
    MemberEligibilityDecidedV1,
    MembersMergedV1,
    ProgrammePublishedV1,
)
from schemas.envelope import Event
from schemas.reporting_v1 import TargetZipListedV1
from schemas.scheduling_v1 import AppointmentChangedV1
from services.kit.unit_of_work import UnitOfWork
from services.outreach.cases import store
from services.outreach.cases.changes import changed
from services.outreach.cases.rules import decide
from services.outreach.contacts import store as contacts
from services.outreach.contacts.store import held
from services.outreach.members import store as members
from services.outreach.members.rules import newest_enrolments
from services.outreach.policy import POLICY
from services.replicas.persons import flow as persons_flow
from services.replicas.persons import store as persons
from services.replicas.persons.rules import come_apart, joined_in, merges_in
from services.replicas.programmes import flow as programmes_flow
from services.replicas.programmes import store as programmes

PORTION = 2000
"""Tokens decided on at once: keeps memory small when a batch touches many."""


async def on_member_eligibility(
    work: UnitOfWork, events: Sequence[MemberEligibilityDecidedV1 | MembersMergedV1]
) -> None:
    """Keep each enrolment's newest fact, and who turned out to be whom."""
    facts = [event for event in events if isinstance(event, MemberEligibilityDecidedV1)]
    merges = merges_in(events)
    member_tokens = {fact.member_token for fact in facts} | {
        member_token for merge in merges for member_token in merge.tokens
    }
    member_tokens |= await members.load_tokens_of_enrolments(work.connection, {fact.enrolment_id for fact in facts})
    await programmes.share_reference(work.connection)
    before = await persons.lock_persons(work.connection, member_tokens)
    person_of = await persons_flow.merge(work.connection, before, merges)
    await held.hold_for_both(work.connection, come_apart(before, person_of), person_of)
    await held.note_joined(work.connection, joined_in(events, before, person_of))
    enrolments = newest_enrolments(facts)
    await contacts.move(work.connection, await members.load_moved(work.connection, enrolments))
    await members.save_enrolments(work.connection, enrolments)
    await review(work, person_of, _latest(events))


async def on_dose_administered(work: UnitOfWork, events: Sequence[DoseAdministeredV1]) -> None:
    """Keep each dose's newest version."""
    doses = _newest(events, "dose_id", version="version")
    member_tokens = {event.member_token for event in events}
    member_tokens |= await members.load_tokens_of_doses(work.connection, {dose.dose_id for dose in doses})
    await programmes.share_reference(work.connection)
    person_of = await persons.lock_persons(work.connection, member_tokens)
    await members.save_doses(work.connection, doses)
    await review(work, person_of, _latest(events))


async def on_appointment(work: UnitOfWork, events: Sequence[AppointmentChangedV1]) -> None:
    """Keep each appointment's newest version."""
    member_tokens = {event.member_token for event in events}
    member_tokens |= await members.load_tokens_of_enrolments(work.connection, {event.enrolment_id for event in events})
    await programmes.share_reference(work.connection)
    person_of = await persons.lock_persons(work.connection, member_tokens)
    newest = _newest(events, "appointment_id", version="version")
    await members.save_appointments(work.connection, newest)
    appointment_ids = [appointment.appointment_id for appointment in newest]
    await contacts.save_death_reports(work.connection, appointment_ids)
    await review(work, person_of, _latest(events))


async def on_programme(work: UnitOfWork, events: Sequence[ProgrammePublishedV1]) -> None:
    """Keep each programme's versions: the one in effect says by its vaccine which doses count."""
    await programmes.lock_reference(work.connection)
    changed = await programmes_flow.publish(work.connection, events)
    await store.let_programmes_wait(work.connection, changed, _latest(events))


async def on_business_day_opened(work: UnitOfWork, events: Sequence[BusinessDayOpenedV1]) -> None:
    """Let pauses, bookings and windows end, and versions of programmes take effect."""
    await programmes.lock_reference(work.connection)
    changed = await programmes_flow.open_day(work.connection, events)
    await store.let_programmes_wait(work.connection, changed or (), _latest(events))
    await store.let_due_wait(work.connection, _latest(events))


async def on_target_zips(work: UnitOfWork, events: Sequence[TargetZipListedV1]) -> None:
    """Raise the rank of members in listed ZIPs, and lower it again."""
    await programmes.lock_reference(work.connection)
    in_order = sorted(events, key=attrgetter("occurred_at"))
    listings = _newest(in_order, "programme_id", "zip5", version="week_on")
    await store.save_target_zips(work.connection, listings)
    await store.let_zips_wait(work.connection, listings, _latest(events))


async def review(work: UnitOfWork, persons: Mapping[UUID, UUID], at: datetime) -> None:
    """Decide again about these persons (token → person), whose tokens are locked; save and announce what changes."""
    ordered = sorted(persons.items(), key=itemgetter(1))
    for portion in _portions(ordered):
        known = await store.load_known(work.connection, portion)
        decided = [changed(case, decide(case.evidence, POLICY)) for case in known]
        changes = [change for change in decided if change is not None]
        await store.save_cases(work.connection, changes)
        await work.announce([change.event(at) for change in changes if change.announced])


async def review_waiting(work: UnitOfWork, member_tokens: Sequence[UUID]) -> int:
    """Decide again about those of these members who wait and whom no other instance has taken: a page, in a transaction
    of its own. Gives how many they are."""
    await programmes.share_reference(work.connection)
    taken, at = await store.WAITING_MEMBERS.take(work.connection, member_tokens)
    if at is not None:
        await review(work, await persons.lock_persons(work.connection, taken), at)
    return len(taken)


def _portions(ordered: Sequence[tuple[UUID, UUID]]) -> Iterator[dict[UUID, UUID]]:
    """Portions that keep the tokens of one person together."""
    portion: dict[UUID, UUID] = {}
    person = None
    for member_token, belongs_to in ordered:
        if len(portion) >= PORTION and belongs_to != person:
            yield portion
            portion = {}
        portion[member_token], person = belongs_to, belongs_to
    if portion:
        yield portion


Fact = TypeVar("Fact", bound=Event)


def _newest(events: Iterable[Fact], *key: str, version: str) -> list[Fact]:
    """Of each key the event with the highest version (of equal ones the later in the log), in the order of the keys."""
    key_of = attrgetter(*key)
    ordered = sorted(events, key=attrgetter(*key, version))
    return list({key_of(event): event for event in ordered}.values())


def _latest(events: Iterable[Event]) -> datetime:
    return max(event.occurred_at for event in events)
