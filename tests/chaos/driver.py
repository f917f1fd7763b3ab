"""Everybody outside who uses the system in a round: senders of files, coordinators, sites, the State. Nobody waits:
while files are still being read and topics still being applied, calls are made and places are booked. Every request is
sent again under its key until it is answered, and every sending stands in the ledger."""

import asyncio
import time as clock
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import httpx

from deploy.demo.population import Ledger as Truth
from tests.bodies import PROGRAMME, Json, a_block, a_dose_of_the_day, a_site, at, more_of
from tests.chaos.clerk import Clerk
from tests.chaos.fleet import Fleet
from tests.chaos.ledger import Ledger
from tests.chaos.losses import Booked, Losses
from tests.chaos.odd_rosters import OddRosters
from tests.chaos.servers import PLANS, Servers

BEATS = (0, 1, 3, 7, 9, 14, 17)  # the days on which something is done; those between are opened with them
SITES = ("dodger-stadium", "mobile-team-1")
SAID = ("booked", "booked", "booked", "initial-refusal", "no-answer", "callback-scheduled", "walk-in", "do-not-call",
        "already-vaccinated", "wrong-number", "left-message")  # fmt: skip
CAME = ("fulfil", "fulfil", "fulfil", "noshow", "cancel", "reschedule", "entered-in-error")
MISTAKABLE = frozenset({"initial-refusal", "wrong-number", "left-message", "no-answer"})
MISTAKES, CHANGES_OF_MIND = 0.2, 0.5
OUT_OF_THE_BLUE = ("do-not-call", "deceased", "complete")
CALLERS = 4  # in each beat, who have no case
CALLS_PER_MEMBER, LEAST_CALLS = 1 / 70, 24  # in each beat
WORKERS = 8
TWICE = 0.12  # of the requests are sent twice at once
RACES = 0.15  # of the cases are worked by two at once
ANSWER_TIMEOUT_S = 12.0
GIVE_UP_S = 150.0
AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, TimeoutError)
"""What a database says, or the driver of it, that ends in the middle of a statement."""
RETRY_S = 0.25
CASES_TIMEOUT_S, MORE_CASES_TIMEOUT_S = 45.0, 3.0

OPEN_CASES = """
select tenant_id, enrolment_id, case_id, member_token from outreach_case
where status = 'open' and held_by is null and case_id <> all ($1) order by md5(case_id::text || $2) limit $3
"""

WITHOUT_CASE = """
select tenant_id, enrolment_id from enrolment
where tenant_id = any($3)
    and not exists (select from outreach_case as held where held.enrolment_id = enrolment.enrolment_id)
group by 1, 2 order by md5(enrolment_id::text || $1) limit $2
"""

Moment = Callable[[int, str], Awaitable[None]]
"""Told before each deed of each beat: `open`, `files`, `calls`, `sites`, `end`."""


@dataclass(slots=True)
class Driver:
    """One round's worth of people."""

    servers: Servers
    fleet: Fleet
    ledger: Ledger
    run: Path
    truth: Truth
    random: Random
    moment: Moment
    name: str
    _http: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(timeout=ANSWER_TIMEOUT_S))
    _tokens: dict[str, str] = field(default_factory=dict)
    _called: list[Any] = field(default_factory=list)
    _weeks: set[date] = field(default_factory=set)
    _keys: int = 0
    unknown: int = 0
    clerk: Clerk = field(init=False)
    losses: Losses = field(init=False)

    def __post_init__(self) -> None:
        rosters = OddRosters(self.run / "feeds", self.truth.first_day, Random(f"{self.name}:odd"))
        self.clerk = Clerk(self, rosters, self.name)
        self.losses = Losses(self, Random(f"{self.name}:losses"))

    async def drive(self) -> None:
        for site_id in SITES:
            await self.write("scheduling", "state", "/sites", a_site(site_id))
        before = -1
        for number, offset in enumerate(BEATS):
            await self._beat(number, before, offset)
            before = offset
        await asyncio.gather(self.clerk.finish(), self.losses.finish())

    async def close(self) -> None:
        await self._http.aclose()

    async def _beat(self, number: int, before: int, offset: int) -> None:
        day = self.truth.first_day + timedelta(days=offset)
        await self.moment(number, "open")
        await self.write("eligibility", "operator", "/business-days", {"business_on": str(day)})
        await self._open_week(day)
        await self.moment(number, "files")
        self.clerk.begin(number, offset)
        await self._submit(before, offset)
        await self.moment(number, "calls")
        await self._call(day)
        await self.moment(number, "sites")
        self.losses.take_away(day)
        await self._serve(before, offset)
        if number % 3 == 2:
            await self._list_targets(day)
        await self.moment(number, "end")

    # -- the State and the senders

    async def _open_week(self, day: date) -> None:
        monday = day - timedelta(days=day.weekday())
        if monday in self._weeks:
            return
        self._weeks.add(monday)
        blocks = [a_block(site_id, plan, monday, days=7) for site_id in SITES for plan in PLANS]
        await asyncio.gather(*(self.write("scheduling", "state", "/blocks", block) for block in blocks))

    async def _submit(self, before: int, offset: int) -> None:
        days = self.truth.days()
        for ahead in range(before + 1, offset + 1):
            for file in days.get(self.truth.first_day + timedelta(days=ahead), []):
                await self.submit(file.path)

    async def submit(self, path: str) -> tuple[int, Any] | None:
        """Send a feed file of the run folder."""
        return await self.write("eligibility", "integration", "/feed-files", file=f"feeds/{path}")

    async def _list_targets(self, day: date) -> None:
        body = {"programme_id": PROGRAMME, "week_on": (day - timedelta(days=day.weekday())).isoformat(),
                "least_unvaccinated": 11}  # fmt: skip
        await self.write("reporting", "state", "/target-zips", body)

    # -- calls

    async def _call(self, day: date) -> None:
        wanted = max(LEAST_CALLS, round(self.truth.members * CALLS_PER_MEMBER))
        cases = await self._cases(wanted)
        self._called += [one["case_id"] for one in cases]
        await self._shared(cases, lambda one: self._reach(day, one))
        await self._shared(
            await self.rows("outreach", WITHOUT_CASE, self.name, CALLERS, list(PLANS)),
            lambda one: self._hear_from(day, one),
        )

    async def _hear_from(self, day: date, enrolment: Json) -> None:
        """Somebody gets in touch whom nobody was to call, or his family does."""
        when = at(day, time(10, self.random.randrange(60)))
        contact = {"channel": "phone", "disposition": self.random.choice(OUT_OF_THE_BLUE), "direction": "inbound",
                   "attempted_at": when.isoformat()}  # fmt: skip
        path = f"/enrolments/{enrolment['enrolment_id']}/contacts"
        await self.write("outreach", f"coordinator-{enrolment['tenant_id']}", path, contact)

    async def _cases(self, wanted: int) -> list[Json]:
        """Open cases that nobody was called for yet; waits for the first ones to come through."""
        deadline = clock.monotonic() + (MORE_CASES_TIMEOUT_S if self._called else CASES_TIMEOUT_S)
        while True:
            found = await self.rows("outreach", OPEN_CASES, self._called, self.name, wanted)
            if len(found) >= wanted or clock.monotonic() > deadline or (found and self._called):
                return found
            await asyncio.sleep(RETRY_S)

    async def _reach(self, day: date, case: Json) -> None:
        """Now and then two people of a plan work on one case at the same instant."""
        people = 2 if self.random.random() < RACES else 1
        await asyncio.gather(*(self._talk(day, case) for _ in range(people)))

    async def _talk(self, day: date, case: Json) -> None:
        plan, said = case["tenant_id"], self.random.choice(SAID)
        when = at(day, time(9, self.random.randrange(60)))
        if said == "walk-in":
            body = {"enrolment_id": str(case["enrolment_id"]), "site_id": SITES[0], "dose": a_dose_of_the_day(day),
                    "occurred_at": when.isoformat()}  # fmt: skip
            await self.write("scheduling", "site", "/walk-ins", body)
            return
        if said == "booked" and not await self._book(plan, case, when):
            said = "left-message"
        attempt = {"channel": "phone", "disposition": said, "attempted_at": when.isoformat(), "claim": True,
                   **more_of(said, day)}  # fmt: skip
        answer = await self.write("outreach", f"coordinator-{plan}", f"/cases/{case['case_id']}/attempts", attempt)
        if answer is not None and answer[0] == 201:
            await self._think_again(plan, case, attempt, answer[1]["attempt_id"])

    async def _think_again(self, plan: str, case: Json, attempt: Json, attempt_id: str) -> None:
        """Now and then a member calls after all and takes his word back, or a worker finds that he was mistaken."""
        client, said = f"coordinator-{plan}", attempt["disposition"]
        if said == "do-not-call" and self.random.random() < CHANGES_OF_MIND:
            later = datetime.fromisoformat(attempt["attempted_at"]) + timedelta(minutes=1)
            back = {"channel": "phone", "disposition": "complete", "direction": "inbound",
                    "resume_channels": ["phone", "text"], "attempted_at": later.isoformat()}  # fmt: skip
            await self.write("outreach", client, f"/cases/{case['case_id']}/attempts", back)
        elif said in MISTAKABLE and self.random.random() < MISTAKES:
            await self.write("outreach", client, f"/attempts/{attempt_id}/retract", {"reason": "wrong-outcome"})

    async def _book(self, plan: str, case: Json, when: datetime) -> bool:
        slot = await self._slot(plan, when.date())
        if slot is None:
            return False
        body = {"enrolment_id": str(case["enrolment_id"]), "slot_id": slot["slot_id"], "occurred_at": when.isoformat()}
        answer = await self.write("scheduling", f"coordinator-{plan}", "/appointments", body)
        if answer is None or answer[0] != 201:
            return False
        self.losses.booked.append(Booked(plan, str(case["case_id"]), answer[1]["appointment_id"]))
        return True

    async def _slot(self, plan: str, day: date) -> Json | None:
        """One of the next slots with room: many reach for the same ones."""
        found = await self.read("scheduling", f"coordinator-{plan}", "/slots", limit=200)
        later = [one for one in found or [] if one["start_on"] > day.isoformat() and one["held_for"] in {None, plan}]
        later.sort(key=lambda one: (one["start_at"], one["site_id"]))
        return self.random.choice(later[:3]) if later else None

    # -- sites

    async def _serve(self, before: int, offset: int) -> None:
        """Those booked for the days that have passed: who came, who did not."""
        for ahead in range(before + 1, offset + 1):
            day = self.truth.first_day + timedelta(days=ahead)
            for site_id in SITES:
                listed = await self.read("scheduling", "site", "/appointments", site=site_id, on=day.isoformat())
                booked = [one for one in listed or [] if one["status"] == "booked"]
                await self._shared(booked, partial(self._meet, day))

    async def _meet(self, day: date, appointment: Json) -> None:
        came = self.random.choice(CAME)
        path = f"/appointments/{appointment['appointment_id']}/{came}"
        body: Json = {"occurred_at": at(day, time(17)).isoformat()}
        client = "site"
        if came == "fulfil":
            body["dose"] = a_dose_of_the_day(day)
        elif came == "cancel":
            body["reason"] = "pat-lt"
        elif came == "reschedule":
            client = f"coordinator-{appointment['tenant_id']}"
            slot = await self._slot(client.removeprefix("coordinator-"), day)
            if slot is None:
                return
            body["slot_id"] = slot["slot_id"]
        await self.write("scheduling", client, path, body)

    # -- requests

    async def _shared(self, jobs: Sequence[Json], work: Callable[[Json], Awaitable[None]]) -> None:
        """A few people work through these at once."""
        left = list(jobs)

        async def one_worker() -> None:
            while left:
                await work(left.pop())

        await asyncio.gather(*(one_worker() for _ in range(WORKERS)))

    def key(self) -> str:
        self._keys += 1
        return f"{self.name}-{self._keys:06d}"

    async def write(
        self, service: str, client: str, path: str, body: Json | None = None, *, file: str | None = None
    ) -> tuple[int, Any] | None:
        """Send until it is answered. None: given up, the outcome is unknown."""
        key = self.key()
        sends = 2 if self.random.random() < TWICE else 1
        answers = await asyncio.gather(*(self._send(service, client, path, key, body, file) for _ in range(sends)))
        return answers[0]

    async def _send(
        self, service: str, client: str, path: str, key: str, body: Json | None, file: str | None
    ) -> tuple[int, Any] | None:
        content: Mapping[str, Any] = {"json": body or {}}
        if file:
            content = {"content": (self.run / file).read_bytes()}
        deadline = clock.monotonic() + GIVE_UP_S
        while clock.monotonic() < deadline:
            try:
                answer = await self._post(service, client, path, key, **content)
            except httpx.ConnectError:  # nothing was sent
                await asyncio.sleep(RETRY_S)
                continue
            except httpx.TransportError:
                self.unknown += 1
                self.ledger.note(service, "POST", path, key=key, body=body, file=file, client=client)
                await asyncio.sleep(RETRY_S)
                continue
            said = _said(answer)
            about: Json = {"key": key, "body": body, "file": file, "client": client}
            self.ledger.note(service, "POST", path, **about, status=answer.status_code, answer=said)
            if answer.status_code < 500:
                return answer.status_code, said
            await asyncio.sleep(RETRY_S)
        return None

    async def _post(self, service: str, client: str, path: str, key: str, **content: Any) -> httpx.Response:
        headers = {"Idempotency-Key": key, "X-Reason": "chaos", "Authorization": f"Bearer {await self.token(client)}"}
        return await self._http.post(self._address(service) + path, headers=headers, **content)

    async def read(self, service: str, client: str, path: str, **params: Any) -> Any:
        """Ask until it is answered; None when nobody does."""
        deadline = clock.monotonic() + GIVE_UP_S
        while clock.monotonic() < deadline:
            headers = {"Authorization": f"Bearer {await self.token(client)}"}
            try:
                answer = await self._http.get(self._address(service) + path, headers=headers, params=params)
            except httpx.TransportError:
                await asyncio.sleep(RETRY_S)
                continue
            if answer.status_code < 500:
                return answer.raise_for_status().json()
            await asyncio.sleep(RETRY_S)
        return None

    async def until_ready(self, service: str) -> None:
        """Until an instance of the service says that it is."""
        await self.fleet.until_one_is_ready(service)

    def _address(self, service: str) -> str:
        wanted = [one for one in self.fleet.of(service) if not one.is_frozen]
        ready = [one for one in wanted if one.is_ready]
        if not wanted:
            raise httpx.ConnectError(f"no {service} runs")
        return f"http://127.0.0.1:{self.random.choice(ready or wanted).port}"

    async def token(self, client: str) -> str:
        if client not in self._tokens:
            self._tokens[client] = await asyncio.to_thread(self.servers.token, client)
        return self._tokens[client]

    async def rows(self, service: str, query: str, *arguments: object) -> list[Json]:
        """Rows of a database, asked past the proxies, also while the server comes back."""
        deadline = clock.monotonic() + GIVE_UP_S
        while True:
            try:
                database = await asyncpg.connect(
                    self.servers.dsns[service], timeout=5, server_settings={"vcc.tenant": "*"}
                )
                try:
                    return [dict(row) for row in await database.fetch(query, *arguments)]
                finally:
                    await database.close()
            except AWAY:
                if clock.monotonic() > deadline:
                    raise
                await asyncio.sleep(RETRY_S)


def _said(answer: httpx.Response) -> Any:
    """The answer's JSON. A server that gives up its last requests at its end answers them in plain text."""
    is_json = "json" in answer.headers.get("content-type", "")
    return answer.json() if answer.content and is_json else None
