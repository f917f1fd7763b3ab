"""A small world for scheduling: plans Acme and Blue, the United Center, members with seniority, and time."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import count, groupby
from typing import Any
from uuid import UUID, uuid4

import httpx
from fastapi import FastAPI
from starlette.requests import Request

from schemas import catalog
from schemas.catalog import TOPIC_OF_EVENT, Topic
from schemas.eligibility_v1 import (
    AgeBand,
    BusinessDayOpenedV1,
    DoseAction,
    DoseAdministeredV1,
    DoseSource,
    EligibilityStatus,
    LineOfBusiness,
    MemberEligibilityDecidedV1,
    MembersMergedV1,
    ProgrammePublishedV1,
    RaceEthnicity,
    Svi,
    SviLevel,
)
from schemas.envelope import Event
from schemas.outreach_v1 import Channel, ContactAttemptLoggedV1, ContactAttemptRetractedV1, Disposition
from schemas.scheduling_v1 import AppointmentChangedV1, SlotPoolChangedV1
from services.kit import clock as kit_clock
from services.kit.auth import Auth, Principal, authenticate
from services.kit.http import create_app
from services.kit.issuer_keys import TrustedIssuer
from services.kit.look_ups import LookUps
from services.kit.postgres import ALL_TENANTS, Pool, transaction
from services.kit.review_queue import review_page
from services.kit.roles import TABLE
from services.kit.unit_of_work import UnitOfWork
from services.scheduling import app as scheduling
from services.scheduling.settings import OwnSettings
from services.scheduling.settling.flow import settle_waiting
from services.scheduling.settling.store import WAITING_MEMBERS

MONDAY = date(2021, 3, 15)
NOW = datetime(2021, 3, 15, 14, tzinfo=UTC)
COVID, FLU = "208", "197"
LOOK_UPS = 40
"""Of each client at once."""
HANDLERS: Mapping[Topic, Callable[..., Awaitable[None]]] = {
    one.topic: one.handler for one in scheduling.subscriptions(OwnSettings())
}
EVENTS = {event.event_type: event for topic in catalog.TOPICS for event in topic.events}

Send = Callable[..., Awaitable[httpx.Response]]


def a_fact(
    enrolment: UUID,
    member: UUID,
    *,
    version: int = 1,
    tenant: str = "acme",
    programme: str = "il-covid",
    eligible: bool = True,
    reasons: Sequence[str] = (),
    vaccinated: bool = False,
    enrolled: bool = True,
    merged_into: UUID | None = None,
    weighed: datetime | None = None,
) -> MemberEligibilityDecidedV1:
    return MemberEligibilityDecidedV1(
        occurred_at=NOW, enrolment_id=enrolment, member_token=member, tenant_id=tenant, programme_id=programme,
        programme_version=1, version=version,
        status=EligibilityStatus.ELIGIBLE if eligible else EligibilityStatus.INELIGIBLE, reasons=tuple(reasons),
        vaccinated=vaccinated, doses_valid=int(vaccinated), priority=500, age_band=AgeBand.FROM_75,
        race_ethnicity=RaceEthnicity.UNKNOWN, line_of_business=LineOfBusiness.MEDICARE, zip5="60612",
        svi=Svi(level=SviLevel.ZIP, release="2018", value=0.8, vulnerable=True), enrolled=enrolled,
        contact_protected=False, merged_into=merged_into, decided_on=MONDAY, death_reports_until=weighed,
    )  # fmt: skip


def a_dose(
    member: UUID,
    *,
    dose_id: UUID | None = None,
    version: int = 1,
    on: date = MONDAY,
    group: str = "covid-19",
    action: DoseAction = DoseAction.NEW,
    appointment_id: UUID | None = None,
    groups: tuple[str, ...] = (),
) -> DoseAdministeredV1:
    return DoseAdministeredV1(
        occurred_at=NOW, dose_id=dose_id or uuid4(), version=version, action=action, member_token=member, cvx=COVID,
        vaccine_group=group, administered_on=on, known_on=on, sources=(DoseSource.IIS,), appointment_id=appointment_id,
        vaccine_groups=groups,
    )  # fmt: skip


def an_attempt(
    member: UUID, disposition: Disposition = Disposition.DECEASED, attempt_id: UUID | None = None, at: datetime = NOW
) -> ContactAttemptLoggedV1:
    return ContactAttemptLoggedV1(
        occurred_at=at, attempt_id=attempt_id or uuid4(), case_id=uuid4(), enrolment_id=uuid4(), member_token=member,
        tenant_id="acme", programme_id="il-covid", channel=Channel.PHONE, disposition=disposition, attempted_at=at,
        attempted_on=at.date(), worker_id="pat-1",
    )  # fmt: skip


def a_retraction(attempt: ContactAttemptLoggedV1, member: UUID | None = None) -> ContactAttemptRetractedV1:
    return ContactAttemptRetractedV1(
        occurred_at=attempt.occurred_at + timedelta(hours=1), attempt_id=attempt.attempt_id, case_id=attempt.case_id,
        enrolment_id=attempt.enrolment_id, member_token=member or attempt.member_token, tenant_id="acme",
        programme_id="il-covid", worker_id="pat-1", reason="wrong-person", retracted_on=attempt.attempted_on,
    )  # fmt: skip


def a_merge(retired: UUID, surviving: UUID, version: int | None = None, is_split: bool = False) -> MembersMergedV1:
    return MembersMergedV1(
        occurred_at=NOW, surviving_token=surviving, retired_token=retired, merged_on=MONDAY, version=version,
        is_split=is_split,
    )  # fmt: skip


def a_programme(
    programme: str = "il-covid", group: str = "covid-19", began_on: date = date(2021, 1, 4), version: int = 1
) -> Event:
    return ProgrammePublishedV1(
        occurred_at=NOW, programme_id=programme, version=version, title="Seniors first", vaccine_group=group,
        effective_on=began_on, time_zone="America/Chicago", document_sha256="0" * 64,
    )  # fmt: skip


def a_business_day(on: date) -> BusinessDayOpenedV1:
    return BusinessDayOpenedV1(
        occurred_at=datetime(on.year, on.month, on.day, 6, tzinfo=UTC), business_on=on, time_zone="America/Chicago"
    )


def a_given_dose(cvx: str = COVID, on: date = MONDAY) -> dict[str, Any]:
    return {"cvx": cvx, "mvx": "PFR", "lot": "EN6201", "administered_on": on.isoformat()}


class World:
    """The service over a real database: what it hears, what it is asked, what it announces."""

    def __init__(self, pool: Pool, owner: Pool | None = None) -> None:
        self.pool = pool
        self.owner = owner or pool
        self.clock: datetime | None = None
        """What the service takes for now; the real clock, far from the story's days, if a test sets none."""
        self._keys = count()
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(an_app(self)), base_url="http://scheduling")

    async def hear(self, *events: Event) -> None:
        """Each run of events of one topic is a batch in a transaction of its own; then nobody waits to be settled."""
        for topic, batch in groupby(events, key=lambda event: TOPIC_OF_EVENT[type(event)]):
            async with transaction(self.pool, ALL_TENANTS) as connection:
                await HANDLERS[topic](UnitOfWork(connection), list(batch))
            await self.settle()

    async def settle(self) -> int:
        """What goes on beside the requests, until nobody waits; how many pages that were."""
        pages = 0
        while await review_page(self.pool, WAITING_MEMBERS, settle_waiting):
            pages += 1
        return pages

    async def begin(self, on: date = MONDAY) -> None:
        """The day opens, two programmes run, the United Center gives both vaccines."""
        await self.hear(a_business_day(on), a_programme(), a_programme("il-flu", "flu"))
        answer = await self.post("/sites", a_site(), who="state@*")
        assert answer.status_code == 200, answer.text

    async def post(
        self, path: str, body: Any = None, *, who: str = "coordinator@acme", key: str = "", raw: bytes | None = None
    ) -> httpx.Response:
        """`raw`: a body as it stands."""
        headers = {"X-As": who, "Idempotency-Key": key or f"key-{next(self._keys):06d}"}
        content = json.dumps({} if body is None else body).encode() if raw is None else raw
        return await self._client.post(path, content=content, headers=headers | {"Content-Type": "application/json"})

    async def get(self, path: str, *, who: str = "coordinator@acme") -> httpx.Response:
        return await self._client.get(path, headers={"X-As": who})

    async def open_block(
        self, *, days: Sequence[int] = (2,), capacity: int = 3, plan: str | None = "acme", **more: Any
    ) -> list[UUID]:
        """A block of the week of MONDAY with one slot on each of these days after it; the slots."""
        slots = [a_slot(MONDAY + timedelta(days=day), capacity) for day in days]
        body = {"site_id": "united-center", "week_on": MONDAY.isoformat(), "plan": plan, "cvx": COVID, "slots": slots,
                "new_plan": True}  # fmt: skip
        answer = await self.post("/blocks", body | more, who="state@*")
        assert answer.status_code == 201, answer.text
        return [UUID(slot["slot_id"]) for slot in answer.json()["slots"]]

    async def enrol(self, tenant: str = "acme", member: UUID | None = None, programme: str = "il-covid") -> UUID:
        """A new eligible enrolment of the member."""
        enrolment = uuid4()
        await self.hear(a_fact(enrolment, member or uuid4(), tenant=tenant, programme=programme))
        return enrolment

    async def book(self, enrolment: UUID, slot: UUID, *, tenant: str = "acme", key: str = "") -> httpx.Response:
        body = {"enrolment_id": str(enrolment), "slot_id": str(slot)}
        return await self.post("/appointments", body, who=f"coordinator@{tenant}", key=key)

    async def booked(self, enrolment: UUID, slot: UUID, *, tenant: str = "acme") -> str:
        answer = await self.book(enrolment, slot, tenant=tenant)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["appointment_id"])

    async def status_of(self, appointment_id: str) -> str:
        async with self.everything() as connection:
            return str(await connection.fetchval(STATUS, UUID(appointment_id)))

    async def announced(self) -> list[Event]:
        async with self.everything() as connection:
            rows = await connection.fetch("select type, payload from outbox order by id")
        return [EVENTS[row["type"]].model_validate_json(row["payload"]) for row in rows]

    async def appointment_news(self) -> list[AppointmentChangedV1]:
        return [event for event in await self.announced() if isinstance(event, AppointmentChangedV1)]

    async def pool_news(self) -> list[SlotPoolChangedV1]:
        return [event for event in await self.announced() if isinstance(event, SlotPoolChangedV1)]

    @asynccontextmanager
    async def everything(self) -> AsyncIterator[Any]:
        async with transaction(self.owner, ALL_TENANTS) as connection:
            yield connection

    async def check(self) -> None:
        """What must hold at any time: capacity, one live booking, and counts that equal a recount."""
        async with self.everything() as connection:
            wrong = await connection.fetch(WRONG)
        assert not wrong, [dict(row) for row in wrong]

    async def close(self) -> None:
        await self._client.aclose()


STATUS = "select concat_ws(':', status, cancellation_reason) from appointment where appointment_id = $1"
WRONG = """
    with held as (
        select block_id, status from appointment
        where status in ('booked', 'fulfilled', 'noshow') or site_step in ('not-given', 'left')
    ), room as (
        select block_id, appointment_id from slot_place join slot using (slot_id)
    ), recount as (
        select block_id, capacity, booked, fulfilled,
            (select count(*) from held where held.block_id = block.block_id and status = 'booked') as now_booked,
            (select count(*) from held where held.block_id = block.block_id and status = 'fulfilled') as now_fulfilled,
            (select count(*) from held where held.block_id = block.block_id) as holding,
            (select count(*) from room where room.block_id = block.block_id) as places,
            (select count(*) from room where room.block_id = block.block_id and appointment_id is not null) as taken
        from block
    )
    select 'counts' as wrong, block_id::text as id, to_jsonb(recount)::text as detail from recount
    where (booked, fulfilled, capacity, taken) is distinct from (now_booked, now_fulfilled, places, holding)
    union all
    select 'two live', member_token::text, programme_id from appointment
    where status = 'booked' group by member_token, programme_id having count(*) > 1
    union all
    select 'place', slot_id::text, place::text from slot_place join appointment using (slot_id, appointment_id)
    where status not in ('booked', 'fulfilled', 'noshow') and coalesce(site_step, '') not in ('not-given', 'left')
"""


def a_site(zone: str = "America/Chicago", site_id: str = "united-center") -> dict[str, Any]:
    gives = [{"cvx": COVID, "vaccine_group": "covid-19"}, {"cvx": FLU, "vaccine_group": "flu"}]
    return {
        "site_id": site_id,
        "name": "United Center",
        "zip5": "60612",
        "time_zone": zone,
        "kind": "mass",
        "gives": gives,
    }


def a_slot(on: date, capacity: int = 3) -> dict[str, Any]:
    start = datetime(on.year, on.month, on.day, 15, tzinfo=UTC)
    return {"start_at": start.isoformat(), "end_at": (start + timedelta(minutes=30)).isoformat(), "capacity": capacity}


async def a_booking(world: World, *, day: int = 2, tenant: str = "acme") -> tuple[UUID, UUID, str]:
    """Member, enrolment, appointment in a block of its own, open to all."""
    member = uuid4()
    enrolment = await world.enrol(tenant, member)
    week = MONDAY + timedelta(days=day - day % 7)
    plan = f"plan-{uuid4().hex[:6]}"
    [slot] = await world.open_block(plan=plan, week_on=str(week), slots=[a_slot(MONDAY + timedelta(days=day))])
    async with world.everything() as connection:  # as the release does it
        await connection.execute("update slot set held_for = null where slot_id = $1", slot)
        await connection.execute("update block set held_for = null, released = capacity where held_for = $1", plan)
    return member, enrolment, await world.booked(enrolment, slot, tenant=tenant)


def an_app(world: World) -> FastAPI:
    """The service's routes; the header X-As says who asks, in place of a token: `role@tenant`, or grants of which at
    least one names a site."""
    service = scheduling.build({})
    auth = Auth(
        TrustedIssuer(
            issuer="http://127.0.0.1:1", audience="vcc", every_tenant_roles=TABLE.every_tenant
        )
    )  # fmt: skip

    async def somebody(request: Request) -> Principal:
        says = request.headers["x-as"]
        role, _, tenant = says.partition("@")
        if "/" in says:
            return auth.principal({"sub": f"{role}-1", "grants": says})
        return Principal(f"{role}-1", frozenset({role}), frozenset({tenant}), tenant)

    async def clock() -> datetime:
        return world.clock or datetime.now(UTC)

    app = create_app("Scheduling", "test", auth=auth)
    for router in service.routers:
        app.include_router(router)
    app.state.pool = world.pool
    app.state.look_ups = LookUps(LOOK_UPS)
    app.dependency_overrides |= {authenticate: somebody, kit_clock.clock: clock}
    return app
