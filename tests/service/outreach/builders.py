"""Facts, workers and a running outreach with sane defaults."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

import httpx
from fastapi import Request

from schemas.eligibility_v1 import (
    EligibilityStatus,
    MemberEligibilityDecidedV1,
)
from schemas.envelope import Event
from schemas.reporting_v1 import TargetZipListedV1
from services.kit.app import create
from services.kit.auth import Principal, authenticate
from services.kit.batches import apply_batch
from services.kit.clock import clock
from services.kit.contract import Decoder
from services.kit.ids import derived_id, new_id
from services.kit.review_queue import review_page
from services.outreach.app import SUBSCRIPTIONS, build
from services.outreach.cases.flow import review_waiting
from services.outreach.cases.store import WAITING_MEMBERS
from services.outreach.settings import CLAIMS_ASK_GATE, NO, YES
from tests.builders import a_record
from tests.facts import (
    DAY,
    NOON,
    PROGRAMME,
    a_fact,
    enrolment_id,
)
from tests.servers import Database


def case_id(name: str, plan: str = "lakeshore", programme: str = PROGRAMME) -> UUID:
    return derived_id("case", enrolment_id(name, plan), programme)


def vaccinated(name: str = "ada", version: int = 2, **changes: Any) -> MemberEligibilityDecidedV1:
    """The fact that follows a counted dose."""
    said: dict[str, Any] = {
        "status": EligibilityStatus.INELIGIBLE,
        "reasons": ("already-vaccinated",),
        "vaccinated": True,
    }
    return a_fact(name, version, **(said | {"doses_valid": 1, "priority": 0} | changes))


def a_target(
    zip5: str = "60623", *, listed: bool = True, week_on: date = DAY, at: datetime = NOON
) -> TargetZipListedV1:
    return TargetZipListedV1(occurred_at=at, zip5=zip5, programme_id=PROGRAMME, week_on=week_on, listed=listed)


@dataclass(frozen=True, slots=True)
class Outreach:
    """The service on its own database, fed and asked as in life, without a broker."""

    database: Database

    async def hear(self, *events: Event, event_ids: Sequence[UUID] = ()) -> None:
        """Deliver events one batch per topic, in the order in which the topics first come."""
        for subscription in sorted(SUBSCRIPTIONS, key=lambda one: _first(events, one.topic.events)):
            ours = [event for event in events if isinstance(event, subscription.topic.events)]
            ids = [event_ids[events.index(event)] if event_ids else new_id() for event in ours]
            records = [a_record(event, event_id=one) for event, one in zip(ours, ids, strict=True)]
            decoded = Decoder(subscription.topic).decode(records)
            await apply_batch(self.database.pool, subscription.group, decoded, subscription.handler)
        await self.review()

    async def review(self) -> int:
        """What goes on beside the requests, until nobody waits; how many pages that were."""
        pages = 0
        while await review_page(self.database.pool, WAITING_MEMBERS, review_waiting):
            pages += 1
        return pages

    async def case(self, name: str = "ada", plan: str = "lakeshore") -> dict[str, Any] | None:
        """The row of somebody's case."""
        query = "select * from outreach_case where case_id = $1"
        async with self.database.pool.acquire() as connection, connection.transaction():
            await connection.execute("select set_config('vcc.tenant', '*', true)")
            row = await connection.fetchrow(query, case_id(name, plan))
        return None if row is None else dict(row)

    async def fetch(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """Rows of every plan, the trail's too."""
        async with self.database.owner.acquire() as connection, connection.transaction():
            await connection.execute("select set_config('vcc.tenant', '*', true)")
            return [dict(row) for row in await connection.fetch(query, *values)]

    async def announced(self, kind: str = "vcc.case.changed.v1") -> list[dict[str, Any]]:
        """The bodies in the outbox, in order."""
        query = "select convert_from(payload, 'utf8')::jsonb as body from outbox where type = $1 order by id"
        return [row["body"] for row in await self.fetch(query, kind)]


def _first(events: Sequence[Event], kinds: tuple[type[Event], ...]) -> int:
    return next((i for i, event in enumerate(events) if isinstance(event, kinds)), len(events))


@dataclass(slots=True)
class Worker:
    """Somebody at the API."""

    client: httpx.AsyncClient
    name: str = "wanda"
    plan: str = "lakeshore"
    role: str = "coordinator"
    sites: str | None = None
    _keys: list[str] = field(default_factory=list)

    def _headers(self, key: str | None = None) -> dict[str, str]:
        who = {"X-Worker": self.name, "X-Plan": self.plan, "X-Role": self.role}
        who |= {} if self.sites is None else {"X-Sites": self.sites}
        return who | {"Idempotency-Key": key or str(new_id())}

    async def get(self, path: str, **params: Any) -> httpx.Response:
        return await self.client.get(path, params=params, headers=self._headers())

    async def claim(self, count: int = 10, key: str | None = None, **wishes: Any) -> list[dict[str, Any]]:
        response = await self.client.post("/claims", json={"count": count, **wishes}, headers=self._headers(key))
        assert response.status_code == 200, response.text
        cases: list[dict[str, Any]] = response.json()["cases"]
        return cases

    async def release(self, case: UUID) -> httpx.Response:
        return await self.client.post(f"/cases/{case}/release", headers=self._headers())

    async def retract(self, attempt: str, reason: str = "wrong-member", key: str | None = None) -> httpx.Response:
        path = f"/attempts/{attempt}/retract"
        return await self.client.post(path, json={"reason": reason}, headers=self._headers(key))

    async def log(self, case: UUID, disposition: str, key: str | None = None, **said: Any) -> httpx.Response:
        body = {"channel": "phone", "disposition": disposition, "attempted_at": NOON.isoformat(), "claim": True} | said
        return await self.client.post(f"/cases/{case}/attempts", json=body, headers=self._headers(key))

    async def say(self, enrolment: UUID, disposition: str, key: str | None = None, **said: Any) -> httpx.Response:
        """Log a contact that names the enrolment: by default the member calls."""
        body = {"channel": "phone", "disposition": disposition, "attempted_at": NOON.isoformat()}
        path, body = f"/enrolments/{enrolment}/contacts", body | {"direction": "inbound"} | said
        return await self.client.post(path, json=body, headers=self._headers(key))


def client_of(
    database: Database, now: datetime | None = None, environ: Mapping[str, str] | None = None
) -> httpx.AsyncClient:
    """The real application; only the token is replaced by headers that say who is asking. By default workers claim at
    whatever hour; with an instant it is then, and claims ask the gate. `environ`: what else the deployment says."""
    app = create(build({CLAIMS_ASK_GATE: NO if now is None else YES, **(environ or {})}), database.settings())
    if now is not None:
        app.dependency_overrides[clock] = lambda: now
    app.state.pool = database.pool

    def who(request: Request) -> Principal:
        plan = request.headers["X-Plan"]
        sites = frozenset(request.headers["X-Sites"].split()) if "X-Sites" in request.headers else None
        role = frozenset({request.headers["X-Role"]})
        return Principal(request.headers["X-Worker"], role, frozenset({plan}), plan, sites=sites)

    app.dependency_overrides[authenticate] = who
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://outreach")
