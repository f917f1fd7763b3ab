"""A registry's batch of VXU messages as the population's generator writes it: standard delimiters, no escapes."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from tests.chaos.checker.inputs.codes import NO_VACCINE, day, digits, instant, lot, sorted_out, vaccines
from tests.chaos.checker.inputs.records import DoseRow, Registry, Who

Segment = list[str]
ENVELOPE = frozenset({"FHS", "BHS", "BTS", "FTS"})
NO_EVENT = "9999"
GIVEN = frozenset({"CP", "PA"})
OUTCOMES = {"RE": "refused"}


def read_messages(content: bytes) -> Registry:
    rows: list[DoseRow] = []
    for message in _messages(content):
        rows += _rows(message, len(rows))
    return Registry("hl7-vxu", tuple(rows))


def _messages(content: bytes) -> Iterator[list[Segment]]:
    message: list[Segment] = []
    for line in content.decode("utf-8").split("\r"):
        name = line[:3]
        if name in ENVELOPE or name == "MSH":
            if message:
                yield message
            message = [["MSH", *line.split("|")]] if name == "MSH" else []
        elif name and message:
            message.append(line.split("|"))
    if message:
        yield message


def at(segment: Segment, number: int, part: int = 1) -> str:
    """A component of a field, both counted from 1."""
    parts = segment[number].split("^") if len(segment) > number else []
    return parts[part - 1].strip() if len(parts) >= part else ""


def _rows(message: list[Segment], before: int) -> list[DoseRow]:
    patient = [one for one in message if one[0] == "PID"]
    if len(patient) != 1:
        return [DoseRow(before + 1, rejected="patient")]
    pid, born = patient[0], at(patient[0], 7)
    who = _who(pid)
    if born and who.birth_on is None:
        return [DoseRow(before + 1, rejected="date")]
    groups = list(_groups(message))
    more = _first(message, "PD1")
    protected = {"Y": True, "N": False}.get(at(more, 12))
    stated_at = instant(at(message[0], 7))
    base = DoseRow(
        before + 1, who, is_protected=protected, stated_at=stated_at, is_patient=True,
        sender=at(message[0], 4), control=at(message[0], 10),
        protected_on=day(at(more, 13)), publicity=at(more, 11),
    )  # fmt: skip
    if not groups:
        return [base]
    rows = [_dose(base, before + number, orc, rxa) for number, (orc, rxa) in enumerate(groups, 1)]
    is_heard = protected and all(row.rejected for row in rows)
    heard = replace(base, row=before + len(rows) + 1, publicity="")
    return [*rows, heard] if is_heard else rows


def _first(message: list[Segment], name: str) -> Segment:
    return next((one for one in message if one[0] == name), [])


def _groups(message: list[Segment]) -> Iterator[tuple[Segment, Segment]]:
    """ORC and RXA of each vaccination."""
    orc: Segment = []
    for segment in message:
        if segment[0] == "ORC":
            orc = segment
        elif segment[0] == "RXA":
            yield orc, segment


def _who(pid: Segment) -> Who:
    numbers = [one.split("^") + [""] * 5 for one in pid[3].split("~") if one]
    races, _ = sorted_out([one.split("^")[0] for one in pid[10].split("~")])
    _, ethnicity = sorted_out([at(pid, 22)])
    county, tract = digits(at(pid, 11, 9), 5), at(pid, 11, 10)
    return Who(
        identifiers=tuple((one[4], one[3], one[0]) for one in numbers if one[0]),
        family=at(pid, 5, 1), given=at(pid, 5, 2), birth_on=day(at(pid, 7)), sex=at(pid, 8) or "U", races=races,
        ethnicity=ethnicity, zip5=digits(at(pid, 11, 5)[:5], 5),
        tract=county + tract if county and digits(tract, 6) else digits(tract, 11),
    )  # fmt: skip


def _dose(base: DoseRow, row: int, orc: Segment, rxa: Segment) -> DoseRow:
    action, cvx, given_on = at(rxa, 21) or "A", at(rxa, 5), day(at(rxa, 3))
    completion, event = at(rxa, 20) or "CP", at(orc, 3)
    return DoseRow(
        row=row, who=base.who, rejected=_rejected(cvx, action, given_on, base.who.birth_on),
        is_given=completion in GIVEN and cvx != NO_VACCINE, is_partial=completion == "PA",
        is_historical=at(rxa, 9) not in {"", "00"},
        event=None if event in {"", NO_EVENT} else (at(orc, 3, 2), event),
        outcome=OUTCOMES.get(completion, "not-administered"), action=action, cvx=cvx, mvx=at(rxa, 17),
        lot=lot(at(rxa, 15)), given_on=given_on, is_protected=base.is_protected, stated_at=base.stated_at,
        sender=base.sender, protected_on=base.protected_on, publicity=base.publicity,
    )  # fmt: skip


def _rejected(cvx: str, action: str, given_on: date | None, birth_on: date | None) -> str | None:
    if cvx not in vaccines() if cvx else action != "D":
        return "cvx"
    if given_on is None:
        return "date"
    return "order" if birth_on and given_on < birth_on else None
