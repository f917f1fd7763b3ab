"""A merge is heard: load, decide, save."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from services.kit.postgres import Connection
from services.replicas.persons import store
from services.replicas.persons.rules import Merge, with_merges


async def merge(connection: Connection, persons: Mapping[UUID, UUID], merges: Iterable[Merge]) -> dict[UUID, UUID]:
    """Let the retired tokens stand for the persons that survive; `persons` is what locking their tokens gave. Gives
    token → person as it is afterwards."""
    merged = with_merges(persons, merges)
    await store.save_persons(
        connection,
        {member_token: person for member_token, person in merged.items() if persons.get(member_token) != person},
    )
    return merged
