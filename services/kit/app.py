"""Runs a service: its pool, its subscriptions, its relays, its HTTP, and an orderly end."""

import asyncio
import contextlib
import gc
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import structlog
import uvicorn
from aiokafka.errors import KafkaError
from fastapi import APIRouter, FastAPI

from schemas.envelope import Event
from services.kit import (
    audit,
    audit_api,
    build,
    flood_operations,
    keys,
    log,
    metrics,
    operations,
    saying_again,
    stray_operations,
    strays,
)
from services.kit.audit_for_plans import NamesForPlans
from services.kit.audit_search import Reader
from services.kit.auth import Auth
from services.kit.bus import Bus
from services.kit.health import Health
from services.kit.http import Check, add_health, create_app
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
from services.kit.migrations import KIT_FOLDER, MigrationError, Patience, Stage, load_migrations, migrate
from services.kit.own_log import Owned, OwnLog, list_lost
from services.kit.postgres import Pool, create_pool, is_fault, transaction
from services.kit.private_channels import listens_in_the_clear
from services.kit.pruning import Pruning
from services.kit.relay import Relay
from services.kit.resealing import Sealed
from services.kit.rights import RightsError, rights_of
from services.kit.roles import TABLE
from services.kit.sealed import KeyRingError, SealError
from services.kit.service_links import service_links
from services.kit.settings import MigrationSettings, Settings, SettingsError, read_migration_settings, read_settings
from services.kit.slow_clients import ImpatientProtocol
from services.kit.starting import Schema, refuse_roles, why_not_start
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
        schema = Schema(settings, _folders(service), end_process)
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
    code = [migration for component, folder in _folders(service) for migration in load_migrations(component, folder)]
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


_MIGRATIONS: Mapping[tuple[str, ...], Sequence[Stage]] = {
    ("migrate",): ("pre", "post"),
    ("migrate", "pre"): ("pre",),
    ("migrate", "post"): ("post",),
}


def run(service: Service, argv: Sequence[str] | None = None) -> None:
    """The command line of a service's `app.py`: nothing to serve, 3 if its database is not ready for it; `migrate` to
    bring that up to date, or `migrate pre` before a rolling deploy and `migrate post` after it; `lost-facts` to list
    what the log says in its name and its database does not know, `log-lost` what it has said and the log lacks,
    `republish-lost` to say that again, `log-strays` what the log holds in its name and it never made; `keys` to list
    how much is sealed with which key, `rotate-keys` to seal all with the current one."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    log.configure(service.name)
    if links := service_links(service.name, os.environ):
        structlog.get_logger().warning("service links of the orchestrator ignored", reason=", ".join(links))
    try:
        if tuple(arguments) in _MIGRATIONS:
            _migrate(service, read_migration_settings(service.name, os.environ), _MIGRATIONS[tuple(arguments)])
            return
        settings = read_settings(service.name, os.environ)
    except SettingsError as error:
        sys.exit(str(error))
    if arguments == ["lost-facts"] and service.owned:
        sys.exit(_listed(list_lost(settings, service.owned)))
    elif arguments in (["log-lost"], ["republish-lost"]):
        sys.exit(_log_lost(settings, arguments[0]))
    elif arguments == ["log-strays"]:
        sys.exit(_listed(strays.list_strays(settings, service.owned)))
    elif arguments in (["keys"], ["rotate-keys"]):
        sys.exit(_keys(service, settings, arguments[0]))
    elif arguments:
        lost = ", lost-facts" if service.owned else ""
        of_log = f"log-lost, republish-lost, log-strays{lost}"
        sys.exit(f"expected no argument, or: migrate [pre|post], keys, rotate-keys, {of_log}")
    elif why := keys.refuse_root(settings) or refuse_roles(settings):
        sys.exit(why)
    elif why := asyncio.run(why_not_start(settings, _folders(service))):
        sys.stderr.write(f"{why}\n")
        sys.exit(3)
    else:
        os.umask(0o077)
        _require_rings(settings)
        _serve(create(service, settings), settings)


def _folders(service: Service) -> Sequence[tuple[str, Path]]:
    return [("kit", KIT_FOLDER), (service.name, service.migrations)]


def _migrate(service: Service, settings: MigrationSettings, stages: Sequence[Stage]) -> None:
    try:
        applied = asyncio.run(_migrated(settings, _folders(service), stages))
    except (MigrationError, RightsError) as error:
        sys.exit(str(error))
    structlog.get_logger().info("migrated", count=applied)


def _migrated(
    settings: MigrationSettings, folders: Sequence[tuple[str, Path]], stages: Sequence[Stage]
) -> Coroutine[Any, Any, int]:
    """As the owner. Where none is named the one role of the DSN owns all, and a service that works as it is not
    ready."""
    dsn, owner, audit_dsn = settings.dsn.get_secret_value(), settings.owner_dsn, settings.audit_dsn
    if owner is None:
        return migrate(dsn, folders, stages, _patience(settings))
    rights = rights_of(owner.get_secret_value(), dsn, audit_dsn.get_secret_value() if audit_dsn else None)
    return migrate(owner.get_secret_value(), folders, stages, _patience(settings), rights)


def _patience(settings: MigrationSettings) -> Patience:
    return Patience(settings.migration_lock_timeout_s, settings.migration_deadline_s, settings.lost_peer_s)


def _listed(lines: AsyncGenerator[str]) -> int:
    """1 if there are any, 3 if the broker or the database could not tell."""
    count = _told(lines)
    return 3 if count is None else min(count, 1)


def _log_lost(settings: Settings, command: str) -> int:
    """Likewise; 0 as well once what was lost is in the outbox."""
    if command == "log-lost":
        return _listed(saying_again.list_lost(settings))
    return 3 if _told(saying_again.say_again(settings)) is None else 0


def _told(lines: AsyncGenerator[str]) -> int | None:
    """How many lines there were, each written out as it came; None if the broker or the database could not tell,
    or another one heals."""
    try:
        return asyncio.run(_written(lines))
    except saying_again.AnotherHealsError as error:
        sys.stderr.write(f"{error}\n")
        return None
    except Exception as error:
        if not (is_fault(error) or isinstance(error, KafkaError)):
            raise
        sys.stderr.write(f"not compared: {type(error).__name__}\n")
        return None


async def _written(lines: AsyncGenerator[str]) -> int:
    count = 0
    async with aclosing(lines):
        async for line in lines:
            sys.stdout.write(f"{line}\n")
            count += 1
    return count


def _require_rings(settings: Settings) -> None:
    try:
        keys.require_ring(settings)
        keys.require_topic_ring(settings)
    except KeyRingError as error:
        sys.exit(str(error))


def _keys(service: Service, settings: Settings, command: str) -> int:
    """3 if the database could not tell, or the ring does not open what is there."""
    try:
        if command == "keys":
            sys.stdout.writelines(f"{line}\n" for line in asyncio.run(keys.show(settings, service.sealed)))
        else:
            sys.stdout.write(f"{asyncio.run(keys.rotate(settings, service.sealed))} rows sealed anew\n")
    except (KeyRingError, SealError) as error:
        sys.stderr.write(f"{error}\n")
        return 3
    except Exception as error:
        if not is_fault(error):
            raise
        sys.stderr.write(f"the database: {type(error).__name__}\n")
        return 3
    return 0


def _serve(app: FastAPI, settings: Settings) -> None:
    config = uvicorn.Config(
        app, host=settings.http_host, port=settings.http_port, log_config=None, access_log=False,
        timeout_graceful_shutdown=5, server_header=False, http=ImpatientProtocol,
        ssl_certfile=settings.http_tls_certfile, ssl_keyfile=settings.http_tls_keyfile,
    )  # fmt: skip
    if listens_in_the_clear(settings):
        structlog.get_logger().warning("listens without TLS", port=settings.http_port)
    uvicorn.Server(config).run()
