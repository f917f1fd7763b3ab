"""SQL of how far outreach got with whom, in slices: first of facts by their own ids, then of persons."""

from collections import Counter, defaultdict

from services.kit.postgres import Connection
from services.kit.slices import slices
from services.reporting.figures.hiding.funnels import OUTCOMES, STAGES
from services.reporting.figures.rules import CONVERSATION
from services.reporting.population.rules import Question

# What single facts say of a person in a plan. `eligible` is told of everybody who was enrolled.
CREATE_STEPS = """
create temporary table funnel_step (
    person uuid not null,
    tenant_id text not null,
    eligible boolean,
    opened_on date,
    reached boolean,
    fulfilled boolean
) on commit drop;
create index on funnel_step (person)
"""
SAVE_ENTERED = """
insert into funnel_step (person, tenant_id, eligible)
select coalesce(h.person, p.person, e.member_token), e.tenant_id, bool_or(e.status = 'eligible')
from enrolment_version e left join held_by h using (enrolment_id)
    left join person_of p using (member_token)
where e.enrolment_id > $1 and e.enrolment_id <= $2 and e.programme_id = $3 and e.decided_on <= $4 and e.enrolled
group by 1, 2
"""
SAVE_OPENED = """
insert into funnel_step (person, tenant_id, opened_on)
select coalesce(h.person, p.person, c.member_token), c.tenant_id, min(c.opened_on)
from case_version c left join held_by h using (enrolment_id)
    left join person_of p using (member_token)
where c.case_id > $1 and c.case_id <= $2 and c.programme_id = $3 and c.opened_on <= $4
group by 1, 2
"""
SAVE_TRIED = """
insert into funnel_step (person, tenant_id, reached)
select coalesce(h.person, p.person, a.member_token), a.tenant_id, bool_or(a.disposition = any($5::text[]))
from attempt_told a left join held_by h using (enrolment_id)
    left join person_of p using (member_token)
where a.attempt_id > $1 and a.attempt_id <= $2 and a.programme_id = $3 and a.attempted_on <= $4
    and coalesce(a.retracted_on > $4, true)
group by 1, 2
"""
SAVE_BOOKED = """
insert into funnel_step (person, tenant_id, fulfilled)
select person, tenant_id, bool_or(status = 'fulfilled')
from (
    select distinct on (a.appointment_id) coalesce(h.person, p.person, a.member_token) as person, a.tenant_id, a.status
    from appointment_version a left join held_by h using (enrolment_id)
    left join person_of p using (member_token)
    where a.appointment_id > $1 and a.appointment_id <= $2 and a.programme_id = $3 and a.changed_on <= $4
        and not a.walk_in
    order by a.appointment_id, a.version desc
) as appointment
where status <> 'entered-in-error'
group by 1, 2
"""
STEPS = (
    (SAVE_ENTERED, "enrolment_version", "enrolment_id", ()),
    (SAVE_OPENED, "case_version", "case_id", ()),
    (SAVE_TRIED, "contact_attempt", "attempt_id", (list(CONVERSATION),)),
    (SAVE_BOOKED, "appointment_version", "appointment_id", ()),
)
COUNTED = {
    "enrolled": "count(*)",
    **{stage: f"count(*) filter (where {flag})" for flag, stage in zip(
        ("eligible", "opened", "tried", "reached", "booked", "dosed"), STAGES[1:], strict=True)},
    **{f"outcome {outcome}": f"count(*) filter (where outcome = '{outcome}')" for outcome in OUTCOMES},
}  # fmt: skip
# Every person's way in every plan; each stage implies the ones before.
LOAD_FUNNELS = """
with step as (
    select
        person, tenant_id, bool_or(eligible) as eligible, min(opened_on) as opened_on, bool_or(reached) as reached,
        bool_or(fulfilled) as fulfilled
    from funnel_step where person > $1 and person <= $2 group by 1, 2 having bool_or(eligible) is not null
), way as (
    select
        person, tenant_id, eligible, eligible and opened_on is not null as opened, opened_on, administered_on, source,
        eligible and opened_on is not null and reached is not null as tried,
        eligible and opened_on is not null and reached is true as reached,
        eligible and opened_on is not null and reached is true and fulfilled is not null as booked,
        eligible and opened_on is not null and reached is true and fulfilled is true
            and administered_on >= opened_on and source = 'appointment' as dosed
    from step
    left join (select * from vaccination where person > $1 and person <= $2) as vaccinated using (person, tenant_id)
), outcome as (
    select *, case
        when not opened then null
        when coalesce(dosed, false) then 'dose-after-outreach'
        when administered_on is null then 'no-dose'
        when administered_on < opened_on then 'dose-before-the-case'
        when source = 'appointment' then 'dose-at-own-site-otherwise'
        else 'dose-elsewhere'
    end as outcome
    from way
), person_way as (
    select
        person, bool_or(eligible) as eligible, bool_or(opened) as opened, bool_or(tried) as tried,
        bool_or(reached) as reached, bool_or(booked) as booked, bool_or(dosed) as dosed,
        coalesce(
            min(outcome) filter (where outcome = 'dose-after-outreach'),
            min(outcome) filter (where outcome <> 'no-dose'),
            min(outcome)
        ) as outcome
    from outcome group by person
)
select null as plan, {counts} from person_way
union all
select tenant_id as plan, {counts} from outcome group by tenant_id
""".format(counts=", ".join(f'{count} as "{name}"' for name, count in COUNTED.items()))


async def load_funnels(connection: Connection, question: Question) -> dict[str | None, dict[str, int]]:
    """How far outreach got: over all plans (None), each person once, and by plan. By stage and outcome."""
    await connection.execute(CREATE_STEPS)
    for save, table, key, more in STEPS:
        async for after, end in slices(connection, table, key):
            await connection.execute(save, after, end, question.programme_id, question.as_of, *more)
    await connection.execute("analyze funnel_step")
    found: defaultdict[str | None, Counter[str]] = defaultdict(Counter, {None: Counter()})
    async for after, end in slices(connection, "funnel_step", "person"):
        for row in await connection.fetch(LOAD_FUNNELS, after, end):
            found[row["plan"]].update({name: row[name] for name in COUNTED})
    plans = sorted(plan for plan in found if plan is not None)
    return {plan: {name: found[plan][name] for name in COUNTED} for plan in (None, *plans)}
