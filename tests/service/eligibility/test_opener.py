"""Business days open by themselves: at midnight in the programme's zone, once, in steps, and in no simulated time."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from prometheus_client import REGISTRY

from services.eligibility.clock import store as clock_store
from services.eligibility.decisions.flow import days
from services.eligibility.decisions.flow.opener import DayOpener
from services.eligibility.intake.flow.worker import Intake
from services.eligibility.programmes.documents import bundled
from services.eligibility.settings import BY_CLOCK, BY_HAND, OwnSettings, read_own_settings
from services.kit import metrics
from services.kit.postgres import ALL_TENANTS, transaction
from services.kit.settings import SettingsError
from tests.servers import OpenDatabase
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.messages import Row, roster

pytestmark = pytest.mark.postgres
CHICAGO = ZoneInfo("America/Chicago")
MARCH = date(2021, 3, 1)


def at(day: date, hour: int = 12, minute: int = 0, zone: ZoneInfo = CHICAGO) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).astimezone(UTC)


def an_opener(office: Office, now: datetime, by: str | None = None) -> DayOpener:
    return DayOpener(office.database.pool, OwnSettings(business_days=by), lambda: now)


async def opened(office: Office) -> list[str]:
    """The days that were announced, the first one aside."""
    return [one["business_on"] for one in await office.events("business-day-opened")][1:]


@pytest.fixture
async def office(database: OpenDatabase) -> Office:
    """A deployment that lives in the calendar's time, on the evening of 1 March."""
    found = await database("eligibility")
    await days.begin(found.pool, MARCH)
    office = Office(found, Intake(found.settings(), found.pool, OwnSettings()))
    await office.fetch("update clock set is_simulated = false, time_zone = 'America/Chicago'")
    return office


async def test_a_day_opens_at_local_midnight(office: Office) -> None:
    """Not a minute before, though it is long the next day in UTC; and the members whom it concerns are decided anew."""
    await office.read(roster(Row("LS1", born="19560302")))
    assert not await an_opener(office, at(MARCH, 23, 59)).open_due()
    assert await opened(office) == []
    assert await an_opener(office, at(date(2021, 3, 2), 0, 0)).open_due()
    assert await opened(office) == ["2021-03-02"]
    assert (await office.last_facts())["LS1"]["status"] == "eligible"
    assert not await an_opener(office, at(date(2021, 3, 2), 23)).open_due()
    assert await opened(office) == ["2021-03-02"]


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("America/Chicago", date(2021, 3, 14)),
        ("America/Chicago", date(2021, 3, 15)),
        ("America/Chicago", date(2021, 11, 7)),
        ("America/Chicago", date(2021, 11, 8)),
        ("America/Phoenix", date(2021, 3, 14)),
        ("Pacific/Honolulu", date(2021, 3, 14)),
        ("America/Havana", date(2021, 3, 14)),
    ],
)
async def test_midnight_is_the_zones_own(office: Office, zone: str, day: date) -> None:
    """Also on and behind the days on which clocks change, and where there is no hour of midnight that day."""
    yesterday = day - timedelta(days=1)
    await office.fetch("update clock set time_zone = $1, business_on = $2", zone, yesterday)
    before = at(yesterday, 23, 59, ZoneInfo(zone))
    assert not await an_opener(office, before).open_due()
    assert await an_opener(office, before + timedelta(minutes=1)).open_due()
    assert await opened(office) == [day.isoformat()]


async def test_two_openers_open_a_day_once(office: Office) -> None:
    """However many instances look at once, the day is announced once."""
    now = at(date(2021, 3, 2))
    await asyncio.gather(*(an_opener(office, now).open_due() for _ in range(4)))
    assert await opened(office) == ["2021-03-02"]


async def test_an_opener_waits_for_nobody_who_holds_the_lock(office: Office) -> None:
    """Another instance at work is left to it: nothing is opened, and nobody waits."""
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        await connection.execute(clock_store.LOCK_OPENING.replace("_try", ""), clock_store.OPENING_ID)
        async with asyncio.timeout(60):
            assert not await an_opener(office, at(date(2021, 3, 2))).open_due()
    assert await opened(office) == []


async def test_a_downtime_is_made_up_for_in_steps(office: Office) -> None:
    """After 40 days away at most 31 days open at a time, each step's answers before the next one."""
    await office.read(roster(Row("LS1", end="20210310"), Row("LS2", given="Opa", born="19560405")))
    one = an_opener(office, at(MARCH + timedelta(days=40)))
    assert await one.open_due()
    assert (await office.last_facts())["LS1"]["reasons"] == ["not-enrolled"]
    assert await one.open_due()
    assert (await office.last_facts())["LS2"]["status"] == "eligible"
    assert not await one.open_due()
    assert await opened(office) == ["2021-04-01", "2021-04-10"]


async def test_a_clock_that_goes_back_closes_nothing(office: Office) -> None:
    """A day opened by hand ahead of the calendar stays open, and the opener goes on behind it."""
    await office.open_day(date(2021, 3, 3))
    assert not await an_opener(office, at(date(2021, 3, 2))).open_due()
    assert await an_opener(office, at(date(2021, 3, 4))).open_due()
    assert await opened(office) == ["2021-03-03", "2021-03-04"]


@pytest.mark.parametrize(
    ("by", "is_simulated", "behind", "opens"),
    [
        (None, False, 1, True),
        (None, False, 92, True),
        (None, False, 93, False),
        (None, True, 1, False),
        (BY_CLOCK, True, 500, True),
        (BY_HAND, False, 1, False),
    ],
)
async def test_who_opens_days(office: Office, by: str | None, is_simulated: bool, behind: int, opens: bool) -> None:
    """The setting; without one the clock, unless the first day was set into another time or is too far away."""
    await office.fetch("update clock set is_simulated = $1", is_simulated)
    one = an_opener(office, at(MARCH + timedelta(days=behind)), by)
    assert await one.open_due() is opens
    assert bool(await opened(office)) is opens
    assert metrics.DAYS_BEHIND._value.get() == max(0, behind - 31 * opens)


@pytest.mark.parametrize(
    ("first_on", "is_simulated"),
    [(None, False), (timedelta(0), False), (timedelta(-1), False), (timedelta(-30), True), (timedelta(3000), True)],
)
async def test_another_time_is_known_from_the_first_start(
    database: OpenDatabase, first_on: timedelta | None, is_simulated: bool
) -> None:
    """A first day that is not about today's puts the deployment into another time, whatever a later start is told."""
    found = await database("eligibility")
    today = datetime.now(ZoneInfo(bundled()[0].time_zone)).date()
    await days.begin(found.pool, None if first_on is None else today + first_on)
    await days.begin(found.pool, None)
    async with found.pool.acquire() as connection:
        assert await connection.fetchval("select is_simulated from clock") is is_simulated


async def test_a_day_that_does_not_open_is_told(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The metric at once, and readiness after a quarter of an hour; both are well again once it opens."""

    async def never(_: object) -> bool:
        return False

    clock = [at(date(2021, 3, 2), 0)]
    one = DayOpener(office.database.pool, OwnSettings(), lambda: clock[0])
    with monkeypatch.context() as patch:
        patch.setattr(DayOpener, "_open", never)
        await one.open_due()
        assert (metrics.DAYS_BEHIND._value.get(), one.trouble()) == (1, None)
        clock[0] += timedelta(minutes=16)
        await one.open_due()
        assert one.trouble() == "the open day is 1 days behind"
    assert await one.open_due()
    assert (metrics.DAYS_BEHIND._value.get(), one.trouble()) == (0, None)


def late(by: str) -> float | None:
    return REGISTRY.get_sample_value("vcc_business_day_late_seconds", {"by": by})


async def test_lateness_counts_from_midnight_of_the_first_day_that_is_not_open(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However late the process came itself, and also behind a downtime of days; once the day is open it is 0, before
    everybody whom it concerns is decided on."""
    during: list[float | None] = []

    async def redecide(*_: object) -> bool:
        during.append(late(BY_CLOCK))
        return False

    async def never(_: object) -> bool:
        return False

    monkeypatch.setattr(days, "redecide_due", redecide)
    now = at(date(2021, 3, 4), 6)
    with monkeypatch.context() as patch:
        patch.setattr(DayOpener, "_open", never)
        await an_opener(office, now).open_due()
        assert (late(BY_CLOCK), late(BY_HAND)) == (2 * 86_400 + 6 * 3600, None)
    assert await an_opener(office, now).open_due()
    assert (during, late(BY_CLOCK)) == ([0], 0)


@pytest.mark.parametrize(
    ("by", "is_simulated", "behind", "told"),
    [
        (BY_HAND, False, 1, 12 * 3600),
        (None, False, 93, 92 * 86_400 + 12 * 3600),
        (None, True, 1, None),
        (BY_HAND, True, 1, None),
    ],
)
async def test_a_day_that_people_open_may_be_late_too(
    office: Office, by: str | None, is_simulated: bool, behind: int, told: float | None
) -> None:
    """It is told under `by-hand`, also where the clock opens none because it is too far behind; a deployment in another
    time is not late by the calendar's. Readiness is the clock's alone."""
    await office.fetch("update clock set is_simulated = $1", is_simulated)
    await office.fetch("update clock set time_zone = 'America/Phoenix'")  # where no clock changes
    one = an_opener(office, at(MARCH + timedelta(days=behind), zone=ZoneInfo("America/Phoenix")), by)
    await one.open_due()
    assert (late(BY_HAND), late(BY_CLOCK), one.trouble()) == (told, None, None)


async def test_it_runs_until_it_is_stopped(office: Office) -> None:
    """Started as the service starts it, it opens what is due, goes on looking, and ends when told to."""
    clock = [at(date(2021, 3, 2))]
    one = DayOpener(office.database.pool, OwnSettings(), lambda: clock[0], poll_s=0.01)
    running = asyncio.create_task(one.run())
    async with asyncio.timeout(60):
        for day in ("2021-03-02", "2021-03-03"):
            clock[0] = at(date.fromisoformat(day))
            while (await opened(office))[-1:] != [day]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        one.stop()
        await running


def test_the_setting_is_read() -> None:
    """Nothing, by-clock or by-hand; anything else is refused with what was expected."""
    assert read_own_settings({}).business_days is None
    assert read_own_settings({"VCC_BUSINESS_DAYS": "by-hand"}).business_days == BY_HAND
    with pytest.raises(SettingsError, match="by-clock or by-hand"):
        read_own_settings({"VCC_BUSINESS_DAYS": "sometimes"})
