"""An eligibility database with a day open, and the front door behind its HTTP: submit bytes, work, look."""

import hashlib
import io
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from services.eligibility.clock import flow as clock_flow
from services.eligibility.decisions.flow import days
from services.eligibility.intake.digest import ContentDigest
from services.eligibility.intake.flow.accepting import accept_file
from services.eligibility.intake.flow.worker import Intake
from services.eligibility.intake.store import files as file_store
from services.eligibility.settings import OwnSettings
from services.kit.postgres import ALL_TENANTS, transaction
from services.kit.unit_of_work import working
from tests.servers import Database, OpenDatabase
from tests.service.eligibility.door import client_of

FIRST_DAY = date(2021, 3, 1)


def content_of(raw: bytes) -> str:
    digest = ContentDigest()
    digest.update(raw)
    return digest.hexdigest()


@dataclass(slots=True)
class Office:
    """Eligibility at work, without its HTTP and its broker."""

    database: Database
    intake: Intake

    def worker(self, **settings: Any) -> Intake:
        """An intake with settings of its own."""
        return Intake(self.database.settings(), self.database.pool, OwnSettings(**settings))

    async def submit(
        self,
        content: str | bytes,
        tenant: str = ALL_TENANTS,
        profile: str | None = None,
        part_of: file_store.PartOf | None = None,
    ) -> UUID:
        """Accept a file as the front door does; its id, or that of the same file accepted before."""
        raw = content.encode() if isinstance(content, str) else content
        sha256 = hashlib.sha256(raw).hexdigest()
        async with working(self.database.pool) as work:
            about = sha256, len(raw), profile, content_of(raw)
            file, is_repeat = await accept_file(work, tenant, about, io.BytesIO(raw), part_of)
            assert not is_repeat
        return file.file_id

    async def work(self) -> None:
        """Until nothing is left to do."""
        while await self.intake.work_once():
            pass

    async def read(self, content: str | bytes, **options: Any) -> file_store.FeedFile:
        """Submit a file, work through it and give what became of it."""
        file_id = await self.submit(content, **options)
        await self.work()
        async with transaction(self.database.pool, ALL_TENANTS) as connection:
            file = await file_store.load_file(connection, file_id)
        assert file is not None
        return file

    async def open_day(self, business_on: date) -> int:
        """Open a day and decide again; how many facts changed."""
        async with working(self.database.pool) as work:
            await clock_flow.open_day(work, business_on)
        return await days.redecide_due(self.database.pool)

    async def fetch(self, query: str, *values: object) -> list[dict[str, Any]]:
        async with transaction(self.database.owner, ALL_TENANTS) as connection:
            return [dict(row) for row in await connection.fetch(query, *values)]

    async def events(self, of: str) -> list[dict[str, Any]]:
        """What stands in the outbox about a topic, oldest first."""
        rows = await self.fetch("select payload from outbox where aggregatetype like $1 order by id", f"vcc.{of}.%")
        return [json.loads(row["payload"]) for row in rows]

    async def last_facts(self) -> dict[str, dict[str, Any]]:
        """The last fact of each living enrolment by its member id."""
        query = "select member_id, fact from decision join enrolment using (enrolment_id) where not is_retired"
        rows = await self.fetch(query)
        return {row["member_id"]: row["fact"] for row in rows}

    async def counts(self) -> Counter[str]:
        """How many events of each topic were announced."""
        rows = await self.fetch("select aggregatetype as topic, count(*) from outbox group by 1")
        return Counter({row["topic"].removeprefix("vcc.").removesuffix(".v1"): row["count"] for row in rows})


@pytest.fixture
async def office(database: OpenDatabase) -> Office:
    opened = await database("eligibility")
    await days.begin(opened.pool, FIRST_DAY)
    return Office(opened, Intake(opened.settings(), opened.pool, OwnSettings()))


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Whoever asks the routes that a module's `app` has."""
    async with client_of(app) as client:
        yield client
