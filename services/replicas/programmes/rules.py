"""Which version of a programme is in effect. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Programme:
    """The version in effect. `began_on` is the first day of the first version: an older dose was not given for it. The
    last three are empty in rows of before they were kept, in services that don't ask for them."""

    programme_id: str
    version: int
    vaccine_group: str
    began_on: date
    title: str = ""
    time_zone: str = "UTC"
    doses_needed: int = 1


class Version(NamedTuple):
    """A version that was published, and the day on which it takes effect."""

    programme_id: str
    version: int
    effective_on: date


class InEffect(NamedTuple):
    """The version of a programme in effect, and since when the programme runs, in any of its versions."""

    programme_id: str
    version: int
    began_on: date


def in_effect(versions: Iterable[Version], today: date | None) -> list[InEffect]:
    """Of each programme the version for the open day: of those that have begun the last, before that the first. Before
    any day was opened, all have begun."""
    by_programme = groupby(sorted(versions), key=attrgetter("programme_id"))
    return [_chosen(programme_id, list(known), today) for programme_id, known in by_programme]


def _chosen(programme_id: str, known: Collection[Version], today: date | None) -> InEffect:
    by_day = attrgetter("effective_on", "version")
    first = min(known, key=by_day)
    begun = [version for version in known if today is None or version.effective_on <= today]
    return InEffect(programme_id, max(begun, key=by_day, default=first).version, first.effective_on)
