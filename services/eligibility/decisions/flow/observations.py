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


async def lock_members(
    connection: Connection, plan: str, member_ids: Collection[str], member_tokens: Collection[UUID] = ()
) -> dict[str | UUID, list[UUID]]:
    """Whom a plan's member numbers and tokens mean, locked before anything is written about them: a merge that is under
    way ends first, and then counts."""
    members: dict[str | UUID, list[UUID]] = {}
    while True:
        known, members = members, await _find(connection, plan, member_ids, member_tokens)
        if known == members:
            return members
        await people_store.lock_persons(
            connection, {member_token for tokens in members.values() for member_token in tokens}
        )


async def _find(
    connection: Connection, plan: str, member_ids: Collection[str], member_tokens: Collection[UUID]
) -> dict[str | UUID, list[UUID]]:
    found: dict[str | UUID, list[UUID]] = {}
    found.update(await people_store.find_members(connection, plan, member_ids))
    if member_tokens:
        survivors = await people_store.load_survivors(connection, member_tokens)
        of_plan = await people_store.load_of_plan(connection, set(survivors.values()), plan)
        found |= {member_token: [survivor] for member_token, survivor in survivors.items() if survivor in of_plan}
    return found


async def on_observations(
    work: UnitOfWork, plan: str, said: Sequence[tuple[UUID, MemberObservation]], today: date
) -> set[UUID]:
    """What a plan says of members, who are locked. Gives of whom that was new."""
    changed = await programme_store.save_observations(work.connection, plan, said)
    await redecide(work, changed, today)
    return changed
