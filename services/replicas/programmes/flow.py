"""A version of a programme is published, or a day opens on which one takes effect: load, decide, save. Whoever calls
has locked out those who decide by it."""

from collections.abc import Sequence

from schemas.eligibility_v1 import BusinessDayOpenedV1, ProgrammePublishedV1
from services.kit.postgres import Connection
from services.replicas.days import store as days
from services.replicas.programmes import store
from services.replicas.programmes.rules import in_effect


async def publish(connection: Connection, published: Sequence[ProgrammePublishedV1]) -> set[str]:
    """Keep these versions; gives the programmes of which another version is in effect now."""
    await store.save_versions(connection, published)
    return await _put_in_effect(connection)


async def open_day(connection: Connection, opened: Sequence[BusinessDayOpenedV1]) -> set[str] | None:
    """Keep the last of these days; gives the programmes of which another version is in effect now. None if no day is
    later than the one known."""
    if not await days.save_day(connection, max(event.business_on for event in opened)):
        return None
    return await _put_in_effect(connection)


async def _put_in_effect(connection: Connection) -> set[str]:
    chosen = in_effect(await store.load_versions(connection), await days.load_day(connection))
    return await store.save_in_effect(connection, chosen)
