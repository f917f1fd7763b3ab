"""One source's statements about doses: which are about the same dose, and what live ones say of it together."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from tests.chaos.checker.inputs.codes import groups_of, is_specific, match_key, normal
from tests.chaos.checker.inputs.records import DoseRow, Identifier, Who
from tests.chaos.checker.model.member import Person

SITE, REGISTRY = "appointment", "iis"
SHARED = frozenset({"SN", "SS"})
OF = "\x1fof\x1f"
"""Before the further person of whom a report is, too."""
Event = tuple[str, str]
"""Who gave a vaccination its number, and the number."""


@dataclass(slots=True, eq=False)
class Report:
    """One source's statement about one dose."""

    source: str
    who: Who
    person: Person | None = None
    cvx: str = ""
    mvx: str = ""
    lot: str = ""
    given_on: date | None = None
    is_historical: bool = False
    is_partial: bool = False
    is_retracted: bool = False
    stated_at: datetime | None = None
    event_key: str = ""
    row: DoseRow | None = None
    sender: str = ""
    event: Event | None = None
    is_corrected: bool = False


@dataclass(frozen=True, slots=True)
class Dose:
    """A dose that live reports stand for."""

    cvx: str
    mvx: str
    lot: str
    is_partial: bool
    sources: tuple[str, ...]
    groups: tuple[str, ...]


def is_earlier(said: Report, known: Report) -> bool:
    return bool(said.stated_at and known.stated_at and said.stated_at < known.stated_at)


def overlap(said: Report, known: Report) -> bool:
    return not set(groups_of(said.cvx)).isdisjoint(groups_of(known.cvx))


def is_alike(said: Report, known: Report) -> bool:
    return said.given_on == known.given_on and (not said.cvx or not known.cvx or overlap(said, known))


def is_content(said: Report, known: Report) -> bool:
    """Day and vaccine, or any: a code of other groups is another vaccine, a combination too."""
    is_one = set(groups_of(said.cvx)) == set(groups_of(known.cvx))
    return said.given_on == known.given_on and (not said.cvx or not known.cvx or is_one)


def agreement(said: Report, known: Report) -> tuple[bool, bool, bool, bool]:
    overlaps, same_day = overlap(said, known), said.given_on == known.given_on
    return same_day and overlaps, not known.is_retracted, overlaps, same_day


def is_same_patient(said: Report, known: Report) -> bool:
    if said.person is not None and known.person is not None:
        return said.person.last is known.person.last
    one, other = said.who, known.who
    keys = {match_key(who.family, who.given, who.birth_on, who.zip5) for who in (one, other)}
    if len(keys) == 1 and keys != {""}:
        return True
    if set(personal(one)).isdisjoint(personal(other)):
        return False
    names = {(normal(who.family), normal(who.given)) for who in (one, other)}
    return one.birth_on == other.birth_on or (len(names) == 1 and all(names.pop()))


def personal(who: Who) -> list[Identifier]:
    return [one for one in who.identifiers if one[0] not in SHARED]


def report_of(row: DoseRow, person: Person | None) -> Report:
    return Report(
        REGISTRY, row.who, person, row.cvx, row.mvx, row.lot, row.given_on, row.is_historical, row.is_partial,
        is_retracted=row.is_patient or row.action == "D" or not row.is_given, stated_at=row.stated_at,
        event_key=event_key_of(row), row=row, sender=row.sender, event=row.event,
    )  # fmt: skip


def event_key_of(row: DoseRow) -> str:
    """The sender's own name of the patient's vaccination, else who, what and when."""
    who, numbers = row.who, personal(row.who)
    born = who.birth_on.isoformat() if who.birth_on else ""
    names = normal(who.family), normal(who.given)
    whose = (*(numbers[0] if numbers else ("", "", "")), born, *names, "" if numbers else who.zip5)
    if row.is_patient:
        at = row.stated_at.isoformat() if row.stated_at else ""
        return "\x1f".join(("patient", row.sender, *whose, row.control, at))
    if row.event is not None:
        return "\x1f".join(("event", row.sender, *row.event, *whose))
    kind = "dose" if row.is_given else row.outcome
    return "\x1f".join((kind, row.sender, *whose, row.cvx, row.given_on.isoformat() if row.given_on else ""))


def overlapping(reports: Iterable[Report]) -> Iterator[list[Report]]:
    """The reports of one day, parted so that no two parts share a group."""
    left = list(reports)
    while left:
        part = [left.pop()]
        groups = set(groups_of(part[0].cvx))
        while near := [one for one in left if not groups.isdisjoint(groups_of(one.cvx))]:
            part += near
            groups = groups.union(*(groups_of(one.cvx) for one in near))
            left = [one for one in left if one not in near]
        yield part


def dose_of(reports: Iterable[Report]) -> Dose:
    """What the reports say together; the site is believed before the registry, its own record before a memory, and a
    combination before its part. Codes of a disease alone yield to those of a product."""
    live = sorted(
        reports,
        key=lambda one: (one.source != SITE, one.is_historical, -len(groups_of(one.cvx)), one.event_key),
    )
    naming = [one.cvx for one in live if is_specific(one.cvx)] or [one.cvx for one in live]
    groups = dict.fromkeys(group for cvx in naming for group in groups_of(cvx))
    return Dose(
        cvx=naming[0],
        mvx=next((one.mvx for one in live if one.mvx), ""),
        lot=next((one.lot for one in live if one.lot), ""),
        is_partial=all(one.is_partial for one in live),
        sources=tuple(sorted({one.source for one in live})),
        groups=tuple(groups),
    )
