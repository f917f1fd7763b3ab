"""Records the small true state anew: one pass through the chain on a real stack, with some poison in the log."""

import asyncio
import os
import tempfile
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from confluent_kafka import Producer

from tests import servers
from tests.chaos.checker import Evidence, examine, gather, quiescent
from tests.flow.chain import pass_through
from tests.flow.feeds import Member, Row, a_member, a_roster
from tests.flow.recording import RecordingWorld, RunFolder
from tests.flow.stack import Stack, running_stack
from tests.unit.chaos.checker.recorded import save

QUIET_S = 60.0
PEOPLE = 18


async def live(stack: Stack, run: Path) -> Any:
    """One pass; gives the weekly report."""
    async with RecordingWorld.recorded(stack, RunFolder(run)) as world:
        people = [a_member(place=("95205", "06077001500")) for _ in range(PEOPLE)]
        await pass_through(world, people)
        await doubt(world, people[-1])
        await list_twice(world, people[-3])
        await lose(world, people[-2])
        poison(stack.bootstrap, world.folder)
        await world.next_day()
        await world.settle()
        return await world.ask("reporting", "state").get("/reports/weekly")


async def doubt(world: RecordingWorld, member: Member) -> None:
    """A row ends somebody else under the member's number; a person looks, and says that it means another."""
    stranger = replace(member, family="Waffle", given="Otto", birth_on=date(1931, 2, 9))
    today, operator = await world.today(), world.ask("eligibility", "operator")
    await world.news(a_roster(today, Row(stranger, "terminate", ended_on=today)))
    [row] = (await operator.get("/doubtful-rows"))["rows"]
    path = f"/doubtful-rows/{row['doubtful_id']}"
    world.folder.write(service="eligibility", method="GET", path=path, status=200, answer=await operator.get(path))
    word = {"decision": "another-person", "reason": "the plan says so"}
    assert (await operator.post(f"{path}/decision", world.key(), word))[0] == 200
    await world.settle()


async def list_twice(world: RecordingWorld, member: Member) -> None:
    """Another plan lists somebody, too: possibly one person, which no row says."""
    there = replace(member, plan="PRAIRIE", member_id=f"PR{member.member_id[2:]}")
    await world.news(a_roster(await world.today(), Row(there, "add")))


async def lose(world: RecordingWorld, member: Member) -> None:
    """A clinic takes a booking away from somebody who wants no calls; he hears by letter."""
    slot, case = await world.open_slot(await world.today()), await world.case_of(member)
    assert case is not None
    booking = (await world.book(member, slot))[1]["appointment_id"]
    assert (await world.log_attempt(member, "do-not-call"))[0] == 201
    cancelled = await world.ask("scheduling", "site").post(
        f"/appointments/{booking}/cancel", world.key(), {"reason": "oth-weath"}
    )
    assert cancelled[0] == 200, cancelled
    await world.settle()
    notice = f"/cases/{case['case_id']}/lost-booking-notice"
    told = await world.ask("outreach", "coordinator-lakeshore").post(notice, world.key(), {"how": "letter"})
    assert told[0] == 200, told


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
