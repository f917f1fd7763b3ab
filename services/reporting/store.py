"""All SQL that writes down what the log says. Batch first; of two versions of an entity the higher stays."""

from collections.abc import Sequence
from uuid import UUID

from schemas.eligibility_v1 import (
    BusinessDayOpenedV1,
    DoseAdministeredV1,
    FeedFileProcessedV1,
    MemberEligibilityDecidedV1,
    MembersMergedV1,
    ProgrammePublishedV1,
)
from schemas.envelope import Event
from schemas.outreach_v1 import CaseChangedV1, ContactAttemptLoggedV1
from schemas.reporting_v1 import TargetZipListedV1
from schemas.scheduling_v1 import AppointmentChangedV1, SlotPoolChangedV1
from services.kit.postgres import Connection

# Each statement takes the events' bodies as one JSON array: the columns are picked by name, as the contract names them.

SAVE_PROGRAMMES = """
insert into programme (programme_id, version, title, vaccine_group, effective_on, time_zone)
select distinct on (programme_id) programme_id, version, title, vaccine_group, effective_on, time_zone
from jsonb_populate_recordset(null::programme, $1) order by programme_id, version desc
on conflict (programme_id) do update set
    version = excluded.version, title = excluded.title, vaccine_group = excluded.vaccine_group,
    effective_on = excluded.effective_on, time_zone = excluded.time_zone
where excluded.version > programme.version
"""
SAVE_BUSINESS_DAYS = """
insert into business_day (time_zone, business_on)
select time_zone, max(business_on) from jsonb_populate_recordset(null::business_day, $1) group by time_zone
on conflict (time_zone) do update set business_on = greatest(business_day.business_on, excluded.business_on)
"""
SAVE_ENROLMENTS = """
insert into enrolment (
    enrolment_id, programme_id, tenant_id, member_token, version, programme_version, status, reasons, enrolled, priority,
    age_band, race_ethnicity, language, line_of_business, zip5, county_fips, svi_level, svi_release, svi_value,
    vulnerable, merged_into, first_eligible_on, decided_on
)
select
    enrolment_id, programme_id, tenant_id, member_token, version, programme_version, status, reasons, enrolled, priority,
    age_band, race_ethnicity, language, line_of_business, zip5, county_fips, svi ->> 'level', svi ->> 'release',
    (svi ->> 'value')::float8, (svi ->> 'vulnerable')::boolean, merged_into, first_eligible_on, decided_on
from (
    select distinct on (enrolment_id, programme_id) *,
        min(decided_on) filter (where status = 'eligible') over (partition by enrolment_id, programme_id)
            as first_eligible_on
    from jsonb_to_recordset($1) as fact (
        enrolment_id uuid, programme_id text, tenant_id text, member_token uuid, version int, programme_version int,
        status text, reasons text[], enrolled boolean, priority int, age_band text, race_ethnicity text, language text,
        line_of_business text, zip5 text, county_fips text, svi jsonb, merged_into uuid, decided_on date
    )
    order by enrolment_id, programme_id, version desc
) as latest
on conflict (enrolment_id, programme_id) do update set
    member_token = excluded.member_token, version = excluded.version, programme_version = excluded.programme_version,
    status = excluded.status, reasons = excluded.reasons, enrolled = excluded.enrolled, priority = excluded.priority,
    age_band = excluded.age_band, race_ethnicity = excluded.race_ethnicity, language = excluded.language,
    line_of_business = excluded.line_of_business, zip5 = excluded.zip5, county_fips = excluded.county_fips,
    svi_level = excluded.svi_level, svi_release = excluded.svi_release, svi_value = excluded.svi_value,
    vulnerable = excluded.vulnerable, merged_into = excluded.merged_into, decided_on = excluded.decided_on,
    first_eligible_on = least(enrolment.first_eligible_on, excluded.first_eligible_on)
where excluded.version > enrolment.version
"""
SAVE_MERGES = """
insert into member_merge (retired_token, surviving_token, merged_on)
select distinct on (retired_token) retired_token, surviving_token, merged_on
from jsonb_populate_recordset(null::member_merge, $1) order by retired_token, merged_on desc
on conflict (retired_token) do update set
    surviving_token = excluded.surviving_token, merged_on = excluded.merged_on
where excluded.merged_on >= member_merge.merged_on
"""
SAVE_DOSE_VERSIONS = """
insert into dose_version (
    dose_id, version, action, member_token, vaccine_group, cvx, administered_on, known_on, sources, appointment_id
)
select dose_id, version, action, member_token, vaccine_group, cvx, administered_on, known_on, sources, appointment_id
from jsonb_populate_recordset(null::dose_version, $1)
on conflict (dose_id, version) do nothing
"""
SAVE_DOSES = """
insert into dose (
    dose_id, version, action, member_token, vaccine_group, administered_on, known_on, first_known_on, sources
)
select distinct on (dose_id)
    dose_id, version, action, member_token, vaccine_group, administered_on, known_on,
    min(known_on) over (partition by dose_id), sources
from dose_version where dose_id = any($1::uuid[]) order by dose_id, version desc
on conflict (dose_id) do update set
    version = excluded.version, action = excluded.action, member_token = excluded.member_token,
    vaccine_group = excluded.vaccine_group, administered_on = excluded.administered_on, known_on = excluded.known_on,
    first_known_on = excluded.first_known_on, sources = excluded.sources
"""
LOAD_DOSE_MEMBERS = "select distinct member_token from dose where dose_id = any($1::uuid[])"
SAVE_CASES = """
insert into outreach_case
select distinct on (case_id)
    case_id, version, tenant_id, programme_id, enrolment_id, member_token, status, closed_reason, attempts, opened_on,
    changed_on
from jsonb_populate_recordset(null::outreach_case, $1) order by case_id, version desc
on conflict (case_id) do update set
    version = excluded.version, member_token = excluded.member_token, status = excluded.status,
    closed_reason = excluded.closed_reason, attempts = excluded.attempts, opened_on = excluded.opened_on,
    changed_on = excluded.changed_on
where excluded.version > outreach_case.version
"""
SAVE_ATTEMPTS = """
insert into contact_attempt (
    attempt_id, tenant_id, programme_id, enrolment_id, member_token, channel, disposition, attempted_on, worker_id,
    given, topics, barriers, refusal_domain
)
select
    attempt_id, tenant_id, programme_id, enrolment_id, member_token, channel, disposition, attempted_on, worker_id,
    coalesce(given, '{}'), coalesce(topics, '{}'), coalesce(barriers, '{}'), refusal_domain
from jsonb_populate_recordset(null::contact_attempt, $1)
on conflict (attempt_id) do nothing
"""
SAVE_APPOINTMENTS = """
insert into appointment
select distinct on (appointment_id)
    appointment_id, version, tenant_id, programme_id, enrolment_id, member_token, status, site_id, start_on,
    coalesce(walk_in, false), cancellation_reason, changed_on
from jsonb_populate_recordset(null::appointment, $1) order by appointment_id, version desc
on conflict (appointment_id) do update set
    version = excluded.version, enrolment_id = excluded.enrolment_id, member_token = excluded.member_token,
    status = excluded.status, site_id = excluded.site_id, start_on = excluded.start_on, walk_in = excluded.walk_in,
    cancellation_reason = excluded.cancellation_reason, changed_on = excluded.changed_on
where excluded.version > appointment.version
"""
SAVE_SLOT_POOLS = """
insert into slot_pool
select distinct on (block_id)
    block_id, version, site_id, site_zip5, week_on, tenant_id, cvx, capacity, booked, fulfilled
from jsonb_to_recordset($1) as pool (
    block_id uuid, version int, site_id text, site_zip5 text, week_on date, tenant_id text, cvx text, capacity int,
    booked int, fulfilled int
) order by block_id, version desc
on conflict (block_id) do update set
    version = excluded.version, held_for = excluded.held_for, capacity = excluded.capacity, booked = excluded.booked,
    fulfilled = excluded.fulfilled
where excluded.version > slot_pool.version
"""
SAVE_FEED_FILES = """
insert into feed_file
select
    file_id, kind, sender, tenant_id, rows_read, rows_accepted, rows_rejected, coalesce(rows_unlinked, 0),
    coalesce(rows_unchanged, 0), coalesce(rejections, '[]'), business_on
from jsonb_to_recordset($1) as file (
    file_id uuid, kind text, sender text, tenant_id text, rows_read int, rows_accepted int, rows_rejected int,
    rows_unlinked int, rows_unchanged int, rejections jsonb, business_on date
)
on conflict (file_id) do nothing
"""
SAVE_TARGET_ZIPS = """
insert into target_zip (programme_id, zip5, week_on, listed, rank, members, unvaccinated, coverage)
select distinct on (programme_id, zip5) programme_id, zip5, week_on, listed, rank, members, unvaccinated, coverage
from jsonb_populate_recordset(null::target_zip, $1) order by programme_id, zip5, week_on desc
on conflict (programme_id, zip5) do update set
    week_on = excluded.week_on, listed = excluded.listed, rank = excluded.rank, members = excluded.members,
    unvaccinated = excluded.unvaccinated, coverage = excluded.coverage
where excluded.week_on >= target_zip.week_on
"""

_STATEMENTS: dict[type[Event], str] = {
    ProgrammePublishedV1: SAVE_PROGRAMMES,
    BusinessDayOpenedV1: SAVE_BUSINESS_DAYS,
    MemberEligibilityDecidedV1: SAVE_ENROLMENTS,
    MembersMergedV1: SAVE_MERGES,
    DoseAdministeredV1: SAVE_DOSE_VERSIONS,
    CaseChangedV1: SAVE_CASES,
    ContactAttemptLoggedV1: SAVE_ATTEMPTS,
    AppointmentChangedV1: SAVE_APPOINTMENTS,
    SlotPoolChangedV1: SAVE_SLOT_POOLS,
    FeedFileProcessedV1: SAVE_FEED_FILES,
    TargetZipListedV1: SAVE_TARGET_ZIPS,
}


async def save_facts(connection: Connection, facts: Sequence[Event]) -> None:
    """Write down facts of any kinds, one statement a kind."""
    by_kind: dict[type[Event], list[Event]] = {}
    for fact in facts:
        by_kind.setdefault(type(fact), []).append(fact)
    for kind, same in by_kind.items():
        await connection.execute(_STATEMENTS[kind], [fact.model_dump(mode="json", exclude_none=True) for fact in same])


async def save_doses(connection: Connection, doses: Sequence[DoseAdministeredV1]) -> None:
    """Write down every version, and the highest of each dose as the current one."""
    await save_facts(connection, doses)
    await connection.execute(SAVE_DOSES, [dose.dose_id for dose in doses])


async def load_dose_members(connection: Connection, dose_ids: Sequence[UUID]) -> set[UUID]:
    """Whom these doses belong to so far: a merge moves them."""
    return {row["member_token"] for row in await connection.fetch(LOAD_DOSE_MEMBERS, list(dose_ids))}
