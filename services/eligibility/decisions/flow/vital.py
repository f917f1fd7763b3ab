"""What is heard of deaths, protection and publicity, and what persons decide: load, decide, save. No SQL, no rules."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from typing import TypeVar
from uuid import UUID

from schemas.outreach_v1 import ContactAttemptLoggedV1, ContactAttemptRetractedV1, Disposition
from schemas.scheduling_v1 import AppointmentChangedV1
from services.eligibility.clock import store as clock_store
from services.eligibility.decisions.flow.redecide import redecide
from services.eligibility.people.flow import lock_holders
from services.eligibility.vital import store as vital_store
from services.eligibility.vital.flow import Key, load_statements
from services.eligibility.vital.rules import APPOINTMENT, ATTEMPT, Override, VitalStatement, Word
from services.kit.ids import new_id
from services.kit.postgres import Connection
from services.kit.unit_of_work import UnitOfWork

Attempt = ContactAttemptLoggedV1 | ContactAttemptRetractedV1
Told = TypeVar("Told", Attempt, AppointmentChangedV1)
WordOf = Callable[[Told, UUID, dict[Key, VitalStatement], datetime], VitalStatement | None]
"""What an event says of a person, beside what is known; None if that is no news."""


async def on_attempts(work: UnitOfWork, events: Sequence[Attempt]) -> None:
    """Somebody heard that a member has died, or takes back that he did: the member must be checked, or need not."""
    today = (await clock_store.share_clock(work.connection)).business_on
    holders = await lock_holders(work.connection, [event for event in events if _may_tell(event)])
    await redecide(work, await _hear(work.connection, events, holders, _of_attempt), today)


async def keep_death_reports(
    connection: Connection, events: Iterable[AppointmentChangedV1], holders: dict[UUID, UUID]
) -> set[UUID]:
    """Keep that somebody cancelled a visit because the member has died; another version of the same appointment takes
    that back. The persons are locked; gives of whom something changed."""
    return await _hear(connection, events, holders, _of_appointment)


async def _hear(
    connection: Connection, events: Iterable[Told], holders: dict[UUID, UUID], word_of: WordOf[Told]
) -> set[UUID]:
    """Keep what each event says of whoever its enrolment stands for today; gives of whom something changed."""
    known = await load_statements(connection, set(holders.values()))
    now, changed = datetime.now(UTC), dict[Key, VitalStatement]()
    for event in events:
        member_token = holders.get(event.enrolment_id)
        heard = word_of(event, member_token, known, now) if member_token is not None else None
        if heard is not None:
            known[heard.member_token, heard.source] = changed[heard.member_token, heard.source] = heard
    await vital_store.save_statements(connection, changed.values())
    return {member_token for member_token, _ in changed}


def _may_tell(event: Attempt) -> bool:
    return isinstance(event, ContactAttemptRetractedV1) or event.disposition is Disposition.DECEASED


def _of_attempt(
    event: Attempt, member_token: UUID, known: dict[Key, VitalStatement], now: datetime
) -> VitalStatement | None:  # fmt: skip
    """An attempt is told once and taken back once, in this order."""
    source = f"{ATTEMPT}:{event.attempt_id}"
    told = known.get((member_token, source))
    if isinstance(event, ContactAttemptRetractedV1):
        return told._replace(word=Word.NOTHING) if told is not None and told.word != Word.NOTHING else None
    if told is not None or event.disposition is not Disposition.DECEASED:
        return None
    at = event.occurred_at
    return VitalStatement(member_token, source, event.tenant_id, Word.POSSIBLE, at, at, now, reported_at=at)


def _of_appointment(
    event: AppointmentChangedV1, member_token: UUID, known: dict[Key, VitalStatement], now: datetime
) -> VitalStatement | None:
    source, at = f"{APPOINTMENT}:{event.appointment_id}", event.occurred_at
    told = known.get((member_token, source))
    if (told is None and not event.reports_death) or (told is not None and told.version >= event.version):
        return None
    word = Word.POSSIBLE if event.reports_death else Word.NOTHING
    if told is not None and told.word == word:
        return told._replace(version=event.version)
    reported_at = at if event.reports_death else (told.reported_at if told else None)
    return VitalStatement(member_token, source, event.tenant_id, word, at, at, now, None, reported_at, event.version)


# -- what persons decide


async def decide(work: UnitOfWork, member_token: UUID, tenant_id: str, is_deceased: bool, death_on: date | None,
                 reason: str, by: str, *, named_token: UUID | None = None) -> Override:  # fmt: skip
    """Keep a person's decision about somebody, for that plan's members or all, and restate every answer. The person is
    locked; `named_token`: by which of his tokens he was named, if not by today's."""
    today = (await clock_store.share_clock(work.connection)).business_on
    override = Override(
        new_id(), member_token, tenant_id, is_deceased, death_on, today, datetime.now(UTC),
        named_token=named_token or member_token,
    )  # fmt: skip
    await vital_store.save_override(work.connection, override, reason, by)
    await redecide(work, [member_token], today)
    return override


async def withdraw(work: UnitOfWork, member_token: UUID, tenant_id: str, by: str) -> bool:
    """Take the newest such decision back: the one before it holds again, else what the sources say. False if there is
    none."""
    today = (await clock_store.share_clock(work.connection)).business_on
    if not await vital_store.withdraw_override(work.connection, member_token, tenant_id, datetime.now(UTC), by):
        return False
    await redecide(work, [member_token], today)
    return True
