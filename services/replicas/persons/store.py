"""All SQL of persons: a row for each member token ever heard of, which is locked to decide about that person."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from services.kit.postgres import Connection

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
SAVE_PERSONS = """
update person set person_token = new.person_token
from unnest($1::uuid[], $2::uuid[]) as new (member_token, person_token)
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


async def save_persons(connection: Connection, persons: Mapping[UUID, UUID]) -> None:
    """Keep which person each of these tokens stands for; all of them are locked."""
    if persons:
        await connection.execute(SAVE_PERSONS, list(persons), list(persons.values()))
