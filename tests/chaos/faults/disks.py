"""A disk that is full: a table that every batch writes to lies on a small one, and something else fills it up."""

import asyncio
import contextlib
import errno
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import asyncpg

from deploy.local import postgres
from deploy.local.account import unprivileged_account
from tests.chaos.faults.catalog import LISTENERS, Parameters, fault
from tests.chaos.fleet import NotStruckError
from tests.chaos.scene import Scene

SIZE = "24m"
NO_SPACE = "No space left on device"


def _draw(random: Random) -> Parameters:
    return {"service": random.choice(LISTENERS), "seconds": random.choice((6, 12))}


@fault("disk full", _draw, ("files",))
async def disk_full(scene: Scene, service: str, seconds: int) -> None:
    """Needs the right to mount a small tmpfs; misses without it."""
    async with scene.tablespaces, scene.ground, _small_disk(scene, service) as disk:
        log = scene.servers.folder / "postgres.log"
        before = await asyncio.to_thread(_complaints, log)
        await asyncio.to_thread(_fill, disk / "filler")
        await asyncio.sleep(seconds)
        (disk / "filler").unlink()
        if await asyncio.to_thread(_complaints, log) == before:
            raise NotStruckError("nothing wanted room")


@asynccontextmanager
async def _small_disk(scene: Scene, service: str) -> AsyncIterator[Path]:
    """The service's inbox lies there within this block."""
    disk = scene.servers.folder / "small"
    await asyncio.to_thread(_mount, disk)
    database = scene.servers.dsns[service].rpartition("/")[2]
    admin = await asyncpg.connect(scene.servers.databases.dsn(postgres.ADMIN, database), timeout=10)
    try:
        await admin.execute(f"create tablespace small owner \"{service}\" location '{disk / 'space'}'")
        await _move(admin, "small")
        try:
            yield disk
        finally:  # also when nothing wanted room: else the inbox would go with the disk
            await _move(admin, "pg_default")
            await admin.execute("drop tablespace small")
    finally:
        await admin.close()
        await asyncio.to_thread(_unmount, disk)


async def _move(admin: asyncpg.Connection, where: str) -> None:
    await admin.execute(f"alter table inbox set tablespace {where}")
    await admin.execute(f"alter index inbox_pkey set tablespace {where}")


def _mount(disk: Path) -> None:
    disk.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0711", "tmpfs", str(disk)]
    with contextlib.suppress(FileNotFoundError):
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            (disk / "space").mkdir()
            if account := unprivileged_account():
                shutil.chown(disk / "space", account)
            return
    raise NotStruckError("no right to mount a small disk")


def _unmount(disk: Path) -> None:
    subprocess.run(["umount", "--lazy", str(disk)], capture_output=True, check=False)


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 65_536)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
    os.sync()


def _complaints(log: Path) -> int:
    return log.read_text(errors="replace").count(NO_SPACE)
