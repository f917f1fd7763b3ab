"""Rosters and registry messages as plans and registries write them, made from a few words."""

from dataclasses import dataclass, field
from datetime import date
from itertools import count

from tests.x12 import interchange, split

POOR_TRACT, POOR_ZIP = "06037228410", "90011"
RICH_TRACT, RICH_ZIP = "06085511400", "94301"


@dataclass(frozen=True, slots=True)
class Row:
    """One INS loop. `action` is INS03; `was` is the wrong record that this one corrects: (member id, family, given)."""

    member_id: str
    family: str = "Sesame"
    given: str = "Oma"
    born: str = "19400501"
    sex: str = "F"
    action: str = "021"
    reason: str = "28"
    zip5: str = POOR_ZIP
    tract: str = POOR_TRACT
    race: str = "B"
    begin: str = "20200101"
    end: str = ""
    died: str = ""
    was: tuple[str, str, str] | None = None
    reference: str = "0F"
    languages: tuple[str, ...] = ()

    def segments(self) -> list[str]:
        died = f"***D8*{self.died}" if self.died else ""
        found = [f"INS*Y*18*{self.action}*{self.reason}*A*C**{'TE' if self.action == '024' else 'FT'}{died}"]
        found += [f"REF*{self.reference}*{self.member_id}"] if self.member_id else []
        found += [f"REF*Q4*{self.was[0]}"] if self.was else []
        found += [f"REF*ZZ*{self.tract}"] if self.tract else []
        found += [f"NM1*{'74' if self.was else 'IL'}*1*{self.family.upper()}*{self.given.upper()}"]
        found += ["N3*123 SESAME ST", f"N4*LOS ANGELES*CA*{self.zip5}"]
        found += [f"LUI*{language}" for language in self.languages]
        found += [f"DMG*D8*{self.born}*{self.sex}**{self.race}"]
        found += [f"NM1*70*1*{self.was[1].upper()}*{self.was[2].upper()}"] if self.was else []
        found += [f"HD*{self.action}**HLT*MEDICARE ADVANTAGE", f"DTP*348*D8*{self.begin}"]
        found += [f"DTP*349*D8*{self.end}"] if self.end else []
        return found


_CONTROL_NUMBERS = count(1)


def roster(
    *rows: Row | str,
    plan: str = "LAKESHORE",
    full: bool = False,
    day: date = date(2021, 3, 1),
    hour: str = "0600",
    control: int = 0,
    begin: str = "00",
    original: str = "",
    zone: str = "",
) -> str:
    """A file of one transaction; a row given as text is put in as it is. Each file has a control number of its own.
    `begin`, `original` and `zone` are BGN01, BGN06 and BGN05."""
    number = control or next(_CONTROL_NUMBERS)
    body = [segment for row in rows for segment in (row.split("~") if isinstance(row, str) else row.segments())]
    head = [
        f"BGN*{begin}*REF-{day:%Y%m%d}-{number}*{day:%Y%m%d}*{hour}*{zone}*{original}**{4 if full else 2}",
        f"N1*P5*{plan}*FI*990000001",
        f"N1*IN*{plan}*FI*990000001",
    ]
    return interchange(split(head + body), sender=plan, day=f"{day:%Y%m%d}", hour=hour, control=number)


@dataclass(frozen=True, slots=True)
class Shot:
    """One message with one vaccination event."""

    event: str
    family: str = "Sesame"
    given: str = "Oma"
    born: str = "19400501"
    sex: str = "F"
    zip5: str = POOR_ZIP
    ids: tuple[str, ...] = ("C-1^^^CAIR^SR",)
    on: str = "20210215"
    cvx: str = "208"
    lot: str = "EL9262"
    source: str = "00"
    completion: str = "CP"
    action: str = "A"
    sent: str = "20210301060000"
    protected: str = ""
    race: str = ""
    tract: str = ""
    more: list[str] = field(default_factory=list)

    def segments(self) -> list[str]:
        name = f"{self.family}^{self.given}^^^^^L" if self.family else ""
        home = f"123 Sesame St^^Los Angeles^CA^{self.zip5}^USA^H^^^{self.tract}" if self.zip5 else ""
        refusal = "03^Patient decision^NIP002" if self.completion == "RE" else ""
        orc = [f"ORC|RE||{self.event}^CAIR"] if self.event else []
        return [
            f"MSH|^~\\&|REG|CAIR|VCC|VCC|{self.sent}+0000||VXU^V04^VXU_V04|M-{self.event}-{self.sent}|P|2.5.1",
            f"PID|1||{'~'.join(self.ids)}||{name}||{self.born}|{self.sex}||{self.race}|{home}",
            *([f"PD1||||||||||||{self.protected}"] if self.protected else []),
            *orc,
            f"RXA|0|1|{self.on}||{self.cvx}^x^CVX|0.3|||{self.source}||||||{self.lot}||PFR^Pfizer^MVX|{refusal}||"
            f"{self.completion}|{self.action}",
        ]


def vxu(*shots: Shot) -> str:
    return "\r".join(segment for shot in shots for segment in shot.segments()) + "\r"
