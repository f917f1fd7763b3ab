"""What a worker should know before he calls: the hours at which the member was reached, and what stands in the way.
Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from uuid import UUID

from schemas.outreach_v1 import Channel, Direction, Disposition
from services.outreach.contacts.dispositions import EFFECTS
from services.outreach.contacts.rules import AttemptOnRecord
from services.outreach.reach.rules import Reachable

HOURS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Hour:
    """How often the member was called in this hour of the day, and how often he answered. He got in touch by himself:
    that counts as an answer."""

    hour: int
    tried: int
    reached: int


@dataclass(frozen=True, slots=True)
class Barrier:
    """What stood in the way, and on which day it was last said."""

    code: str
    said_on: date


@dataclass(frozen=True, slots=True)
class Relative:
    """A member of the household with an open case of the plan."""

    case_id: UUID
    enrolment_id: UUID
    programme_id: str


def best_hours(attempts: Iterable[AttemptOnRecord], zone: tzinfo) -> list[Hour]:
    """The hours of the day at which the member answered a call most often, and last; those at which he never did are
    none."""
    tried: dict[int, int] = {}
    reached: dict[int, int] = {}
    last: dict[int, datetime] = {}
    for attempt in _calls(attempts):
        hour = attempt.attempted_at.astimezone(zone).hour
        tried[hour] = tried.get(hour, 0) + 1
        if EFFECTS[Disposition(attempt.disposition)].reaches or attempt.direction == Direction.INBOUND:
            reached[hour] = reached.get(hour, 0) + 1
            last[hour] = attempt.attempted_at
    best = sorted(reached, key=lambda hour: (-reached[hour] / tried[hour], -reached[hour], -last[hour].timestamp()))
    return [Hour(hour, tried[hour], reached[hour]) for hour in best[:HOURS_SHOWN]]


def _calls(attempts: Iterable[AttemptOnRecord]) -> Iterable[AttemptOnRecord]:
    return (one for one in attempts if one.channel == Channel.PHONE and one.retracted_on is None)


def barriers(attempts: Iterable[AttemptOnRecord]) -> list[Barrier]:
    """Each once, the newest first."""
    said: dict[str, date] = {}
    for attempt in attempts:
        if attempt.retracted_on is None:
            said |= dict.fromkeys(attempt.barriers, attempt.attempted_on)
    return [Barrier(code, on) for code, on in sorted(said.items(), key=lambda pair: (-pair[1].toordinal(), pair[0]))]


def may_be_told_of(reach: Reachable | None) -> bool:
    """Whether others of the household may hear that somebody has a case: not if nobody may contact him, nor if he asked
    for communications of which nobody else hears."""
    return reach is not None and not reach.is_confidential
