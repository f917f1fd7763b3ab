"""The identifiers and match keys by which persons are found, and whose a registry's numbers are. All SQL of them, batch
first."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from uuid import UUID

from services.eligibility.people.linkage import IdKey
from services.kit.parts import Part
from services.kit.postgres import Connection, text_array

FEW = 20
"""As many persons at most bear a number that says who may be one human being."""

LOAD_TOKENS_BY_IDENTIFIER = """
select type, assigner, value, member_token
from unnest($1::text::text[], $2::text::text[], $3::text::text[]) as wanted (type, assigner, value)
join person_identifier using (type, assigner, value)
"""
LOAD_TOKENS_BY_KEY = """
select match_key, member_token from unnest($1::text::text[]) as wanted (match_key) join person_key using (match_key)
"""
SAVE_IDENTIFIERS = """
insert into person_identifier (type, assigner, value, member_token)
select * from unnest($1::text::text[], $2::text::text[], $3::text::text[], $4::uuid[])
on conflict do nothing
"""
SAVE_KEYS = """
insert into person_key (match_key, member_token)
select * from unnest($1::text::text[], $2::uuid[])
on conflict do nothing
"""
# A number that everybody bears, such as a placeholder, says of nobody that he is listed alike.
LOAD_ALIKE = """
select other.member_token from person_key as mine join person_key as other using (match_key)
where mine.member_token = any($1::uuid[]) and other.member_token <> mine.member_token
union
select unnest(found.tokens)
from (
    select distinct type, assigner, value from person_identifier
    where member_token = any($1::uuid[]) and type not in ('MB', 'SN', 'SS')
) as mine
cross join lateral (
    select array_agg(bearer.member_token) as tokens from (
        select member_token from person_identifier as other
        where (other.type, other.assigner, other.value) = (mine.type, mine.assigner, mine.value) limit $2::integer + 1
    ) as bearer
) as found
where cardinality(found.tokens) between 2 and $2::integer
"""
SAVE_PATIENTS = """
insert into registry_patient (type, assigner, value, birth_on, sex)
select * from unnest($1::text[], $2::text[], $3::text[], $4::date[], $5::text[])
on conflict (type, assigner, value) do update set birth_on = excluded.birth_on, sex = excluded.sex
"""
LOAD_PATIENTS = """
select type, assigner, value, birth_on, sex
from unnest($1::text[], $2::text[], $3::text[]) as wanted (type, assigner, value)
join registry_patient using (type, assigner, value)
"""
MOVE_IDENTIFIERS = """
with gone as (delete from person_identifier where member_token = $2 returning type, assigner, value)
insert into person_identifier (type, assigner, value, member_token) select type, assigner, value, $1 from gone
on conflict do nothing
"""
MOVE_KEYS = """
with gone as (delete from person_key where member_token = $2 returning match_key)
insert into person_key (match_key, member_token) select match_key, $1 from gone on conflict do nothing
"""

PARTS = (Part("person_identifier", ("type", "assigner", "value")), Part("person_key", ("match_key",)))
"""What persons are found by."""


async def load_tokens(
    connection: Connection, identifiers: Collection[IdKey], keys: Collection[str]
) -> tuple[dict[IdKey, set[UUID]], dict[str, set[UUID]]]:
    """Whom these identifiers and match keys may mean. Nobody's merged-away token is among them."""
    by_identifier: defaultdict[IdKey, set[UUID]] = defaultdict(set)
    by_key: defaultdict[str, set[UUID]] = defaultdict(set)
    if identifiers:
        columns = map(text_array, zip(*identifiers, strict=True))
        for row in await connection.fetch(LOAD_TOKENS_BY_IDENTIFIER, *columns):
            by_identifier[row["type"], row["assigner"], row["value"]].add(row["member_token"])
    if keys:
        for row in await connection.fetch(LOAD_TOKENS_BY_KEY, text_array(list(keys))):
            by_key[row["match_key"]].add(row["member_token"])
    return by_identifier, by_key


async def load_alike(connection: Connection, tokens: Collection[UUID]) -> set[UUID]:
    """Who shares a match key, or a number that few bear, with one of these persons."""
    rows = await connection.fetch(LOAD_ALIKE, list(tokens), FEW) if tokens else ()
    return {row["member_token"] for row in rows}


async def save_keys(
    connection: Connection, identifiers: Iterable[tuple[IdKey, UUID]], keys: Iterable[tuple[str, UUID]]
) -> None:
    identified = sorted((*identifier, member_token) for identifier, member_token in identifiers)
    if identified:
        *texts, tokens = zip(*identified, strict=True)
        await connection.execute(SAVE_IDENTIFIERS, *map(text_array, texts), tokens)
    if keyed := sorted(keys):
        match_keys, tokens = zip(*keyed, strict=True)
        await connection.execute(SAVE_KEYS, text_array(match_keys), tokens)


async def save_patients(connection: Connection, patients: Mapping[IdKey, tuple[date, str]]) -> None:
    """Birth date and sex of whom a registry's numbers are of."""
    if patients:
        rows = sorted((*identifier, *about) for identifier, about in patients.items())
        await connection.execute(SAVE_PATIENTS, *zip(*rows, strict=True))


async def load_patients(connection: Connection, identifiers: Collection[IdKey]) -> dict[IdKey, tuple[date, str]]:
    if not identifiers:
        return {}
    rows = await connection.fetch(LOAD_PATIENTS, *zip(*identifiers, strict=True))
    return {(row["type"], row["assigner"], row["value"]): (row["birth_on"], row["sex"]) for row in rows}
