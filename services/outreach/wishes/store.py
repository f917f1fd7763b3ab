"""SQL of wishes and avoidances. They are told of an enrolment and hold for the person at that plan, under each of his
tokens. Runs as the plan, so row-level security hides other plans' rows."""

from collections.abc import Sequence
from uuid import UUID

from services.kit.ids import new_id
from services.kit.postgres import Connection
from services.kit.rows import into, names
from services.outreach.wishes.rules import Avoidance, AvoidedKind, Wishes

SAVE_AVOIDANCE = """
insert into avoidance (avoidance_id, tenant_id, enrolment_id, kind, code, reason, recorded_by)
values ($1, $2, $3, $4, $5, $6, $7)
"""
RETRACT_AVOIDANCE = """
update avoidance set retracted_by = coalesce(retracted_by, $2), retracted_at = coalesce(retracted_at, clock_timestamp())
where avoidance_id = $1 returning enrolment_id
"""
SAVE_WISH = """
insert into wish (tenant_id, enrolment_id, manager, cultures, told_by) values ($1, $2, $3, $4, $5)
on conflict (enrolment_id) do update set manager = excluded.manager, cultures = excluded.cultures,
    told_by = excluded.told_by, told_at = clock_timestamp()
"""
LOAD_WISH = "select manager, cultures from wish where enrolment_id = $1"
LOAD_AVOIDANCES = f"""
select {", ".join(names(Avoidance))} from avoidance where enrolment_id = $1 and retracted_at is null
order by recorded_at, avoidance_id
"""
EMPLOYER = "(select organization from worker where worker_id = $2)"
AVOIDS = """exists (
    select from person as his join enrolment as whose using (member_token)
    join avoidance as avoids on avoids.enrolment_id = whose.enrolment_id and avoids.retracted_at is null
    where his.person_token = {person}
        and (avoids.kind, avoids.code) in (('worker', {worker}), ('organization', {organization}))
)"""
"""Whether a person does not want to be called by this worker, or by anybody of this organisation."""
ASK_AVOIDED = f"select {AVOIDS.format(person='$1', worker='$2', organization=EMPLOYER)}"


async def save_avoidance(
    connection: Connection, whose: tuple[str, UUID], kind: AvoidedKind, code: str, reason: str, by: str
) -> UUID:
    """Keep whom the member of this plan's enrolment avoids."""
    avoidance_id = new_id()
    await connection.execute(SAVE_AVOIDANCE, avoidance_id, *whose, kind, code, reason, by)
    return avoidance_id


async def retract_avoidance(connection: Connection, avoidance_id: UUID, by: str) -> UUID | None:
    """It holds no longer, and stays on record. Gives whose it is; None where there is none, or another plan's."""
    enrolment_id: UUID | None = await connection.fetchval(RETRACT_AVOIDANCE, avoidance_id, by)
    return enrolment_id


async def is_avoided(connection: Connection, person_token: UUID, worker_id: str) -> bool:
    """Whether the person does not want to be called by this worker, or by whoever employs him."""
    return bool(await connection.fetchval(ASK_AVOIDED, person_token, worker_id))


async def save_wish(
    connection: Connection, whose: tuple[str, UUID], manager: str | None, cultures: Sequence[str], by: str
) -> None:
    """Keep who is the own case manager of this plan's enrolment, and of which cultures somebody had better be."""
    await connection.execute(SAVE_WISH, *whose, manager, sorted(set(cultures)), by)


async def load_wishes(connection: Connection, enrolment_id: UUID) -> Wishes:
    """What is on record of an enrolment, and holds."""
    row = await connection.fetchrow(LOAD_WISH, enrolment_id)
    avoidances = [into(Avoidance, one) for one in await connection.fetch(LOAD_AVOIDANCES, enrolment_id)]
    return Wishes(None, (), avoidances) if row is None else into(Wishes, row, avoidances=avoidances)
