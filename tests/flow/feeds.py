"""Feed files of a few people: a plan's 834 and a registry's VXU batch, of which a test names only what it is about."""

import io
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import count
from typing import Any

from deploy.demo.population.hl7 import batch_headers, batch_trailers, message_header
from deploy.demo.population.x12 import Interchange

VULNERABLE = ("90001", "06037239202")  # ZIP and tract; the tract's percentile is 0.9130
WELL_OFF = ("90210", "06037143902")  # 0.0677
REGISTRY, APPLICATION = "CAIR", "CAIR2"
CODES = {"audit": "030*XN", "add": "021*28", "terminate": "024*07", "decease": "024*03", "merge": "001*25"}
_numbers = count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member as the plan knows him. Everybody is called differently, so that nobody is taken for another."""

    member_id: str
    family: str
    given: str = "Petra"
    birth_on: date = date(1950, 7, 4)
    sex: str = "F"
    plan: str = "LAKESHORE"
    place: tuple[str, str] = VULNERABLE
    street: str = "12 Syrup Lane"
    phone: str = ""
    email: str = ""
    medicaid_id: str = ""
    begin_on: date = date(2020, 1, 1)
    registry_id: str = ""


def a_member(**facts: Any) -> Member:
    """Somebody of 70 in the most vulnerable quarter, whom nothing is known against."""
    number = next(_numbers)
    letters = "".join(chr(ord("a") + int(digit)) for digit in f"{number:04d}")
    usual: dict[str, Any] = {"member_id": f"LS{number:06d}", "family": f"Pancake{letters}"}
    return Member(**{**usual, "registry_id": f"{70_000_000 + number}", **facts})


@dataclass(frozen=True, slots=True)
class Row:
    """What a roster says of a member. `retired` is the double whom a merge names; `extra` stands before the name."""

    member: Member
    action: str = "audit"
    ended_on: date | None = None
    retired: Member | None = None
    extra: tuple[str, ...] = ()


def a_roster(day: date, *rows: Row | Member, is_full: bool = False) -> bytes:
    """One plan's 834 of that day. A new interchange each time: the same bytes again are the caller's to keep."""
    said = [Row(one) if isinstance(one, Member) else one for one in rows]
    plan = said[0].member.plan
    file = io.StringIO(newline="")
    interchange = Interchange(file, plan, day, next(_numbers), "\n")
    interchange.open(f"{plan} HEALTH PLAN", "123456789", len(said), is_full=is_full)
    for row in said:
        interchange.put(*_segments(row))
    interchange.close()
    return file.getvalue().encode("ascii")


def _segments(row: Row) -> list[str]:
    one, (zip5, tract) = row.member, row.member.place
    status = "TE" if row.ended_on else "AC"
    died = f"***D8*{row.ended_on:%Y%m%d}" if row.action == "decease" else ""
    names = [f"NM1*{'74' if row.retired else 'IL'}*1*{one.family.upper()}*{one.given.upper()}"]
    if one.phone or one.email:
        names.append("PER*IP*" + "".join(f"*{kind}*{it}" for kind, it in (("HP", one.phone), ("EM", one.email)) if it))
    return [
        f"INS*Y*18*{CODES[row.action]}*A*C**{status}{died}",
        f"REF*0F*{one.member_id}",
        *([f"REF*1D*{one.medicaid_id}"] if one.medicaid_id else []),
        *([f"REF*Q4*{row.retired.member_id}"] if row.retired else []),
        *([f"REF*ZZ*{tract}"] if one.plan == "LAKESHORE" else []),
        f"DTP*356*D8*{one.begin_on:%Y%m%d}",
        *([f"DTP*357*D8*{row.ended_on:%Y%m%d}"] if row.ended_on else []),
        *row.extra,
        *names,
        f"N3*{one.street.upper()}",
        f"N4*LOS ANGELES*CA*{zip5}",
        f"DMG*D8*{one.birth_on:%Y%m%d}*{one.sex}",
        *(_double(row.retired) if row.retired else []),
        *(_reached_by(one) if one.phone else []),
        f"HD*{CODES[row.action][:3]}**HLT*MEDICARE ADVANTAGE",
        f"DTP*348*D8*{one.begin_on:%Y%m%d}",
        *([f"DTP*349*D8*{row.ended_on:%Y%m%d}"] if row.ended_on else []),
    ]


def _reached_by(one: Member) -> list[str]:
    """Where his letters go, where things are left for him, and who answers for him."""
    named = f"{one.family.upper()}*{one.given.upper()}"
    return [
        "NM1*31*1", f"N3*PO BOX {one.phone}", "N4*LOS ANGELES*CA*90001",
        f"NM1*GD*1*{named}", f"PER*RP**HP*{one.phone}",
        "NM1*45*1", f"N3*{one.street.upper()}", "N4*LOS ANGELES*CA*90001",
    ]  # fmt: skip


def _double(retired: Member) -> list[str]:
    name = f"NM1*70*1*{retired.family.upper()}*{retired.given.upper()}****ZZ*{retired.member_id}"
    return [name, f"DMG*D8*{retired.birth_on:%Y%m%d}*{retired.sex}"]


@dataclass(frozen=True, slots=True)
class Shot:
    """A dose as the registry reports it. `rxa_3` and `cvx` may be wrong on purpose."""

    member: Member
    given_on: date
    event: str = field(default_factory=lambda: f"E{next(_numbers):07d}")
    cvx: str = "208"
    lot: str = "EN6200"
    action: str = "A"
    rxa_3: str = ""

    def taken_back(self) -> "Shot":
        return replace(self, action="D")


def a_registry_file(day: date, *shots: Shot) -> bytes:
    """A batch of VXU messages, one for each dose, sent on that day."""
    part = next(_numbers)
    messages = "".join(_message(shot, day, f"{part}-{number}") for number, shot in enumerate(shots))
    return (batch_headers(APPLICATION, REGISTRY, day, part) + messages + batch_trailers(len(shots))).encode()


def _message(shot: Shot, day: date, control: str) -> str:
    one, zip5 = shot.member, shot.member.place[0]
    given = shot.rxa_3 or f"{shot.given_on:%Y%m%d}"
    phone = f"^PRN^PH^^^{one.phone[:3]}^{one.phone[3:]}" if one.phone else ""
    segments = (
        message_header(APPLICATION, REGISTRY, day, f"{REGISTRY}{day:%y%m%d}-{control}"),
        f"PID|1||{one.registry_id}^^^{REGISTRY}^SR||{one.family}^{one.given}^^^^^L||{one.birth_on:%Y%m%d}|{one.sex}||"
        f"|{one.street}^^Los Angeles^CA^{zip5}^USA^H||{phone}",
        *([f"NK1|1|{one.family}^{one.given}^^^^^L|GRD^Guardian^HL70063||{phone}"] if phone else []),
        f"PD1|||||||||||02^Reminder/recall - any method^HL70215|N|{day:%Y%m%d}|||A|{day:%Y%m%d}|{day:%Y%m%d}",
        f"ORC|RE||{shot.event}^{REGISTRY}",
        f"RXA|0|1|{given}|{given}|{shot.cvx}^COVID-19^CVX|0.3|mL^mL^UCUM||00^New Record^NIP001||^^^CLINIC-9||||"
        f"{shot.lot}|{day.replace(day=1):%Y%m%d}|PFR^Pfizer^MVX|||CP|{shot.action}",
    )
    return "".join(f"{segment}\r" for segment in segments)
