"""What a merge of persons does to the merges before it. Pure."""

from collections.abc import Iterable, Mapping
from uuid import UUID


def with_merges(known: Mapping[UUID, UUID], pairs: Iterable[tuple[UUID, UUID]]) -> dict[UUID, UUID]:
    """The survivor of every retired token, after more merges (retired, surviving); no chain is longer than one step.
    A merge of a person with itself (a circle) says nothing."""
    survivor = dict(known)
    for retired, surviving in pairs:
        old, new = survivor.get(retired, retired), survivor.get(surviving, surviving)
        if old == new:
            continue
        survivor[old] = new
        for token, last in survivor.items():
            if last == old:
                survivor[token] = new
    return survivor
