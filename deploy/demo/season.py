"""Works some weeks of the programme: submits each day's files, lets coordinators and sites work, opens the next day."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from deploy.demo import coordinators
from deploy.demo.api import Api, UnexpectedAnswerError
from deploy.demo.coordinators import Tally, Workers
from deploy.demo.population import Ledger
from deploy.demo.sites import PLANS, describe_sites, open_week
from deploy.errors import StackError
from deploy.local.access import Client, add_clients, token
from deploy.local.backlog import Backlog, Watch
from deploy.local.running import connection

PROGRAMME = "illinois-connectors-65"
COORDINATORS = 6  # of each plan
FILE_TIMEOUT_S = 300.0
DRAIN_TIMEOUT_S = 120.0
POLL_S, LONGEST_POLL_S = 0.05, 0.5
SUNDAY = 6
ENDED = frozenset({"processed", "refused", "held"})

Say = Callable[[str], None]


@dataclass(slots=True)
class Rows:
    """What became of all rows so far. The accepted ones include those that said nothing new and the unlinked."""

    accepted: int = 0
    unchanged: int = 0
    rejected: int = 0
    unlinked: int = 0
    files: int = 0


@dataclass(slots=True)
class Season:
    """The demo's programme from its first day to its last."""

    ledger: Ledger
    folder: Path
    watch: Watch
    say: Say
    rows: Rows = field(default_factory=Rows)
    tally: Tally = field(default_factory=Tally)

    async def run(self, real: Sequence[Path]) -> None:
        """Work every day that is not worked yet. Repeatable: files and requests of a day count once."""
        async with AsyncExitStack() as stack:
            cast = await _cast(stack)
            await describe_sites(cast.state_scheduling)
            await self._submit_all(cast, real)
            first = max(self.ledger.first_day, await self._today(cast))
            if first > self.ledger.last_day:
                raise StackError(f"the open business day is {first}, after the demo's weeks", "./vcc down --wipe")
            for day in _days(first, self.ledger.last_day):
                await self._work(cast, day)

    async def _today(self, cast: "Cast") -> date:
        answer = await cast.operator.get("/business-days/current")
        return date.fromisoformat(answer["business_on"])

    async def _work(self, cast: "Cast", day: date) -> None:
        rng = random.Random(f"{self.ledger.seed}-{day}")
        await self._open(cast, day)
        if day.weekday() == 0 or day == self.ledger.first_day:
            await open_week(cast.state_scheduling, day - timedelta(days=day.weekday()))
        files = [self.folder / file.path for file in self.ledger.days().get(day, [])]
        submitted = [await self._submit(cast, path) for path in files]
        if day.weekday() == 0:  # rosters, and a list that is made of all that is known
            await self._wait_for_files(cast, submitted)
            await self.watch.drain(DRAIN_TIMEOUT_S, self._progress(day))
            await _list_target_zips(cast.state_reporting, day)
            await self._meet_people(cast, day, rng)
        else:
            await asyncio.gather(self._wait_for_files(cast, submitted), self._meet_people(cast, day, rng))

    async def _meet_people(self, cast: "Cast", day: date, rng: random.Random) -> None:
        """Coordinators and sites work while the registry's messages of the day come in."""
        if day.weekday() < SUNDAY:
            await asyncio.gather(*(plan.work(day, random.Random(rng.random()), self.tally) for plan in cast.plans))
            await coordinators.serve_sites(cast.site, day, rng, self.tally)
            for plan in cast.plans:
                await coordinators.receive_walk_ins(cast.site, plan, day, rng, self.tally)

    async def _open(self, cast: "Cast", day: date) -> None:
        status, body = await cast.operator.post("/business-days", f"demo-day-{day}", {"business_on": day.isoformat()})
        if status >= 400:
            raise UnexpectedAnswerError(f"POST /business-days: {status} {body.get('type')}")

    async def _submit_all(self, cast: "Cast", files: Sequence[Path]) -> None:
        await self._wait_for_files(cast, [await self._submit(cast, path) for path in files])

    async def _wait_for_files(self, cast: "Cast", file_ids: Sequence[str]) -> None:
        for file_id in file_ids:
            await self._wait_for_file(cast, file_id)

    async def _submit(self, cast: "Cast", path: Path) -> str:
        content = await asyncio.to_thread(path.read_bytes)
        status, body = await cast.integration.upload("/feed-files", f"demo-{path.name}", content)
        if status >= 400:
            raise UnexpectedAnswerError(f"POST /feed-files of {path.name}: {status} {body.get('type')}")
        return str(body["file_id"])

    async def _wait_for_file(self, cast: "Cast", file_id: str) -> None:
        deadline, pause_s = time.monotonic() + FILE_TIMEOUT_S, POLL_S
        while True:
            file = await cast.integration.get(f"/feed-files/{file_id}")
            self.say(f"{self._rows()}, reading {file['sender'] or 'a file'}: {file['rows_read']:,}")
            if file["state"] in ENDED:
                break
            if time.monotonic() > deadline:
                raise UnexpectedAnswerError(f"file {file_id} was not processed in {FILE_TIMEOUT_S:.0f} s")
            await asyncio.sleep(pause_s)
            pause_s = min(1.5 * pause_s, LONGEST_POLL_S)
        self.rows.files += 1
        for name in ("accepted", "unchanged", "rejected", "unlinked"):
            setattr(self.rows, name, getattr(self.rows, name) + file[f"rows_{name}"])

    def _progress(self, day: date) -> Callable[[Backlog], None]:
        started, first = time.monotonic(), -1

        def seen(backlog: Backlog) -> None:
            nonlocal first
            first = backlog.log_end if first < 0 else first
            rate = (backlog.log_end - first) / max(time.monotonic() - started, 0.2)
            events = f"events {backlog.log_end:,} ({rate:,.0f}/s), lag {backlog.lag + backlog.outbox:,}"
            self.say(f"{day}, {self._rows()}, {events}")

        return seen

    def _rows(self) -> str:
        return f"accepted {self.rows.accepted:,}, rejected {self.rows.rejected:,}"


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody who asks the services for something."""

    operator: Api
    integration: Api
    state_scheduling: Api
    state_reporting: Api
    site: Api
    plans: Sequence[Workers]


async def _cast(stack: AsyncExitStack) -> Cast:
    workers = {plan: [f"coordinator-{plan}-{n + 1}" for n in range(COORDINATORS)] for plan in PLANS}
    add_clients([Client(name, grants=[f"coordinator@{plan}"]) for plan, names in workers.items() for name in names])
    return Cast(
        operator=_api(stack, "eligibility", "operator"),
        integration=_api(stack, "eligibility", "integration"),
        state_scheduling=_api(stack, "scheduling", "state"),
        state_reporting=_api(stack, "reporting", "state"),
        site=_api(stack, "scheduling", "site"),
        plans=[
            Workers(
                plan,
                [_api(stack, "outreach", name) for name in names],
                [_api(stack, "scheduling", name) for name in names],
            )
            for plan, names in workers.items()
        ],
    )


def _api(stack: AsyncExitStack, service: str, client: str) -> Api:
    api = Api(connection(service).base_url, token(client))
    stack.push_async_callback(api.close)
    return api


async def _list_target_zips(state: Api, monday: date) -> None:
    body = {"programme_id": PROGRAMME, "week_on": monday.isoformat()}
    status, _ = await state.post("/target-zips", f"demo-target-zips-{monday}", body)
    if status >= 400:
        raise UnexpectedAnswerError(f"POST /target-zips: {status}")


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
