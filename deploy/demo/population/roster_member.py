"""The segments of one member in a plan's roster, in the order of the implementation guide."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from deploy.demo.population.enrolments import Enrolment
from deploy.demo.population.x12 import clean

Action = Literal["audit", "add", "move", "terminate", "decease", "merge"]
# INS03 maintenance type and INS04 reason.
CODES: dict[Action, tuple[str, str]] = {
    "audit": ("030", "XN"),
    "add": ("021", "28"),
    "move": ("001", "43"),
    "terminate": ("024", "07"),
    "decease": ("024", "03"),
    "merge": ("001", "25"),
}
CDC_TO_X12 = {"2106-3": "C", "2054-5": "B", "2028-9": "A", "2076-8": "P", "1002-5": "I", "2131-1": "E"}
DESCRIPTIONS = {
    "medicare": ("MEDICARE ADVANTAGE",),
    "dual": ("MEDICARE ADVANTAGE D-SNP", "MEDI-CAL"),
    "medicaid": ("MEDI-CAL MANAGED CARE",),
    "commercial": ("COMMERCIAL HMO",),
}


@dataclass(frozen=True, slots=True)
class Row:
    enrolment: Enrolment
    action: Action
    defect: str = ""
    retired: Enrolment | None = None


def member_segments(row: Row, day: date) -> Iterator[str]:
    enrolment, person = row.enrolment, row.enrolment.person
    plan, home = enrolment.plan, person.home(day)
    ended = row.action in {"terminate", "decease"}
    yield _ins(row)
    if row.defect != "missing-id":
        yield f"REF*0F*{enrolment.member_id}"
        yield from _public_ids(enrolment)
    yield f"REF*1L*{enrolment.group}"
    if row.retired:
        yield f"REF*Q4*{row.retired.member_id}"
    if plan.sends_tract:
        yield f"REF*ZZ*{home.tract.fips}"
    yield f"DTP*356*D8*{enrolment.begin_on:%Y%m%d}"
    if ended and enrolment.ended_on:
        yield f"DTP*357*D8*{enrolment.ended_on:%Y%m%d}"
    if row.defect == "garbage-segment":
        yield "?%*##*@@*0x7F"
    yield (
        f"NM1*{'74' if row.retired else 'IL'}*1*{clean(enrolment.family)}*{clean(enrolment.given)}*{person.middle}"
    ).rstrip("*")
    if person.phone:
        yield f"PER*IP**HP*{person.phone}"
    yield f"N3*{clean(home.street)}" + (f"*{clean(home.unit)}" if home.unit else "")
    yield f"N4*{clean(home.place.city)}*CA*{home.place.zip5}" + (
        f"**CY*{home.place.county}" if plan.sends_tract else ""
    )
    if row.defect != "missing-birth-date":
        born = f"{person.birth_on:%Y}1332" if row.defect == "bad-date" else f"{person.birth_on:%Y%m%d}"
        yield f"DMG*D8*{born}*{person.sex}{_races(enrolment)}"
    if person.language != "eng":
        yield f"LUI*LD*{person.language.upper()}**7"
    if row.retired:
        yield f"NM1*70*1*{clean(row.retired.family)}*{clean(row.retired.given)}****ZZ*{row.retired.member_id}"
        yield f"DMG*D8*{person.birth_on:%Y%m%d}*{person.sex}"
    yield from _coverages(row)


def _public_ids(one: Enrolment) -> Iterator[str]:
    """Medicare and Medi-Cal numbers that can't be anybody's; the entry that turns out a double never had them."""
    if one.merged_into:
        return
    number = f"{one.person.number:06d}"
    if one.line in {"medicare", "dual"}:
        yield f"REF*F6*1S{number[:2]}S{number[2:4]}SS{number[4:]}"
    if one.line in {"medicaid", "dual"}:
        yield f"REF*1D*00{number}X"


def _ins(row: Row) -> str:
    enrolment = row.enrolment
    maintenance, reason = CODES[row.action]
    status = "TE" if row.action in {"terminate", "decease"} else "AC"
    medicare = "C" if enrolment.line in {"medicare", "dual"} else "E"
    died = f"***D8*{enrolment.ended_on:%Y%m%d}" if row.action == "decease" and enrolment.ended_on else ""
    return f"INS*Y*18*{maintenance}*{reason}*A*{medicare}**{status}{died}"


def _races(one: Enrolment) -> str:
    plan = one.plan
    if not one.race_given:
        return "" if plan.race_as_cdc else "**7"
    if plan.race_as_cdc:
        codes = (*one.person.races, one.person.ethnicity)
        return "**" + "^".join(f":RET:{code}" for code in codes)
    hispanic = one.person.ethnicity == "2135-2"
    return "**" + ("H" if hispanic else CDC_TO_X12[one.person.races[0]])


def _coverages(row: Row) -> Iterator[str]:
    enrolment = row.enrolment
    for description in DESCRIPTIONS[enrolment.line]:
        yield f"HD*{CODES[row.action][0]}**HLT*{description}"
        yield f"DTP*348*D8*{enrolment.begin_on:%Y%m%d}"
        if row.action in {"terminate", "decease"} and enrolment.ended_on:
            yield f"DTP*349*D8*{enrolment.ended_on:%Y%m%d}"
