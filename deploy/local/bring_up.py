"""The order in which a stack comes up.

Postgres with its databases and migrations, Kafka with its topics, and the token issuer start side by side: each waits
more than it works. The services start when all three stand.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from functools import partial

import asyncpg

from deploy.errors import StackError
from deploy.local.account import reachable
from deploy.local.children import Children, Stopped
from deploy.local.databases import private_dsn
from deploy.local.kafka import Kafka
from deploy.local.kafka_users import provide_users
from deploy.local.plan import Plan, external_dsn, known_dsns, remember_dsns, remember_kafka
from deploy.local.postgres import Postgres, provide
from deploy.local.state import TOPICS, Folder, Phase
from deploy.topics import provide_topics
from services.kit.migrations import MigrationError, migrate
from services.kit.private_channels import DSNS
from services.kit.rights import RUNBOOK, RightsError, rights_of

MIGRATE_TIMEOUT_S = 120.0
Say = Callable[[Phase, str], None]


def bring_up(plan: Plan, children: Children, say: Say) -> str:
    """Returns the token issuer's address when every service is ready, or waits for a person."""
    _require_owners(plan)
    say("starting", _servers(plan))
    ports = plan.ports()
    kafka = plan.kafka_environment(ports.get("kafka"))
    issuer_url = plan.issuer_url(ports.get("issuer"))
    remember_kafka(plan.folder, kafka)
    _together(
        children,
        [
            lambda: _postgres(plan, children, ports),
            lambda: _kafka(plan, children, ports, kafka),
            lambda: _issuer(plan, children, ports),
        ],
    )
    say("starting", "services")
    plan.folder.key_ring(TOPICS)
    for name in plan.services:
        plan.folder.key_ring(name)
        told = plan.kafka_environment_of(name, ports.get("kafka"))
        children.launch(plan.service(name, ports[name], told, issuer_url), ports[name])
    for name in plan.services:
        children.await_ready(name)
    return issuer_url


def _servers(plan: Plan) -> str:
    own = [name for name, ours in (("Kafka", plan.own_kafka), ("Postgres", plan.own_postgres)) if ours]
    return " and ".join(own) or "topics and migrations"


def _together(children: Children, tracks: list[Callable[[], None]]) -> None:
    """All at once. The first to fail stops the others, and what it says is what is raised."""
    with ThreadPoolExecutor(len(tracks)) as pool:
        futures = [pool.submit(track) for track in tracks]
        if wait(futures, return_when=FIRST_EXCEPTION).not_done:
            children.give_up()
            wait(futures)
    errors = [error for future in futures if (error := future.exception())]
    for error in sorted(errors, key=lambda error: isinstance(error, Stopped)):  # the cause before its consequences
        raise error


def _issuer(plan: Plan, children: Children, ports: dict[str, int]) -> None:
    if plan.own_issuer:
        children.start(plan.issuer(ports["issuer"]), ports["issuer"])


def _kafka(plan: Plan, children: Children, ports: dict[str, int], kafka: dict[str, str]) -> None:
    if plan.own_kafka:
        broker = _broker(plan, ports)
        children.start(broker.prepare(), broker.port)
        asyncio.run(provide_users(broker.access, broker.port, broker.controller_port))
    asyncio.run(provide_topics(kafka))


def _broker(plan: Plan, ports: dict[str, int]) -> Kafka:
    folder = plan.folder
    return Kafka(folder.data / "kafka", ports["kafka"], ports["kafka-controller"], folder.log("kafka"), plan.access)


def _postgres(plan: Plan, children: Children, ports: dict[str, int]) -> None:
    if plan.own_postgres:
        server = _server(plan.folder, ports["postgres"])
        children.start(server.prepare(), server.port)
        for name in filter(plan.embeds, plan.services):
            remember_dsns(plan.folder, name, asyncio.run(provide(server, name, partial(_password, plan.folder))))
    for name in plan.services:
        asyncio.run(_migrate(plan, name, known_dsns(plan.folder, name) if plan.embeds(name) else _external(plan, name)))


def _require_owners(plan: Plan) -> None:
    """At once, for what else the environment lacks shows a minute later."""
    for name in plan.services:
        if not plan.embeds(name) and external_dsn(name, plan.environ, "owner_dsn") is None:
            own = f"VCC_{name.upper()}"
            raise StackError(
                f"{name}: {own}_DSN names a database, and nothing names its owner",
                f"name it, {own}_OWNER_DSN, and the role that reads the trail, {own}_AUDIT_DSN ({RUNBOOK})",
            )


def _external(plan: Plan, name: str) -> dict[str, str]:
    """By setting, as the environment names them. The owner's is not kept in the folder, which services read."""
    named = {setting: private_dsn(name, plan.environ, setting) for setting in DSNS}
    dsns = {setting: dsn for setting, dsn in named.items() if dsn}
    remember_dsns(plan.folder, name, {setting: dsn for setting, dsn in dsns.items() if setting != "owner_dsn"})
    return dsns


def _password(folder: Folder, role: str) -> str:
    return folder.secret(f"{role}.password").read_text()


async def _migrate(plan: Plan, name: str, dsns: Mapping[str, str]) -> None:
    """A database's own words may hold row values: its error is told by class and code only."""
    try:
        async with asyncio.timeout(MIGRATE_TIMEOUT_S):
            rights = rights_of(dsns["owner_dsn"], dsns["dsn"], dsns.get("audit_dsn"))
            await migrate(dsns["owner_dsn"], plan.migrations(name), rights=rights)
    except (MigrationError, RightsError) as error:
        raise StackError(f"{name}: {error}", "its database is as it was before this migration") from None
    except (asyncpg.PostgresError, OSError, TimeoutError) as error:
        code = f" {error.sqlstate}" if isinstance(error, asyncpg.PostgresError) else ""
        raise StackError(
            f"{name}: its database could not be migrated: {type(error).__name__}{code}",
            f"see {plan.folder.log('postgres')}, or check the address in VCC_{name.upper()}_DSN",
        ) from None


def _server(folder: Folder, port: int) -> Postgres:
    password = folder.secret("postgres-admin").read_text()
    return Postgres(reachable(folder.data / "postgres"), port, folder.log("postgres"), password)
