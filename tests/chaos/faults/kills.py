"""kill -9 of a service, at random and exactly at the points where it hurts."""

import asyncio
import time
from random import Random

from tests.chaos.faults.catalog import ASKED, FAULTS, LISTENERS, SERVICES, Fault, Parameters, fault
from tests.chaos.fleet import NotStruckError
from tests.chaos.scene import Scene


def at_point(name: str, point: str, services: tuple[str, ...], phases: tuple[str, ...], most: int) -> None:
    """One fault for a point: any of these services dies there, after up to `most` passes."""

    def draw(random: Random) -> Parameters:
        return {"service": random.choice(services), "passes": random.randint(1, most)}

    async def strike(scene: Scene, service: str, passes: int) -> None:
        began = time.monotonic()
        await scene.fire(service, point, passes, "kill")
        await asyncio.sleep(0.1)
        await scene.until_back(service, began)

    FAULTS[name] = Fault(name, phases, draw, strike)


at_point("kill before a batch's commit", "batch.before-commit", LISTENERS, ("files", "calls"), 6)
at_point("kill after a batch's commit", "batch.after-commit", LISTENERS, ("files", "calls"), 6)
at_point("kill in the middle of a batch", "batch.announcing", ("outreach",), ("files", "calls"), 3)
at_point("kill after a batch's effects", "batch.handled", LISTENERS, ("files", "calls"), 5)
at_point("kill after the effect, before the acknowledgement", "ack.before", LISTENERS, ("files", "calls"), 5)
at_point("kill after the acknowledgement", "ack.after", LISTENERS, ("files", "calls"), 5)
at_point("kill after the send, before the mark", "relay.sent", ("eligibility", "outreach"), ("files", "calls"), 3)
at_point("kill after the send, before the mark, at the sites", "relay.sent", ("scheduling",), ("calls",), 3)
at_point("kill in the middle of a send", "relay.sending", ("eligibility", "outreach"), ("files", "calls"), 90)
at_point("kill after the mark", "relay.marked", ("eligibility", "outreach"), ("files", "calls"), 3)
at_point("kill before a request's commit", "request.before-commit", ASKED, ("calls",), 8)
at_point("kill after a request's commit", "request.after-commit", ASKED, ("calls",), 8)
at_point("kill before a slice's commit", "intake.before-commit", ("eligibility",), ("files",), 4)
at_point("kill after a slice's commit", "intake.after-commit", ("eligibility",), ("files",), 4)


@fault("kill at random", lambda random: {"service": random.choice(SERVICES), "after_s": round(random.uniform(0, 4), 2)})
async def kill_at_random(scene: Scene, service: str, after_s: float) -> None:
    await asyncio.sleep(after_s)
    await scene.kill(scene.fleet.first(service))


@fault("kill everything at once", lambda random: {"after_s": round(random.uniform(0, 3), 2)})
async def kill_everything(scene: Scene, after_s: float) -> None:
    await asyncio.sleep(after_s)
    done = await asyncio.gather(*(_kill_if_up(scene, service) for service in SERVICES))
    if not any(done):
        raise NotStruckError("nothing was up")


async def _kill_if_up(scene: Scene, service: str) -> bool:
    try:
        await scene.kill(scene.fleet.first(service))
    except NotStruckError:
        return False
    return True
