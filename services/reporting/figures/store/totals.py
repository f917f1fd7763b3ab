"""SQL of the report's figures that are counted at once, over the population of a question."""

from datetime import timedelta

from services.kit.postgres import Connection
from services.kit.rows import into
from services.reporting.figures.assembly import COLUMNS
from services.reporting.figures.report import FeedSum, Rejection, Slots
from services.reporting.figures.rules import first_week
from services.reporting.population.rules import Question
from services.reporting.population.shares import Counts
from services.reporting.population.store.counts import load_counts

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

LOAD_REFUSALS = """
select refusal_domain as code, count(distinct coalesce(h.person, p.person, a.member_token))::int as people
from attempt_told a left join held_by h using (enrolment_id)
    left join person_of p using (member_token)
where programme_id = $1 and attempted_on <= $2 and coalesce(retracted_on > $2, true) and refusal_domain is not null
group by 1
"""
LOAD_BARRIERS = """
select code, count(distinct coalesce(h.person, p.person, a.member_token))::int as people
from attempt_told a cross join unnest(a.barriers) as code left join held_by h using (enrolment_id)
    left join person_of p using (member_token)
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
