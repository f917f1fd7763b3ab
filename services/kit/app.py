"""Runs a service: its pool, its subscriptions, its relays, its HTTP, and an orderly end."""

import asyncio
import contextlib
import gc
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import structlog
import uvicorn
from aiokafka.errors import KafkaError
from fastapi import APIRouter, FastAPI

from schemas.envelope import Event
from services.kit import audit, flood_operations, log, operations
from services.kit.auth import Auth
from services.kit.bus import Bus
from services.kit.health import Health
from services.kit.http import Check, add_health, create_app
from services.kit.issuer_keys import TrustedIssuer
from services.kit.look_ups import LookUps
from services.kit.migrations import KIT_FOLDER, MigrationError, Patience, Stage, migrate
from services.kit.own_log import Owned, OwnLog, list_lost
from services.kit.postgres import Pool, create_pool, is_fault, transaction
from services.kit.pruning import Pruning
from services.kit.relay import Relay
from services.kit.roles import TABLE
from services.kit.settings import Settings, SettingsError, read_settings
from services.kit.slow_clients import ImpatientProtocol
from services.kit.subscription import Subscription
from services.kit.workers import Background, Checked, Workers, end_process

VERSION = "0.1.0"
GC_THRESHOLDS = (200_000, 20, 50)
"""Batches of models are garbage without cycles; collecting them young halves the rate."""


@dataclass(frozen=True, slots=True)
class Service:
    """What makes one service: its table of subscriptions, its routes, its migrations. `owned` says how it finds each
    kind of fact that only its store can tell again; `rebuilds`: its tables can be wiped and read again from the log, so
    they have a generation; `background` makes what else runs beside the requests; `waiting` is the SQL that counts its
    own work under way, by what waits."""

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


def create(service: Service, settings: Settings) -> FastAPI:
    """The service as an ASGI application; everything starts and ends with its lifespan."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        workers = Workers(end_process)
        pool = await create_pool(settings, _end_process_on_replacement)
        app.state.pool = pool
        app.state.settings = settings
        app.state.subscriptions = service.subscriptions
        own_log = app.state.own_log = OwnLog(settings, pool, service.owned, service.subscriptions)
        auth.on_denied = audit.denials(lambda tenant: transaction(pool, tenant))
        bus = Bus(settings, pool, service.subscriptions, rebuilds=service.rebuilds)
        health = Health(settings, pool)
        checks: dict[str, Check] = {name: _reason(health, name) for name in ("postgres", "kafka", "outbox")}
        own = service.background(settings, pool)
        checks |= {worker.check: worker.trouble for worker in own if isinstance(worker, Checked)}
        checks |= {"own-log": lambda: own_log.trouble, "bus": bus.troubles, "workers": workers.trouble}
        add_health(app, checks, tasks=workers.states)
        workers.start(own_log, own_log.run())
        workers.start(health, health.run())
        held: list[Background] = [bus, Pruning(settings, pool), Relay(settings, pool.signals, own_log.compare)]
        for worker in (*held, *own):
            workers.start(worker, own_log.before(worker.run))
        _freeze()
        structlog.get_logger().info("started", port=settings.http_port)
        try:
            yield
        finally:
            await workers.drain(settings.drain_timeout_s)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(pool.close(), 3)
            pool.terminate()
            structlog.get_logger().info("stopped")

    auth = Auth(TrustedIssuer(
        issuer=settings.oidc_issuer, audience=settings.oidc_audience, every_tenant_roles=TABLE.every_tenant,
        roles_claim=settings.oidc_roles_claim, tenants_claim=settings.oidc_tenants_claim,
        grants_claim=settings.oidc_grants_claim, token_types=_codes(settings.oidc_token_types.lower()),
        longest_life_s=settings.oidc_longest_life_s, revoked_keys=_codes(settings.oidc_revoked_keys),
    ))  # fmt: skip
    app = create_app(service.title, VERSION, lifespan=lifespan, auth=auth, max_body_bytes=service.max_body_bytes)
    app.state.look_ups = LookUps(settings.look_ups_a_minute)
    for router in service.routers:
        app.include_router(router)
    by_group = {subscription.group: subscription for subscription in service.subscriptions}
    app.include_router(operations.router(by_group))
    app.include_router(flood_operations.router(by_group))
    return app


def _codes(text: str) -> frozenset[str]:
    """The words of a list with commas."""
    return frozenset(word for part in text.split(",") if (word := part.strip()))


def _reason(health: Health, name: str) -> Callable[[], str | None]:
    return lambda: health.reason(name)


def _freeze() -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def _end_process_on_replacement() -> None:
    """What other connections of this process did may be forgotten: it starts again, and compares first."""
    structlog.get_logger().warning("database replaced")
    end_process()


_MIGRATIONS: Mapping[tuple[str, ...], Sequence[Stage]] = {
    ("migrate",): ("pre", "post"),
    ("migrate", "pre"): ("pre",),
    ("migrate", "post"): ("post",),
}


def run(service: Service, argv: Sequence[str] | None = None) -> None:
    """The command line of a service's `app.py`: nothing to serve; `migrate` to bring its database up to date, or
    `migrate pre` before a rolling deploy and `migrate post` after it; `lost-facts` to list what the log says in its
    name and its database does not know."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    log.configure(service.name)
    try:
        settings = read_settings(service.name, os.environ)
    except SettingsError as error:
        sys.exit(str(error))
    if tuple(arguments) in _MIGRATIONS:
        folders = [("kit", KIT_FOLDER), (service.name, service.migrations)]
        stages = _MIGRATIONS[tuple(arguments)]
        try:
            applied = asyncio.run(migrate(settings.dsn.get_secret_value(), folders, stages, _patience(settings)))
        except MigrationError as error:
            sys.exit(str(error))
        structlog.get_logger().info("migrated", count=applied)
    elif arguments == ["lost-facts"] and service.owned:
        sys.exit(_list_lost(service, settings))
    elif arguments:
        sys.exit("expected no argument, or: migrate [pre|post]" + (", lost-facts" if service.owned else ""))
    else:
        _serve(create(service, settings), settings)


def _patience(settings: Settings) -> Patience:
    return Patience(settings.migration_lock_timeout_s, settings.migration_deadline_s, settings.lost_peer_s)


def _list_lost(service: Service, settings: Settings) -> int:
    """1 if there are any, 3 if the broker or the database could not tell."""
    try:
        lost = asyncio.run(list_lost(settings, service.owned))
    except Exception as error:
        if not (is_fault(error) or isinstance(error, KafkaError)):
            raise
        sys.stderr.write(f"not compared: {type(error).__name__}\n")
        return 3
    sys.stdout.writelines(f"{line}\n" for line in lost)
    return 1 if lost else 0


def _serve(app: FastAPI, settings: Settings) -> None:
    config = uvicorn.Config(
        app, host=settings.http_host, port=settings.http_port, log_config=None, access_log=False,
        timeout_graceful_shutdown=5, server_header=False, http=ImpatientProtocol,
    )  # fmt: skip
    uvicorn.Server(config).run()
