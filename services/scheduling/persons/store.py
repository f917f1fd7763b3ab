"""All SQL of persons: a row for each member token ever heard of, which is locked to decide about that person."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from services.kit.postgres import Connection

LOAD_SURVIVORS = """
    select member_token, merged_into from person where member_token = any($1) and merged_into is not null
"""
# The update never happens, but its attempt locks the row: new and known persons are locked in one order.
LOCK_PERSONS = """
    insert into person (member_token) select member_token from unnest($1::uuid[]) as new (member_token)
    order by member_token
    on conflict (member_token) do update set merged_into = null where false
"""
LOAD_RETIRED = "select member_token, merged_into from person where merged_into = any($1)"
SAVE_MERGES = """
    update person set merged_into = new.merged_into
    from unnest($1::uuid[], $2::uuid[]) as new (member_token, merged_into)
    where person.member_token = new.member_token and person.merged_into is distinct from new.merged_into
"""


async def lock_persons(connection: Connection, member_tokens: Iterable[UUID]) -> dict[UUID, UUID]:
    """Lock these persons and those whom they were merged into; gives the survivor of each retired token."""
    wanted, locked = set(member_tokens), set[UUID]()
    survivors = await _survivors(connection, wanted)
    wanted |= set(survivors.values())
    while wanted - locked:
        await connection.execute(LOCK_PERSONS, sorted(wanted - locked))
        locked |= wanted
        survivors = await _survivors(connection, wanted)  # a merge may have been committed while we waited
        wanted |= set(survivors.values())
    return survivors


async def _survivors(connection: Connection, member_tokens: set[UUID]) -> dict[UUID, UUID]:
    rows = await connection.fetch(LOAD_SURVIVORS, list(member_tokens))
    return {row["member_token"]: row["merged_into"] for row in rows}


async def load_retired(connection: Connection, survivors: Iterable[UUID]) -> dict[UUID, UUID]:
    """The retired tokens of these persons, each with its survivor."""
    rows = await connection.fetch(LOAD_RETIRED, list(survivors))
    return {row["member_token"]: row["merged_into"] for row in rows}


async def save_merges(connection: Connection, survivor_of: Mapping[UUID, UUID]) -> None:
    """Keep the survivor of each retired token; all of them are locked."""
    await connection.execute(SAVE_MERGES, list(survivor_of), list(survivor_of.values()))
