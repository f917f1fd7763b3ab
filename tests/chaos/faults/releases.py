"""A rolling release: a migration that dies in its middle and is run again, then the old version beside the new one."""

import asyncio
import json
import shutil
import time
from pathlib import Path
from random import Random

from deploy.local.plan import SERVICES
from deploy.local.state import ROOT
from tests.chaos import launcher
from tests.chaos.faults.catalog import Parameters, fault
from tests.chaos.faults.processes import another
from tests.chaos.scene import Scene

NEXT_NO, AFTERWARDS_NO = 9001, 9002
MIGRATE_TIMEOUT_S = 120.0
APPLIED = "select number from schema_migration where component = $1 and number = $2"
TABLES = """
select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'
    and table_name not in ('schema_migration', 'audit') order by table_name
"""
# What a migration that runs before the rollout may do: add what the old code need not know.
NEXT = """
alter table "{table}" add column next_note text;
alter table "{table}" add column next_count integer default 0;
create table next_version (id integer primary key, said_at timestamptz not null default now());
"""
AFTERWARDS = 'create index "{table}_next" on "{table}" (next_count);\n'


def _draw(random: Random) -> Parameters:
    return {"service": random.choice(SERVICES), "table": random.randrange(100), "stay_s": random.choice((4, 8))}


@fault("kill in a migration, then version N-1 beside N", _draw, is_long=True)
async def release(scene: Scene, service: str, table: int, stay_s: int) -> None:
    async with scene.owning(service):
        await _release(scene, service, table, stay_s)


async def _release(scene: Scene, service: str, table: int, stay_s: int) -> None:
    names = [row["table_name"] for row in await scene.driver.rows(service, TABLES)]
    folder = await asyncio.to_thread(_migrations, scene, service, names[table % len(names)])
    old = scene.fleet.of(service)
    armed = scene.fleet.arms / f"{service}.migration.before-commit"
    armed.write_text(json.dumps({"passes": 1, "deed": "kill"}))
    began = time.monotonic()
    for is_applied in (False, True):
        await _migrate(scene, service, folder, "pre", NEXT_NO, is_applied=is_applied)
    scene.measure("migrated, killed and migrated", time.monotonic() - began)
    new = await another(scene, service, **{launcher.MIGRATIONS: str(folder)})
    await asyncio.sleep(stay_s)
    for one in old:
        if one.is_wanted:
            await scene.drain(one)
    await _migrate(scene, service, folder, "post", AFTERWARDS_NO, is_applied=True)
    assert new.is_wanted


async def _migrate(scene: Scene, service: str, folder: Path, stage: str, number: int, *, is_applied: bool) -> None:
    """Run the service's own `migrate`, and see whether that migration is in the database then."""
    told = {**scene.fleet.environment_of(service, 1), launcher.MIGRATIONS: str(folder)}
    log = scene.run / "logs" / f"{service}-migrate.log"
    async with scene.ground:
        process = scene.servers.nursery.start([service, "migrate", stage], told, log)
        await asyncio.to_thread(process.wait, MIGRATE_TIMEOUT_S)
        found = await scene.driver.rows(service, APPLIED, service, number)
    if bool(found) != is_applied:
        scene.found(f"migration {number} of {service} is {'not ' if is_applied else ''}applied")


def _migrations(scene: Scene, service: str, table: str) -> Path:
    folder = scene.run / "migrations" / service
    shutil.copytree(ROOT / "services" / service / "migrations", folder)
    (folder / "9001_next.sql").write_text(NEXT.format(table=table))
    (folder / "9002_next.post.sql").write_text(AFTERWARDS.format(table=table))
    return folder
