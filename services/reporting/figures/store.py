"""SQL of the report's figures, over the population of a question."""

from collections import defaultdict
from datetime import date, timedelta

from services.kit.postgres import Connection
from services.kit.rows import into
from services.reporting.figures.assembly import COLUMNS
from services.reporting.figures.hiding import OUTCOMES, STAGES
from services.reporting.figures.report import FeedSum, Rejection, Slots
from services.reporting.figures.rules import CONVERSATION, Deeds, first_week
from services.reporting.population.rules import Question
from services.reporting.population.shares import Counts
from services.reporting.population.store import load_counts

LOAD_HEADLINE = """
select
    count(*) filter (where target) as target_members,
    count(vaccinated_on) filter (where target) as target_vaccinated,
    count(vaccinated_on) filter (where target and vaccinated_on > $1) as lately,
    count(*) as members,
    count(vaccinated_on) as vaccinated
from population where counts_once
"""
LOAD_CROSS = """
select tenant_id, zip5, age_band, race_ethnicity, svi_group,
    count(*)::int as members, count(vaccinated_on)::int as vaccinated
from population group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5
"""

# Every person's way in every plan; each stage implies the ones before.
LOAD_FUNNELS = """
with entered as (
    select coalesce(p.person, e.member_token) as person, e.tenant_id, bool_or(e.status = 'eligible') as eligible
    from enrolment_version e left join person_of p using (member_token)
    where e.programme_id = $1 and e.decided_on <= $2 and e.enrolled
    group by 1, 2
), opened as (
    select coalesce(p.person, c.member_token) as person, c.tenant_id, min(c.opened_on) as opened_on
    from case_version c left join person_of p using (member_token)
    where c.programme_id = $1 and c.opened_on <= $2
    group by 1, 2
), tried as (
    select coalesce(p.person, a.member_token) as person, a.tenant_id,
        bool_or(a.disposition = any($3::text[])) as reached
    from attempt_told a left join person_of p using (member_token)
    where a.programme_id = $1 and a.attempted_on <= $2 and coalesce(a.retracted_on > $2, true)
    group by 1, 2
), booked as (
    select person, tenant_id, bool_or(status = 'fulfilled') as fulfilled
    from (
        select distinct on (a.appointment_id) coalesce(p.person, a.member_token) as person, a.tenant_id, a.status
        from appointment_version a left join person_of p using (member_token)
        where a.programme_id = $1 and a.changed_on <= $2 and not a.walk_in
        order by a.appointment_id, a.version desc
    ) as appointment
    where status <> 'entered-in-error'
    group by 1, 2
), way as (
    select
        person, tenant_id, eligible, eligible and opened_on is not null as opened, opened_on, administered_on, source,
        eligible and opened_on is not null and reached is not null as tried,
        eligible and opened_on is not null and reached is true as reached,
        eligible and opened_on is not null and reached is true and fulfilled is not null as booked,
        eligible and opened_on is not null and reached is true and fulfilled is true
            and administered_on >= opened_on and source = 'appointment' as dosed
    from entered
    left join opened using (person, tenant_id)
    left join tried using (person, tenant_id)
    left join booked using (person, tenant_id)
    left join vaccination using (person, tenant_id)
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
(select tenant_id as plan, {counts} from outcome group by tenant_id order by tenant_id)
"""
_COUNTS = ", ".join([
    'count(*) as "enrolled"',
    *(f'count(*) filter (where {flag}) as "{stage}"' for flag, stage in zip(
        ("eligible", "opened", "tried", "reached", "booked", "dosed"), STAGES[1:], strict=True)),
    *(f"count(*) filter (where outcome = '{outcome}') as \"outcome {outcome}\"" for outcome in OUTCOMES),
])  # fmt: skip
LOAD_FUNNELS = LOAD_FUNNELS.format(counts=_COUNTS)

# Deeds by week: what kind of deed, of which sort, how many.
LOAD_WEEKS = """
with appointment as (
    select distinct on (appointment_id) *,
        min(changed_on) over (partition by appointment_id) as booked_on
    from appointment_version where programme_id = $1 and changed_on <= $2
    order by appointment_id, version desc
), deed (happened_on, deed, sort) as (
    select attempted_on, 'attempt', disposition from attempt_told
    where programme_id = $1 and attempted_on <= $2 and coalesce(retracted_on > $2, true)
    union all
    select booked_on, 'booking', '' from appointment where not walk_in and status <> 'entered-in-error'
    union all
    select start_on, case when walk_in then 'walk-in' else 'fulfilled' end, ''
    from appointment where status = 'fulfilled'
    union all
    select start_on, 'noshow', '' from appointment where status = 'noshow'
    union all
    select changed_on, 'cancellation', '' from appointment where status = 'cancelled'
    union all
    select d.administered_on, 'dose by source', d.source
    from counted_dose d join population using (person) where counts_once
    union all
    select d.administered_on, 'dose by svi', svi_group
    from counted_dose d join population using (person) where counts_once
)
select date_trunc('week', happened_on)::date as week_on, deed, sort, count(*)::int as deeds
from deed where happened_on >= $3 group by 1, 2, 3 order by 1, 2, 3
"""
LOAD_REFUSALS = """
select refusal_domain as code, count(distinct coalesce(p.person, a.member_token))::int as people
from attempt_told a left join person_of p using (member_token)
where programme_id = $1 and attempted_on <= $2 and coalesce(retracted_on > $2, true) and refusal_domain is not null
group by 1
"""
LOAD_BARRIERS = """
select code, count(distinct coalesce(p.person, a.member_token))::int as people
from attempt_told a cross join unnest(a.barriers) as code left join person_of p using (member_token)
where programme_id = $1 and attempted_on <= $2 and coalesce(retracted_on > $2, true)
group by 1
"""
LOAD_SLOTS = """
select week_on, site_id, tenant_id as plan, sum(capacity)::int as capacity, sum(booked)::int as booked,
    sum(fulfilled)::int as used
from (
    select distinct on (block_id) * from slot_pool_version where changed_on <= $1 order by block_id, version desc
) as block
where week_on >= $2
    and coalesce(vaccine_group = (select vaccine_group from programme where programme_id = $3), true)
group by 1, 2, 3 order by 1 desc, 2, 3 nulls last
"""
LOAD_RELEASES = "select distinct svi_release from population where svi_release <> 'none' order by 1"

LOAD_FEEDS = """
select kind, count(*)::int as files, sum(rows_read)::int as rows_read, sum(rows_accepted)::int as rows_accepted,
    sum(rows_rejected)::int as rows_rejected, sum(rows_unlinked)::int as rows_unlinked,
    sum(rows_unchanged)::int as rows_unchanged
from feed_file where business_on <= $1 group by 1 order by 1
"""
LOAD_REJECTIONS = """
select kind, rejection ->> 'reason' as reason, sum((rejection ->> 'rows')::int)::int as rows
from feed_file cross join jsonb_array_elements(rejections) as rejection
where business_on <= $1 group by 1, 2 order by 3 desc, 1, 2
"""


async def load_headline(connection: Connection, question: Question) -> tuple[Counts, Counts, int]:
    """Everybody in scope, the target group, and how many of the group were vaccinated lately. Exact, like all that is
    read here."""
    row = await connection.fetchrow(LOAD_HEADLINE, question.as_of - timedelta(days=7))
    assert row is not None
    target = Counts(row["target_members"], row["target_vaccinated"])
    return Counts(row["members"], row["vaccinated"]), target, row["lately"]


async def load_arms(connection: Connection) -> dict[str, Counts]:
    """Exact counts by arm, as drawn; empty where the programme draws none."""
    counts = await load_counts(connection, "arm")
    return counts if counts.keys() - {"none"} else {}


async def load_cross(connection: Connection) -> dict[tuple[str, ...], Counts]:
    """Counts by plan, ZIP, age band, race and ethnicity and SVI group at once. Somebody in two plans is in both."""
    return {
        tuple(row[name] for name in COLUMNS): Counts(row["members"], row["vaccinated"])
        for row in await connection.fetch(LOAD_CROSS)
    }


async def load_funnels(connection: Connection, question: Question) -> dict[str | None, dict[str, int]]:
    """How far outreach got: over all plans (None), each person once, and by plan. By stage and outcome."""
    rows = await connection.fetch(LOAD_FUNNELS, question.programme_id, question.as_of, list(CONVERSATION))
    return {row["plan"]: {name: count for name, count in row.items() if name != "plan"} for row in rows}


async def load_deeds(connection: Connection, question: Question) -> Deeds:
    """What happened in each of the last weeks."""
    deeds: dict[tuple[date, str], dict[str, int]] = defaultdict(dict)
    for row in await connection.fetch(LOAD_WEEKS, question.programme_id, question.as_of, first_week(question)):
        deeds[row["week_on"], row["deed"]][row["sort"]] = row["deeds"]
    return deeds


async def load_refusals(connection: Connection, question: Question) -> dict[str, int]:
    """How many people refused, by the domain of their reason."""
    return await _load_reasons(connection, question, LOAD_REFUSALS)


async def load_barriers(connection: Connection, question: Question) -> dict[str, int]:
    """How many people were stopped by each barrier."""
    return await _load_reasons(connection, question, LOAD_BARRIERS)


async def _load_reasons(connection: Connection, question: Question, query: str) -> dict[str, int]:
    return {row["code"]: row["people"] for row in await connection.fetch(query, question.programme_id, question.as_of)}


async def load_slots(connection: Connection, question: Question) -> tuple[Slots, ...]:
    """The blocks at sites by week and plan: how many places, how many booked, how many used."""
    rows = await connection.fetch(LOAD_SLOTS, question.as_of, first_week(question), question.programme_id)
    return tuple(into(Slots, row) for row in rows)


async def load_releases(connection: Connection) -> tuple[str, ...]:
    """The releases of the vulnerability index that the members' areas were read in."""
    return tuple(row["svi_release"] for row in await connection.fetch(LOAD_RELEASES))


async def load_feeds(connection: Connection, question: Question) -> tuple[FeedSum, ...]:
    """What became of the rows of each kind of feed file. Rows are rows and no people: nothing is hidden."""
    return tuple(into(FeedSum, row) for row in await connection.fetch(LOAD_FEEDS, question.as_of))


async def load_rejections(connection: Connection, question: Question) -> tuple[Rejection, ...]:
    """How many rows were rejected, by kind of feed file and reason."""
    return tuple(into(Rejection, row) for row in await connection.fetch(LOAD_REJECTIONS, question.as_of))
