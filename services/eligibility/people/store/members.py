"""Persons and their enrolments. All SQL of them, batch first."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple, get_type_hints
from uuid import UUID

import asyncpg

from schemas.eligibility_v1 import MembersMergedV1
from schemas.envelope import Event
from services.eligibility.feeds.records import MEDICAL
from services.eligibility.people.enrolment import Enrolment, Person, Span
from services.eligibility.people.linkage import Candidate
from services.eligibility.people.precedence import Stamp
from services.eligibility.people.store import doubtful as doubtful_store
from services.eligibility.people.store import keys as key_store
from services.eligibility.people.store import possibly_one as pair_store
from services.eligibility.people.store import statements as statement_store
from services.eligibility.vital import store as vital_store
from services.kit.own_log import Owned
from services.kit.parts import Part
from services.kit.postgres import Connection, text_array
from services.kit.rows import columns_of, into, names, sql_types

COLUMNS = ", ".join(Enrolment._fields)
EXCLUDED = ", ".join(f"excluded.{name}" for name in Enrolment._fields)
_TYPES = sql_types(Enrolment)
_TEXTS = {name for name, kind in _TYPES.items() if kind == "text"} - {"ethnicity"}
"""The columns that are told by `text_array`: those of texts that are never null."""
_LISTS = {name for name, hint in get_type_hints(Enrolment).items() if hint == tuple[str, ...]}
_FROM_TEXT = {name: f"string_to_array({name}, e'\\x1f')" for name in _LISTS} | {"spans": "spans::jsonb"}
"""An array of arrays would be a matrix, so these are told as text: codes and digits, which hold no 0x1F."""

LOCK_PERSONS = (
    "select member_token, merged_into, version from person where member_token = any($1::uuid[])"
    " order by member_token for update"
)
LOAD_PERSONS = "select member_token, merged_into, version from person where member_token = any($1::uuid[])"
LOAD_NEXT_TOKENS = """
select distinct member_token from enrolment where member_token > $1 and not is_retired order by member_token limit $2
"""
LOAD_SURVIVORS = """
select member_token, coalesce(merged_into, member_token) as survivor from person where member_token = any($1::uuid[])
"""
NAMES_IN_TRAIL = """
    with survivor as (select coalesce(merged_into, member_token) as token from person where member_token = $1),
    token as (
        select member_token from person join survivor on member_token = token or merged_into = token
    )
    select member_token::text from token
    union select enrolment_id::text from enrolment join token using (member_token)
    union select doubtful_id::text from doubtful_token join token using (member_token)
    union select pair_id::text from possibly_one join token using (member_token)
    union select pair_id::text from possibly_one join token on other = token.member_token
"""
"""By what the trail may name a member: his enrolments, his doubtful rows and the pairs in which he is possibly one with
another plan's member (which an auditor for all tenants sees), under each of his tokens."""
LOAD_ENROLMENTS = f"select {COLUMNS} from enrolment where member_token = any($1::uuid[])"
LOAD_TOKENS_OF = "select enrolment_id, member_token from enrolment where enrolment_id = any($1::uuid[])"
LOAD_CANDIDATES = """
select member_token, family, given, birth_on, sex, tenant_id
from enrolment where member_token = any($1::uuid[]) and not is_retired
"""
LOAD_BORN = """
select member_token, min(birth_on) as birth_on from enrolment
where member_token = any($1::uuid[]) and not is_retired and birth_on is not null group by member_token
"""
LOAD_OF_PLAN = """
select member_token from enrolment where member_token = any($1::uuid[]) and tenant_id = $2 and not is_retired
"""
_STATED = ", ".join(
    f"${no}::{'text::' if name in _TEXTS else ''}{kind}[]" for no, (name, kind) in enumerate(_TYPES.items(), 1)
)
SAVE_PERSONS = """
insert into person (member_token, merged_into, version) select * from unnest($1::uuid[], $2::uuid[], $3::integer[])
on conflict (member_token) do update set merged_into = excluded.merged_into, version = excluded.version
"""
SAVE_ENROLMENTS = f"""
insert into enrolment ({COLUMNS})
select {", ".join(_FROM_TEXT.get(name, name) for name in Enrolment._fields)}
from unnest({_STATED}) as stated ({COLUMNS})
on conflict (enrolment_id) do update set ({COLUMNS}) = row({EXCLUDED})
"""
SAVE_SEEN = """
update enrolment
set seen_file_no = $2,
    seen_at = case when seen_file_no = $2 then greatest(enrolment.seen_at, seen.at) else seen.at end
from unnest($1::uuid[], $3::timestamptz[]) as seen (enrolment_id, at)
where enrolment.enrolment_id = seen.enrolment_id
    and (seen_file_no < $2 or (seen_file_no = $2 and (enrolment.seen_at >= seen.at) is not true))
"""
SAVE_HEARD = """
update enrolment
set seen_file_no = greatest(seen_file_no, $2),
    seen_at = case when seen_file_no < $2 then heard.at when seen_file_no = $2 then greatest(seen_at, heard.at)
        else seen_at end,
    said_at = heard.at, said_by = heard.by, said_no = heard.no
from unnest($1::uuid[], $3::timestamptz[], $4::text::text[], $5::bigint[]) as heard (enrolment_id, at, by, no)
where enrolment.enrolment_id = heard.enrolment_id
"""
FIND_STANDING_FOR = "select member_token from person where merged_into = $1 order by member_token"
MOVE_BACK = "update person set merged_into = $1 where member_token = any($2::uuid[])"
SAVE_PLANS = "update person set plans = $2 where member_token = $1"
MOVE_RETIRED = "update person set merged_into = $1 where merged_into = $2"
# $1 plan, $2 the first of the files to stand in, $3 the day, $4 this very file if it is that one, $5 to $7 the list.
IS_COVERED = """
tenant_id = $1 and not is_retired and exists (
    select from jsonb_array_elements(spans) as span where span->>3 is null or (span->>3)::date >= $3
)
"""
IS_ABSENT = """
(seen_file_no < $2 or (seen_file_no = $4 and seen_at < $5))
and (said_at > $5 or (said_at = $5 and said_by = $6 and 0 < $7::bigint and $7::bigint < said_no)) is not true
"""
LOAD_ABSENT = f"select member_token from enrolment where {IS_COVERED} and {IS_ABSENT} order by member_token limit $8"
COUNT_ABSENT = f"""
select count(*) filter (where {IS_ABSENT}) as absent, count(*) as insured,
    count(*) filter (where {IS_ABSENT} and first_file_no < $8) as old_absent,
    count(*) filter (where first_file_no < $8) as old,
    count(*) filter (where {IS_ABSENT} and seen_file_no = any($9::bigint[])) as skipped
from enrolment where {IS_COVERED}
"""
# $1 the number as it was asked for; who bears it in capitals or small letters is found if nobody bears it so.
FIND_BY_MEMBER_ID = """
with bearer (member_token, number) as (
    select e.member_token, e.member_id from enrolment e where e.member_id = any($2::text[]) and not e.is_retired
    union
    select e.member_token, i.value from person_identifier i join enrolment e on e.member_token = i.member_token
    where i.value = any($2::text[]) and i.type in ('MB', 'SN') and not e.is_retired
)
select distinct member_token from bearer
where (number = $1 or not exists (select from bearer where number = $1)) and ($3::uuid is null or member_token > $3)
order by member_token limit $4
"""

UNKNOWN_MERGES = """
select position from unnest($1::uuid[], $2::numeric[]) with ordinality as said (member_token, said_version, position)
left join person using (member_token)
where coalesce(version, 0) < coalesce(said_version, 0) or (coalesce(version, 0) = 0 and merged_into is null)
"""
OWNED: Mapping[type[Event], Owned] = {MembersMergedV1: Owned(("retired_token", "version"), UNKNOWN_MERGES)}


async def lock_persons(connection: Connection, tokens: Collection[UUID]) -> dict[UUID, Person]:
    """The persons, locked in the order of their tokens until the transaction ends."""
    rows = await connection.fetch(LOCK_PERSONS, list(tokens)) if tokens else []
    return {row["member_token"]: into(Person, row) for row in rows}


async def load_persons(connection: Connection, tokens: Collection[UUID]) -> dict[UUID, Person]:
    """The persons, to read only."""
    return {row["member_token"]: into(Person, row) for row in await connection.fetch(LOAD_PERSONS, list(tokens))}


async def load_next_tokens(connection: Connection, after: UUID, limit: int) -> list[UUID]:
    """Persons with an enrolment that lives, a page in the order of their tokens."""
    return [row["member_token"] for row in await connection.fetch(LOAD_NEXT_TOKENS, after, limit)]


async def load_survivors(connection: Connection, tokens: Collection[UUID]) -> dict[UUID, UUID]:
    """Who each token is today, for those known here."""
    return {row["member_token"]: row["survivor"] for row in await connection.fetch(LOAD_SURVIVORS, list(tokens))}


async def load_tokens_of(connection: Connection, enrolment_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Under which token each of these enrolments stands."""
    rows = await connection.fetch(LOAD_TOKENS_OF, list(enrolment_ids))
    return {row["enrolment_id"]: row["member_token"] for row in rows}


async def load_enrolments(connection: Connection, tokens: Collection[UUID]) -> list[Enrolment]:
    return [_enrolment(row) for row in await connection.fetch(LOAD_ENROLMENTS, list(tokens))] if tokens else []


async def load_candidates(connection: Connection, tokens: Collection[UUID]) -> dict[UUID, list[Candidate]]:
    found: defaultdict[UUID, list[Candidate]] = defaultdict(list)
    for row in await connection.fetch(LOAD_CANDIDATES, list(tokens)) if tokens else ():
        found[row["member_token"]].append(into(Candidate, row))
    return found


async def load_born(connection: Connection, tokens: Collection[UUID]) -> dict[UUID, date]:
    """The birth dates of these persons as plans state them: of several the earliest, for any of them may be right."""
    rows = await connection.fetch(LOAD_BORN, list(tokens)) if tokens else ()
    return {row["member_token"]: row["birth_on"] for row in rows}


async def load_of_plan(connection: Connection, tokens: Collection[UUID], plan: str) -> set[UUID]:
    """Who of these persons is, or was, enrolled by the plan."""
    rows = await connection.fetch(LOAD_OF_PLAN, list(tokens), plan) if tokens else ()
    return {row["member_token"] for row in rows}


class LeftOut(NamedTuple):
    """Whom a plan's full list leaves out: members whose coverage reaches the day, who stood in none of its files from
    `before_no` on, nor, if that is this very file, in what it said from the list's instant on; and of whom nothing
    newer was said."""

    plan: str
    before_no: int
    file_no: int
    said_on: date
    said: Stamp

    @property
    def values(self) -> tuple[object, ...]:
        this_file = self.file_no if self.before_no == self.file_no else 0
        return self.plan, self.before_no, self.said_on, this_file, *self.said


async def load_absent(connection: Connection, left_out: LeftOut, limit: int) -> list[UUID]:
    return [row["member_token"] for row in await connection.fetch(LOAD_ABSENT, *left_out.values, limit)]


async def count_absent(
    connection: Connection,
    left_out: LeftOut,
    overtaken: int,
    overtaken_in: Sequence[int],
    first_no: int | None = None,
) -> list[tuple[int, int]]:
    """How many of the plan's covered members it leaves out, and how many there are: of those from before this very
    file (or the list's first one, `first_no`), of all, and, if there are any, of those in the file's older lists, which
    other files may have brought before."""
    brought_by, old_before = [left_out.file_no, *overtaken_in], first_no or left_out.file_no
    row = await connection.fetchrow(COUNT_ABSENT, *left_out.values, old_before, brought_by)
    assert row is not None
    counts = [(row["old_absent"], row["old"]), (row["absent"], row["insured"])]
    return [*counts, (row["skipped"], overtaken)] if overtaken else counts


async def find_by_member_id(connection: Connection, member_id: str, after: UUID | None, limit: int) -> list[UUID]:
    """Members whom the transaction's tenant may see under this number, a page in the order of their tokens. If nobody
    bears it in these letters, those who bear it in capitals or in small ones: a person chooses among them."""
    spellings = [member_id, member_id.upper(), member_id.lower()]
    rows = await connection.fetch(FIND_BY_MEMBER_ID, member_id, spellings, after, limit)
    return [row["member_token"] for row in rows]


async def save_persons(connection: Connection, persons: Sequence[Person]) -> None:
    # A retired person points to its survivor, which must be there first.
    ordered = sorted(persons, key=lambda person: (person.merged_into is not None, person.member_token))
    if ordered:
        await connection.execute(SAVE_PERSONS, *zip(*ordered, strict=True))


async def save_enrolments(connection: Connection, enrolments: Sequence[Enrolment]) -> None:
    if enrolments:
        ordered = sorted(enrolments, key=lambda enrolment: enrolment.enrolment_id)
        columns = zip(names(Enrolment), _columns(ordered), strict=True)
        told = (text_array(column) if name in _TEXTS else column for name, column in columns)
        await connection.execute(SAVE_ENROLMENTS, *told)


async def save_seen(connection: Connection, seen: Mapping[UUID, datetime | None], file_no: int) -> None:
    """Note that these stand in the file, and in what it said at these instants, for the day on which absence speaks."""
    if seen:
        enrolment_ids, instants = zip(*sorted(seen.items()), strict=True)
        await connection.execute(SAVE_SEEN, enrolment_ids, file_no, instants)


async def save_heard(connection: Connection, heard: Mapping[UUID, Stamp], file_no: int) -> None:
    """Note that what stands of these was said again, and when."""
    if heard:
        ats, bys, nos = zip(*heard.values(), strict=True)
        await connection.execute(SAVE_HEARD, list(heard), file_no, ats, text_array(bys), nos)


async def save_merge(connection: Connection, survivor: UUID, retired: UUID, plans: Collection[str]) -> None:
    """Everything by which the retired person was found now finds the survivor, here and in the rooms below; rooms above
    move what is theirs. `plans`: those whose enrolments went along, which find him under the old token still."""
    await connection.execute(SAVE_PLANS, retired, sorted(plans))
    for statement in (
        key_store.MOVE_IDENTIFIERS,
        key_store.MOVE_KEYS,
        statement_store.MOVE_STATEMENTS,
        vital_store.MOVE_STATEMENTS,
        vital_store.MOVE_OVERRIDES,
        doubtful_store.MOVE_TOKENS,
        doubtful_store.MOVE_APART,
        pair_store.MOVE,
        MOVE_RETIRED,
    ):
        await connection.execute(statement, survivor, retired)
    await vital_store.move_consents(connection, survivor, retired)


async def find_standing_for(connection: Connection, member_token: UUID) -> list[UUID]:
    """The tokens that were merged into this one."""
    return [row["member_token"] for row in await connection.fetch(FIND_STANDING_FOR, member_token)]


async def move_back(connection: Connection, member_token: UUID, tokens: Collection[UUID]) -> None:
    """These tokens stand for this one again."""
    await connection.execute(MOVE_BACK, member_token, list(tokens))


PARTS = (
    Part("member_statement", ("source",)),
    Part("doubtful_token", ("doubtful_id",)),
    *vital_store.PARTS,
)
"""What is moved when two persons become one, here and in the rooms below, beside what they are found by."""


def _enrolment(row: asyncpg.Record) -> Enrolment:
    lists: dict[str, Any] = {name: tuple(row[name]) for name in _LISTS}
    return into(Enrolment, row, spans=tuple([_span(span) for span in row["spans"]]), **lists)


def _span(stored: list[str | None]) -> Span:
    line, begin, end, last, *more = stored
    kind, product = more or (MEDICAL, "")  # stored before products were kept
    begin_on, end_on, last_on = (date.fromisoformat(day) if day else None for day in (begin, end, last))
    return Span(line or "", begin_on, end_on, last_on, kind or MEDICAL, product or "")


def _columns(enrolments: Sequence[Enrolment]) -> list[list[Any]]:
    """The values as they are told, by column."""
    lists = {name: ["\x1f".join(getattr(enrolment, name)) for enrolment in enrolments] for name in _LISTS}
    return columns_of(Enrolment, enrolments, spans=[_spans_text(enrolment.spans) for enrolment in enrolments], **lists)


@lru_cache(maxsize=1 << 10)
def _spans_text(spans: tuple[Span, ...]) -> str:
    return json.dumps(spans, default=str)


FIND_MEMBERS = """
select member_id, array_agg(member_token order by member_token) as tokens from enrolment
where tenant_id = $1 and member_id = any($2::text[]) and not is_retired group by member_id
"""


async def find_members(connection: Connection, plan: str, member_ids: Collection[str]) -> dict[str, list[UUID]]:
    """Whom a plan's member numbers mean today."""
    rows = await connection.fetch(FIND_MEMBERS, plan, list(member_ids))
    return {row["member_id"]: row["tokens"] for row in rows}
