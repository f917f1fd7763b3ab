"""Persons, their enrolments in plans, and the times that these cover. Pure."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from services.eligibility.feeds.records import MEDICAL

SUBSCRIBER, DEPENDANT = "subscriber", "dependant"


class Span(NamedTuple):
    """A time of coverage by one product. `last_on` is the last day it counts: the end, plus a grace where months are
    renewed. `product` is empty where nobody has said it since products are kept: then it is medical."""

    line: str
    begin_on: date | None = None
    end_on: date | None = None
    last_on: date | None = None
    kind: str = MEDICAL
    product: str = ""

    @property
    def is_medical(self) -> bool:
        """Whether this is cover by which vaccination can be offered, and not dental, vision or a drug plan."""
        return self.kind == MEDICAL

    def covers(self, day: date) -> bool:
        return (self.begin_on is None or self.begin_on <= day) and (self.last_on is None or day <= self.last_on)


class Person(NamedTuple):
    """An identity. Whoever asks for a merged token is sent on to the survivor. `version` counts how often it was
    decided anew for whom the token stands."""

    member_token: UUID
    merged_into: UUID | None = None
    version: int = 0


class Enrolment(NamedTuple):
    """A person in a plan, as the plan says. The fields are the columns of its table, in their order. `said_at`,
    `said_by` and `said_no` are instant, sender and control number of the newest statement; `family_number` is the
    subscriber's, of whoever is known under it; `seen_at` the newest instant in the file `seen_file_no`."""

    enrolment_id: UUID
    member_token: UUID
    tenant_id: str
    member_id: str
    group_number: str = ""
    family: str = ""
    given: str = ""
    middle: str = ""
    suffix: str = ""
    birth_on: date | None = None
    sex: str = "U"
    races: tuple[str, ...] = ()
    ethnicity: str | None = None
    language: str = ""
    street: str = ""
    unit: str = ""
    city: str = ""
    state: str = ""
    zip5: str = ""
    tract: str = ""
    county: str = ""
    phones: tuple[str, ...] = ()
    email: str = ""
    is_restricted: bool = False
    spans: tuple[Span, ...] = ()
    is_retired: bool = False
    seen_file_no: int = 0
    role: str = ""
    phone_version: int = 0
    address_version: int = 0
    email_version: int = 0
    said_at: datetime | None = None
    said_by: str = ""
    said_no: int = 0
    family_number: str = ""
    first_file_no: int = 0
    seen_at: datetime | None = None
    spoken: tuple[str, ...] = ()

    @property
    def household_number(self) -> str:
        """The number of the subscriber under whom the plan lists the member; his own, if he is one."""
        return self.family_number or (self.member_id if self.role == SUBSCRIBER else "")


def line_of_business(spans: Sequence[Span], day: date) -> str:
    """The payer segment of the medical coverages in force, or of the last one where none is."""
    medical = [span for span in spans if span.is_medical]
    lines = {_line(span.line) for span in medical if span.covers(day)} or {_line(span.line) for span in medical[-1:]}
    if "dual" in lines or lines >= {"medicaid", "medicare"}:
        return "dual"
    return next((line for line in ("medicare", "medicaid", "commercial") if line in lines), "unknown")


def _line(text: str) -> str:
    if text.startswith("medicare"):
        return "medicare"
    return "commercial" if text == "exchange" else text
