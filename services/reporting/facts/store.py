"""All SQL that writes down what the log says. Batch first: the columns are picked out of the events' bodies by name, as
the contract names them."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from schemas.eligibility_v1 import (
    DoseAdministeredV1,
    FeedFileProcessedV1,
    MemberEligibilityDecidedV1,
    MembersMergedV1,
)
from schemas.envelope import Event
from schemas.outreach_v1 import CaseChangedV1, ContactAttemptLoggedV1, ContactAttemptRetractedV1
from schemas.referral_v1 import ReferralChangedV1
from schemas.reporting_v1 import TargetZipListedV1
from schemas.scheduling_v1 import AppointmentChangedV1, SlotPoolChangedV1
from services.kit.postgres import Connection

# The columns of a table and of its history, by name: after a migration one of them may have more than the other.
ENROLMENT = """
    enrolment_id, programme_id, version, tenant_id, member_token, programme_version, status, reasons, enrolled,
    age_band, race_ethnicity, language, line_of_business, zip5, county_fips, svi_level, svi_release, svi_value,
    vulnerable, merged_into, decided_on, vaccinated, rule, arm
"""
DOSE = """
    dose_id, version, action, member_token, vaccine_group, cvx, administered_on, known_on, sources, appointment_id,
    is_partial, vaccine_groups
"""

# The versions that came anew, and of each enrolment the highest of them.
SAVE_ENROLMENTS = f"""
with heard as (
    select
        enrolment_id, programme_id, version, tenant_id, member_token, programme_version, status, reasons, enrolled,
        age_band, race_ethnicity, language, line_of_business, zip5, county_fips, svi ->> 'level', svi ->> 'release',
        (svi ->> 'value')::float8, (svi ->> 'vulnerable')::boolean, merged_into, decided_on, vaccinated,
        coalesce(rule, 'doses'), arm
    from jsonb_to_recordset($1::text::jsonb) as fact (
        enrolment_id uuid, programme_id text, version int, tenant_id text, member_token uuid, programme_version int,
        status text, reasons text[], enrolled boolean, age_band text, race_ethnicity text, language text,
        line_of_business text, zip5 text, county_fips text, svi jsonb, merged_into uuid, decided_on date,
        vaccinated boolean, rule text, arm text
    )
), saved as (
    insert into enrolment_version ({ENROLMENT}) select * from heard on conflict do nothing returning *
)
insert into enrolment as known ({ENROLMENT})
select distinct on (enrolment_id, programme_id) {ENROLMENT} from saved order by enrolment_id, programme_id, version desc
on conflict (enrolment_id, programme_id) do update set
    member_token = excluded.member_token, version = excluded.version, programme_version = excluded.programme_version,
    status = excluded.status, reasons = excluded.reasons, enrolled = excluded.enrolled,
    age_band = excluded.age_band, race_ethnicity = excluded.race_ethnicity, language = excluded.language,
    line_of_business = excluded.line_of_business, zip5 = excluded.zip5, county_fips = excluded.county_fips,
    svi_level = excluded.svi_level, svi_release = excluded.svi_release, svi_value = excluded.svi_value,
    vulnerable = excluded.vulnerable, merged_into = excluded.merged_into, decided_on = excluded.decided_on,
    vaccinated = excluded.vaccinated, rule = excluded.rule, arm = excluded.arm
where excluded.version > known.version
"""
SAVE_MERGES = """
insert into member_merge
select * from jsonb_populate_recordset(null::member_merge, $1::text::jsonb)
on conflict do nothing
"""
SAVE_DOSES = f"""
with saved as (
    insert into dose_version ({DOSE})
    select {DOSE} from jsonb_populate_recordset(null::dose_version, $1::text::jsonb)
    on conflict do nothing returning *
)
insert into dose as known ({DOSE})
select distinct on (dose_id) {DOSE} from saved order by dose_id, version desc
on conflict (dose_id) do update set
    version = excluded.version, action = excluded.action, member_token = excluded.member_token,
    vaccine_group = excluded.vaccine_group, cvx = excluded.cvx, administered_on = excluded.administered_on,
    known_on = excluded.known_on, sources = excluded.sources, appointment_id = excluded.appointment_id,
    is_partial = excluded.is_partial, vaccine_groups = excluded.vaccine_groups
where excluded.version > known.version
"""
SAVE_CASES = """
insert into case_version
select * from jsonb_populate_recordset(null::case_version, $1::text::jsonb)
on conflict do nothing
"""
SAVE_ATTEMPTS = """
insert into contact_attempt
select * from jsonb_populate_recordset(null::contact_attempt, $1::text::jsonb)
on conflict do nothing
"""
SAVE_RETRACTIONS = """
insert into attempt_retraction
select * from jsonb_populate_recordset(null::attempt_retraction, $1::text::jsonb)
on conflict do nothing
"""
SAVE_APPOINTMENTS = """
insert into appointment_version
select * from jsonb_populate_recordset(null::appointment_version, $1::text::jsonb)
on conflict do nothing
"""
SAVE_REFERRALS = """
insert into referral_version
select * from jsonb_populate_recordset(null::referral_version, $1::text::jsonb)
on conflict do nothing
"""
SAVE_SLOT_POOLS = """
insert into slot_pool_version
select * from jsonb_populate_recordset(null::slot_pool_version, $1::text::jsonb)
on conflict do nothing
"""
SAVE_FEED_FILES = """
insert into feed_file
select * from jsonb_populate_recordset(null::feed_file, $1::text::jsonb)
on conflict do nothing
"""
SAVE_TARGET_ZIPS = """
insert into target_zip as known
select distinct on (programme_id, zip5) * from jsonb_populate_recordset(null::target_zip, $1::text::jsonb)
order by programme_id, zip5, week_on desc, occurred_at desc
on conflict (programme_id, zip5) do update set
    week_on = excluded.week_on, occurred_at = excluded.occurred_at, listed = excluded.listed, rank = excluded.rank,
    members = excluded.members, unvaccinated = excluded.unvaccinated, coverage = excluded.coverage
where (excluded.week_on, excluded.occurred_at) > (known.week_on, known.occurred_at)
"""
LOAD_ENROLMENT_MEMBERS = "select distinct member_token from enrolment where enrolment_id = any($1::uuid[])"
EMPTY_FACTS = """
truncate enrolment_version, member_merge, dose_version, case_version, contact_attempt, attempt_retraction,
    appointment_version, slot_pool_version, referral_version, feed_file, target_zip, enrolment, dose
"""
LOAD_DOSE_MEMBERS = "select distinct member_token from dose where dose_id = any($1::uuid[])"

_STATEMENTS: dict[type[Event], str] = {
    MemberEligibilityDecidedV1: SAVE_ENROLMENTS,
    MembersMergedV1: SAVE_MERGES,
    DoseAdministeredV1: SAVE_DOSES,
    CaseChangedV1: SAVE_CASES,
    ReferralChangedV1: SAVE_REFERRALS,
    ContactAttemptLoggedV1: SAVE_ATTEMPTS,
    ContactAttemptRetractedV1: SAVE_RETRACTIONS,
    AppointmentChangedV1: SAVE_APPOINTMENTS,
    SlotPoolChangedV1: SAVE_SLOT_POOLS,
    FeedFileProcessedV1: SAVE_FEED_FILES,
    TargetZipListedV1: SAVE_TARGET_ZIPS,
}
WRITTEN = frozenset(_STATEMENTS)
"""The kinds of events that are written down here; programmes and days are kept by replicas."""


async def save_facts(connection: Connection, facts: Sequence[Event]) -> None:
    """Write down facts of any kinds, one statement a kind. What is known already stays as it is."""
    by_kind: dict[type[Event], list[Event]] = {}
    for fact in facts:
        by_kind.setdefault(type(fact), []).append(fact)
    for kind, same in by_kind.items():
        await connection.execute(_STATEMENTS[kind], f"[{','.join(fact.model_dump_json() for fact in same)}]")


async def load_enrolment_members(connection: Connection, enrolment_ids: Iterable[UUID]) -> set[UUID]:
    """Whose these enrolments are so far."""
    rows = await connection.fetch(LOAD_ENROLMENT_MEMBERS, list(enrolment_ids))
    return {row["member_token"] for row in rows}


async def load_dose_members(connection: Connection, dose_ids: Iterable[UUID]) -> set[UUID]:
    """Whom these doses were given to so far: a merge moves them to another token."""
    rows = await connection.fetch(LOAD_DOSE_MEMBERS, list(dose_ids))
    return {row["member_token"] for row in rows}


async def empty_facts(connection: Connection) -> None:
    """Remove everything that the log has said."""
    await connection.execute(EMPTY_FACTS)
