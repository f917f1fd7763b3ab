"""Bookings that a clinic takes away: some of those members are called again, some want no more calls and are told in
another way, and some nobody tells."""

import asyncio
from dataclasses import dataclass, field
from datetime import date, time
from random import Random
from typing import TYPE_CHECKING

from tests.bodies import Json, at

if TYPE_CHECKING:
    from tests.chaos.driver import Driver

REASONS = ("prov-pers", "oth-weath", "oth-room")
WAYS = ("letter", "email", "visit", "provider", "member-knew")
SAID = ("complete", "left-message", "no-answer")
TRIES, AGAIN_S = 60, 0.5


@dataclass(frozen=True, slots=True)
class Booked:
    """A booking that was made for a case."""

    plan: str
    case_id: str
    appointment_id: str


@dataclass(slots=True)
class Losses:
    """`booked` are those that may be taken away; who tells of it works beside everybody else."""

    driver: "Driver"
    random: Random
    booked: list[Booked] = field(default_factory=list)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def take_away(self, day: date) -> None:
        """Of a few: one is called again, one must not be called, one hears nothing."""
        self.random.shuffle(self.booked)
        for deed in (self._call_again, self._tell_without_a_call, self._keep_silent):
            if self.booked:
                self._tasks.append(asyncio.create_task(deed(day, self.booked.pop())))

    async def finish(self) -> None:
        await asyncio.gather(*self._tasks)

    async def _lose(self, day: date, one: Booked) -> bool:
        """Whether it stood until now."""
        body: Json = {"reason": self.random.choice(REASONS), "occurred_at": at(day, time(17, 30)).isoformat()}
        answer = await self.driver.write("scheduling", "site", f"/appointments/{one.appointment_id}/cancel", body)
        return answer is not None and answer[0] == 200

    async def _keep_silent(self, day: date, one: Booked) -> None:
        await self._lose(day, one)

    async def _call_again(self, day: date, one: Booked) -> None:
        if await self._lose(day, one):
            await self._attempt(day, one, self.random.choice(SAID), time(18))

    async def _tell_without_a_call(self, day: date, one: Booked) -> None:
        """Outreach must have heard of both before it takes a notice."""
        await self._attempt(day, one, "do-not-call", time(17))
        if not await self._lose(day, one):
            return
        body, path = {"how": self.random.choice(WAYS)}, f"/cases/{one.case_id}/lost-booking-notice"
        for _ in range(TRIES):
            answer = await self.driver.write("outreach", f"coordinator-{one.plan}", path, body)
            if answer is not None and answer[0] == 200:
                return
            await asyncio.sleep(AGAIN_S)

    async def _attempt(self, day: date, one: Booked, said: str, hour: time) -> None:
        body = {"channel": "phone", "disposition": said, "attempted_at": at(day, hour).isoformat(), "claim": True}
        await self.driver.write("outreach", f"coordinator-{one.plan}", f"/cases/{one.case_id}/attempts", body)
