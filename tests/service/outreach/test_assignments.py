"""Cases that are assigned to workers, and who gets them by claims."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from schemas.eligibility_v1 import EligibilityStatus, InterpreterNeeded
from tests.facts import NOON, a_day, a_fact
from tests.service.outreach.builders import Outreach, Worker, case_id, client_of
from tests.service.outreach.test_wishes import AVOIDS_WANDA, post
from tests.service.outreach.test_workers import ROSA, put

NAMES = ("ada", "bob", "cyd", "dan", "eve", "fay")
ENGLISH = ROSA | {"languages": {"en": "C2"}, "zips": [], "cultures": [], "absences": []}
SPANISH = ENGLISH | {"languages": {"en": "B2", "es": "C1"}}


@pytest.fixture
async def supervisor(outreach: Outreach) -> AsyncIterator[Worker]:
    async with client_of(outreach.database) as client:
        yield Worker(client, "sue", role="supervisor")


async def assign(supervisor: Worker, **asked: Any) -> dict[str, Any]:
    said = await post(supervisor, "/assignments", {"dry_run": False} | asked)
    assert said.status_code == 200, said.text
    told: dict[str, Any] = said.json()
    return told


async def assignee(outreach: Outreach, name: str) -> str | None:
    case = await outreach.case(name)
    assert case is not None
    to: str | None = case["assigned_to"]
    return to


async def explained(supervisor: Worker, name: str) -> list[tuple[str, str]]:
    told = (await supervisor.get(f"/cases/{case_id(name)}/assignments")).json()["assignments"]
    return [(one["worker_id"], one["deciding"]) for one in told]


async def of_worker(worker: Worker, name: str) -> set[str]:
    return {case["case_id"] for case in await Worker(worker.client, name).claim()}


async def test_a_dry_run_changes_nothing(outreach: Outreach, supervisor: Worker) -> None:
    """It tells what would come of it, and how evenly."""
    await outreach.hear(*(a_fact(name) for name in NAMES))
    for name in ("wanda", "olga"):
        await put(supervisor, f"/workers/{name}", ENGLISH)
    told = await assign(supervisor, dry_run=True)
    assert (told["batch_id"], told["members"], told["assigned"], told["left"]) == (None, 6, 6, 0)
    assert [(one["worker_id"], one["load"]) for one in told["loads"]] == [("olga", 3), ("wanda", 3)]
    assert told["spread"]["attained"] == pytest.approx(0)
    assert await assignee(outreach, "ada") is None


async def test_assigned_cases_go_first_to_their_worker(outreach: Outreach, worker: Worker, supervisor: Worker) -> None:
    """Nobody else claims them; a case that is assigned to nobody is anybody's after them."""
    await outreach.hear(*(a_fact(name) for name in NAMES[:4]))
    for name in ("wanda", "olga"):
        await put(supervisor, f"/workers/{name}", ENGLISH)
    await assign(supervisor)
    await outreach.hear(a_fact("eve", priority=900))
    own = {str(case_id(name)) for name in NAMES[:4] if await assignee(outreach, name) == "wanda"}
    assert len(own) == 2
    claimed = [case["case_id"] for case in await worker.claim(3)]
    assert (set(claimed[:2]), claimed[2]) == (own, str(case_id("eve")))
    assert await of_worker(worker, "pia") == set()


async def test_a_language_goes_to_who_speaks_it(outreach: Outreach, worker: Worker, supervisor: Worker) -> None:
    """Nobody else is given such a member, unless the plan has a qualified interpreter; the member who needs none is
    given to anybody. A claim without a language brings what was assigned."""
    speaks: dict[str, Any] = {"language": "es", "interpreter_needed": InterpreterNeeded.YES}
    await outreach.hear(a_fact("ada", **speaks), a_fact("bob", language="es", interpreter_needed=InterpreterNeeded.NO))
    await put(supervisor, "/workers/wanda", ENGLISH)
    told = await assign(supervisor, dry_run=True)
    assert (told["assigned"], told["left_by"]) == (1, {"language": 1})
    assert (await assign(supervisor, dry_run=True, interpreted=["es"]))["assigned"] == 2
    await put(supervisor, "/workers/olga", SPANISH)
    await assign(supervisor)
    assert await assignee(outreach, "ada") == "olga"
    assert str(case_id("ada")) in await of_worker(worker, "olga")


@pytest.mark.capability("A7")
async def test_the_own_case_manager_comes_first(outreach: Outreach, worker: Worker, supervisor: Worker) -> None:
    """Before who spoke with the member, and before the area; the explanation says so."""
    await outreach.hear(*(a_fact(name) for name in ("ada", "bob", "cyd")))
    for name, zips in (("wanda", ["60623"]), ("olga", []), ("mia", [])):
        await put(supervisor, f"/workers/{name}", ENGLISH | {"zips": zips})
    earlier = (NOON - timedelta(days=3)).isoformat()
    for name in ("ada", "bob"):
        await Worker(worker.client, "olga").log(case_id(name), "complete", attempted_at=earlier)
        await Worker(worker.client, "olga").release(case_id(name))
    await put(worker, f"/cases/{case_id('ada')}/wishes", {"manager": "mia"})
    await assign(supervisor)
    assert await explained(supervisor, "ada") == [("mia", "own-manager")]
    assert await explained(supervisor, "bob") == [("olga", "continuity")]
    assert await explained(supervisor, "cyd") == [("wanda", "area")]


async def test_who_is_avoided_is_assigned_nothing(outreach: Outreach, worker: Worker, supervisor: Worker) -> None:
    """Neither by a batch, nor by a supervisor's word; and the code of the rule is told."""
    await outreach.hear(a_fact("ada"))
    await put(supervisor, "/workers/wanda", ENGLISH)
    await post(worker, f"/cases/{case_id('ada')}/avoidances", AVOIDS_WANDA)
    assert (await assign(supervisor))["left_by"] == {"avoided": 1}
    said = await put(supervisor, f"/cases/{case_id('ada')}/assignee", {"worker_id": "wanda", "reason": "expertise"})
    assert (said.status_code, said.json()["type"]) == (409, "urn:vcc:problem:worker-barred")
    [candidate] = (await supervisor.get(f"/cases/{case_id('ada')}/candidates")).json()["candidates"]
    assert candidate["bars"] == ["avoided"]
    assert await assignee(outreach, "ada") is None


@pytest.mark.parametrize("avoided", [{"code": "wanda"}, {"kind": "organization", "code": "promotoras"}])
async def test_who_is_avoided_afterwards_has_the_case_no_longer(
    outreach: Outreach, worker: Worker, supervisor: Worker, avoided: dict[str, str]
) -> None:
    """All of the person's cases are anybody's again, others' are not; why it ended is on record."""
    await outreach.hear(a_fact("ada"), a_fact("ada", programme_id="second"), a_fact("bob"))
    await put(supervisor, "/workers/wanda", ENGLISH)
    await assign(supervisor)
    await post(worker, f"/cases/{case_id('ada')}/avoidances", AVOIDS_WANDA | avoided)
    rows = await outreach.fetch("select case_id from outreach_case where assigned_to is not null")
    assert [row["case_id"] for row in rows] == [case_id("bob")]
    assert len(await of_worker(worker, "olga")) == 1
    [told] = (await supervisor.get(f"/cases/{case_id('ada')}/assignments")).json()["assignments"]
    assert told["ended_for"] == "avoided"


@pytest.mark.parametrize("said", [{"capacity": 0}, {"absences": [{"from_on": "2021-03-01", "until_on": "2021-03-02"}]}])
async def test_who_is_away_has_no_case(
    outreach: Outreach, worker: Worker, supervisor: Worker, said: dict[str, Any]
) -> None:
    """Somebody described as away today, or as bearing nothing, keeps nothing: others claim it."""
    await outreach.hear(a_fact("ada"))
    await put(supervisor, "/workers/wanda", ENGLISH)
    await assign(supervisor)
    assert await of_worker(worker, "olga") == set()
    assert (await put(supervisor, "/workers/wanda", ENGLISH | said, **{"If-Match": '"1"'})).status_code == 200
    assert await of_worker(worker, "olga") == {str(case_id("ada"))}
    [told] = (await supervisor.get(f"/cases/{case_id('ada')}/assignments")).json()["assignments"]
    assert told["ended_for"] == "away"


async def test_a_language_that_the_assignee_does_not_speak_is_claimed_by_who_does(
    outreach: Outreach, worker: Worker, supervisor: Worker
) -> None:
    """The case that needs it now goes to a claim for that language, not to whom it was assigned before."""
    await outreach.hear(a_fact("ada"))
    await put(supervisor, "/workers/wanda", ENGLISH)
    await assign(supervisor)
    await outreach.fetch("update outreach_case set needs_language = true, language = 'es'")
    assert await worker.claim() == []
    assert len(await Worker(worker.client, "olga").claim(language="es")) == 1


async def test_a_supervisor_overrides_with_a_reason(outreach: Outreach, worker: Worker, supervisor: Worker) -> None:
    """The other worker has the case then; both assignments stay on record with why."""
    await outreach.hear(a_fact("ada"))
    await put(supervisor, "/workers/wanda", ENGLISH | {"zips": ["60623"]})
    await put(supervisor, "/workers/olga", ENGLISH)
    await assign(supervisor)
    path = f"/cases/{case_id('ada')}"
    said = await put(supervisor, f"{path}/assignee", {"worker_id": "olga", "reason": "member-asked"})
    assert said.status_code == 200, said.text
    first, second = (await supervisor.get(f"{path}/assignments")).json()["assignments"]
    assert (first["worker_id"], first["deciding"], first["ended_for"]) == ("wanda", "area", "overridden")
    assert (second["worker_id"], second["deciding"], second["because"]) == ("olga", "override", "member-asked")
    assert (second["ended_at"], second["assigned_by"]) == (None, "sue")
    assert await worker.claim() == []
    assert await of_worker(worker, "olga") == {str(case_id("ada"))}


async def test_two_cases_of_a_person_go_to_one_worker(outreach: Outreach, supervisor: Worker) -> None:
    """One call is about both, and weighs once."""
    await outreach.hear(a_fact("ada"), a_fact("ada", programme_id="second"), a_fact("bob"))
    for name in ("wanda", "olga"):
        await put(supervisor, f"/workers/{name}", ENGLISH)
    told = await assign(supervisor)
    assert (told["members"], sorted(one["load"] for one in told["loads"])) == (2, [1, 1])
    rows = await outreach.fetch("select assigned_to, count(*) as cases from outreach_case group by 1 order by 2")
    assert [row["cases"] for row in rows] == [1, 2]


async def test_loads_of_earlier_batches_count(outreach: Outreach, supervisor: Worker) -> None:
    """Who has three already gets fewer of the next."""
    await outreach.hear(*(a_fact(name) for name in NAMES[:3]))
    await put(supervisor, "/workers/wanda", ENGLISH)
    await assign(supervisor)
    await put(supervisor, "/workers/olga", ENGLISH)
    await outreach.hear(*(a_fact(name) for name in NAMES[3:]))
    told = await assign(supervisor)
    assert [(one["worker_id"], one["load"]) for one in told["loads"]] == [("olga", 3), ("wanda", 3)]


async def test_an_assignment_ends_with_its_last_day(outreach: Outreach, worker: Worker, supervisor: Worker) -> None:
    """On the day after it the case is anybody's again; why it ended is on record."""
    await outreach.hear(a_fact("ada"))
    await put(supervisor, "/workers/olga", ENGLISH)
    await assign(supervisor, until_on="2021-03-03")
    await outreach.hear(a_day(2))
    assert await worker.claim() == []
    await outreach.hear(a_day(3))
    assert len(await worker.claim()) == 1
    [told] = (await supervisor.get(f"/cases/{case_id('ada')}/assignments")).json()["assignments"]
    assert told["ended_for"] == "run-out"


async def test_what_was_told_meanwhile_is_not_assigned_over(
    outreach: Outreach, worker: Worker, supervisor: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An avoidance that is told while the solver works refuses the batch: nothing of it is kept."""
    await outreach.hear(a_fact("ada"))
    await put(supervisor, "/workers/wanda", ENGLISH)
    from services.outreach.matching import flow

    solve = flow.solve

    async def slowly(question: flow.Question) -> Any:
        await post(worker, f"/cases/{case_id('ada')}/avoidances", AVOIDS_WANDA)
        return await solve(question)

    monkeypatch.setattr(flow, "solve", slowly)
    said = await post(supervisor, "/assignments", {"dry_run": False})
    assert (said.status_code, said.json()["type"]) == (409, "urn:vcc:problem:assignments-changed")
    assert await assignee(outreach, "ada") is None


@pytest.mark.parametrize("until_on", ["2021-02-28", "2021-05-31", "2030-01-01"])
async def test_a_last_day_that_nobody_can_mean_is_refused(supervisor: Worker, until_on: str) -> None:
    """Before the open day, or more than ninety days after it."""
    said = await post(supervisor, "/assignments", {"until_on": until_on})
    assert (said.status_code, said.json()["type"]) == (422, "urn:vcc:problem:assignment-days")


async def test_another_plans_cases_are_not_assigned(outreach: Outreach, supervisor: Worker) -> None:
    """A batch is of one plan, and of its workers."""
    await outreach.hear(a_fact("ada"))
    supervisor.plan = "prairie"
    await put(supervisor, "/workers/wanda", ENGLISH)
    assert (await assign(supervisor))["members"] == 0
    for path in ("candidates", "assignments"):
        answer: httpx.Response = await supervisor.get(f"/cases/{case_id('ada')}/{path}")
        assert answer.status_code == 404


async def test_a_case_that_closed_meanwhile_is_not_assigned(outreach: Outreach, supervisor: Worker) -> None:
    """No assignment stands for it, so that nothing is in the way of the next batch once it is open again."""
    await outreach.hear(a_fact("ada"), a_fact("bob"))
    await put(supervisor, "/workers/wanda", ENGLISH)
    await outreach.hear(a_fact("ada", version=2, status=EligibilityStatus.INELIGIBLE))
    said = await put(supervisor, f"/cases/{case_id('ada')}/assignee", {"worker_id": "wanda", "reason": "expertise"})
    assert (said.status_code, said.json()["type"]) == (409, "urn:vcc:problem:case-not-open")
    assert await explained(supervisor, "ada") == []


async def test_a_batch_leaves_what_somebody_works_on(outreach: Outreach, supervisor: Worker) -> None:
    """A case that somebody has claimed is given to nobody else."""
    await outreach.hear(*(a_fact(name) for name in ("ada", "bob")))
    for name in ("wanda", "olga"):
        await put(supervisor, f"/workers/{name}", ENGLISH)
    [held] = await Worker(supervisor.client, "olga").claim(1)
    assert (await assign(supervisor, dry_run=True))["members"] == 1
    await assign(supervisor)
    names = {str(case_id(name)): name for name in ("ada", "bob")}
    assert await assignee(outreach, names[held["case_id"]]) is None
