"""Three weeks of the programme by the book: who is called, what is said and who comes follows from member numbers, days
and places alone, so that two runs do the same. Every request is repeated under its key until it is answered."""

import gzip
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

from deploy.demo.population import Ledger, generate
from tests.bodies import Json, a_block, a_dose_of_the_day, a_site, at, more_of
from tests.flow.world import PLANS, World

MEMBERS, SEED, WEEKS = 450, 7, 3
CALL_DAYS = frozenset({1, 4})  # Tuesday and Friday
SITES = ("dodger-stadium", "mobile-team-1")
CALLS_A_DAY = 6  # of each plan
SAID = ("booked", "initial-refusal", "no-answer", "booked", "callback-scheduled", "walk-in", "booked", "do-not-call",
        "already-vaccinated", "booked", "wrong-number")  # fmt: skip
CAME = ("fulfil", "fulfil", "noshow", "fulfil", "cancel", "entered-in-error")
ELIGIBLE = """
select enrolment.enrolment_id, member_id from enrolment join decision using (enrolment_id)
where tenant_id = $1 and fact ->> 'status' = 'eligible' and member_id <> all ($2) order by member_id
"""
CASES = "select enrolment_id, case_id from outreach_case where tenant_id = $1 and status = 'open'"

Disturb = Callable[[str], AbstractAsyncContextManager[object]]


def undisturbed(_moment: str) -> AbstractAsyncContextManager[object]:
    return nullcontext()


def population(folder: Path) -> Ledger:
    return generate(folder, MEMBERS, SEED, WEEKS)


@dataclass(slots=True)
class Season:
    """`disturb` is asked for what may happen around each moment, named by its day and deed. Each request is sent so
    many `times` under its key, as by clients whose replies get lost."""

    world: World
    folder: Path
    ledger: Ledger
    disturb: Disturb = undisturbed
    times: int = 1
    met: set[str] = field(default_factory=set)
    numbers: dict[str, str] = field(default_factory=dict)

    async def run(self) -> None:
        self.met |= _doubles(self.folder / self.ledger.people)
        for site_id in SITES:
            await self._must("scheduling", "state", "/sites", f"site-{site_id}", a_site(site_id))
        for day in _days(self.ledger.first_day, self.ledger.last_day):
            await self._day(day)

    async def _day(self, day: date) -> None:
        async with self.disturb(f"{day} opens"):
            await self._must("eligibility", "operator", "/business-days", f"day-{day}", {"business_on": str(day)})
        await self.world.settle()
        if day.weekday() == 0:
            await self._open_week(day)
        async with self.disturb(f"{day} files"):
            for file in self.ledger.days().get(day, []):
                await self.world.submit((self.folder / file.path).read_bytes())
        await self.world.settle()
        await self._serve(day)
        if day.weekday() in CALL_DAYS:
            async with self.disturb(f"{day} calls"):
                for plan in PLANS:
                    await self._call(plan, day)
        await self.world.settle()

    async def _open_week(self, monday: date) -> None:
        for site_id in SITES:
            for plan in PLANS:
                body = a_block(site_id, plan, monday, days=6)
                await self._must("scheduling", "state", "/blocks", f"block-{site_id}-{plan}-{monday}", body)

    # -- calls

    async def _call(self, plan: str, day: date) -> None:
        eligible = await self.world.rows("eligibility", ELIGIBLE, plan, sorted(self.met))
        cases = {row["enrolment_id"]: row["case_id"] for row in await self.world.rows("outreach", CASES, plan)}
        callable_now = [row for row in eligible if row["enrolment_id"] in cases]
        for number, row in enumerate(callable_now[:CALLS_A_DAY]):
            self.met.add(row["member_id"])
            self.numbers[str(row["enrolment_id"])] = row["member_id"]
            said = SAID[(len(self.met) + number) % len(SAID)]
            await self._talk(plan, day, number, said, str(row["enrolment_id"]), str(cases[row["enrolment_id"]]))

    async def _talk(self, plan: str, day: date, number: int, said: str, enrolment_id: str, case_id: str) -> None:
        key, when = f"{plan}-{day}-{number}", at(day, time(9 + number)).isoformat()
        if said == "walk-in":
            dose = a_dose_of_the_day(day)
            body = {"enrolment_id": enrolment_id, "site_id": SITES[0], "dose": dose, "occurred_at": when}
            await self._must("scheduling", "site", "/walk-ins", f"walk-in-{key}", body)
            return
        if said == "booked":
            slot = await self._slot(plan, day, number)
            body = {"enrolment_id": enrolment_id, "slot_id": slot["slot_id"], "occurred_at": when}
            await self._must("scheduling", f"coordinator-{plan}", "/appointments", f"book-{key}", body)
        attempt = {"channel": "phone", "disposition": said, "attempted_at": when, "claim": True, **more_of(said, day)}
        await self._must("outreach", f"coordinator-{plan}", f"/cases/{case_id}/attempts", f"call-{key}", attempt)

    async def _slot(self, plan: str, day: date, number: int) -> Json:
        """One of the next slots with room, by time and site."""
        found = await self.world.ask("scheduling", f"coordinator-{plan}").get("/slots", limit=1000)
        later = [one for one in found if one["start_on"] > day.isoformat() and one["held_for"] in {None, plan}]
        later.sort(key=lambda one: (one["start_at"], one["site_id"], one["held_for"] or ""))
        return dict(later[number % 3])

    # -- sites

    async def _serve(self, day: date) -> None:
        """Those booked for the day, by place and member number: who comes, who does not."""
        site = self.world.ask("scheduling", "site")
        for site_id in SITES:
            listed = await site.get("/appointments", site=site_id, on=day.isoformat())
            booked = [one for one in listed if one["status"] == "booked"]
            booked.sort(key=lambda one: (one["start_at"], self.numbers[one["enrolment_id"]]))
            for number, one in enumerate(booked):
                came = CAME[(number + day.day) % len(CAME)]
                path = f"/appointments/{one['appointment_id']}/{came}"
                key = f"{came}-{self.numbers[one['enrolment_id']]}-{day}"
                await self._must("scheduling", "site", path, key, _outcome(came, day))

    async def _must(self, service: str, client: str, path: str, key: str, body: Mapping[str, object]) -> Json:
        caller = self.world.ask(service, client)
        answers = [await caller.post(path, f"season-{key}", body) for _ in range(self.times)]
        status, answer = answers[0]
        assert status < 300, (path, key, answer)
        assert answers == [answers[0]] * self.times, (path, key, answers)
        return dict(answer)


def _doubles(people: Path) -> set[str]:
    """Members whom a later roster merges: which entry survives is chance, so nobody calls them."""
    with gzip.open(people, "rt") as file:
        truths: list[Any] = [json.loads(line) for line in file][1:]
    merged = [one for truth in truths for one in truth["enrolments"] if one["merged_into"]]
    return {one[name] for one in merged for name in ("member_id", "merged_into")}


def _outcome(came: str, day: date) -> Json:
    more: dict[str, Json] = {"fulfil": {"dose": a_dose_of_the_day(day)}, "cancel": {"reason": "pat-lt"}}
    return {"occurred_at": at(day, time(17)).isoformat(), **more.get(came, {})}


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
