"""A database that is lost and comes back from a backup, beside a log that is newer; as the runbook
`docs/runbooks/restore-from-backup.md` says."""

import asyncio
import contextlib
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from random import Random

import asyncpg

from deploy.local import postgres
from tests.chaos.faults.catalog import OWNERS, SERVICES, Parameters, fault
from tests.chaos.fleet import NotStruckError
from tests.chaos.scene import Scene, until
from tests.chaos.servers import Servers

Statement = Callable[[str], str]

HELD_BACK = "older than the log"
NOTICED_WITHIN_S, LISTED_WITHIN_S = 30.0, 60.0


_backups = count(1)


class _Backup:
    """Statements about a database and its backup, by the database's name."""

    def __init__(self) -> None:
        self._number = next(_backups)

    def make(self, name: str) -> str:
        return f'create database "{name}_backup_{self._number}" template "{name}"'

    @staticmethod
    def set_aside(name: str) -> str:
        return f'alter database "{name}" rename to "{name}_newest"'

    def restore(self, name: str) -> str:
        return f'alter database "{name}_backup_{self._number}" rename to "{name}"'

    @staticmethod
    def drop(name: str) -> str:
        return f'drop database "{name}" with (force)'

    @staticmethod
    def find_again(name: str) -> str:
        return f'alter database "{name}_newest" rename to "{name}"'


def _draw(random: Random) -> Parameters:
    return {"seconds": random.choice((8, 15, 25))}


def _draw_owner(random: Random) -> Parameters:
    return {**_draw(random), "service": random.choice(OWNERS)}


@fault("reporting's database restored from an old backup", _draw, is_long=True)
async def restore_reporting(scene: Scene, seconds: int) -> None:
    """It owns no fact but target ZIPs: it sees what the backup lacks, and the log tells it again."""
    backup = _Backup()
    async with scene.tablespaces:
        await _while_stopped(scene, "reporting", backup.make)
        await asyncio.sleep(seconds)
        await _while_stopped(scene, "reporting", backup.drop, backup.restore)


@fault("reporting is rebuilt", lambda random: {}, ("calls", "sites"))
async def rebuild(scene: Scene) -> None:
    """Its tables are wiped and read again from the log, while everybody goes on."""
    answer = await scene.driver.write("reporting", "operator", "/rebuild")
    assert answer is not None
    assert answer[0] == 202, answer


@fault("a database restored from an old backup alone", _draw_owner, is_long=True)
async def restore_alone(scene: Scene, seconds: int, service: str) -> None:
    """It is noticed: the service lists what it lacks and does nothing until the changes since are found after all."""
    backup = _Backup()
    async with scene.tablespaces:
        await _while_stopped(scene, service, backup.make)
        await asyncio.sleep(seconds)
        async with scene.owning(service):
            lacks = await _on_backup(scene, service, backup)
    await scene.until_back(service, time.monotonic())
    if not lacks:
        raise NotStruckError(f"{service} had said nothing since the backup")


async def _on_backup(scene: Scene, service: str, backup: _Backup) -> int:
    """Start the service on its backup if that lacks anything, and then on the newest database again."""
    async with scene.ground:
        await _drain(scene, service)
        await _execute(scene.servers, service, backup.set_aside, backup.restore)
        lacks = await _lost_facts(scene, service)
        if lacks:
            scene.fleet.add(service).start()
    if lacks:
        await _until_held_back(scene, service)
    async with scene.ground:
        await _drain(scene, service)
        await _execute(scene.servers, service, backup.drop, backup.find_again)
        scene.fleet.add(service).start()
    return lacks


async def _lost_facts(scene: Scene, service: str) -> int:
    """How many the operator is told of."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"services.{service}.app", "lost-facts",
        env=scene.fleet.environment_of(service, 0), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        lines, _ = await asyncio.wait_for(process.communicate(), LISTED_WITHIN_S)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    if process.returncode not in {0, 1} or bool(lines) != bool(process.returncode):
        scene.found(f"lost-facts of {service} ended with {process.returncode} after {len(lines)} bytes")
    return len(lines.splitlines())


async def _until_held_back(scene: Scene, service: str) -> None:
    [held] = scene.fleet.of(service)
    try:
        await until(lambda: bool(held.seen) and HELD_BACK in held.seen[-1].reasons, NOTICED_WITHIN_S, TimeoutError())
    except TimeoutError:
        scene.found(f"{service} did not notice that its database is older than the log: {scene.why(service)}")
    if any(one.is_ready for one in held.seen):
        scene.found(f"{service} was ready on a database that is older than the log")


async def _drain(scene: Scene, service: str) -> None:
    for one in scene.fleet.of(service):
        await scene.drain(one)


async def _while_stopped(scene: Scene, service: str, *statements: Statement) -> None:
    async with scene.owning(service), scene.ground:
        await _drain(scene, service)
        try:
            await _execute(scene.servers, service, *statements)
        finally:
            scene.fleet.add(service).start()
    await scene.until_back(service, time.monotonic())


async def _execute(servers: Servers, service: str, *statements: Statement) -> None:
    name = servers.dsns[service].rpartition("/")[2]
    admin = await asyncpg.connect(servers.databases.dsn(postgres.ADMIN, "postgres"), timeout=10)
    try:
        for statement in statements:
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
