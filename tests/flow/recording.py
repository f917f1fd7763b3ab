"""A season on record: the clients of the flow tests, which write every request and its answer into a run folder."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, cast

from deploy.groups import services
from deploy.local.access import Client, add_clients, token
from deploy.local.backlog import Watch
from deploy.local.running import connection
from tests.flow.stack import Stack
from tests.flow.world import PLANS, Caller, World


@dataclass(slots=True)
class RunFolder:
    """Feeds and ledger of one run."""

    path: Path
    lines: int = 0

    def write(self, **line: Any) -> None:
        self.lines += 1
        said = {"n": self.lines, "at": datetime.now(UTC).isoformat(), "method": "POST", **line}
        with (self.path / "ledger.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(said, default=str) + "\n")

    def keep(self, content: bytes) -> str:
        name = f"feeds/{self.lines + 1:05d}"
        (self.path / "feeds").mkdir(exist_ok=True)
        (self.path / name).write_bytes(content)
        return name


class RecordingCaller(Caller):
    """Writes down what it asks for and what it is told."""

    def __init__(self, base_url: str, bearer: str, service: str, folder: RunFolder) -> None:
        super().__init__(base_url, bearer)
        self.service, self.folder = service, folder

    async def post(self, path: str, key: str, body: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        status, answer = await super().post(path, key, body)
        about = {"service": self.service, "path": path, "key": key, "body": dict(body or {})}
        self.folder.write(**about, status=status, answer=answer)
        return status, answer

    async def upload(self, path: str, key: str, content: bytes) -> tuple[int, Any]:
        name = self.folder.keep(content)
        status, answer = await super().upload(path, key, content)
        about = {"service": self.service, "path": path, "key": key, "body": None, "file": name}
        self.folder.write(**about, status=status, answer=answer)
        return status, answer


@dataclass(slots=True)
class RecordingWorld(World):
    """A world whose clients write down what they do."""

    folder: RunFolder = field(default_factory=lambda: RunFolder(Path()))

    @classmethod
    @asynccontextmanager
    async def recorded(cls, stack: Stack, folder: RunFolder) -> AsyncIterator[Self]:
        add_clients(
            [
                Client(f"{role}-{plan}", grants=[f"{role}@{plan}"])
                for role in ("coordinator", "supervisor", "analyst")
                for plan in PLANS
            ]
        )
        async with Watch(services()) as watch, AsyncExitStack() as closing:
            yield cls(stack, watch, closing, folder=folder)

    def ask(self, service: str, client: str) -> Caller:
        if (service, client) not in self._callers:
            base_url = connection(service).base_url
            caller = RecordingCaller(base_url, token(client), service, self.folder)
            self.closing.push_async_callback(caller.close)
            self._callers[service, client] = cast(Caller, caller)
        return self._callers[service, client]
