"""Everybody who asks a running stack for something, as its public interfaces allow, and looks at what became of it."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from datetime import time as clock
from itertools import count
from typing import Any, Self
from uuid import uuid4

import asyncpg
import httpx

from deploy.demo.api import Api
from deploy.groups import services
from deploy.local.access import Client, add_clients, token
from deploy.local.backlog import Watch
from deploy.local.running import connection
from tests.bodies import Json, a_site, at
from tests.flow.feeds import Member
from tests.flow.stack import Stack

PLANS = ("lakeshore", "prairie")
SITE = "syrup-hall"
FILE_TIMEOUT_S = DRAIN_TIMEOUT_S = 180.0
POLL_S = 0.03


class Caller(Api):
    """A client that also looks at refusals."""

    async def raw(self, method: str, path: str, **request: Any) -> httpx.Response:
        return await self._send(method, path, **request)

    async def look(self, path: str, **params: object) -> tuple[int, Any]:
        answer = await self._send("GET", path, params=params)
        return answer.status_code, answer.json() if answer.content else None


@dataclass(slots=True)
class World:
    """One stack, and the clients that a test has used so far."""

    stack: Stack
    watch: Watch
    closing: AsyncExitStack
    run: str = field(default_factory=lambda: uuid4().hex[:8])
    _callers: dict[tuple[str, str], Caller] = field(default_factory=dict)
    _keys: "count[int]" = field(default_factory=count)

    @classmethod
    @asynccontextmanager
    async def of(cls, stack: Stack) -> AsyncIterator[Self]:
        """VCC_STATE_DIR names the stack's folder within this block."""
        add_clients(
            [
                Client(f"{role}-{plan}", grants=[f"{role}@{plan}"])
                for role in ("coordinator", "supervisor", "analyst")
                for plan in PLANS
            ]
        )
        async with Watch(services()) as watch, AsyncExitStack() as closing:
            yield cls(stack, watch, closing)

    def ask(self, service: str, client: str) -> Caller:
        """This client of that service."""
        if (service, client) not in self._callers:
            caller = Caller(connection(service).base_url, token(client))
            self.closing.push_async_callback(caller.close)
            self._callers[service, client] = caller
        return self._callers[service, client]

    def key(self) -> str:
        """A new idempotency key."""
        return f"flow-{self.run}-{next(self._keys)}"

    # -- files and days

    async def submit(self, content: bytes) -> Json:
        """Submit a file; how it stands once it is worked through."""
        status, answer = await self.send(content)
        assert status < 300, answer
        return await self.worked(answer["file_id"])

    async def send(self, content: bytes) -> tuple[int, Any]:
        return await self.ask("eligibility", "integration").upload("/feed-files", self.key(), content)

    async def worked(self, file_id: str) -> Json:
        deadline = time.monotonic() + FILE_TIMEOUT_S
        while True:
            file: Json = await self.ask("eligibility", "integration").get(f"/feed-files/{file_id}")
            if file["state"] in {"processed", "refused"}:
                return file
            assert time.monotonic() < deadline, f"the file is still {file['state']}"
            await asyncio.sleep(POLL_S)

    async def settle(self) -> None:
        """Wait until nothing is under way, and nothing new came while we looked: two looks on end find nothing and the
        same length of the log. What the first one's outboxes did not show yet is in the second one's, or in the log."""
        deadline, before = time.monotonic() + DRAIN_TIMEOUT_S, -1
        while not ((seen := await self.watch.look()).is_empty and seen.log_end == before):
            assert time.monotonic() < deadline, f"still under way: {seen}"
            before = seen.log_end if seen.is_empty else -1
            await asyncio.sleep(0 if seen.is_empty else POLL_S)

    async def news(self, content: bytes) -> Json:
        """Submit a file and let everybody hear of it."""
        file = await self.submit(content)
        await self.settle()
        return file

    async def today(self) -> date:
        answer = await self.ask("eligibility", "operator").get("/business-days/current")
        return date.fromisoformat(answer["business_on"])

    async def open_day(self, day: date) -> None:
        status, answer = await self.ask("eligibility", "operator").post(
            "/business-days", f"flow-day-{day}", {"business_on": day.isoformat()}
        )
        assert status in {200, 201}, answer
        await self.settle()

    async def next_day(self, days: int = 1) -> date:
        day = await self.today() + timedelta(days=days)
        await self.open_day(day)
        return day

    # -- members and their cases

    async def answer_for(self, member: Member) -> Json:
        """What eligibility answers about this member's enrolment, with the member's token and doses."""
        plan = member.plan.lower()
        asker = self.ask("eligibility", f"coordinator-{plan}")
        found = await asker.get("/members", member_id=member.member_id)
        answers = [{**answer, "member": one} for one in found for answer in one["answers"] if not one["merged_into"]]
        assert len(answers) == 1, [answer["status"] for answer in answers]
        return dict(answers[0])

    async def case_of(self, member: Member) -> Json | None:
        """The member's outreach case with its history."""
        enrolment_id = (await self.answer_for(member))["enrolment_id"]
        asker = self.ask("outreach", f"coordinator-{member.plan.lower()}")
        found = await self.rows("outreach", "select case_id from outreach_case where enrolment_id = $1", enrolment_id)
        return dict(await asker.get(f"/cases/{found[0]['case_id']}")) if found else None

    async def log_attempt(self, member: Member, disposition: str, **more: object) -> tuple[int, Any]:
        """A call of today by the plan's coordinator, who claims the case with it."""
        case = await self.case_of(member)
        assert case is not None, "there is a case to be worked"
        attempted_at = at(await self.today(), clock(10)).isoformat()
        body = {"channel": "phone", "disposition": disposition, "attempted_at": attempted_at, "claim": True, **more}
        asker = self.ask("outreach", f"coordinator-{member.plan.lower()}")
        return await asker.post(f"/cases/{case['case_id']}/attempts", self.key(), body)

    # -- places

    async def open_site(self, site_id: str = SITE) -> None:
        site = a_site(site_id, "Syrup Hall")
        status, answer = await self.ask("scheduling", "state").post("/sites", self.key(), site)
        assert status == 200, answer

    async def open_slot(self, day: date, places: int = 1, plan: str = "lakeshore") -> Json:
        """A block of one slot on that day at a site of its own."""
        site_id = f"hall-{self.key()}"
        await self.open_site(site_id)
        start = at(day, clock(9))
        slot = {"start_at": start.isoformat(), "end_at": (start + timedelta(hours=2)).isoformat(), "capacity": places}
        monday = day - timedelta(days=day.weekday())
        body = {"site_id": site_id, "week_on": monday.isoformat(), "plan": plan, "cvx": "208", "slots": [slot],
                "new_plan": True}  # fmt: skip
        status, answer = await self.ask("scheduling", "state").post("/blocks", self.key(), body)
        assert status == 201, answer
        return {**answer["slots"][0], "site_id": site_id, "block_id": answer["block_id"]}

    async def book(self, member: Member, slot: Json) -> tuple[int, Any]:
        enrolment_id = (await self.answer_for(member))["enrolment_id"]
        body = {"enrolment_id": enrolment_id, "slot_id": slot["slot_id"]}
        return await self.ask("scheduling", f"coordinator-{member.plan.lower()}").post(
            "/appointments", self.key(), body
        )

    async def free_places(self, slot: Json, plan: str = "lakeshore") -> int:
        """Places left in the slot, as the plan sees it; one that is full is not listed."""
        found = await self.ask("scheduling", f"coordinator-{plan}").get("/slots", site=slot["site_id"])
        return next((int(one["free"]) for one in found if one["slot_id"] == slot["slot_id"]), 0)

    async def rows(self, service: str, query: str, *arguments: object) -> Sequence[Mapping[str, Any]]:
        """Rows of one service's database, of all plans."""
        database = await asyncpg.connect(self.stack.dsns[service], server_settings={"vcc.tenant": "*"})
        try:
            return [dict(row) for row in await database.fetch(query, *arguments)]
        finally:
            await database.close()
