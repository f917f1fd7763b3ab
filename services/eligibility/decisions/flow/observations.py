"""What a plan tells of its members' conditions, needs and services. Load, save, decide anew."""

from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

from services.eligibility.decisions.flow.redecide import redecide
from services.eligibility.people.store import members as people_store
from services.eligibility.programmes import store as programme_store
from services.eligibility.programmes.needs import MemberObservation
from services.kit.postgres import Connection
from services.kit.unit_of_work import UnitOfWork


async def lock_members(connection: Connection, plan: str, member_ids: Collection[str]) -> dict[str, list[UUID]]:
    """Whom a plan's member numbers mean, locked before anything is written about them: a merge that is under way ends
    first, and then counts."""
    members: dict[str, list[UUID]] = {}
    while True:
        known, members = members, await people_store.find_members(connection, plan, member_ids)
        if known == members:
            return members
        await people_store.lock_persons(connection, {token for tokens in members.values() for token in tokens})


async def on_observations(
    work: UnitOfWork, plan: str, said: Sequence[tuple[UUID, MemberObservation]], today: date
) -> set[UUID]:
    """What a plan says of members, who are locked. Gives of whom that was new."""
    changed = await programme_store.save_observations(work.connection, plan, said)
    await redecide(work, changed, today)
    return changed
