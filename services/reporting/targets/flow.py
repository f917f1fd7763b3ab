"""The weekly target ZIPs: the only thing that reporting announces, and only when somebody asks for it. Never from a
handler, so that a replay of the log can't publish anything."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from schemas.reporting_v1 import TargetZipListedV1
from services.kit.problem import Refusal
from services.kit.unit_of_work import UnitOfWork
from services.reporting.facts import store
from services.reporting.figures import store as views
from services.reporting.population import store as population
from services.reporting.population.rules import TargetZip, monday_of, rank_targets
from services.reporting.population.store import Question

LOCK_PROGRAMME = "select time_zone from programme where programme_id = $1 for update"
LOAD_LATEST_WEEK = "select max(week_on) from target_zip where programme_id = $1"

NO_SUCH_PROGRAMME = Refusal("no-such-programme", "No Such Programme", "No programme of this id was published.", 404)
NO_BUSINESS_DAY = Refusal("no-business-day", "No Business Day", "No business day has been opened yet.")
NO_MONDAY = Refusal("not-a-monday", "Not a Monday", "A week is named by its Monday.", 422)
WEEK_AHEAD = Refusal("week-ahead", "Week Ahead", "A list is made for the open day's week or the next one.")
WEEK_PAST = Refusal("week-past", "Week Past", "A later week has been listed already; lists only go forward.")


@dataclass(frozen=True, slots=True)
class Wish:
    """Which list is asked for."""

    programme_id: str
    week_on: date
    least_unvaccinated: int
    at_most: int


@dataclass(frozen=True, slots=True)
class Listing:
    """The list as announced, and the ZIPs that are on it no longer."""

    as_of: date
    listed: list[TargetZip]
    delisted: list[str]


async def list_target_zips(work: UnitOfWork, wish: Wish) -> Listing | Refusal:
    """Compute the week's list from what is known by now, and announce every ZIP that is on it or has left it."""
    connection = work.connection
    zone = await connection.fetchval(LOCK_PROGRAMME, wish.programme_id)
    if zone is None:
        return NO_SUCH_PROGRAMME
    if wish.week_on != monday_of(wish.week_on):
        return NO_MONDAY
    today = await population.load_business_day(connection)
    if today is None:
        return NO_BUSINESS_DAY
    if wish.week_on > monday_of(today) + timedelta(weeks=1):
        return WEEK_AHEAD
    if wish.week_on < (await connection.fetchval(LOAD_LATEST_WEEK, wish.programme_id) or wish.week_on):
        return WEEK_PAST
    await population.prepare(connection, Question(wish.programme_id, today, today))
    everybody, target = await views.load_counts(connection, "zip5"), await views.load_target_counts(connection)
    listed = rank_targets(everybody, target, wish.least_unvaccinated, wish.at_most)
    _, before = await views.load_listed(connection, wish.programme_id)
    delisted = sorted({one.zip5 for one in before} - {one.zip5 for one in listed})
    events = _events(wish, listed, delisted, datetime.now(UTC))
    await store.save_facts(connection, events)
    await work.announce(events)
    return Listing(today, listed, delisted)


def _events(wish: Wish, listed: list[TargetZip], delisted: list[str], now: datetime) -> list[TargetZipListedV1]:
    on = [
        TargetZipListedV1(
            occurred_at=now, zip5=one.zip5, programme_id=wish.programme_id, week_on=wish.week_on, listed=True,
            rank=one.rank, members=one.members, unvaccinated=one.unvaccinated, coverage=one.coverage,
        )
        for one in listed
    ]  # fmt: skip
    off = [
        TargetZipListedV1(
            occurred_at=now, zip5=zip5, programme_id=wish.programme_id, week_on=wish.week_on, listed=False
        )
        for zip5 in delisted
    ]
    return on + off
