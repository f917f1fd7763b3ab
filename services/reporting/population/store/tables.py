"""SQL of who is counted, as of a day and as known on another: temporary tables of one transaction that all figures of a
report are made of, so that they agree with each other.

They are made in slices, for no statement may cost as much as everybody does: first of facts by their own ids, then of
persons. What of one person stands in several facts meets in the slice of that person.
"""

from dataclasses import dataclass

from services.kit.postgres import Connection
from services.kit.slices import slices
from services.reporting.population.rules import Question

# The planner takes what comes out of groupings for a few rows, and would walk through all of them for each person.
PLAN_FOR_MANY = "set local enable_nestloop = off"
# A person may have had several tokens. Of each token the newest assignment of that day holds, a split too; `known`
# follows merges of merges.
CREATE_PERSONS = "create temporary table person_of (member_token uuid primary key, person uuid not null) on commit drop"
SAVE_PERSONS = """
insert into person_of
with recursive newest (member_token, assigned_to) as (
    select distinct on (retired_token, case when version is null then surviving_token end)
        retired_token, case when is_split then retired_token else surviving_token end
    from member_merge as told
    where merged_on <= $3 and (version is not null or not exists (
        select from member_merge as later
        where later.retired_token = told.retired_token and later.version is not null and later.merged_on <= $3
    ))
    order by retired_token, case when version is null then surviving_token end, version desc
), known (member_token, person, steps) as (
    select member_token, assigned_to, 1 from newest where member_token > $1 and member_token <= $2
    union all
    select known.member_token, newest.assigned_to, known.steps + 1
    from known join newest on newest.member_token = known.person
    where newest.assigned_to <> known.person and known.steps < 20
)
select distinct on (member_token) member_token, person from known order by member_token, steps desc, person
"""
# What was done for an enrolment was done for the person on whom it stands, as far as was known on that day.
CREATE_HOLDERS = "create temporary table held_by (enrolment_id uuid primary key, person uuid not null) on commit drop"
SAVE_HOLDERS = """
insert into held_by
select distinct on (enrolment_id) enrolment_id, coalesce(p.person, e.member_token)
from enrolment_version e left join person_of p using (member_token)
where enrolment_id > $1 and enrolment_id <= $2 and programme_id = $3 and decided_on <= $4
order by enrolment_id, version desc
"""
# Doses that count, as the newest version known says, with where the programme heard of them.
CREATE_DOSES = """
create temporary table dose_told (
    person uuid not null,
    administered_on date not null,
    source text not null
) on commit drop;
create index on dose_told (person)
"""
SAVE_DOSES = """
insert into dose_told
select
    coalesce(p.person, d.member_token),
    d.administered_on,
    case
        when 'appointment' = any(d.sources) then 'appointment'
        when 'iis' = any(d.sources) then 'iis'
        else 'plan'
    end
from (
    select distinct on (dose_id) * from dose_version
    where known_on <= $5 and dose_id > $1 and dose_id <= $2
    order by dose_id, version desc
) as d
join programme on programme.vaccine_group = any (groups_of(d.vaccine_group, d.vaccine_groups))
left join person_of p using (member_token)
where programme.programme_id = $3
    and d.action <> 'retract'
    and not d.is_partial
    and d.administered_on <= $4
    and d.cvx <> all (programme.cvx_not_counted)
    and (programme.doses_since_on is null or d.administered_on >= programme.doses_since_on)
"""
# Days with a dose that counts, numbered by person. `source`: where the programme heard of it.
CREATE_COUNTED = """
create temporary table counted_dose (
    person uuid not null,
    number integer not null,
    administered_on date not null,
    source text not null,
    primary key (person, number)
) on commit drop
"""
SAVE_COUNTED = """
insert into counted_dose
select person, row_number() over (partition by person order by administered_on), administered_on, source
from (
    select distinct on (person, administered_on) * from dose_told
    where person > $1 and person <= $2
    order by person, administered_on, source
) as counted
"""
# What a programme says of each enrolment in the end, and, where it is after something else than doses, the first day of
# which it has said without a break that the aim is reached.
CREATE_ENROLMENTS = """
create temporary table enrolment_told (
    person uuid not null,
    tenant_id text not null,
    enrolment_id uuid not null,
    is_told boolean not null,
    told_on date,
    is_in_scope boolean not null,
    target boolean not null,
    zip5 text not null,
    age_band text not null,
    race_ethnicity text not null,
    svi_group text not null,
    svi_release text not null,
    arm text not null
) on commit drop;
create index on enrolment_told (person)
"""
SAVE_ENROLMENTS = """
insert into enrolment_told
with fact as (
    select *, max(version) filter (where not vaccinated) over (partition by enrolment_id) as last_without
    from enrolment_version
    where programme_id = $3 and decided_on <= least($4::date, $5::date) and enrolment_id > $1 and enrolment_id <= $2
), told as (
    select enrolment_id, min(decided_on) as told_on from fact where version > coalesce(last_without, 0) group by 1
), latest as (
    select distinct on (enrolment_id) * from fact order by enrolment_id, version desc
)
select
    coalesce(p.person, e.member_token),
    e.tenant_id,
    e.enrolment_id,
    e.rule <> 'doses',
    case when e.rule <> 'doses' then told_on end,
    e.enrolled and in_scope(e.reasons),
    not e.reasons && array['area-not-vulnerable', 'area-unknown'],
    coalesce(e.zip5, 'unknown'),
    coalesce(e.age_band, 'unknown'),
    e.race_ethnicity,
    svi_group(e.svi_level, e.svi_value),
    e.svi_release,
    coalesce(e.arm, 'none')
from latest e left join told using (enrolment_id) left join person_of p using (member_token)
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
with rule as (
    select person, tenant_id, bool_or(is_told) as is_told, min(told_on) as told_on
    from enrolment_told where person > $1 and person <= $2 group by 1, 2
), dose as (
    select * from counted_dose where person > $1 and person <= $2
), told as (
    select person, tenant_id, told_on from rule where told_on is not null
), by_then as (
    select person, tenant_id, max(number) as number
    from told join dose using (person) where administered_on <= told_on group by 1, 2
)
select person, tenant_id, dose.administered_on, dose.source
from rule join dose using (person)
where not is_told and number = (select doses_needed from programme where programme_id = $3)
union all
select person, tenant_id, coalesce(dose.administered_on, told_on), dose.source
from told left join by_then using (person, tenant_id) left join dose using (person, number)
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
) on commit drop;
create index on population (person)
"""
SAVE_POPULATION = """
insert into population
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
    select * from enrolment_told
    where is_in_scope and person > $1 and person <= $2
) as enrolled
left join (select * from vaccination where person > $1 and person <= $2) as vaccinated using (person, tenant_id)
"""


@dataclass(frozen=True, slots=True)
class Step:
    """A temporary table: how it is made, and filled from slices of another. `save` takes the bounds of a slice and what
    it needs of the question."""

    table: str
    create: str
    save: str
    of: str
    by: str
    asked: tuple[str, ...] = ()


WHOLE = ("programme_id", "as_of", "known_on")
STEPS = (
    Step("person_of", CREATE_PERSONS, SAVE_PERSONS, "member_merge", "retired_token", ("known_on",)),
    Step("held_by", CREATE_HOLDERS, SAVE_HOLDERS, "enrolment_version", "enrolment_id", ("programme_id", "known_on")),
    Step("dose_told", CREATE_DOSES, SAVE_DOSES, "dose_version", "dose_id", WHOLE),
    Step("counted_dose", CREATE_COUNTED, SAVE_COUNTED, "dose_told", "person"),
    Step("enrolment_told", CREATE_ENROLMENTS, SAVE_ENROLMENTS, "enrolment_version", "enrolment_id", WHOLE),
    Step("vaccination", CREATE_VACCINATIONS, SAVE_VACCINATIONS, "enrolment_told", "person", ("programme_id",)),
    Step("population", CREATE_POPULATION, SAVE_POPULATION, "enrolment_told", "person"),
)


async def prepare(connection: Connection, question: Question) -> None:
    """Make the temporary tables that answer the question, for this transaction. Each is known to the planner before the
    next one is made of it."""
    await connection.execute(PLAN_FOR_MANY)
    for step in STEPS:
        await connection.execute(step.create)
        async for after, end in slices(connection, step.of, step.by):
            await connection.execute(step.save, after, end, *(getattr(question, name) for name in step.asked))
        await connection.execute(f"analyze {step.table}")
