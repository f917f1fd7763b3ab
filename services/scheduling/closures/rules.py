"""Which slots a closure is about, and what becomes of their bookings. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from services.scheduling.appointments import rules
from services.scheduling.appointments.cancellation import Cancellation
from services.scheduling.appointments.rules import Appointment, Change
from services.scheduling.days.rules import Moment, SiteDay, has_begun


class ClosedFor(StrEnum):
    """Of HL7's reasons those that are the site's own: whoever was booked is called first."""

    PROVIDER = Cancellation.PROV
    STAFF = Cancellation.PROV_PERS
    EQUIPMENT = Cancellation.MAINT
    ROOM = Cancellation.OTH_ROOM
    WEATHER = Cancellation.OTH_WEATH
    ERROR = Cancellation.OTH_ERR


@dataclass(frozen=True, slots=True)
class Closing:
    """What is to be closed: a day of a site, or one of its blocks; and how many bookings whoever closes it knows of."""

    site_id: str
    reason: ClosedFor
    closed_on: date | None = None
    block_id: UUID | None = None
    expected: int = 0


class ClosingSlot(NamedTuple):
    """A slot of the day or block."""

    slot_id: UUID
    block_id: UUID
    start_at: datetime
    start_on: date


class Closed(NamedTuple):
    """What a closure does, or would do: the bookings that end, and those whose members stand at the site."""

    closing: Closing
    cancelled: Sequence[Appointment]
    at_the_site: Sequence[Appointment]
    closure_id: UUID | None = None

    @property
    def bookings(self) -> int:
        """How many are live."""
        return len(self.cancelled) + len(self.at_the_site)


class OthersBooked(NamedTuple):
    """Another number of bookings than was expected."""

    bookings: int


def to_come(slots: Iterable[ClosingSlot], moment: Moment, today: date) -> list[ClosingSlot]:
    """Those that have not begun: what has is the site's, which knows who came."""
    return [slot for slot in slots if not has_begun(slot.start_at, slot.start_on, moment, today)]


def cancelled(
    bookings: Iterable[Appointment], reason: ClosedFor, day: SiteDay
) -> tuple[list[Change], list[Appointment]]:
    """What becomes of the live bookings, as (before, after); and whose members have come, of whom the site says it."""
    changes, came = [], []
    for booking in bookings:
        after = rules.cancel(booking, Cancellation(reason), day)
        if isinstance(after, Appointment):
            changes.append((booking, after))
        else:
            came.append(booking)
    return changes, came
