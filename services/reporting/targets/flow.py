"""The weekly target ZIPs: the only thing that reporting announces, and only when somebody asks for it. Never from a
handler, so that a replay of the log can't publish anything."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from services.kit.postgres import Connection
from services.kit.problem import Refusal
from services.kit.unit_of_work import UnitOfWork
from services.replicas.days import store as days
from services.reporting.facts import store as facts
from services.reporting.population.flow import NO_BUSINESS_DAY, NO_PROGRAMME
from services.reporting.population.rules import Coverage, Question, monday_of
from services.reporting.population.store import counts
from services.reporting.population.store.tables import prepare
from services.reporting.targets import store
from services.reporting.targets.rules import (
    Listing,
    TargetZip,
    Wish,
    as_listed,
    cover_targets,
    events_of,
    rank_targets,
)

NO_MONDAY = Refusal("not-a-monday", "Not a Monday", "A week is named by its Monday.", 422)
WEEK_AHEAD = Refusal("week-ahead", "Week Ahead", "A list is made for the open day's week or the next one.")
WEEK_PAST = Refusal("week-past", "Week Past", "A later week has been listed already; lists only go forward.")


async def list_target_zips(work: UnitOfWork, wish: Wish) -> Listing | Refusal:
    """Compute the week's list from what is known by now, and announce every ZIP that is on it or has left it."""
    connection = work.connection
    if not await store.lock_programme(connection, wish.programme_id):
        return NO_PROGRAMME
    if wish.week_on != monday_of(wish.week_on):
        return NO_MONDAY
    today = await days.load_day(connection)
    if today is None:
        return NO_BUSINESS_DAY
    if wish.week_on > monday_of(today) + timedelta(weeks=1):
        return WEEK_AHEAD
    if wish.week_on < (await store.load_latest_week(connection, wish.programme_id) or wish.week_on):
        return WEEK_PAST
    await prepare(connection, Question(wish.programme_id, today, today))
    everybody = await counts.load_counts(connection, "zip5")
    target_group = await counts.load_target_counts(connection)
    listed = rank_targets(everybody, target_group, wish.least_unvaccinated, wish.at_most)
    _, before = await store.load_listed(connection, wish.programme_id)
    delisted = sorted({target.zip5 for target in before} - {target.zip5 for target in listed})
    events = events_of(wish, listed, delisted, datetime.now(UTC))
    await facts.save_facts(connection, events)
    await work.announce(events)
    return Listing(today, listed, delisted)


async def of_one_plan(connection: Connection, listed: Iterable[TargetZip]) -> tuple[TargetZip, ...]:
    """The same list with one plan's own figures: which ZIPs are targets is no secret, but how many people of other
    plans live there is. The population must be prepared."""
    seen = cover_targets(await counts.load_counts(connection, "zip5"), await counts.load_target_counts(connection))
    nobody = Coverage(0, 0, None)
    return tuple(as_listed(target.zip5, target.rank, seen.get(target.zip5, nobody)) for target in listed)
