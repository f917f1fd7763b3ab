"""All SQL of persons: a row for each member token ever heard of, which is locked to decide about that person."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from services.kit.postgres import Connection
from services.replicas.persons.rules import Assigned

# New tokens first and all in one order: two who meet never hold what the other waits for.
ADD_PERSONS = """
insert into person (member_token, person_token)
select member_token, member_token from unnest($1::uuid[]) as new (member_token) order by member_token
on conflict do nothing
"""
LOCK_PERSONS = """
select member_token from person
where person_token = any(array(select person_token from person where member_token = any($1)))
order by member_token for update
"""
LOAD_PERSONS = """
select member_token, person_token from person
where person_token in (select person_token from person where member_token = any($1))
"""
# A row that the release before wrote names its person alone.
LOAD_ASSIGNED = """
select member_token, coalesce(assigned_to, person_token) as assigned_to, version from person
where member_token = any($1::uuid[])
"""
SAVE_ASSIGNED = """
update person set person_token = new.person_token, assigned_to = new.assigned_to, version = new.version
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::integer[]) as new (member_token, person_token, assigned_to, version)
where person.member_token = new.member_token
"""


async def lock_persons(connection: Connection, member_tokens: Iterable[UUID]) -> dict[UUID, UUID]:
    """Lock these tokens and every other one of the same persons; gives token → person of all of them. What is read
    afterwards holds until the commit. Tokens that nobody has heard of are locked too."""
    wanted, locked = sorted(set(member_tokens)), set[UUID]()
    await connection.execute(ADD_PERSONS, wanted)
    while True:
        locked |= {row["member_token"] for row in await connection.fetch(LOCK_PERSONS, wanted)}
        persons = await load_persons(connection, wanted)
        if persons.keys() <= locked:
            return persons
        # A merge was committed while this waited, and brought tokens that are not locked yet.


async def load_persons(connection: Connection, member_tokens: Iterable[UUID]) -> dict[UUID, UUID]:
    """Token → person of every token of the persons whose tokens these are, unlocked."""
    rows = await connection.fetch(LOAD_PERSONS, list(member_tokens))
    return {row["member_token"]: row["person_token"] for row in rows}


async def load_assigned(connection: Connection, member_tokens: Iterable[UUID]) -> dict[UUID, Assigned]:
    """For whom each of these tokens stands, as it was told; they are locked."""
    rows = await connection.fetch(LOAD_ASSIGNED, list(member_tokens))
    return {row["member_token"]: Assigned(row["assigned_to"], row["version"]) for row in rows}


async def save_assigned(connection: Connection, assigned: Mapping[UUID, tuple[UUID, Assigned]]) -> None:
    """Keep of each of these tokens the person, and what was told; all of them are locked."""
    if assigned:
        persons = [person for person, _ in assigned.values()]
        told = [assignment for _, assignment in assigned.values()]
        columns = (
            list(assigned),
            persons,
            [assignment.to for assignment in told],
            [assignment.version for assignment in told],
        )
        await connection.execute(SAVE_ASSIGNED, *columns)
