"""Facts with sane defaults, and a running reporting service."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI, Request

from schemas.eligibility_v1 import (
    EligibilityStatus,
    FeedFileProcessedV1,
    FeedKind,
    ReasonCount,
)
from schemas.envelope import Event
from schemas.outreach_v1 import (
    CaseChangedV1,
    CaseStatus,
    Channel,
    ContactAttemptLoggedV1,
    ContactAttemptRetractedV1,
    Disposition,
)
from schemas.referral_v1 import ReferralChangedV1, ReferralKind, ReferralStatus
from schemas.scheduling_v1 import SlotPoolChangedV1
from services.kit.app import create
from services.kit.auth import Principal, authenticate
from services.kit.batches import apply_batch
from services.kit.contract import Decoder
from services.kit.generation import Generation
from services.kit.ids import derived_id, new_id
from services.kit.postgres import transaction
from services.replicas.programmes.store import load_programmes
from services.reporting.app import SUBSCRIPTIONS, build
from services.reporting.figures.flow import load_report
from services.reporting.figures.report import Report
from services.reporting.population.rules import Question
from services.reporting.population.store.tables import prepare
from services.reporting.rebuild.api.progress import log_reader_of
from tests.builders import a_record
from tests.facts import (
    DAY,
    NOON,
    PROGRAMME,
    enrolment_id,
    member_token,
)
from tests.servers import Database

FACT_TABLES = (
    "programme_version", "business_day", "enrolment_version", "member_merge", "dose_version", "case_version",
    "contact_attempt", "attempt_retraction", "appointment_version", "slot_pool_version", "feed_file", "target_zip",
    "referral_version", "programme", "enrolment", "dose", "coverage_cell",
)  # fmt: skip
SUBSCRIPTION_OF = {event: one for one in SUBSCRIPTIONS for event in one.topic.events}
VACCINATED = {"status": EligibilityStatus.INELIGIBLE, "reasons": ("already-vaccinated",), "vaccinated": True}


def a_case(name: str = "ada", version: int = 1, days: int = 0, **changes: Any) -> CaseChangedV1:
    plan = changes.pop("tenant_id", "lakeshore")
    said: dict[str, Any] = {
        "occurred_at": NOON, "case_id": derived_id("case", name, plan), "version": version, "status": CaseStatus.OPEN,
        "enrolment_id": enrolment_id(name, plan), "member_token": member_token(name), "tenant_id": plan,
        "programme_id": PROGRAMME, "priority": 500, "attempts": 0, "opened_on": DAY,
        "changed_on": DAY + timedelta(days=days),
    }  # fmt: skip
    return CaseChangedV1(**(said | changes))


def a_referral(name: str = "ada", version: int = 1, days: int = 0, **changes: Any) -> ReferralChangedV1:
    plan = changes.pop("tenant_id", "lakeshore")
    said: dict[str, Any] = {
        "occurred_at": NOON, "referral_id": derived_id("referral", name, plan), "version": version,
        "enrolment_id": enrolment_id(name, plan), "member_token": member_token(name), "tenant_id": plan,
        "partner_id": "harvest", "kind": ReferralKind.SOCIAL_SERVICE, "need": "food-insecurity",
        "status": ReferralStatus.REQUESTED, "status_on": DAY + timedelta(days=days), "requested_on": DAY,
        "due_on": DAY + timedelta(days=days + 5),
    }  # fmt: skip
    return ReferralChangedV1(**(said | changes))


def an_attempt(name: str = "ada", days: int = 0, number: int = 0, **changes: Any) -> ContactAttemptLoggedV1:
    plan = changes.pop("tenant_id", "lakeshore")
    said: dict[str, Any] = {
        "occurred_at": NOON, "attempt_id": derived_id("attempt", name, plan, days, number),
        "case_id": derived_id("case", name, plan), "enrolment_id": enrolment_id(name, plan),
        "member_token": member_token(name), "tenant_id": plan, "programme_id": PROGRAMME, "channel": Channel.PHONE,
        "disposition": Disposition.COMPLETE, "attempted_at": NOON + timedelta(days=days),
        "attempted_on": DAY + timedelta(days=days), "worker_id": "wanda",
    }  # fmt: skip
    return ContactAttemptLoggedV1(**(said | changes))


def a_retraction(attempt: ContactAttemptLoggedV1, days: int = 0) -> ContactAttemptRetractedV1:
    """Said on the `days`-th day that the attempt does not stand."""
    same = ("attempt_id", "case_id", "enrolment_id", "member_token", "tenant_id", "programme_id", "worker_id")
    on = DAY + timedelta(days=days)
    said = {name: getattr(attempt, name) for name in same}
    return ContactAttemptRetractedV1(occurred_at=NOON, reason="wrong-member", retracted_on=on, **said)


def a_pool(week: int = 0, version: int = 1, changed: int = 0, **changes: Any) -> SlotPoolChangedV1:
    site = changes.get("site_id", "united-center")
    said: dict[str, Any] = {
        "occurred_at": NOON, "block_id": derived_id("block", site, week, changes.get("tenant_id")), "version": version,
        "site_id": site, "site_zip5": "60612", "week_on": DAY + timedelta(weeks=week), "tenant_id": "lakeshore",
        "cvx": "212", "capacity": 40, "booked": 0, "fulfilled": 0, "changed_on": DAY + timedelta(days=changed),
    }  # fmt: skip
    return SlotPoolChangedV1(**(said | changes))


def a_file(name: str = "monday", days: int = 0, **changes: Any) -> FeedFileProcessedV1:
    said: dict[str, Any] = {
        "occurred_at": NOON, "file_id": derived_id("file", name), "kind": FeedKind.X12_834, "sender": "lakeshore",
        "tenant_id": "lakeshore", "sha256": "0" * 64, "rows_read": 100, "rows_accepted": 97, "rows_rejected": 3,
        "rejections": (ReasonCount(reason="birth-date-missing", rows=3),), "business_on": DAY + timedelta(days=days),
    }  # fmt: skip
    return FeedFileProcessedV1(**(said | changes))


@dataclass(frozen=True, slots=True)
class Reporting:
    """The service on its own database, fed as in life, without a broker."""

    database: Database

    async def hear(self, *events: Event) -> None:
        """Deliver events, one batch for each run of events of one topic."""
        start = 0
        while start < len(events):
            subscription = SUBSCRIPTION_OF[type(events[start])]
            end = start
            while end < len(events) and SUBSCRIPTION_OF[type(events[end])] is subscription:
                end += 1
            await self.hear_batch(events[start:end])
            start = end

    async def hear_batch(self, events: Sequence[Event], event_ids: Sequence[UUID] = ()) -> None:
        """Deliver events of one topic as one batch."""
        subscription = SUBSCRIPTION_OF[type(events[0])]
        ids = event_ids or [new_id() for _ in events]
        records = [a_record(event, event_id=one) for event, one in zip(events, ids, strict=True)]
        decoded = Decoder(subscription.topic).decode(records)
        outcome = await apply_batch(self.database.pool, subscription.group, decoded, subscription.handler)
        assert outcome.rejected == outcome.parked == 0, [getattr(one, "detail", "") for one in decoded]

    async def fetch(self, query: str, *values: Any, tenant: str = "*") -> list[tuple[Any, ...]]:
        """Rows as one plan sees them, or as all do, the trail's too."""
        async with self.database.owner.acquire() as connection, connection.transaction():
            await connection.execute("select set_config('vcc.tenant', $1, true)", tenant)
            return [tuple(row) for row in await connection.fetch(query, *values)]

    async def dump(self) -> dict[str, list[str]]:
        """Every row of every fact table, as text, in order."""
        one = "select '{0}', t::text from {0} t"
        rows = await self.fetch(" union all ".join(one.format(table) for table in FACT_TABLES) + " order by 1, 2")
        return {table: [text for name, text in rows if name == table] for table in FACT_TABLES}

    async def empty(self) -> None:
        tables = (*FACT_TABLES, "inbox", "dead_letter", "parked_key", "reading_position")
        async with self.database.pool.acquire() as connection, connection.transaction():
            await connection.execute("select set_config('vcc.tenant', '*', true)")
            await connection.execute("; ".join(f"delete from {table}" for table in tables))

    async def report(self, as_of: int, known: int | None = None, tenant: str = "*") -> Report:
        """The report as of the `as_of`-th day, as known on the `known`-th."""
        known_on = DAY + timedelta(days=as_of if known is None else known)
        question = Question(PROGRAMME, DAY + timedelta(days=as_of), known_on)
        async with transaction(self.database.pool, tenant) as connection:
            [programme] = await load_programmes(connection)
            return await load_report(connection, programme, question, tenant, 0)

    async def asked(self, as_of: int, query: str) -> list[tuple[Any, ...]]:
        """Rows over the temporary tables that a report as of the `as_of`-th day is made of."""
        day = DAY + timedelta(days=as_of)
        async with transaction(self.database.pool, "*") as connection:
            await prepare(connection, Question(PROGRAMME, day, day))
            return [tuple(row) for row in await connection.fetch(query)]

    async def announced(self) -> list[dict[str, Any]]:
        """The bodies in the outbox, in order."""
        rows = await self.fetch("select convert_from(payload, 'utf8')::jsonb from outbox order by id")
        return [row[0] for row in rows]


def app_of(database: Database) -> FastAPI:
    """The real application; the token is replaced by headers that say who is asking, and the broker by a log that is
    read to its end."""
    settings = database.settings()
    app = create(build(), settings)
    app.state.pool, app.state.settings, app.state.subscriptions = database.pool, settings, SUBSCRIPTIONS

    def who(request: Request) -> Principal:
        plan = request.headers.get("X-Plan", "*")
        return Principal("vera", frozenset({request.headers.get("X-Role", "state")}), frozenset({plan}), plan)

    async def whole_log(_generation: Generation) -> int:
        return 0

    app.dependency_overrides[authenticate] = who
    app.dependency_overrides[log_reader_of] = lambda: whole_log
    return app


def client_of(database: Database, app: FastAPI | None = None) -> httpx.AsyncClient:
    """Somebody who asks the application."""
    transport = httpx.ASGITransport(app or app_of(database))
    headers = {"Idempotency-Key": "key-pangolin"}
    return httpx.AsyncClient(transport=transport, base_url="http://reporting", headers=headers)
