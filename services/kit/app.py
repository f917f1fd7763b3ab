"""What a service is made of while it runs: its pool, its subscriptions, its relays, its HTTP, and an orderly end."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import structlog
from fastapi import APIRouter, FastAPI

from schemas.envelope import Event
from services.kit import (
    audit,
    audit_api,
    build,
    flood_operations,
    keys,
    metrics,
    operations,
    stray_operations,
)
from services.kit.audit_for_plans import NamesForPlans
from services.kit.audit_search import Reader
from services.kit.auth import Auth
from services.kit.bus import Bus
from services.kit.health import Health
from services.kit.health_routes import Check, add_health
from services.kit.http import create_app
from services.kit.issuer_keys import TrustedIssuer
from services.kit.log_watch import LogWatch
from services.kit.look_ups import LookUps
from services.kit.measuring import (
    Measure,
    Measuring,
    letter_measures,
    measure_pool,
    schema_measures,
    waiting_measures,
)
from services.kit.migrations import KIT_FOLDER, load_migrations
from services.kit.own_log import Owned, OwnLog
from services.kit.postgres import Pool, create_pool, transaction
from services.kit.pruning import Pruning
from services.kit.relay import Relay
from services.kit.resealing import Sealed
from services.kit.roles import TABLE
from services.kit.settings import Settings
from services.kit.starting import Schema
from services.kit.subscription import Subscription
from services.kit.trail_chain import TrailChain, nobody_seals
from services.kit.workers import Background, Checked, Workers, end_process

GC_THRESHOLDS = (200_000, 20, 50)
"""Batches of models are garbage without cycles; collecting them young halves the rate."""


@dataclass(frozen=True, slots=True)
class Service:
    """What makes one service: its table of subscriptions, its routes, its migrations. `owned` says how it finds each
    kind of fact that only its store can tell again; `rebuilds`: its tables can be wiped and read again from the log, so
    they have a generation; `background` makes what else runs beside the requests; `waiting` is the SQL that counts its
    own work under way, by what waits; `measures` what else its database tells of itself; `sealed` are its own columns
    of sealed bytes; `names_in_trail` the SQL of all ids by which the trail may name a member ($1), and
    `names_for_plans` those by which rows for all tenants name one plan's."""

    name: str
    title: str
    subscriptions: Sequence[Subscription]
    routers: Sequence[APIRouter]
    migrations: Path
    owned: Mapping[type[Event], Owned] = field(default_factory=dict)
    max_body_bytes: int = 1 << 20
    rebuilds: bool = False
    background: Callable[[Settings, Pool], Sequence[Background]] = lambda _settings, _pool: ()
    waiting: Mapping[str, str] = field(default_factory=dict)
    measures: Sequence[Measure] = ()
    sealed: Sequence[Sealed] = ()
    names_in_trail: str | None = None
    names_for_plans: NamesForPlans | None = None

    @property
    def folders(self) -> Sequence[tuple[str, Path]]:
        """The migrations of its database by component, the chassis's first."""
        return [("kit", KIT_FOLDER), (self.name, self.migrations)]


def create(service: Service, settings: Settings) -> FastAPI:
    """The service as an ASGI application; everything starts and ends with its lifespan."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        workers = Workers(end_process)
        pool = await create_pool(settings, _end_process_on_replacement)
        app.state.pool = pool
        audit_pools = await _create_audit_pools(settings)
        app.state.audit_reader = Reader(audit_pools[0]) if audit_pools else None
        app.state.settings = settings
        app.state.subscriptions = service.subscriptions
        own_log = app.state.own_log = OwnLog(settings, pool, service.owned, service.subscriptions)
        auth.on_denied = audit.denials(lambda tenant: transaction(pool, tenant))
        bus = Bus(settings, pool, service.subscriptions, rebuilds=service.rebuilds)
        relay = Relay(settings, pool.signals, own_log.compare)
        health = Health(settings, pool, relay.horizon)
        schema = Schema(settings, service.folders, end_process)
        checks: dict[str, Check] = {name: _reason(health, name) for name in ("postgres", "kafka", "outbox")}
        own = [
            *service.background(settings, pool), keys.Keys(settings, pool, service.sealed),
            LogWatch(settings, pool, service.owned),
        ]  # fmt: skip
        checks |= {worker.check: worker.trouble for worker in own if isinstance(worker, Checked)}
        checks |= {"own-log": lambda: own_log.trouble, "bus": bus.troubles, "workers": workers.trouble}
        checks["schema"] = lambda: schema.trouble
        metrics.BUILD.labels(service.name, build.version(), build.revision()).set(1)
        add_health(app, checks, tasks=workers.states, measure=partial(measure_pool, pool))
        workers.start(own_log, own_log.run())
        workers.start(health, health.run())
        workers.start(schema, schema.run())
        for audit_pool in audit_pools[1:]:
            chain = TrailChain(audit_pool)
            workers.start(chain, chain.run())
        workers.start(measuring := Measuring(pool, _measures(service)), measuring.run())
        held: list[Background] = [bus, Pruning(settings, pool), relay]
        for worker in (*held, *own):
            workers.start(worker, own_log.before(worker.run))
        _freeze()
        structlog.get_logger().info("started", port=settings.http_port)
        try:
            yield
        finally:
            await workers.drain(settings.drain_timeout_s)
            for open_pool in (*audit_pools, pool):
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(open_pool.close(), 3)
                open_pool.terminate()
            structlog.get_logger().info("stopped")

    auth = Auth(TrustedIssuer(
        issuer=settings.oidc_issuer, audience=settings.oidc_audience, every_tenant_roles=TABLE.every_tenant,
        roles_claim=settings.oidc_roles_claim, tenants_claim=settings.oidc_tenants_claim,
        grants_claim=settings.oidc_grants_claim, token_types=_codes(settings.oidc_token_types.lower()),
        longest_life_s=settings.oidc_longest_life_s, revoked_keys=_codes(settings.oidc_revoked_keys),
        cafile=settings.oidc_cafile, allows_plaintext=settings.oidc_allows_plaintext,
    ))  # fmt: skip
    app = create_app(
        service.title, build.version(), lifespan=lifespan, auth=auth, max_body_bytes=service.max_body_bytes
    )
    app.state.look_ups = LookUps(settings.look_ups_a_minute)
    for router in service.routers:
        app.include_router(router)
    by_group = {subscription.group: subscription for subscription in service.subscriptions}
    app.include_router(operations.router(by_group))
    app.include_router(flood_operations.router(by_group))
    app.include_router(stray_operations.router(service.owned))
    app.include_router(audit_api.router(service.names_in_trail, service.names_for_plans))
    return app


async def _create_audit_pools(settings: Settings) -> Sequence[Pool]:
    """As the role that reads the trail, where the service was given one: a connection for who searches it, and one for
    who seals it."""
    if settings.audit_dsn is None:
        nobody_seals(f"VCC_{settings.service.upper()}_AUDIT_DSN")
        return ()
    theirs = settings.model_copy(update={"dsn": settings.audit_dsn, "pool_size": 1})
    return [await create_pool(theirs, _end_process_on_replacement, holds_keys=False) for _ in range(2)]


def _codes(text: str) -> frozenset[str]:
    """The words of a list with commas."""
    return frozenset(word for part in text.split(",") if (word := part.strip()))


def _reason(health: Health, name: str) -> Callable[[], str | None]:
    return lambda: health.reason(name)


def _measures(service: Service) -> Sequence[Measure]:
    """What the database tells of every service, and of this one."""
    code = [migration for component, folder in service.folders for migration in load_migrations(component, folder)]
    generation = [Measure(metrics.GENERATION, "select number as value from generation")] if service.rebuilds else []
    chassis = [*schema_measures(code), *letter_measures(service.subscriptions), *waiting_measures(service.waiting)]
    return [*chassis, *generation, *service.measures]


def _freeze() -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def _end_process_on_replacement() -> None:
    """What other connections of this process did may be forgotten: it starts again, and compares first."""
    structlog.get_logger().warning("database replaced")
    end_process()
