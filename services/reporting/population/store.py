"""SQL of who is counted, as of a day and as known on another: temporary tables of one transaction that all figures of a
report are made of, so that they agree with each other."""

from collections.abc import Iterable

import asyncpg

from services.kit.postgres import Connection
from services.reporting.population.rules import Question
from services.reporting.population.shares import Counts

# The planner takes what comes out of groupings for a few rows, and would walk through all of them for each person.
PLAN_FOR_MANY = "set local enable_nestloop = off"
# A person may have had several tokens. `known` follows merges of merges.
CREATE_PERSONS = "create temporary table person_of (member_token uuid primary key, person uuid not null) on commit drop"
SAVE_PERSONS = """
insert into person_of
with recursive known (member_token, person, steps) as (
    select retired_token, surviving_token, 1 from member_merge where merged_on <= $1
    union all
    select known.member_token, merge.surviving_token, known.steps + 1
    from known join member_merge merge on merge.retired_token = known.person
    where merge.merged_on <= $1 and known.steps < 20
)
select distinct on (member_token) member_token, person from known order by member_token, steps desc, person
"""
# Days with a dose that counts, numbered by person. `source`: where the programme heard of it.
CREATE_DOSES = """
create temporary table counted_dose (
    person uuid not null,
    number integer not null,
    administered_on date not null,
    source text not null,
    primary key (person, number)
) on commit drop
"""
SAVE_DOSES = """
insert into counted_dose
with latest as (
    select distinct on (dose_id) * from dose_version where known_on <= $3 order by dose_id, version desc
), counted as (
    select distinct on (person, administered_on)
        coalesce(p.person, d.member_token) as person,
        d.administered_on,
        case
            when 'appointment' = any(d.sources) then 'appointment'
            when 'iis' = any(d.sources) then 'iis'
            else 'plan'
        end as source
    from latest d
    join programme on programme.vaccine_group = any (groups_of(d.vaccine_group, d.vaccine_groups))
    left join person_of p using (member_token)
    where programme.programme_id = $1
        and d.action <> 'retract'
        and not d.is_partial
        and d.administered_on <= $2
        and d.cvx <> all (programme.cvx_not_counted)
        and (programme.doses_since_on is null or d.administered_on >= programme.doses_since_on)
    order by person, administered_on, source
)
select person, row_number() over (partition by person order by administered_on), administered_on, source from counted
"""
# Since when a person is vaccinated, as a plan's programme counts it: the last of the doses needed, or, where the
# programme is after something else, the first day of which eligibility has said so without a break; the doses given by
# then name the day and the source.
CREATE_VACCINATIONS = """
create temporary table vaccination (
    person uuid not null,
    tenant_id text not null,
    administered_on date not null,
    source text,
    primary key (person, tenant_id)
) on commit drop
"""
SAVE_VACCINATIONS = """
insert into vaccination
with latest as (
    select distinct on (enrolment_id)
        coalesce(p.person, e.member_token) as person, e.tenant_id, e.enrolment_id, e.rule <> 'doses' as is_told
    from enrolment_version e left join person_of p using (member_token)
    where e.programme_id = $1 and e.decided_on <= least($2::date, $3::date)
    order by e.enrolment_id, e.version desc
), rule as (
    select person, tenant_id, bool_or(is_told) as is_told from latest group by 1, 2
), fact as (
    select person, l.tenant_id, e.version, e.decided_on,
        max(e.version) filter (where not e.vaccinated) over (partition by e.enrolment_id) as last_without
    from latest l join enrolment_version e using (enrolment_id)
    where is_told and e.programme_id = $1 and e.decided_on <= least($2::date, $3::date)
), told as (
    select person, tenant_id, min(decided_on) as told_on
    from fact where version > coalesce(last_without, 0) group by 1, 2
), by_then as (
    select person, tenant_id, max(number) as number
    from told join counted_dose using (person) where administered_on <= told_on group by 1, 2
)
select person, tenant_id, dose.administered_on, dose.source
from rule join counted_dose dose using (person)
where not is_told and number = (select doses_needed from programme where programme_id = $1)
union all
select person, tenant_id, coalesce(dose.administered_on, told_on), dose.source
from told left join by_then using (person, tenant_id) left join counted_dose dose using (person, number)
"""
# Enrolled members in scope. `counts_once`: of a person's enrolments, the one that stands for the person.
CREATE_POPULATION = """
create temporary table population (
    person uuid not null,
    tenant_id text not null,
    counts_once boolean not null,
    target boolean not null,
    zip5 text not null,
    age_band text not null,
    race_ethnicity text not null,
    svi_group text not null,
    svi_release text not null,
    arm text not null,
    vaccinated_on date,
    source text
) on commit drop
"""
SAVE_POPULATION = """
insert into population
with latest as (
    select distinct on (enrolment_id) *
    from enrolment_version where programme_id = $1 and decided_on <= least($2::date, $3::date)
    order by enrolment_id, version desc
)
select
    person,
    tenant_id,
    row_number() over (partition by person order by target desc, tenant_id, enrolment_id) = 1,
    target,
    zip5,
    age_band,
    race_ethnicity,
    svi_group,
    svi_release,
    arm,
    administered_on,
    source
from (
    select
        coalesce(p.person, e.member_token) as person,
        e.tenant_id,
        e.enrolment_id,
        not e.reasons && array['area-not-vulnerable', 'area-unknown'] as target,
        coalesce(e.zip5, 'unknown') as zip5,
        coalesce(e.age_band, 'unknown') as age_band,
        e.race_ethnicity,
        svi_group(e.svi_level, e.svi_value) as svi_group,
        e.svi_release,
        coalesce(e.arm, 'none') as arm
    from latest e left join person_of p using (member_token)
    where e.enrolled and in_scope(e.reasons)
) as enrolled
left join vaccination using (person, tenant_id)
"""

LOAD_MARGIN = """
select {column} as name, count(*)::int as members, count(vaccinated_on)::int as vaccinated
from population where {which} group by 1 order by 1
"""
LOAD_TARGET_ZIPS = LOAD_MARGIN.format(column="zip5", which="counts_once and target")


async def prepare(connection: Connection, question: Question) -> None:
    """Make the temporary tables that answer the question, for this transaction."""
    await connection.execute(PLAN_FOR_MANY)
    asked = question.programme_id, question.as_of, question.known_on
    await connection.execute(CREATE_PERSONS)
    await connection.execute(SAVE_PERSONS, question.known_on)
    await connection.execute(CREATE_DOSES)
    await connection.execute(SAVE_DOSES, *asked)
    await connection.execute(CREATE_VACCINATIONS)
    await connection.execute(SAVE_VACCINATIONS, *asked)
    await connection.execute(CREATE_POPULATION)
    await connection.execute(SAVE_POPULATION, *asked)
    await connection.execute("analyze person_of, counted_dose, vaccination, population")


async def load_counts(connection: Connection, column: str, *, by_enrolment: bool = False) -> dict[str, Counts]:
    """Exact counts by one column. Persons, unless by enrolment: which is by person within each plan."""
    which = "true" if by_enrolment else "counts_once"
    return _counts(await connection.fetch(LOAD_MARGIN.format(column=column, which=which)))


async def load_target_counts(connection: Connection) -> dict[str, Counts]:
    """Exact counts of the target group by ZIP."""
    return _counts(await connection.fetch(LOAD_TARGET_ZIPS))


def _counts(rows: Iterable[asyncpg.Record]) -> dict[str, Counts]:
    return {row["name"]: Counts(row["members"], row["vaccinated"]) for row in rows}
