"""What names two persons: who was told apart, and who may be one. A join moves it to the survivor; what it was is kept
with the join, and given back. All SQL of it."""

import json
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from services.kit.parts import Row
from services.kit.postgres import Connection

TABLES = ("person_apart", "possibly_one")
LOAD = """
select to_jsonb(one) as row from {} as one where member_token = any($1::uuid[]) or other = any($1::uuid[])
"""
# Who was told apart from the retired one is so again as far as that stands; so are both from each other, unless that
# decision was withdrawn.
GIVE_BACK_APART = """
with kept as (
    select one.*, $2 in (member_token, other) as is_his, case when member_token in ($1, $2) then other else member_token
        end as kin
    from jsonb_populate_recordset(null::person_apart, $3::text::jsonb) as one
),
his as (
    select coalesce(person.merged_into, kin) as kin, doubtful_id, exists (
        select from kept as hers where not hers.is_his and (hers.kin, hers.doubtful_id) = (kept.kin, kept.doubtful_id)
    ) as is_hers
    from kept join person on person.member_token = kin where is_his and kin not in ($1, $2)
),
moved as (
    select his.* from his join person_apart as now using (doubtful_id)
    where (now.member_token, now.other) = (least($1, kin), greatest($1, kin))
),
gone as (
    delete from person_apart as now using moved where now.doubtful_id = moved.doubtful_id and not is_hers
        and (now.member_token, now.other) = (least($1, kin), greatest($1, kin))
)
insert into person_apart (member_token, other, doubtful_id)
select least($2, kin), greatest($2, kin), doubtful_id from moved
union
select member_token, other, doubtful_id from kept
where kin in ($1, $2) and not exists (
    select from doubtful_row as one where one.doubtful_id = kept.doubtful_id and state = 'withdrawn'
)
on conflict do nothing
"""
_HIS = """
with kept as (
    select one.*, case when member_token = $2 then other else member_token end as kin
    from jsonb_populate_recordset(null::possibly_one, $3::text::jsonb) as one
    where $2 in (member_token, other) and $1 not in (member_token, other) and state <> 'one-person'
)
"""
# The survivor's pair waits again if what closed it came of the retired one's, which the join took for the same.
REOPEN = f"""
{_HIS}, hers as (
    select one.pair_id, case when one.member_token = $1 then one.other else one.member_token end as kin
    from jsonb_populate_recordset(null::possibly_one, $3::text::jsonb) as one
    where $1 in (one.member_token, one.other) and one.state = 'waiting'
)
update possibly_one as now set state = 'waiting', closed_at = null, closed_by = null, reason = null
from hers join kept using (kin) where now.pair_id = hers.pair_id and now.closed_at = kept.closed_at
"""
MOVE_BACK = f"""
{_HIS}, moved as (
    select pair_id, case when now.member_token = $1 then now.other else now.member_token end as with_whom
    from possibly_one as now join kept using (pair_id) where $1 in (now.member_token, now.other)
)
update possibly_one as now set member_token = least($2, with_whom), other = greatest($2, with_whom)
from moved where now.pair_id = moved.pair_id
"""
RESTORE = f"""
{_HIS}
insert into possibly_one (pair_id, member_token, other, state, opened_at, closed_at, closed_by, reason)
select pair_id, least($2, coalesce(merged_into, kin)), greatest($2, coalesce(merged_into, kin)), state, opened_at,
    closed_at, closed_by, reason
from kept join person on person.member_token = kin
where coalesce(merged_into, kin) not in ($1, $2)
on conflict do nothing
"""


async def load_naming(connection: Connection, tokens: Collection[UUID]) -> dict[str, list[Row]]:
    """The rows that name one of these persons, by table."""
    return {table: [row["row"] for row in await connection.fetch(LOAD.format(table), list(tokens))] for table in TABLES}


async def give_back(connection: Connection, survivor: UUID, retired: UUID, kept: Mapping[str, Sequence[Row]]) -> None:
    """Of these rows, as they were before both were one, each has his own again, as far as they stand."""
    apart, pairs = (json.dumps(kept.get(table, [])) for table in TABLES)
    await connection.execute(GIVE_BACK_APART, survivor, retired, apart)
    for statement in (REOPEN, MOVE_BACK, RESTORE):
        await connection.execute(statement, survivor, retired, pairs)
