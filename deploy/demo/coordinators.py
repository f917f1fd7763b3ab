"""Simulated care coordinators and site staff. They use the public interfaces and nothing else; who says what on the
telephone is drawn by chance, at the shares below."""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from deploy.demo.api import Api
from deploy.demo.sites import SITE_BY_ID, SITES, at

CALLS_A_DAY: Final = 3  # of one coordinator
ANSWERS: Final[Mapping[str, float]] = {
    "no-answer": 0.26,
    "left-message": 0.16,
    "busy": 0.03,
    "wrong-number": 0.03,
    "disconnected": 0.03,
    "initial-refusal": 0.11,
    "callback-scheduled": 0.05,
    "language-barrier": 0.02,
    "do-not-call": 0.012,
    "moved": 0.008,
    "third-party": 0.02,
    "already-vaccinated": 0.04,
    "complete": 0.05,
    "booked": 0.18,
}
SHARE_WITH_BARRIER: Final = 0.45  # of conversations
BARRIERS: Final = ("transportation-insecurity", "digital-access", "language-access", "social-connection",
                   "personal-health-literacy", "financial-insecurity")  # fmt: skip
BARRIER_WEIGHTS: Final = (8, 5, 4, 2, 2, 1)
REFUSAL_DOMAINS: Final = ("thinking-feeling", "social-processes", "motivation", "practical-issues")
REFUSAL_WEIGHTS: Final = (5, 2, 2, 3)
TALKS: Final = frozenset({"initial-refusal", "callback-scheduled", "already-vaccinated", "complete", "booked"})
GIVEN: Final = ("information", "motivational-interviewing", "support")
TOPICS: Final = ("safety", "side-effects", "where-to-go", "cost-and-coverage")
SHARE_NO_SHOW: Final = 0.08  # of appointments
SHARE_CANCELLED: Final = 0.04  # of appointments, on the day before
WALK_INS_A_DAY: Final = 1  # of each plan
LANGUAGES: Final = ("es", "vi", "zh")  # BCP 47, as cases name them; the first coordinators speak one each


@dataclass(slots=True)
class Tally:
    """What the simulated people did, for the screen."""

    calls: Counter[str] = field(default_factory=Counter)
    visits: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Workers:
    """One plan's coordinators on both services, and the members whom they met."""

    plan: str
    outreach: Sequence[Api]
    scheduling: Sequence[Api]
    met: list[str] = field(default_factory=list)

    async def work(self, day: date, rng: random.Random, tally: Tally) -> None:
        """One day of calls, all coordinators at once."""
        slots = await self._free_slots(day)
        seeds = [rng.random() for _ in self.outreach]
        await asyncio.gather(*(self._calls(n, day, random.Random(seed), slots, tally) for n, seed in enumerate(seeds)))

    async def _free_slots(self, day: date) -> list[dict[str, Any]]:
        monday = day - timedelta(days=day.weekday())
        weeks = [monday, monday + timedelta(days=7)] if day.weekday() >= 3 else [monday]
        found = [slot for week in weeks for slot in await self.scheduling[0].get("/slots", week=week.isoformat())]
        return [slot for slot in found if slot["start_on"] > day.isoformat()]

    async def _calls(
        self, worker: int, day: date, rng: random.Random, slots: list[dict[str, Any]], tally: Tally
    ) -> None:
        key = f"demo-{self.plan}-{worker}-{day}"
        wish: dict[str, Any] = {"count": CALLS_A_DAY}
        if worker < len(LANGUAGES):
            wish["language"] = LANGUAGES[worker]
        _, claimed = await self.outreach[worker].post("/claims", f"{key}-claim", wish)
        for number, case in enumerate(claimed.get("cases", ())):
            when = at(day, time(9 + number)) + timedelta(minutes=rng.randrange(60))
            await self._call(worker, case, when, f"{key}-{number}", rng, slots, tally)

    async def _call(
        self, worker: int, case: dict[str, Any], when: datetime, key: str, rng: random.Random,
        slots: list[dict[str, Any]], tally: Tally,
    ) -> None:  # fmt: skip
        answer = rng.choices(list(ANSWERS), list(ANSWERS.values()))[0]
        if answer == "booked" and not await self._book(worker, case, when, key, rng, slots, tally):
            answer = "complete"
        attempt = _attempt(answer, case, when, rng)
        status, body = await self.outreach[worker].post(f"/cases/{case['case_id']}/attempts", f"{key}-attempt", attempt)
        if status == 201:
            tally.calls[answer] += 1
            if answer in {"complete", "no-answer"}:
                self.met.append(case["enrolment_id"])
            if body["case"]["claimed_by"]:  # the shift ends: somebody else may try tomorrow
                await self.outreach[worker].post(f"/cases/{case['case_id']}/release", f"{key}-release")
        else:
            tally.refusals[_code(body)] += 1

    async def _book(
        self, worker: int, case: dict[str, Any], when: datetime, key: str, rng: random.Random,
        slots: list[dict[str, Any]], tally: Tally,
    ) -> bool:  # fmt: skip
        for attempt in range(3):
            if not slots:
                return False
            slot = rng.choice(slots)
            body = {"enrolment_id": case["enrolment_id"], "slot_id": slot["slot_id"], "occurred_at": when.isoformat()}
            status, answer = await self.scheduling[worker].post("/appointments", f"{key}-book-{attempt}", body)
            if status == 201:
                return True
            tally.refusals[_code(answer)] += 1
            if _code(answer) != "full":
                return False
            if slot in slots:
                slots.remove(slot)
        return False


def _attempt(answer: str, case: dict[str, Any], when: datetime, rng: random.Random) -> dict[str, Any]:
    attempt: dict[str, Any] = {"channel": case["next_channel"] or "phone", "disposition": answer}
    attempt["attempted_at"] = when.isoformat()
    if answer in TALKS:
        attempt["given"] = sorted(
            rng.sample(["information", "motivational-interviewing", "support"], rng.randint(1, 2))
        )
        attempt["topics"] = sorted(rng.sample(TOPICS, 2))
        if rng.random() < SHARE_WITH_BARRIER:
            attempt["barriers"] = rng.choices(BARRIERS, BARRIER_WEIGHTS)
    if answer == "initial-refusal":
        attempt["refusal_domain"] = rng.choices(REFUSAL_DOMAINS, REFUSAL_WEIGHTS)[0]
    if answer == "callback-scheduled":
        attempt["callback_at"] = (when + timedelta(days=rng.randint(1, 4))).isoformat()
    if answer == "language-barrier":
        attempt["language"] = rng.choice(LANGUAGES)
    return attempt


async def serve_sites(site_staff: Api, day: date, rng: random.Random, tally: Tally) -> None:
    """One day at all sites: most people come, some don't, some cancel the day before."""
    for site in SITES:
        booked = [
            appointment
            for appointment in await _appointments(site_staff, site.site_id, day)
            if appointment["status"] == "booked"
        ]
        outcomes = [(appointment, rng.random()) for appointment in booked]
        await asyncio.gather(*(_serve(site_staff, appointment, drawn, day, tally) for appointment, drawn in outcomes))
        tomorrow = await _appointments(site_staff, site.site_id, day + timedelta(days=1))
        gone = [
            appointment
            for appointment in tomorrow
            if appointment["status"] == "booked" and rng.random() < SHARE_CANCELLED
        ]
        for appointment in gone:
            body = {"reason": rng.choice(["pat-lt", "pat-fb", "pat-crs"]), "occurred_at": at(day, time(17)).isoformat()}
            await _visit(site_staff, appointment["appointment_id"], "cancel", body, tally)


async def _appointments(site_staff: Api, site_id: str, day: date) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await site_staff.get("/appointments", site=site_id, on=day.isoformat())
    return found


async def _serve(site_staff: Api, one: dict[str, Any], drawn: float, day: date, tally: Tally) -> None:
    moment = {"occurred_at": at(day, time(17)).isoformat()}
    if drawn < SHARE_NO_SHOW:
        await _visit(site_staff, one["appointment_id"], "noshow", moment, tally)
    else:
        await _visit(site_staff, one["appointment_id"], "fulfil", moment | {"dose": _dose(one["site_id"], day)}, tally)


async def _visit(site_staff: Api, appointment_id: str, act: str, body: dict[str, Any], tally: Tally) -> None:
    status, answer = await site_staff.post(
        f"/appointments/{appointment_id}/{act}", f"demo-{act}-{appointment_id}", body
    )
    if status == 200:
        tally.visits[act] += 1
    else:
        tally.refusals[_code(answer)] += 1


async def receive_walk_ins(site_staff: Api, workers: Workers, day: date, rng: random.Random, tally: Tally) -> None:
    """Some whom a coordinator had called come without an appointment."""
    for number in range(min(WALK_INS_A_DAY, len(workers.met))):
        enrolment_id = workers.met.pop(rng.randrange(len(workers.met)))
        site = rng.choice(SITES)
        body = {
            "enrolment_id": enrolment_id,
            "site_id": site.site_id,
            "dose": _dose(site.site_id, day),
            "occurred_at": at(day, time(16)).isoformat(),
        }
        status, answer = await site_staff.post("/walk-ins", f"demo-walk-in-{workers.plan}-{day}-{number}", body)
        tally.visits["walk-in"] += status == 201
        if status != 201:
            tally.refusals[_code(answer)] += 1


def _dose(site_id: str, day: date) -> dict[str, Any]:
    site = SITE_BY_ID[site_id]
    return {
        "cvx": site.cvx,
        "mvx": site.mvx,
        "lot": f"{site.mvx}{day:%y%W}{SITES.index(site)}",
        "administered_on": day.isoformat(),
    }


def _code(body: Any) -> str:
    return str(body.get("type", "unknown")).rsplit(":", 1)[-1] if isinstance(body, dict) else "unknown"
