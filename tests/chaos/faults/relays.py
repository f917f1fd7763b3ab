"""A relay that is away between reading and sending."""

import asyncio
import time
from random import Random

from services.kit.fencing import LOCK_NAMESPACE
from tests.chaos.faults.catalog import OWNERS, Parameters, fault
from tests.chaos.faults.processes import another, standing_still
from tests.chaos.fleet import NotStruckError
from tests.chaos.scene import Scene

OVERTAKES_S = 20.0
END_SESSIONS = """
select pg_terminate_backend(pid) from pg_locks join relay_shard on shard = objid::int
where locktype = 'advisory' and granted and classid::bigint = $1 and holder like '%:' || $2::text
    and database = (select oid from pg_database where datname = current_database())
"""
LOAD_NEWEST = "select coalesce(max(id), 0) as id from outbox"
COUNT_OLDER = "select count(*) as rows from outbox where id <= $1"


def _relay(random: Random) -> Parameters:
    return {"service": random.choice(OWNERS), "passes": random.randint(1, 6), "stay_s": round(random.uniform(2, 5), 1)}


@fault("a relay stands still between reading and sending", _relay, ("files", "calls"), is_long=True)
async def stand_still(scene: Scene, service: str, passes: int, stay_s: float) -> None:
    """Its session ends, as that of a machine that stands still does; a second instance says all that it had read, and
    newer words; then it goes on with the old ones in its hands."""
    async with scene.owning(service):
        second = await another(scene, service)
        try:
            await _overtaken(scene, service, passes, stay_s)
        finally:
            await scene.drain(second)


async def _overtaken(scene: Scene, service: str, passes: int, stay_s: float) -> None:
    async with standing_still(scene, service, "relay.sending", passes) as frozen:
        if not await scene.driver.rows(service, END_SESSIONS, LOCK_NAMESPACE, str(frozen.pid)):
            raise NotStruckError(f"{frozen.name} held no shard any more")
        await _others_say_it(scene, service)
        await asyncio.sleep(stay_s)


async def _others_say_it(scene: Scene, service: str) -> None:
    [newest] = await scene.driver.rows(service, LOAD_NEWEST)
    deadline = time.monotonic() + OVERTAKES_S
    while (await scene.driver.rows(service, COUNT_OLDER, newest["id"]))[0]["rows"]:
        if time.monotonic() > deadline:
            scene.found(f"nobody took the shards of {service}'s relay that stands still within {OVERTAKES_S:.0f} s")
            return
        await asyncio.sleep(0.2)
