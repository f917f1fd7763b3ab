"""A database that is lost and comes back from a backup, beside a log that is newer; as the runbook
`docs/runbooks/restore-from-backup.md` says."""

import asyncio
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path
from random import Random

import asyncpg

from deploy.local import postgres
from tests.chaos.faults.catalog import SERVICES, Parameters, fault
from tests.chaos.faults.records import rewind
from tests.chaos.fleet import NotStruckError
from tests.chaos.scene import Scene
from tests.chaos.servers import Servers


def _draw(random: Random) -> Parameters:
    return {"seconds": random.choice((8, 15, 25))}


@fault("reporting's database restored from an old backup", _draw, is_long=True)
async def restore_reporting(scene: Scene, seconds: int) -> None:
    """It owns no fact but target ZIPs: the log tells it again all that the backup does not know."""
    await _while_stopped(scene, "reporting", lambda name: f'create database "{name}_backup" template "{name}"')
    await asyncio.sleep(seconds)
    await _while_stopped(
        scene, "reporting",
        lambda name: f'drop database "{name}" with (force)',
        lambda name: f'alter database "{name}_backup" rename to "{name}"',
        rewinds=True,
    )  # fmt: skip


@fault("reporting is rebuilt", lambda random: {}, ("calls", "sites"))
async def rebuild(scene: Scene) -> None:
    """Its tables are wiped and read again from the log, while everybody goes on."""
    answer = await scene.driver.write("reporting", "operator", "/rebuild")
    assert answer is not None
    assert answer[0] == 202, answer


async def _while_stopped(scene: Scene, service: str, *statements: object, rewinds: bool = False) -> None:
    fleet = scene.fleet
    async with scene.owning(service), scene.ground:
        for one in fleet.of(service):
            await scene.drain(one)
        try:
            await _execute(scene.servers, service, *statements)
            if rewinds:
                await asyncio.to_thread(rewind, scene.servers.bootstrap, service)
        finally:
            fleet.add(service).start()
    await scene.until_back(service, time.monotonic())


async def _execute(servers: Servers, service: str, *statements: object) -> None:
    name = servers.dsns[service].rpartition("/")[2]
    admin = await asyncpg.connect(servers.databases.dsn(postgres.ADMIN, "postgres"), timeout=10)
    try:
        for statement in statements:
            assert callable(statement)
            await admin.execute(statement(name))
    finally:
        await admin.close()


@fault("every database restored from a backup and the changes since", _draw, is_long=True)
async def restore_all(scene: Scene, seconds: int) -> None:
    """The server's data is lost but for its write-ahead log, which is replayed on top of the backup to its end."""
    servers = scene.servers
    data = servers.folder / "postgres"
    backup, lost = data.with_name("backup"), data.with_name("lost")
    async with scene.tablespaces:
        async with scene.ground:
            await scene.outage(SERVICES, lambda: servers.postgres.end(signal.SIGINT), lambda: _copy(servers, backup), 0)
        await asyncio.sleep(seconds)
        if not await asyncio.to_thread(backup.exists):
            raise NotStruckError("there is no backup")
        async with scene.ground:
            await scene.outage(SERVICES, lambda: _lose(servers, data, lost, backup), lambda: _replay(servers, lost), 0)
        await asyncio.to_thread(shutil.rmtree, lost)


async def _copy(servers: Servers, backup: Path) -> None:
    await asyncio.to_thread(_copied, servers.folder / "postgres", backup)
    await servers.postgres.start()


def _copied(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, copy_function=shutil.copy2)
    owner = source.stat()
    for path in (target, *target.rglob("*")):
        shutil.chown(path, owner.st_uid, owner.st_gid)


async def _lose(servers: Servers, data: Path, lost: Path, backup: Path) -> None:
    await servers.postgres.end(signal.SIGKILL)
    await asyncio.sleep(0.5)  # its children notice
    await asyncio.to_thread(_exchange, data, lost, backup)


def _exchange(data: Path, lost: Path, backup: Path) -> None:
    shutil.rmtree(lost, ignore_errors=True)
    data.rename(lost)
    backup.rename(data)
    (data / "recovery.signal").touch()
    (data / "postmaster.pid").unlink(missing_ok=True)


async def _replay(servers: Servers, lost: Path) -> None:
    """Nobody gets in before the last change is there."""
    plain = servers.postgres.spec
    recovering = ("-c", f"restore_command=cp {lost}/pg_wal/%f %p", "-c", "hot_standby=off")
    servers.postgres.spec = replace(plain, command=[*plain.command, *recovering])
    try:
        await servers.postgres.start()
    finally:
        servers.postgres.spec = plain
