"""How a request tells of a dose that was given, checked at the door."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from schemas.envelope import Day
from schemas.scheduling_v1 import DoseGiven
from services.scheduling.days.shapes import Write
from services.scheduling.doses.rules import DoseRecord

NO_LOTS = frozenset({
    "unknown", "unk", "none", "na", "nil", "null", "lot", "nolot", "lotno", "lotnumber", "test", "tbd", "notknown",
    "notavailable", "notrecorded", "notgiven", "pending", "missing",
})  # fmt: skip
"""What people write where they have no lot, without blanks and signs; zeros and crosses beside."""


class LateReason(StrEnum):
    """Why a dose is recorded so late."""

    PAPER_RECORD = "paper-record"
    SYSTEM_OUTAGE = "system-outage"
    TOLD_LATE = "told-late"
    CORRECTION = "correction"
    OTHER = "other"


def _lot(text: str) -> str:
    letters = "".join(letter for letter in text.lower() if letter.isalnum())
    if letters in NO_LOTS or not letters.strip("0") or not letters.strip("x"):
        raise PydanticCustomError("lot", "the lot number that stands on the vial")
    return text


Lot = Annotated[
    str,
    StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9 ./_#-]{0,30}[A-Za-z0-9])?$"),
    AfterValidator(_lot),
]
"""A manufacturer's lot: letters and digits, with signs only between them, at most 32."""


class DoseIn(DoseGiven):
    """The dose that was given."""

    lot: Lot = Field(examples=["EN6201"])
    administered_on: Day


class WithDose(Write):
    """A body that records a dose."""

    dose: DoseIn
    late_reason: LateReason | None = Field(
        default=None, description="Needed for a dose of more than 30 days ago, or of before its programme began."
    )

    def dose_record(self) -> DoseRecord:
        """The dose, and why it is recorded so late."""
        return DoseRecord(self.dose, self.late_reason)
