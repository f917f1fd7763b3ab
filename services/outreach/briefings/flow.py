"""Puts a briefing together, and keeps what a worker heard of how to reach a member."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from schemas.member_contact_v1 import ContactName
from schemas.outreach_v1 import CaseClosedReason
from services.kit.ids import new_id
from services.kit.postgres import Connection
from services.kit.problem import Refusal
from services.kit.unit_of_work import UnitOfWork
from services.outreach.briefings import store
from services.outreach.briefings.rules import Barrier, Hour, Relative, barriers, best_hours, may_be_told_of
from services.outreach.conversations import store as conversations
from services.outreach.conversations.rules import Conversation, newest
from services.outreach.reach import store as reach_store
from services.outreach.reach.rules import Correction, Heard, HeardFrom, Reachable, reachable
from services.outreach.worklist.flow import read_case
from services.outreach.worklist.rules import History, ListedCase
from services.replicas.days import store as days
from services.replicas.persons import store as persons
from services.replicas.programmes import store as programmes

NOT_CLAIMED = Refusal(
    "not-claimed-by-you", "Not Claimed By You", "Claim the case first; while another worker holds it, it is his."
)
SAID_LATER = Refusal("said-in-future", "Said In The Future", "Expected said_on not after the open business day.", 422)

WITHDRAWN = Refusal(
    "contact-withdrawn",
    "Contact Withdrawn",
    "How to reach this member was withdrawn or erased: nothing is kept of it.",
    409,
)
NOBODY_MAY = frozenset({
    CaseClosedReason.DECEASED, CaseClosedReason.DISENROLLED, CaseClosedReason.INELIGIBLE, CaseClosedReason.MERGED,
})  # fmt: skip
"""Why a case was closed whose member nobody may contact, also where the withdrawal of his details is late."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks. `reads_any`: also of a case that he has not claimed."""

    worker_id: str
    reads_any: bool


@dataclass(frozen=True, slots=True)
class Told:
    """Another one of the household, of whom may be told: his name, and why he is to be called."""

    relative: Relative
    name: ContactName | None


@dataclass(frozen=True, slots=True)
class Briefing:
    """All of it; no `reach` where nobody may contact the member, or nothing was heard yet."""

    case: ListedCase
    history: History
    reach: Reachable | None
    barriers: Sequence[Barrier]
    best_hours: Sequence[Hour]
    household: Sequence[Told]
    spoken_before: Sequence[Conversation]


async def brief(connection: Connection, case_id: UUID, reader: Reader) -> Briefing | Refusal:
    """Who is to be called in this case, how, why and when; or why the reader may not know."""
    found = await read_case(connection, case_id)
    if isinstance(found, Refusal):
        return found
    case, history = found
    if not await _may_read(connection, case, reader):
        return NOT_CLAIMED
    return Briefing(
        case=case,
        history=history,
        reach=None if case.closed_reason in NOBODY_MAY else await _reach(connection, case.enrolment_id),
        barriers=barriers(history.attempts),
        best_hours=best_hours(history.attempts, await _zone(connection, case.programme_id)),
        household=await _household(connection, case.enrolment_id),
        spoken_before=await _spoken(connection, history),
    )


async def correct(
    work: UnitOfWork, case_id: UUID, heard: Heard, source: HeardFrom, said_on: date | None, reader: Reader
) -> UUID | Refusal:
    """Keep what a worker heard of how to reach the member of this case, as said on that day, else on the open one."""
    connection = work.connection
    found = await read_case(connection, case_id)
    if isinstance(found, Refusal):
        return found
    case, _ = found
    if not await _may_read(connection, case, reader):
        return NOT_CLAIMED
    today = await days.load_day(connection) or case.asked_at.date()
    if said_on is not None and said_on > today:
        return SAID_LATER
    if await reach_store.is_withdrawn(connection, case.enrolment_id):
        return WITHDRAWN
    whose = case.case_id, case.enrolment_id, case.tenant_id, reader.worker_id
    correction = Correction(new_id(), *whose, source, said_on or today, heard)
    await reach_store.save_correction(connection, correction)
    return correction.correction_id


async def _may_read(connection: Connection, case: ListedCase, reader: Reader) -> bool:
    """Who holds one case of a person works on all of them."""
    if reader.reads_any:
        return True
    tokens = await persons.load_persons(connection, [case.member_token])
    return await store.holds_any(connection, tokens, reader.worker_id)


async def _reach(connection: Connection, enrolment_id: UUID) -> Reachable | None:
    details = (await reach_store.load_details(connection, [enrolment_id])).get(enrolment_id)
    if details is None:
        return None
    return reachable(details, await reach_store.load_corrections(connection, enrolment_id))


async def _spoken(connection: Connection, history: History) -> list[Conversation]:
    """Of the attempts that stand, what was spoken of, the newest first."""
    standing = [attempt.attempt_id for attempt in history.attempts if attempt.retracted_on is None]
    records = newest(await conversations.load(connection, standing))
    return [records[attempt_id] for attempt_id in reversed(standing) if attempt_id in records]


async def _household(connection: Connection, enrolment_id: UUID) -> list[Told]:
    found: list[Told] = []
    for relative in await store.load_relatives(connection, enrolment_id):
        reach = await _reach(connection, relative.enrolment_id)
        if reach is not None and may_be_told_of(reach):
            found.append(Told(relative, reach.name))
    return found


async def _zone(connection: Connection, programme_id: str) -> ZoneInfo:
    """The programme's; UTC until it was published."""
    programme = await programmes.load_programme(connection, programme_id)
    return ZoneInfo("UTC" if programme is None else programme.time_zone)
