"""Records the small true state anew: one pass through the chain on a real stack, with some poison in the log."""

import asyncio
import os
import tempfile
from pathlib import Path
from typing import Any

from confluent_kafka import Producer

from tests import servers
from tests.chaos.checker import Evidence, examine, gather, quiescent
from tests.flow.chain import pass_through
from tests.flow.feeds import a_member
from tests.flow.recording import RecordingWorld, RunFolder
from tests.flow.stack import Stack, running_stack
from tests.unit.chaos.checker.recorded import save

QUIET_S = 60.0
PEOPLE = 18


async def live(stack: Stack, run: Path) -> Any:
    """One pass; gives the weekly report."""
    async with RecordingWorld.recorded(stack, RunFolder(run)) as world:
        await pass_through(world, [a_member(place=("95205", "06077001500")) for _ in range(PEOPLE)])
        poison(stack.bootstrap, world.folder)
        await world.next_day()
        await world.settle()
        return await world.ask("reporting", "state").get("/reports/weekly")


def poison(bootstrap: str, folder: RunFolder) -> None:
    """Records that nobody can use: no JSON, and a tombstone; each with a key of its own."""
    sent: list[Any] = []
    producer = Producer({"bootstrap.servers": bootstrap})
    for kind, value in (("bad-json", b"{"), ("tombstone", None)):
        producer.produce(
            "vcc.appointment.v1", value, kind.encode(), on_delivery=lambda _, message: sent.append(message)
        )
        producer.flush()
        place = {"topic": sent[-1].topic(), "partition": sent[-1].partition(), "offset": sent[-1].offset()}
        folder.write(poison={**place, "kind": kind})


def record(run: Path) -> Evidence:
    with servers.running_postgres() as postgres, running_stack(postgres) as stack:
        os.environ["VCC_STATE_DIR"] = str(stack.folder.path)
        report = asyncio.run(live(stack, run))
        quiescent(stack.bootstrap, stack.dsns, QUIET_S)
        return gather(run, stack.bootstrap, stack.dsns, report)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        evidence = record(Path(folder))
        found = examine(evidence)
        print("\n".join(map(str, found)) or "nothing diverges")
        save(evidence, Path(folder))
