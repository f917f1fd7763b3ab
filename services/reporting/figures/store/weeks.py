"""SQL of what happened in each of the last weeks: what kind of event, of which sort, how many."""

from collections import Counter, defaultdict
from datetime import date

from services.kit.postgres import Connection
from services.kit.slices import slices
from services.reporting.figures.rules import Activity, first_week
from services.reporting.population.rules import Question

LOAD_ATTEMPTS = """
select date_trunc('week', attempted_on)::date as week_on, 'attempt' as kind, disposition as sort,
    count(*)::int as events
from attempt_told
where programme_id = $1 and attempted_on <= $2 and attempted_on >= $3 and coalesce(retracted_on > $2, true)
group by 1, 2, 3
"""
LOAD_APPOINTMENTS = """
with appointment as (
    select distinct on (appointment_id) *,
        min(changed_on) over (partition by appointment_id) as booked_on
    from appointment_version
    where appointment_id > $1 and appointment_id <= $2 and programme_id = $3 and changed_on <= $4
    order by appointment_id, version desc
), event (happened_on, kind) as (
    select booked_on, 'booking' from appointment where not walk_in and status <> 'entered-in-error'
    union all
    select start_on, case when walk_in then 'walk-in' else 'fulfilled' end from appointment where status = 'fulfilled'
    union all
    select start_on, 'noshow' from appointment where status = 'noshow'
    union all
    select changed_on, 'cancellation' from appointment where status = 'cancelled'
)
select date_trunc('week', happened_on)::date as week_on, kind, '' as sort, count(*)::int as events
from event where happened_on >= $5 group by 1, 2, 3
"""
LOAD_DOSES = """
with given as (
    select administered_on, d.source, svi_group
    from (select * from counted_dose where person > $1 and person <= $2 and administered_on >= $3) as d
    join (select * from population where person > $1 and person <= $2 and counts_once) as counted using (person)
), event (happened_on, kind, sort) as (
    select administered_on, 'dose by source', source from given
    union all
    select administered_on, 'dose by svi', svi_group from given
)
select date_trunc('week', happened_on)::date as week_on, kind, sort, count(*)::int as events
from event group by 1, 2, 3
"""


async def load_activity(connection: Connection, question: Question) -> Activity:
    """What happened in each of the last weeks."""
    since, asked = first_week(question), (question.programme_id, question.as_of)
    rows = list(await connection.fetch(LOAD_ATTEMPTS, *asked, since))
    async for slice_of in slices(connection, "appointment_version", "appointment_id"):
        rows += await connection.fetch(LOAD_APPOINTMENTS, *slice_of, *asked, since)
    async for slice_of in slices(connection, "population", "person"):
        rows += await connection.fetch(LOAD_DOSES, *slice_of, since)
    activity: defaultdict[tuple[date, str], Counter[str]] = defaultdict(Counter)
    for row in rows:
        activity[row["week_on"], row["kind"]][row["sort"]] += row["events"]
    return {key: dict(by_sort) for key, by_sort in sorted(activity.items())}
