"""When a sender said something, and whether what stands was said later. Pure: files are ordered by what they say of
themselves, never by their arrival."""

from datetime import datetime
from typing import NamedTuple

from services.eligibility.feeds.records import RosterHeader

RESUBMISSION = "15"


class Stamp(NamedTuple):
    """The instant at which a file says that it was made, its sender and its control number (ISA13). Nothing is older
    than what has no instant."""

    at: datetime | None = None
    by: str = ""
    no: int = 0

    def is_before(self, other: "Stamp") -> bool:
        """Whether the other is newer. At one instant the control numbers of one sender decide."""
        if self.at is None or other.at is None:
            return False
        if self.at != other.at:
            return self.at < other.at
        return self.by == other.by and 0 < self.no < other.no

    def not_after(self, received_at: datetime) -> "Stamp":
        """What says that it is of a time to come is as new as its arrival, so that it can't outlast all later files."""
        return self if self.at is None or self.at <= received_at else self._replace(at=received_at)


NEVER = Stamp()


def stamp_of(header: RosterHeader) -> Stamp:
    control = header.interchange_control
    is_number = control.isascii() and control.isdigit() and len(control) <= 18
    return Stamp(header.created_at, header.sender[:64], int(control) if is_number else 0)
