"""A merge or a split is heard: load, decide, save."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from services.kit.postgres import Connection
from services.replicas.persons import store
from services.replicas.persons.rules import Merge, persons_of, with_merges


async def merge(connection: Connection, persons: Mapping[UUID, UUID], merges: Iterable[Merge]) -> dict[UUID, UUID]:
    """Let the retired tokens stand for the persons that survive, or for themselves again; `persons` is what locking
    their tokens gave. Gives token → person as it is afterwards."""
    merges = list(merges)
    if not merges:
        return dict(persons)
    known = await store.load_assigned(connection, persons)
    assigned = with_merges(known, merges)
    merged = persons_of(assigned)
    await store.save_assigned(
        connection,
        {
            member_token: (merged[member_token], one)
            for member_token, one in assigned.items()
            if known.get(member_token) != one or persons.get(member_token) != merged[member_token]
        },
    )
    return merged
