"""The command line of a service: serve, migrate, compare its store with the log, and its keys."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Coroutine, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import structlog
import uvicorn
from aiokafka.errors import KafkaError
from fastapi import FastAPI

from services.kit import keys, log, saying_again, strays
from services.kit.app import Service, create
from services.kit.migrations import MigrationError, Patience, Stage, migrate
from services.kit.own_log import list_lost
from services.kit.postgres import is_fault
from services.kit.private_channels import listens_in_the_clear
from services.kit.rights import RightsError, rights_of
from services.kit.sealed import KeyRingError, SealError
from services.kit.service_links import service_links
from services.kit.settings import MigrationSettings, Settings, SettingsError, read_migration_settings, read_settings
from services.kit.slow_clients import ImpatientProtocol
from services.kit.starting import refuse_roles, why_not_start

MIGRATIONS: Mapping[tuple[str, ...], Sequence[Stage]] = {
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
        if tuple(arguments) in MIGRATIONS:
            _migrate(service, read_migration_settings(service.name, os.environ), MIGRATIONS[tuple(arguments)])
            return
        settings = read_settings(service.name, os.environ)
    except SettingsError as error:
        sys.exit(str(error))
    if arguments == ["lost-facts"] and service.owned:
        sys.exit(_listed(list_lost(settings, service.owned)))
    elif arguments in (["log-lost"], ["republish-lost"]):
        sys.exit(log_lost(settings, arguments[0]))
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
    elif why := asyncio.run(why_not_start(settings, service.folders)):
        sys.stderr.write(f"{why}\n")
        sys.exit(3)
    else:
        os.umask(0o077)
        _require_rings(settings)
        _serve(create(service, settings), settings)


def _migrate(service: Service, settings: MigrationSettings, stages: Sequence[Stage]) -> None:
    try:
        applied = asyncio.run(_migrated(settings, service.folders, stages))
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


def log_lost(settings: Settings, command: str) -> int:
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
