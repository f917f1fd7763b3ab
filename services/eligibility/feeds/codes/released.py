"""Vaccine codes and their groups as the release of CDC's logic at hand maps them, where the code table beside this file
says nothing of them: CDC adds codes to the release first. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from services.eligibility.forecast.schedule import SupportingData, VaccineGroup

Groups = Mapping[str, tuple[str, ...]]


def groups_of(cvx: str, release: SupportingData, table: Groups) -> tuple[str, ...]:
    """The groups of a code by its antigens, each named as the table names those of its other vaccines."""
    antigens = {association.antigen for association in release.associations.get(cvx, ())}
    return tuple(
        _named_like(antigens & group.antigen_names, group, release, table)
        for group in release.groups
        if antigens & group.antigen_names
    )


def _named_like(antigens: set[str], group: VaccineGroup, release: SupportingData, table: Groups) -> str:
    """What the table calls vaccines against just these antigens, else against some of the group's."""
    others = list(_single(group, release, table))
    exact = [name for name, against in others if against == antigens]
    wider = [name for name, against in others if against >= antigens]
    return _usual(exact) or _usual(wider) or group.name


def _single(group: VaccineGroup, release: SupportingData, table: Groups) -> Iterator[tuple[str, set[str]]]:
    """The table's name of every vaccine that is of this group alone, and its antigens."""
    for cvx, associations in release.associations.items():
        against = {association.antigen for association in associations}
        if table.get(cvx) and against and against <= group.antigen_names:
            yield table[cvx][0], against


def _usual(names: Iterable[str]) -> str:
    counted = Counter(names).most_common(1)
    return counted[0][0] if counted else ""
