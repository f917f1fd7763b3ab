"""All SQL of enrolments and death reports. Of two versions the higher is kept, in whichever order they come."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from services.kit.postgres import Connection
from services.kit.rows import into
from services.scheduling.members.rules import DeathReport, Enrolment, Person, Standing

SAVE_ENROLMENTS = """
    insert into enrolment (
        enrolment_id, programme_id, tenant_id, member_token, version, standing, reasons, death_reports_until
    )
    select enrolment_id, programme_id, tenant_id, member_token, version, standing, string_to_array(reasons, ' '), until
    from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::int[], $6::text[], $7::text[], $8::timestamptz[])
        as new (enrolment_id, programme_id, tenant_id, member_token, version, standing, reasons, until)
    order by enrolment_id, programme_id
    on conflict (enrolment_id, programme_id) do update set
        tenant_id = excluded.tenant_id, member_token = excluded.member_token,
        version = excluded.version, standing = excluded.standing,
        reasons = excluded.reasons, death_reports_until = excluded.death_reports_until
    where enrolment.version < excluded.version
    returning enrolment_id
"""
LOAD_MEMBER_TOKENS = "select distinct member_token from enrolment where enrolment_id = any($1)"
LOAD_ENROLMENTS = """
    select enrolment_id, programme_id, tenant_id, member_token, version, standing, reasons, death_reports_until
    from enrolment where enrolment_id = $1 order by programme_id
"""
PLAN_IS_KNOWN = "select plan_is_known($1)"

# A retraction may come first when the member's token has changed between the two.
SAVE_DEATH_REPORTS = """
    insert into death_report as known (report_id, member_token, reported_at, retracted)
    select * from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::bool[])
        as new (report_id, member_token, reported_at, retracted)
    order by report_id
    on conflict (report_id) do update set
        member_token = case when known.reported_at is null then excluded.member_token else known.member_token end,
        reported_at = coalesce(known.reported_at, excluded.reported_at),
        retracted = known.retracted or excluded.retracted
"""
RETRACT_DEATH_REPORT = "update death_report set retracted = true where report_id = $1 and not retracted"
LOAD_PERSON = """
    select array_agg(member_token) as tokens, death_is_reported(array_agg(member_token), $2) as is_reported
    from person where person_token = (select person_token from person where member_token = $1)
"""


async def save_enrolments(connection: Connection, enrolments: Sequence[Enrolment]) -> set[UUID]:
    """Keep the higher version of each; one row for each. Gives the enrolments that changed."""
    rows = [
        (
            enrolment.enrolment_id, enrolment.programme_id, enrolment.tenant_id, enrolment.member_token,
            enrolment.version, enrolment.standing, " ".join(enrolment.reasons), enrolment.death_reports_until,
        )
        for enrolment in enrolments
    ]  # fmt: skip
    if not rows:
        return set()
    saved = await connection.fetch(SAVE_ENROLMENTS, *map(list, zip(*rows, strict=True)))
    return {row["enrolment_id"] for row in saved}


async def load_member_tokens(connection: Connection, enrolment_ids: Iterable[UUID]) -> set[UUID]:
    """The members whose enrolments these are, as known until now."""
    return {row["member_token"] for row in await connection.fetch(LOAD_MEMBER_TOKENS, list(enrolment_ids))}


async def load_enrolments(connection: Connection, enrolment_id: UUID) -> list[Enrolment]:
    """The enrolment under each of its programmes."""
    rows = await connection.fetch(LOAD_ENROLMENTS, enrolment_id)
    return [into(Enrolment, row, standing=Standing(row["standing"]), reasons=tuple(row["reasons"])) for row in rows]


async def plan_is_known(connection: Connection, plan: str) -> bool:
    """Whether a member of the plan was ever heard of."""
    return bool(await connection.fetchval(PLAN_IS_KNOWN, plan))


async def save_death_reports(connection: Connection, reports: Sequence[DeathReport]) -> None:
    """Keep what was said of deaths, one row for each report, whichever of report and retraction comes first."""
    if reports:
        await connection.execute(SAVE_DEATH_REPORTS, *map(list, zip(*reports, strict=True)))


async def retract_death_report(connection: Connection, report_id: UUID) -> None:
    """What this attempt or appointment said of a death was said in error, if it said anything."""
    await connection.execute(RETRACT_DEATH_REPORT, report_id)


async def load_person(connection: Connection, member_token: UUID, weighed_until: datetime | None = None) -> Person:
    """Of a locked person every token: the one that is given, the surviving one and all that were merged into it; and
    whether somebody said that the person died, in a report that is newer than those that eligibility has weighed."""
    row = await connection.fetchrow(LOAD_PERSON, member_token, weighed_until)
    assert row is not None, "an aggregate is one row"
    return Person(frozenset(row["tokens"]), row["is_reported"])
