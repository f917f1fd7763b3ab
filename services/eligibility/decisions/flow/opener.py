"""Opens the business day at midnight in the programme's time zone, so that what is done today is never ahead of it.

All instances look; an advisory lock lets one of them open. The time is the database's, which they share: a day can't be
closed again, so no single machine's wrong clock may open it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import structlog

from services.eligibility.clock import flow as clock_flow
from services.eligibility.clock import store as clock_store
from services.eligibility.clock.store import Clock
from services.eligibility.decisions.flow import days
from services.eligibility.settings import BY_CLOCK, BY_HAND, OwnSettings
from services.kit import metrics
from services.kit.postgres import ALL_TENANTS, Connection, Pool, transaction
from services.kit.repeating import Repeating
from services.kit.unit_of_work import working

POLL_S = 15.0
MOST_BEHIND = timedelta(days=92)
"""A longer way is no downtime, but a deployment that lives in another time: it is told, and nothing is opened."""
LATE_AFTER = timedelta(minutes=15)
"""How long a day may be due before the service says that it is not well."""


@dataclass(frozen=True, slots=True)
class Due:
    """What the clock says: the day that is open, and the one that should be."""

    clock: Clock
    today: date

    @property
    def behind(self) -> timedelta:
        return max(self.today - self.clock.business_on, timedelta(0))

    def late(self, now: datetime) -> timedelta:
        """Since midnight of the first day that is not open."""
        if not self.behind:
            return timedelta(0)
        first = self.clock.business_on + timedelta(days=1)
        return now - datetime.combine(first, time.min, ZoneInfo(self.clock.time_zone))

    def opens(self, by: str | None) -> bool:
        """Whether days are opened here. Unless somebody chose: where the first day was not set into another time."""
        if by is not None:
            return by == BY_CLOCK
        return not self.clock.is_simulated and self.behind <= MOST_BEHIND

    def step(self) -> date:
        """The day to open now: today, or as far on the way there as one step goes."""
        return min(self.today, self.clock.business_on + timedelta(days=clock_flow.MOST_DAYS_ON))


class DayOpener(Repeating):
    """Runs in every instance. `now` is the one clock: the database's, unless another is given."""

    check = "business-day"

    def __init__(
        self, pool: Pool, own: OwnSettings, now: Callable[[], datetime] | None = None, poll_s: float = POLL_S
    ) -> None:
        super().__init__("opener")
        self._pool, self._by, self._now, self._poll_s = pool, own.business_days, now, poll_s
        self._trouble: str | None = None
        self._told: bool | None = None

    def trouble(self) -> str | None:
        """Why the service is not well: a day that should be open is not."""
        return self._trouble

    async def turn(self) -> float:
        has_opened = await self.open_due()
        return 0.0 if has_opened else self._poll_s

    async def open_due(self) -> bool:
        """Open the day that is due, or one step on the way there, and decide again whom that concerns. False if none
        is, or another instance does."""
        due = await self._look()
        if due is None or not due.behind or not due.opens(self._by) or not await self._open():
            return False
        await self._look()  # whom it concerns takes its time, and the day is open
        await days.redecide_due(self._pool, self._stopping.is_set)
        return True

    async def _look(self) -> Due | None:
        """How things stand, for the metric and for who asks whether the service is well."""
        async with transaction(self._pool, ALL_TENANTS) as connection:
            clock, now = await clock_store.load_clock(connection), await self._instant(connection)
        if clock is None:
            return None
        due = Due(clock, now.astimezone(ZoneInfo(clock.time_zone)).date())
        metrics.DAYS_BEHIND.set(due.behind.days)
        opens, late = due.opens(self._by), due.late(now)
        metrics.DAY_LATE_SECONDS.clear()
        if opens or not clock.is_simulated:
            metrics.DAY_LATE_SECONDS.labels(BY_CLOCK if opens else BY_HAND).set(late.total_seconds())
        is_late = opens and late > LATE_AFTER
        self._trouble = f"the open day is {due.behind.days} days behind" if is_late else None
        self._tell(due, opens=opens)
        return due

    def _tell(self, due: Due, *, opens: bool) -> None:
        """Once, and again when it changes, who opens the days."""
        if opens == self._told:
            return
        self._told, said = opens, structlog.get_logger()
        is_odd = not opens and self._by is None and not due.clock.is_simulated
        (said.warning if is_odd else said.info)(
            "business days", reason=BY_CLOCK if opens else BY_HAND, count=due.behind.days
        )

    async def _open(self) -> bool:
        async with working(self._pool) as work:
            connection = work.connection
            if not await clock_store.lock_opening(connection):
                return False
            clock, now = await clock_store.lock_clock(connection), await self._instant(connection)
            due = Due(clock, now.astimezone(ZoneInfo(clock.time_zone)).date())
            if not due.behind or not due.opens(self._by):
                return False
            await clock_flow.open_day(work, due.step())
        structlog.get_logger().info("business day opened", count=(due.step() - clock.business_on).days)
        return True

    async def _instant(self, connection: Connection) -> datetime:
        if self._now is not None:
            return self._now()
        return await clock_store.load_instant(connection)
