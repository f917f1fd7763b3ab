"""Arms and cut-offs of programmes, as they were drawn. All SQL of it, batch first."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.eligibility.programmes.cap import CutOff
from services.kit.parts import Part
from services.kit.postgres import Connection

LOAD_ARMS = "select programme_id, member_token, arm from arm where member_token = any($1::uuid[])"
SAVE_ARMS = """
insert into arm (programme_id, member_token, arm, programme_version, drawn_on)
select distinct on (programme_id, member_token) *
from unnest($1::text[], $2::uuid[], $3::text[], $4::integer[], $5::date[])
    as row (programme_id, member_token, arm, programme_version, drawn_on)
on conflict do nothing
"""
LOAD_CUT_OFFS = """
select distinct on (programme_id, programme_version, cap_group)
    programme_id, cap_group, rank, population, admitted, programme_version, drawn_on
from cut_off join unnest($1::text[], $2::integer[]) as wanted (programme_id, programme_version)
    using (programme_id, programme_version)
order by programme_id, programme_version, cap_group, drawn_on desc
"""
SAVE_CUT_OFF = """
insert into cut_off (programme_id, cap_group, drawn_on, rank, population, admitted, programme_version)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (programme_id, cap_group, drawn_on) do update
set rank = excluded.rank, population = excluded.population, admitted = excluded.admitted,
    programme_version = excluded.programme_version
"""
COUNT_GROUPS = """
select cap_group, count(*) as population from decision where programme_id = $1 and cap_group is not null group by 1
"""
LOAD_RANK = """
select cap_rank from decision where programme_id = $1 and cap_group = $2 order by cap_rank desc offset $3 limit 1
"""
ASK_BETWEEN = """
update decision set recheck_on = least(recheck_on, $3)
where programme_id = $1 and cap_group = $2 and cap_rank >= $4 and cap_rank < $5
"""
LOCK_CONSIDERED = """
insert into cap_considered (programme_id, programme_version, considered_on) values ($1, $2, $3)
on conflict (programme_id) do update
set considered_on = excluded.considered_on, programme_version = excluded.programme_version
where (cap_considered.considered_on, cap_considered.programme_version)
    is distinct from (excluded.considered_on, excluded.programme_version)
returning true
"""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A group's last cut-off, by which version and when."""

    cut_off: CutOff
    programme_version: int
    drawn_on: date


# -- arms and caps


async def load_arms(connection: Connection, tokens: Collection[UUID]) -> dict[UUID, dict[str, str]]:
    """Each person's arms by programme."""
    found: defaultdict[UUID, dict[str, str]] = defaultdict(dict)
    for programme_id, member_token, arm in await connection.fetch(LOAD_ARMS, list(tokens)):
        found[member_token][programme_id] = arm
    return found


async def save_arms(connection: Connection, drawn: Iterable[tuple[str, UUID, str, int, date]]) -> None:
    """(programme, person, arm, version, day). Who has an arm keeps it."""
    if rows := sorted(drawn):
        await connection.execute(SAVE_ARMS, *zip(*rows, strict=True))


async def load_cut_offs(
    connection: Connection, versions: Collection[tuple[str, int]]
) -> dict[tuple[str, int, str], Drawn]:
    """The last one that each of these versions of programmes drew for a group: another version's says nothing."""
    return {
        (programme_id, version, group): Drawn(CutOff(group, rank, population, admitted), version, drawn_on)
        for programme_id, group, rank, population, admitted, version, drawn_on in await connection.fetch(
            LOAD_CUT_OFFS, *zip(*versions, strict=True)
        )
    }


async def save_cut_off(connection: Connection, programme_id: str, drawn: Drawn) -> None:
    cut_off = drawn.cut_off
    await connection.execute(
        SAVE_CUT_OFF, programme_id, cut_off.group, drawn.drawn_on, cut_off.rank, cut_off.population, cut_off.admitted,
        drawn.programme_version,
    )  # fmt: skip


async def lock_considered(connection: Connection, programme_id: str, version: int, day: date) -> bool:
    """True for the one who looks at the cap of this version of the programme on this day first."""
    return await connection.fetchval(LOCK_CONSIDERED, programme_id, version, day) is not None


async def count_groups(connection: Connection, programme_id: str) -> dict[str, int]:
    """How many members of the segment each group has."""
    return {row["cap_group"]: row["population"] for row in await connection.fetch(COUNT_GROUPS, programme_id)}


async def load_rank(connection: Connection, programme_id: str, group: str, place: int) -> int:
    """The rank of the group's member on this place, counted from 0."""
    rank: int = await connection.fetchval(LOAD_RANK, programme_id, group, place)
    return rank


async def ask_between(connection: Connection, programme_id: str, group: str, day: date, ranks: tuple[int, int]) -> None:
    """Have those decided anew whose rank lies in this range, its end excluded."""
    await connection.execute(ASK_BETWEEN, programme_id, group, day, *ranks)


PART = Part("arm", ("programme_id",))
MOVE_ARMS = """
with gone as (delete from arm where member_token = $2 returning *)
insert into arm (programme_id, member_token, arm, programme_version, drawn_on)
select programme_id, $1, arm, programme_version, drawn_on from gone
on conflict do nothing
"""


async def move_arms(connection: Connection, survivor: UUID, retired: UUID) -> None:
    """Who is merged into somebody with an arm has that one."""
    await connection.execute(MOVE_ARMS, survivor, retired)
