"""Workers of a plan: described with an ETag, trained in cohorts."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.kit.ids import new_id
from tests.service.outreach.builders import Outreach, Worker, client_of

ROSA: dict[str, Any] = {
    "discipline": "chw",
    "organization": "promotoras",
    "organization_kind": "cbo",
    "grade": "journeyman",
    "languages": {"es-MX": "C2", "en": "B1"},
    "cultures": ["mexican"],
    "zips": ["60623"],
    "working_days": {"1": "08:00-17:00", "3": "08:00-17:00"},
    "capacity": 12,
    "absences": [{"from_on": "2021-03-08", "until_on": "2021-03-12"}],
}


@pytest.fixture
async def supervisor(outreach: Outreach) -> AsyncIterator[Worker]:
    async with client_of(outreach.database) as client:
        yield Worker(client, "sue", role="supervisor")


async def put(who: Worker, path: str, body: dict[str, Any], **headers: str) -> httpx.Response:
    sent = {"X-Worker": who.name, "X-Plan": who.plan, "X-Role": who.role, "Idempotency-Key": str(new_id())}
    return await who.client.put(path, json=body, headers=sent | headers)


async def test_a_worker_is_described_and_read_again(supervisor: Worker) -> None:
    """What was said stands in the list and by itself, languages by their primary subtag, with the ETag of the first
    version."""
    said = await put(supervisor, "/workers/rosa", ROSA)
    assert said.status_code == 200, said.text
    assert said.headers["ETag"] == '"1"'
    read = await supervisor.get("/workers/rosa")
    assert read.headers["ETag"] == '"1"'
    assert read.json() == said.json()
    assert read.json() == ROSA | {
        "worker_id": "rosa", "version": 1, "languages": {"en": "B1", "es": "C2"}, "trainings": []
    }  # fmt: skip
    assert (await supervisor.get("/workers")).json() == {"workers": [read.json()]}


async def test_a_change_needs_the_etag_of_what_stands(supervisor: Worker) -> None:
    """Of two who change one description the second is told so; without If-Match only a new worker is described."""
    await put(supervisor, "/workers/rosa", ROSA)
    first = await put(supervisor, "/workers/rosa", ROSA | {"capacity": 8}, **{"If-Match": '"1"'})
    assert (first.status_code, first.headers["ETag"], first.json()["capacity"]) == (200, '"2"', 8)
    for headers in ({"If-Match": '"1"'}, {}):
        late = await put(supervisor, "/workers/rosa", ROSA, **headers)
        assert (late.status_code, late.json()["type"]) == (412, "urn:vcc:problem:worker-changed")
    assert (await supervisor.get("/workers/rosa")).json()["capacity"] == 8


async def test_another_plan_sees_no_worker_of_this_one(supervisor: Worker) -> None:
    """The same code at another plan is somebody else."""
    await put(supervisor, "/workers/rosa", ROSA)
    supervisor.plan = "prairie"
    assert (await supervisor.get("/workers")).json() == {"workers": []}
    assert (await supervisor.get("/workers/rosa")).status_code == 404
    assert (await put(supervisor, "/workers/rosa", ROSA | {"capacity": 3})).status_code == 200
    supervisor.plan = "lakeshore"
    assert (await supervisor.get("/workers/rosa")).json()["capacity"] == 12


@pytest.mark.capability("E5")
@pytest.mark.parametrize("kind", ["plan", "cb-cme", "cbo"])
async def test_an_employer_is_told_from_a_delegated_entity(supervisor: Worker, kind: str) -> None:
    """Each worker's organisation is the plan, an entity that it delegated to, or a community organisation."""
    await put(supervisor, "/workers/rosa", ROSA | {"organization": "north", "organization_kind": kind})
    [told] = (await supervisor.get("/workers")).json()["workers"]
    assert (told["organization"], told["organization_kind"]) == ("north", kind)


@pytest.mark.capability("E1")
async def test_a_cohort_from_enrolment_to_certificate(outreach: Outreach, supervisor: Worker) -> None:
    """A course of nine weeks: who is enrolled, in training, completed and expired is counted as of the open day."""
    cohort = await put(supervisor, "/cohorts/winter", {"course": "chw-certificate", "begins_on": "2020-12-28"})
    assert cohort.status_code == 200, cohort.text
    assert cohort.json()["ends_on"] == "2021-03-01"
    for name, dates in {
        "rosa": {"from_on": "2020-12-28", "completed_on": "2021-03-01", "expires_on": "2023-03-01"},
        "juan": {"from_on": "2020-12-28"},
        "mei": {"from_on": "2021-03-15"},
    }.items():
        await put(supervisor, f"/workers/{name}", ROSA)
        told = {"course": "chw-certificate", "cohort_id": "winter"} | dates
        said = await put(supervisor, f"/workers/{name}/trainings", told)
        assert said.status_code == 200, said.text
    [listed] = (await supervisor.get("/cohorts")).json()["cohorts"]
    assert listed["progress"] == {"enrolled": 1, "in-training": 1, "completed": 1, "expired": 0}


async def test_a_training_is_told_again_when_it_is_completed(supervisor: Worker) -> None:
    """One row for a course and the day on which it began."""
    await put(supervisor, "/workers/rosa", ROSA)
    began = {"course": "motivational-interviewing", "from_on": "2021-01-04"}
    await put(supervisor, "/workers/rosa/trainings", began)
    said = await put(supervisor, "/workers/rosa/trainings", began | {"completed_on": "2021-02-01"})
    [training] = said.json()["trainings"]
    assert (training["progress"], training["completed_on"]) == ("completed", "2021-02-01")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/workers/nobody/trainings", {"course": "chw-certificate", "from_on": "2021-01-04"}, 404),
        (
            "/workers/rosa/trainings",
            {"course": "chw-certificate", "from_on": "2021-01-04", "cohort_id": "never"},
            409,
        ),
        ("/workers/rosa/trainings", {"course": "yoga", "from_on": "2021-01-04"}, 422),
        (
            "/workers/rosa/trainings",
            {"course": "chw-certificate", "from_on": "2021-01-04", "completed_on": "2021-01-01"},
            422,
        ),
        ("/workers/mei", ROSA | {"languages": {"spanish": "C2"}}, 422),
        ("/workers/mei", ROSA | {"languages": {"es": "fluent"}}, 422),
        ("/workers/mei", ROSA | {"name": "Mei"}, 422),
    ],
)
async def test_what_nobody_can_mean_is_refused(
    supervisor: Worker, path: str, body: dict[str, Any], status: int
) -> None:
    """A training of an unknown worker, cohort or course, an end before the beginning, a language that is no tag, a
    name."""
    await put(supervisor, "/workers/rosa", ROSA)
    assert (await put(supervisor, path, body)).status_code == status


async def test_a_coordinator_describes_nobody(outreach: Outreach, worker: Worker) -> None:
    """Workers are described by supervisors."""
    assert (await put(worker, "/workers/rosa", ROSA)).status_code == 403
    assert (await worker.get("/workers")).status_code == 403
