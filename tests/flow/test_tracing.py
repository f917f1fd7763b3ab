"""One trace from a request over every service that it moves."""

import pytest

from schemas.catalog import APPOINTMENT, CASE, DOSE_ADMINISTERED, MEMBER_ELIGIBILITY, SLOT_POOL
from tests.bodies import a_dose
from tests.flow import kafka_log
from tests.flow.feeds import a_member, a_roster
from tests.flow.world import World

pytestmark = [pytest.mark.slow, pytest.mark.kafka, pytest.mark.postgres, pytest.mark.timeout(400)]
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


async def test_a_request_is_followed_through_all_services(world: World) -> None:
    """A dose recorded with a traceparent: the appointment, dose, answer and closed case that follow
    from it, in three services, carry the trace id of the request, and each hop a span id of its own.
    What does not follow from it carries none."""
    member, bystander = a_member(), a_member()
    await world.news(a_roster(await world.today(), member, bystander))
    slot = await world.open_slot(await world.today())
    booked = (await world.book(member, slot))[1]["appointment_id"]
    headers = {"traceparent": f"00-{TRACE}-{SPAN}-01", "Idempotency-Key": world.key()}
    body = {"dose": a_dose(await world.today())}
    path = f"/appointments/{booked}/fulfil"
    answer = await world.ask("scheduling", "site").raw("POST", path, json=body, headers=headers)
    assert answer.status_code == 200
    await world.settle()
    spans: dict[str, set[str]] = {}
    for record in await kafka_log.read(world.stack.bootstrap):
        said = dict(record.headers).get("traceparent", b"").decode()
        if TRACE in said:
            spans.setdefault(record.topic, set()).add(said.split("-")[2])
    followed = (APPOINTMENT, SLOT_POOL, DOSE_ADMINISTERED, MEMBER_ELIGIBILITY, CASE)
    assert spans.keys() == {topic.name for topic in followed}
    assert spans[APPOINTMENT.name] == spans[SLOT_POOL.name]  # one piece of work
    hops = [spans[topic.name] for topic in (APPOINTMENT, DOSE_ADMINISTERED, CASE)]
    assert [len(one) for one in hops] == [1, 1, 1]
    assert len(set.union({SPAN}, *hops)) == 4
