"""A name, a number and a date in every field of rosters and messages, and in every text of requests that are refused:
none of them sings in a topic, an error, a log, a metric or another service's database."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from deploy.local.access import Client, add_clients
from deploy.local.plan import SERVICES
from schemas.catalog import TOPICS, Classification
from services.eligibility.programmes.documents import BUNDLED
from services.kit.roles import TABLE
from tests.bodies import PROGRAMME
from tests.flow import kafka_log
from tests.flow.every_field import bodies, extracts, others, registry_files, rosters
from tests.flow.feeds import Row, a_roster
from tests.flow.songs import heard, in_sinks
from tests.flow.stack import POLL_S, Stack, running_stack
from tests.flow.world import FILE_TIMEOUT_S, World
from tests.servers import PostgresServer

pytestmark = [pytest.mark.slow, pytest.mark.kafka, pytest.mark.postgres, pytest.mark.timeout(400)]
NAME, *NUMBERS = "QUIXWHISTLE", "97731468", "19371123"
TYPED = "Quixwhistle 1937-11-23"
ROLES = tuple(sorted(TABLE.roles))
MEMBER_LEVEL = {topic.name for topic in TOPICS if topic.classification is Classification.MEMBER_LEVEL}
"""What states and plans call their sites and programmes is theirs to say in the others."""
LABELLED = {"/programmes", "/programmes/dry-runs"}
"""Their `name` is there to be said before each error: what the author calls his document."""
UNDER_WAY = {"received", "processing"}


@pytest.fixture(scope="module")
def own_stack(postgres_server: PostgresServer) -> Iterator[Stack]:
    """Of this module alone: what is asked opens sites, publishes programmes and discards records."""
    with running_stack(postgres_server) as running:
        add_clients([Client(f"any-{role}", grants=[f"{role}@lakeshore"]) for role in ROLES], running.folder)
        yield running


@pytest.fixture
async def own_world(own_stack: Stack, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setenv("VCC_STATE_DIR", str(own_stack.folder.path))
    async with World.of(own_stack) as world:
        yield world


async def test_a_song_in_every_field_of_every_feed(own_world: World) -> None:
    """Whatever field of a roster or a message it stands in by mistake, the envelope's included; a field that is new in
    the feeds is tried without a line here."""
    today, found = await own_world.today(), set[str]()
    flock = others(160)
    await own_world.news(a_roster(today, *flock))
    contents = [*rosters(today, NAME), *registry_files(today, NAME, flock), *extracts(today, NAME, flock)]
    for number in NUMBERS:  # not in the envelopes
        contents += [next(rosters(today, number)), next(registry_files(today, number, flock))]
    contents.append(next(extracts(today, NUMBERS[0], flock)))  # a day there may be that of a dose
    for content in contents:
        found |= await in_answers(own_world, content)
    await own_world.settle()
    found |= await in_sinks(own_world)
    assert not found, "\n".join(sorted(found))


async def in_answers(world: World, content: bytes) -> set[str]:
    """What sings when a file is submitted and when its sender reads what became of it."""
    status, answer = await world.send(content)
    found = heard(f"{status} for a file", str(answer))
    if status >= 300:
        return found
    path, sender = f"/feed-files/{answer['file_id']}", world.ask("eligibility", "integration")
    while True:
        file = await sender.get(path)
        if file["state"] not in UNDER_WAY:
            break
        await asyncio.sleep(POLL_S)
    if file["state"] == "held":
        refused = await world.ask("eligibility", "operator").post(f"{path}/refuse", world.key(), {"reason": "a slip"})
        assert refused[0] < 300, refused
    found |= heard("a file", str({**file, "sender": "as it calls itself"}))
    for part in ("rejects", "notices", "rows"):
        found |= heard(f"a file's {part}", (await sender.raw("GET", f"{path}/{part}")).text)
    return found


async def test_a_refusal_repeats_no_text_of_a_request(own_world: World) -> None:
    """By every role, with real ids of a member, his case, booking and slot; a text that is new in a body is tried
    without a line here. What a service does with a text that it takes is shown below."""
    ids, found = await ids_of_a_member(own_world), set[str]()
    for service in SERVICES:
        document = await own_world.ask(service, "operator").get("/openapi.json")
        for method, path, body in bodies(document, TYPED, ids):
            if path in LABELLED and body["name"] == TYPED:
                continue
            for role in ROLES:
                headers = {"Idempotency-Key": own_world.key(), "X-Tenant": "lakeshore"}
                asked = own_world.ask(service, f"any-{role}")
                answer = await asked.raw(method, path, json=body, headers=headers)
                if answer.status_code >= 300:
                    found |= heard(f"{answer.status_code} of {method} {path}", answer.text + str(answer.headers))
    await own_world.settle()
    for name, content in own_world.stack.log_bytes().items():
        found |= heard(name, content)
    for service in SERVICES:
        found |= heard(service, (await own_world.ask(service, "operator").raw("GET", "/metrics")).text)
    for record in await kafka_log.read(own_world.stack.bootstrap):
        if record.topic in MEMBER_LEVEL:
            found |= heard(record.topic, f"{record.key!r} {record.value!r} {record.headers!r}")
    assert not found, "\n".join(sorted(found))


async def test_what_is_taken_sings_nowhere_else(own_world: World) -> None:
    """The reasons that people write, and whatever else is free text in a request that is taken, stay with the service
    that was told: none is in a topic, a log, a metric or another service's database."""
    today, operator = await own_world.today(), own_world.ask("eligibility", "operator")
    reason = {"reason": f"{NAME} {' '.join(NUMBERS)}"}
    for decision in ("release", "refuse", "cancel"):
        path = f"/feed-files/{await a_held_file(own_world)}/{decision}"
        await taken(own_world, "operator", path, reason)
    member = others(1)[0]
    await own_world.news(a_roster(today, member))
    another = replace(member, family="Waffle", given="Ida", birth_on=date(1941, 2, 3), sex="M", medicaid_id="")
    await own_world.news(a_roster(today, Row(another, "merge")))
    [row] = (await operator.get("/doubtful-rows"))["rows"]
    await taken(
        own_world, "operator", f"/doubtful-rows/{row['doubtful_id']}/decision", {"decision": "refuse", **reason}
    )
    twins = [replace(others(1)[0], family="Butter", plan=plan) for plan in ("LAKESHORE", "PRAIRIE")]
    for one in twins:
        await own_world.news(a_roster(today, one))
    [pair] = (await operator.get("/possibly-one"))["pairs"]
    await taken(
        own_world, "operator", f"/possibly-one/{pair['pair_id']}/decision", {"decision": "two-persons", **reason}
    )
    document = (BUNDLED / f"{PROGRAMME}.yaml").read_text()
    await taken(own_world, "operator", "/programmes/dry-runs", {"document": f"# {TYPED}\n{document}", "name": NAME})
    history = {
        "birth_on": "1950-05-01",
        "birth_country": NAME,
        "doses": [{"administered_on": "2024-03-01", "cvx": "187"}],
    }
    await taken(own_world, "coordinator-lakeshore", "/forecasts", history)
    await own_world.settle()
    found = await in_sinks(own_world)
    assert not found, "\n".join(sorted(found))


async def a_held_file(world: World) -> str:
    """A full roster that is older than the newest waits for somebody's word."""
    today, member = await world.today(), replace(others(1)[0], plan="PRAIRIE")
    await world.news(a_roster(today, member, is_full=True))
    _, answer = await world.send(a_roster(today - timedelta(days=1), member, is_full=True))
    deadline = time.monotonic() + FILE_TIMEOUT_S
    sender = world.ask("eligibility", "integration")
    while (state := (await sender.get(f"/feed-files/{answer['file_id']}"))["state"]) != "held":
        assert state in UNDER_WAY, f"the file is {state}"
        assert time.monotonic() < deadline, f"the file is {state}"
        await asyncio.sleep(POLL_S)
    return str(answer["file_id"])


async def taken(world: World, client: str, path: str, body: dict[str, Any]) -> None:
    status, answer = await world.ask("eligibility", client).post(path, world.key(), body)
    assert status < 300, answer


async def ids_of_a_member(world: World) -> dict[str, str]:
    member, today = others(1)[0], await world.today()
    await world.news(a_roster(today, member))
    answer, case, slot = await world.answer_for(member), await world.case_of(member), await world.open_slot(today, 2)
    assert case is not None
    booked = (await world.book(member, slot))[1]
    ids = {"case_id": case["case_id"], "enrolment_id": answer["enrolment_id"], "slot_id": slot["slot_id"],
           "member_token": answer["member"]["member_token"], "appointment_id": booked["appointment_id"]}  # fmt: skip
    return {**ids, "site_id": slot["site_id"], "programme_id": answer["programme_id"]}
