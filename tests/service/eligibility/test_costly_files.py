"""What one file may cost others: it ends when too much of it is rejected, takes turns, and is cancelled by a person."""

from datetime import date
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from services.eligibility.feeds.reject_cap import RejectCap
from services.eligibility.intake.api import files as files_api
from services.eligibility.intake.api import held as held_api
from services.eligibility.intake.flow.file_run import FileRun
from tests.service.eligibility.cases import a_south_file, an_834, case, member
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.door import acting, door
from tests.service.eligibility.messages import Row, roster

pytestmark = pytest.mark.postgres
BROKEN = "INS*Y*18*999*28*A*C**FT"
WHY = {"reason": "the plan sent the wrong file"}
LATER = date(2021, 3, 8)


@pytest.fixture
def app(office: Office) -> FastAPI:
    return door(office.database, files_api.routes, held_api.routes)


def people(count: int) -> list[Row]:
    return [Row(f"P{n}", given=f"Elmo{chr(65 + n)}", tract="") for n in range(count)]


def north(first: int, count: int, control: int = 1) -> str:
    numbers = range(first, first + count)
    return an_834(*(member(f"N{n}", f"BIRD*BIG{chr(65 + n)}", "19500101") for n in numbers), control=control)


def south(control: int = 1) -> str:
    return a_south_file(member(f"S{control}", "MONSTER*COOKIE", "19600101"), control=control)


async def states(office: Office) -> list[tuple[str, int]]:
    rows = await office.fetch("select state, cursor_row from feed_file order by file_no")
    return [(row["state"], row["cursor_row"]) for row in rows]


def key(name: str) -> dict[str, str]:
    return {"Idempotency-Key": f"key-{name}-12345678"}


async def test_a_file_of_rejects_ends(office: Office) -> None:
    """Once too many rows are rejected nothing more is read: what was applied stays, the file and its event say why, the
    stored rejects are bounded and nobody is absent for it (v5.0.0-2.4.1)."""
    office.intake = office.worker(rows_per_batch=5, reject_cap=RejectCap(10, 25))
    await office.read(roster(*people(8), plan="PRAIRIE", full=True))
    file = await office.read(roster(*people(7), *[BROKEN] * 200, plan="PRAIRIE", full=True, day=LATER))
    assert (file.state, file.cut_short, file.absence) == ("stopped", "too-many-rejects", None)
    assert (file.rows_accepted, file.rows_rejected) == (7, 13)
    [told] = await office.fetch("select code from feed_row where file_id = $1 and row = 0", file.file_id)
    assert told["code"] == "too-many-rejects"
    fact = (await office.events("feed-file"))[-1]
    assert (fact["cut_short"], fact["rows_rejected"]) == ("too-many-rejects", 13)
    corrected = await office.read(roster(*people(7), plan="PRAIRIE", full=True, day=LATER))
    assert (corrected.state, corrected.absence, corrected.absent_ended) == ("processed", "applied", 1)


async def test_rejects_below_the_share_end_nothing(office: Office) -> None:
    """A large file with many rejects that are a small part of it is read to its end."""
    office.intake = office.worker(rows_per_batch=5, reject_cap=RejectCap(2, 50))
    file = await office.read(roster(*people(10), *[BROKEN] * 4))
    assert (file.state, file.rows_rejected, file.cut_short) == ("processed", 4, None)


@pytest.mark.parametrize("tenants", [("north-test-plan", "south-plan"), ("*", "*")])
async def test_a_small_file_does_not_wait_for_another_plans_large_one(
    office: Office, monkeypatch: pytest.MonkeyPatch, tenants: tuple[str, str]
) -> None:
    """Slices of two senders' files take turns; a sender's own files stay in order, also over a restart."""
    turns, apply = [], FileRun._apply_slice

    async def noted(run: FileRun, part: Any) -> None:
        turns.append(run._file.file_no)
        await apply(run, part)

    monkeypatch.setattr(FileRun, "_apply_slice", noted)
    for content, tenant in ((north(0, 9), tenants[0]), (north(9, 3, 2), tenants[0]), (south(), tenants[1]),
                            (south(2), tenants[1])):  # fmt: skip
        await office.submit(content, tenant=tenant)
    for _ in range(20):
        worker = office.worker(rows_per_batch=3)
        await worker.work_once()
        await worker.leave_all()
    assert turns == [1, 3, 1, 4, 1, 2]
    assert [state for state, _ in await states(office)] == ["processed"] * 4


async def test_a_file_being_read_is_cancelled(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """What was read stays and is told, the rest is not read, nobody is absent, the next file goes on, again is the same
    answer, and the same bytes may be sent again (v5.0.0-2.4.1)."""
    office.intake = office.worker(rows_per_batch=3)
    content = roster(*people(9), plan="PRAIRIE", full=True)
    first = await office.submit(content)
    after = await office.submit(roster(Row("P20", given="Zoe"), plan="PRAIRIE", day=LATER))
    assert await office.intake.work_once()
    acting(app, "operator")
    path = f"/feed-files/{first}/cancel"
    answer = await client.post(path, json=WHY, headers=key("one"))
    assert (answer.status_code, answer.json()["state"], answer.json()["rows_accepted"]) == (200, "cancelled", 3)
    again = await client.post(path, json=WHY, headers=key("two"))
    assert (again.status_code, again.json()["decided_at"]) == (200, answer.json()["decided_at"])
    await office.work()
    assert await states(office) == [("cancelled", 3), ("processed", 1)]
    facts = {fact["file_id"]: fact.get("cut_short") for fact in await office.events("feed-file")}
    assert facts == {str(first): "cancelled", str(after): None}
    assert await office.fetch("select from feed_absence") == []
    [audited] = await office.fetch("select action, subjects from audit where kind = 'feed-file'")
    assert (audited["action"], audited["subjects"]) == ("cancelled", [str(first)])
    ended = await client.post(f"/feed-files/{after}/cancel", json=WHY, headers=key("three"))
    assert (ended.status_code, ended.json()["type"]) == (409, "urn:vcc:problem:feed-file-ended")
    resent = await office.read(content)
    assert (resent.state, resent.rows_accepted) == ("processed", 9)


async def test_waiting_and_held_files_are_cancelled(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """Neither of them is read afterwards."""
    await office.read(case("s07a.834"))
    held = await office.read(case("s07b.834"))
    queued = await office.submit(south())
    acting(app, "integration")
    for number, file_id in enumerate((held.file_id, queued)):
        answer = await client.post(f"/feed-files/{file_id}/cancel", json=WHY, headers=key(f"n{number}"))
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    await office.work()
    assert await states(office) == [("processed", (await states(office))[0][1]), ("cancelled", 0), ("cancelled", 0)]


@pytest.mark.parametrize(
    ("role", "tenant", "status"),
    [("integration", "south-plan", 404), ("operator", "south-plan", 404), ("coordinator", "north-plan", 403),
     ("supervisor", "north-plan", 403), ("chw", "north-plan", 403), ("clerk", "north-plan", 403),
     ("analyst", "*", 403), ("state", "*", 403), ("supervisor", "*", 403), ("integration", "north-plan", 200),
     ("operator", "*", 200)],
)  # fmt: skip
async def test_who_may_cancel(
    app: FastAPI, client: httpx.AsyncClient, office: Office, role: str, tenant: str, status: int
) -> None:
    """The tenant that sent the file, and an operator of all; to another plan there is no such file (v5.0.0-8.2.2)."""
    file_id = await office.submit(north(0, 1), tenant="north-plan")
    acting(app, role, tenant)
    answer = await client.post(f"/feed-files/{file_id}/cancel", json=WHY, headers=key("one"))
    assert answer.status_code == status
    [(state, _)] = await states(office)
    assert state == ("cancelled" if status == 200 else "received")


async def test_a_packed_body_is_refused(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """A Content-Encoding is not unpacked at the door; nothing is kept (v5.0.0-5.2.3)."""
    acting(app, "integration")
    answer = await client.post("/feed-files", content=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
    assert (answer.status_code, answer.json()["type"]) == (415, "urn:vcc:problem:feed-file-encoding")
    assert await office.fetch("select from feed_file") == []
