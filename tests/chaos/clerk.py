"""The two odd plans' senders, and whoever decides what becomes of what waits: files that are held, lists that are not
believed, rows of whom it is doubtful whom they mean. Beside the driver's days, one thing after the other."""

import asyncio
import time as clock
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

import httpx

from tests.bodies import Json
from tests.chaos.ledger import Ledger
from tests.chaos.odd_rosters import OddRosters

POLL_S, DONE_TIMEOUT_S = 0.2, 120.0
LEFT, WITHDRAWN, SAID_AGAIN = 0.25, 0.4, 0.3  # of what waits, of what was decided, and of all words
WHO = "operator"
DECISIONS = ("same-person", "same-person", "another-person", "another-person", "refuse")


class Desk(Protocol):
    """Where the clerk sends and asks; a status with what was answered, nothing where nobody did."""

    ledger: Ledger

    async def submit(self, path: str) -> tuple[int, Any] | None: ...
    async def write(self, service: str, client: str, path: str, body: Json) -> tuple[int, Any] | None: ...
    async def read(self, service: str, client: str, path: str, **params: Any) -> Any: ...
    async def until_ready(self, service: str) -> None: ...


@dataclass(slots=True)
class Clerk:
    """What is sent and said depends on the seed alone, as far as files and rows come to wait."""

    desk: Desk
    rosters: OddRosters
    seed: str
    decided: list[Json] = field(default_factory=list)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def begin(self, beat: int, day_no: int) -> None:
        """Does a beat's work behind that of the one before; nobody waits for it."""
        self._tasks.append(asyncio.create_task(self._work(beat, self.rosters.write(beat, day_no))))

    async def finish(self) -> None:
        await asyncio.gather(*self._tasks)

    async def _work(self, beat: int, paths: list[str]) -> None:
        async with self._turn:
            for number, path in enumerate(paths):
                random = Random(f"{self.seed}:{beat}:{number}")
                answer = await self.desk.submit(path)
                if answer is None or answer[0] >= 300:
                    continue
                await self._settle(answer[1]["file_id"], random)
                await self._decide_rows(random)
            await self._withdraw(Random(f"{self.seed}:{beat}:withdrawn"))

    # -- files

    async def _settle(self, file_id: str, random: Random) -> None:
        """Until the file is read, or left waiting. A word is said once more only when nothing waits for another one."""
        said = ""
        while (file := await self._done(file_id)) is not None:
            if file["state"] != "held" and file["absence"] != "too-many":
                if said and random.random() < SAID_AGAIN:
                    await self._say(said, {})
                return
            if random.random() < LEFT:
                return
            said = f"/feed-files/{file_id}/{random.choice(('release', 'release', 'refuse'))}"
            await self._say(said, {})

    async def _done(self, file_id: str) -> Json | None:
        """The file, once nothing happens to it by itself any more; nothing if that lasts too long."""
        deadline = clock.monotonic() + DONE_TIMEOUT_S
        while clock.monotonic() < deadline:
            file = await self._read(f"/feed-files/{file_id}")
            if file and file["state"] in {"processed", "held", "refused"} and file["absence"] != "released":
                found: Json = file
                return found
            await asyncio.sleep(POLL_S)
        return None

    # -- rows

    async def _decide_rows(self, random: Random) -> None:
        """Look at each that waits, and say whom it means."""
        page = await self._read("/doubtful-rows", limit=200)
        for row in page["rows"] if page else ():
            if random.random() < LEFT:
                continue
            path = f"/doubtful-rows/{row['doubtful_id']}"
            detail = await self._read(path)
            if not detail or detail["state"] != "waiting":
                continue
            self.desk.ledger.note("eligibility", "GET", path, client=WHO, status=200, answer=detail)
            body: Json = {"decision": random.choice(DECISIONS)}
            if body["decision"] == "same-person":
                body["member_token"] = random.choice(sorted(detail["candidates"], key=_known_by))["member_token"]
            if await self._say(f"{path}/decision", body):
                self.decided.append(row)
            if random.random() < SAID_AGAIN:
                await self._say(f"{path}/decision", body)

    async def _withdraw(self, random: Random) -> None:
        """Now and then a person takes his word back."""
        for row in [one for one in self.decided if random.random() < WITHDRAWN]:
            self.decided.remove(row)
            await self._say(f"/doubtful-rows/{row['doubtful_id']}/decision", {"decision": "withdraw"})

    # -- requests

    async def _say(self, path: str, body: Json) -> bool:
        """Whether it was taken."""
        answer = await self.desk.write("eligibility", WHO, path, body | {"reason": "the plan says so"})
        return answer is not None and answer[0] == 200

    async def _read(self, path: str, **params: Any) -> Any:
        """What is there, from an instance that is ready; nothing while a backup knows nothing of it."""
        await self.desk.until_ready("eligibility")
        try:
            return await self.desk.read("eligibility", WHO, path, **params)
        except httpx.HTTPStatusError:
            return None


def _known_by(candidate: Json) -> list[str]:
    return [one["member"] for one in candidate["fields"]]
