"""How a request tells of a dose that was given, checked at the door."""

import re
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from schemas.envelope import Day
from schemas.lots import is_lot
from schemas.scheduling_v1 import DoseGiven
from services.scheduling.days.shapes import SaidCvx, Write
from services.scheduling.doses.rules import CORRECTION, DoseRecord

NO_LOTS = frozenset({
    "a", "applicable", "at", "available", "blank", "card", "chart", "entered", "file", "find", "found", "given", "has",
    "historical", "illegible", "in", "is", "it", "known", "lot", "lotno", "lotnumber", "lots", "missing", "n", "na",
    "nil", "no", "nolot", "none", "not", "notavailable", "notgiven", "notknown", "notrecorded", "null", "num", "number",
    "of", "on", "outside", "paper", "patient", "pending", "provided", "reported", "recorded", "record", "see",
    "specified", "stated", "tbd", "test", "the", "this", "to", "unavailable", "undocumented", "documented", "unk",
    "unknown", "unreadable", "unspecified", "unsure", "various", "was", "written",
})  # fmt: skip
"""Words that people write where they have no lot: nothing but such ("none given", "see chart") names none. Nor does one
letter or digit over and over."""


class LateReason(StrEnum):
    """Why a dose is recorded so late."""

    PAPER_RECORD = "paper-record"
    SYSTEM_OUTAGE = "system-outage"
    TOLD_LATE = "told-late"
    CORRECTION = CORRECTION
    OTHER = "other"


class DoseRoute(StrEnum):
    """HL7 table 0162, as far as vaccines are given."""

    INTRADERMAL = "ID"
    INTRAMUSCULAR = "IM"
    INTRANASAL = "NS"
    ORAL = "PO"
    PERCUTANEOUS = "TD"
    SUBCUTANEOUS = "SC"


class BodySite(StrEnum):
    """HL7 table 0163, as far as vaccines are given."""

    LEFT_DELTOID = "LD"
    RIGHT_DELTOID = "RD"
    LEFT_UPPER_ARM = "LA"
    RIGHT_UPPER_ARM = "RA"
    LEFT_LOWER_FOREARM = "LLFA"
    RIGHT_LOWER_FOREARM = "RLFA"
    LEFT_THIGH = "LT"
    RIGHT_THIGH = "RT"
    LEFT_VASTUS_LATERALIS = "LVL"
    RIGHT_VASTUS_LATERALIS = "RVL"
    LEFT_GLUTEUS_MEDIUS = "LG"
    RIGHT_GLUTEUS_MEDIUS = "RG"


def _lot(text: str) -> str:
    letters = "".join(letter for letter in text.lower() if letter.isalnum())
    words = re.findall("[a-z0-9]+", text.lower())
    if not is_lot(text) or letters in NO_LOTS or NO_LOTS.issuperset(words) or len(set(letters)) < 2:
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

    model_config = ConfigDict(extra="forbid")

    cvx: SaidCvx
    lot: Lot = Field(examples=["EN6201"])
    administered_on: Day


class WithDose(Write):
    """A body that records a dose."""

    dose: DoseIn
    late_reason: LateReason | None = Field(
        default=None, description="Needed for a dose of more than 30 days ago, or of before its programme began."
    )

    route: DoseRoute | None = Field(default=None, description="HL7 table 0162.")
    body_site: BodySite | None = Field(default=None, description="HL7 table 0163.")

    def dose_record(self) -> DoseRecord:
        """The dose, how it was given, and why it is recorded so late."""
        return DoseRecord(self.dose, self.late_reason, self.route, self.body_site)
