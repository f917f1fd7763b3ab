"""Whom a member avoids, and what that means for claims."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.kit.ids import new_id
from tests.facts import NOON, a_fact
from tests.service.outreach.builders import Outreach, Worker, case_id, client_of
from tests.service.outreach.test_workers import ROSA, put

AVOIDS_WANDA = {"kind": "worker", "code": "wanda", "reason": "mistreatment"}


@pytest.fixture
async def supervisor(outreach: Outreach) -> AsyncIterator[Worker]:
    async with client_of(outreach.database) as client:
        yield Worker(client, "sue", role="supervisor")


async def post(who: Worker, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
    headers = {"X-Worker": who.name, "X-Plan": who.plan, "X-Role": who.role, "Idempotency-Key": str(new_id())}
    return await who.client.post(path, json=body, headers=headers)


async def test_who_is_avoided_claims_no_case_of_the_member(
    outreach: Outreach, worker: Worker, supervisor: Worker
) -> None:
    """Others get it, and he gets it again once the avoidance is taken back."""
    await outreach.hear(a_fact("ada"))
    told = await post(worker, f"/cases/{case_id('ada')}/avoidances", AVOIDS_WANDA)
    assert told.status_code == 201, told.text
    assert await worker.claim() == []
    other = Worker(worker.client, "olga")
    assert len(await other.claim()) == 1
    await other.release(case_id("ada"))
    taken = await post(supervisor, f"/avoidances/{told.json()['avoidance_id']}/retract")
    assert taken.status_code == 204, taken.text
    assert len(await worker.claim()) == 1


async def test_a_whole_organisation_is_avoided(outreach: Outreach, worker: Worker, supervisor: Worker) -> None:
    """Nobody whom it employs claims the case; others do."""
    await outreach.hear(a_fact("ada"))
    await put(supervisor, "/workers/wanda", ROSA | {"organization": "north"})
    await post(worker, f"/cases/{case_id('ada')}/avoidances", AVOIDS_WANDA | {"kind": "organization", "code": "north"})
    assert await worker.claim() == []
    assert len(await Worker(worker.client, "olga").claim()) == 1


@pytest.mark.parametrize("avoided", [{}, {"kind": "organization", "code": "north"}])
async def test_who_is_avoided_claims_with_no_attempt_either(
    outreach: Outreach, worker: Worker, supervisor: Worker, avoided: dict[str, str]
) -> None:
    """A try that claims at once is refused and gives no lease; what it brought is news and goes in, marked so, and an
    inbound call goes against nothing."""
    await outreach.hear(a_fact("ada"))
    await put(supervisor, "/workers/wanda", ROSA | {"organization": "north"})
    await post(worker, f"/cases/{case_id('ada')}/avoidances", AVOIDS_WANDA | avoided)
    tried = await worker.log(case_id("ada"), "no-answer", claim=True)
    assert (tried.status_code, tried.json()["type"].split(":")[-1]) == (409, "worker-avoided")
    told = await worker.log(case_id("ada"), "do-not-call", claim=True)
    assert (told.status_code, told.json()["against"]) == (201, "worker-avoided")
    assert (await worker.log(case_id("ada"), "no-answer", direction="inbound")).json()["against"] is None
    assert await outreach.fetch("select 1 from outreach_case where claimed_by is not null") == []


async def test_an_avoidance_holds_for_all_programmes_of_the_member(outreach: Outreach, worker: Worker) -> None:
    """It is the person's, not the case's."""
    await outreach.hear(a_fact("ada"), a_fact("ada", programme_id="second"))
    await post(worker, f"/cases/{case_id('ada')}/avoidances", AVOIDS_WANDA)
    assert await worker.claim() == []


async def test_who_avoids_whom_is_shown_to_supervisors(outreach: Outreach, worker: Worker, supervisor: Worker) -> None:
    """With who recorded it and why; a coordinator tells, and does not read."""
    await outreach.hear(a_fact("ada"))
    await post(worker, f"/cases/{case_id('ada')}/avoidances", AVOIDS_WANDA)
    path = f"/cases/{case_id('ada')}/wishes"
    assert (await worker.get(path)).status_code == 403
    [avoided] = (await supervisor.get(path)).json()["avoidances"]
    assert {name: avoided[name] for name in ("kind", "code", "reason", "recorded_by")} == AVOIDS_WANDA | {
        "recorded_by": "wanda"
    }


async def test_wishes_are_replaced(outreach: Outreach, worker: Worker, supervisor: Worker) -> None:
    """The own case manager and the cultures are those that were told last."""
    await outreach.hear(a_fact("ada"))
    path = f"/cases/{case_id('ada')}/wishes"
    for body in ({"manager": "mia", "cultures": ["polish"]}, {"manager": "olga", "cultures": ["mexican"]}):
        assert (await put(worker, path, body)).status_code == 204
    read = (await supervisor.get(path)).json()
    assert (read["manager"], read["cultures"]) == ("olga", ["mexican"])


async def test_nothing_is_told_of_another_plans_case(outreach: Outreach, worker: Worker) -> None:
    """It is not there."""
    await outreach.hear(a_fact("ada"))
    worker.plan = "prairie"
    assert (await post(worker, f"/cases/{case_id('ada')}/avoidances", AVOIDS_WANDA)).status_code == 404
    assert (await put(worker, f"/cases/{case_id('ada')}/wishes", {})).status_code == 404


async def test_an_untrained_worker_claims_nothing_of_a_programme_that_demands_it(
    outreach: Outreach, worker: Worker, supervisor: Worker
) -> None:
    """Somebody unknown or in training gets no such case; with the course completed he does."""
    await outreach.hear(a_fact("ada", programme_id="partners-in-vaccination"))
    await put(supervisor, "/workers/olga", ROSA)
    assert await worker.claim() == []
    await put(supervisor, "/workers/wanda", ROSA)
    began = {"course": "motivational-interviewing", "from_on": "2021-01-04"}
    await put(supervisor, "/workers/wanda/trainings", began)
    assert await worker.claim() == []
    await put(supervisor, "/workers/wanda/trainings", began | {"completed_on": "2021-02-01"})
    assert len(await worker.claim()) == 1


async def test_a_plan_that_describes_nobody_claims_as_before(
    outreach: Outreach, worker: Worker, supervisor: Worker
) -> None:
    """What a programme demands counts from the plan's first described worker on, and not by another plan's."""
    await outreach.hear(a_fact("ada", programme_id="partners-in-vaccination"))
    elsewhere = Worker(supervisor.client, "sue", "prairie", "supervisor")
    assert (await put(elsewhere, "/workers/olga", ROSA)).status_code == 200
    assert len(await worker.claim()) == 1


async def test_after_three_hard_calls_a_day_no_hard_case_is_claimed(outreach: Outreach, worker: Worker) -> None:
    """The rest rule: a case with a hard call of an earlier day goes to others then; one without is claimed."""
    names = ("ada", "bob", "cyd", "dan", "eve")
    await outreach.hear(*(a_fact(name) for name in names))
    other, earlier = Worker(worker.client, "olga"), (NOON - timedelta(days=3)).isoformat()
    for who, name, said in (
        (worker, "ada", {}), (worker, "bob", {}), (worker, "cyd", {}), (other, "dan", {"attempted_at": earlier})
    ):  # fmt: skip
        logged = await who.log(case_id(name), "no-answer", hard_call=True, **said)
        assert logged.status_code == 201, logged.text
        await who.release(case_id(name))
    assert [case["case_id"] for case in await worker.claim()] == [str(case_id("eve"))]
    assert [case["case_id"] for case in await other.claim()] == [str(case_id("dan"))]
