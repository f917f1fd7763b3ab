"""A file's rows are taken exactly once: in slices, after a kill, beside a rival, with a row that can't be stored."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import date
from typing import Any

import pytest

from services.eligibility.decisions.flow import days
from services.eligibility.doses.store import doses as dose_store
from services.eligibility.intake.flow import roster as roster_flow
from services.eligibility.intake.flow.file_run import FileRun, FileTakenError
from services.eligibility.intake.flow.worker import Intake
from services.eligibility.intake.store import absence as absence_store
from services.eligibility.intake.store import rows as row_store
from services.eligibility.settings import OwnSettings
from services.kit.postgres import ALL_TENANTS, transaction
from tests.servers import OpenDatabase
from tests.service.eligibility.conftest import FIRST_DAY, Office
from tests.service.eligibility.messages import Row, Shot, roster, vxu

pytestmark = pytest.mark.postgres
NAMES = ("Ernie", "Bert", "Grover", "Zoe", "Rosita", "Abby", "Julia", "Elmo", "Telly", "Kermit", "Prairie", "Herry")
TABLES = {
    "enrolment": "select tenant_id, member_id, given, spans, seen_file_no from enrolment order by 1, 2",
    "fact": "select fact - array['occurred_at', 'enrolment_id', 'member_token', 'programme_id'] as fact"
    " from decision join enrolment using (enrolment_id) order by tenant_id, member_id",
    "dose": "select given, cvx, administered_on, version from dose join enrolment using (member_token)"
    " order by 1, 2, 3",
    "row": "select file_no, row, outcome, code from feed_row join feed_file using (file_id) order by 1, 2",
    "file": "select file_no, state, cursor_row, rows_accepted, rows_unchanged, "
    "rows_rejected, rows_unlinked from feed_file order by 1",
    "absence": "select file_no, a.plan, a.absence, ended from feed_absence a join feed_file using (file_id)"
    " order by 1, 2",
    "outbox": "select aggregatetype, count(*) from outbox group by 1 order by 1",
}


class KilledError(BaseException):
    """As a kill -9 would end it: nothing after this point happens."""


def files() -> list[str]:
    everybody = [Row(f"P{n}", given=name, tract="") for n, name in enumerate(NAMES)]
    broken = "INS*Y*18*999*28*A*C**FT"
    return [
        roster(*everybody[:6], broken, *everybody[6:], everybody[0], plan="PRAIRIE", full=True),
        vxu(*(Shot(f"E-{name}", given=name, ids=(f"{name}^^^CAIR^SR",)) for name in NAMES[::2])),
        roster(*everybody[:10], plan="PRAIRIE", full=True, day=date(2021, 3, 8)),
    ]


async def tables(office: Office) -> dict[str, Any]:
    return {name: await office.fetch(query) for name, query in TABLES.items()}


def small(office: Office, rows: int = 3) -> Intake:
    return Intake(office.database.settings(), office.database.pool, OwnSettings(rows_per_batch=rows))


async def undisturbed(office: Office) -> dict[str, Any]:
    for content in files():
        await office.submit(content)
    office.intake = small(office)
    await office.work()
    return await tables(office)


@pytest.mark.parametrize(
    ("owner", "step"),
    [(row_store, "save_rows"), (dose_store, "save_doses"), (FileRun, "_apply_slice"), (FileRun, "_finish"),
     (absence_store, "add_ended")],
    ids=["before a commit", "between a batch's tables", "after a commit", "before the end", "among the absent"],
)  # fmt: skip
async def test_a_killed_intake_goes_on_where_it_was(
    office: Office, database: OpenDatabase, monkeypatch: pytest.MonkeyPatch, owner: Any, step: str
) -> None:
    """Killed at every second passing of a step, it ends in the tables of an undisturbed run."""
    other = await database("eligibility")
    await days.begin(other.pool, FIRST_DAY)
    expected = await undisturbed(Office(other, office.intake))
    for content in files():
        await office.submit(content)
    do, passed = getattr(owner, step), 0

    async def do_and_die(*args: Any) -> Any:
        nonlocal passed
        passed += 1
        if passed % 2 and step == "_finish":
            raise KilledError
        done = await do(*args)
        if passed % 2:
            raise KilledError
        return done

    monkeypatch.setattr(owner, step, do_and_die)
    is_done = False
    while not is_done:
        worker = small(office)
        with suppress(KilledError):
            is_done = not await worker.work_once()
        await worker.leave_all()
    assert passed > 2
    assert await tables(office) == expected


async def test_a_slice_is_no_larger_than_a_batch(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting that bounds a batch of events bounds a transaction's rows too."""
    sizes, apply = [], FileRun._apply_slice

    async def measured(run: FileRun, part: Any) -> None:
        sizes.append(part.rows)
        await apply(run, part)

    monkeypatch.setattr(FileRun, "_apply_slice", measured)
    office.intake = Intake(office.database.settings(batch_records=5), office.database.pool, OwnSettings())
    await office.read(files()[0])
    assert sizes == [5, 5, 4]


async def test_two_workers_take_each_row_once(office: Office, database: OpenDatabase) -> None:
    """A rival that read the same file finds it taken, and nothing happens twice."""
    other = await database("eligibility")
    await days.begin(other.pool, FIRST_DAY)
    expected = await undisturbed(Office(other, office.intake))
    for content in files():
        await office.submit(content)

    async def work() -> None:
        worker = small(office)
        while True:
            try:
                if not await worker.work_once():
                    return
            except FileTakenError:
                continue

    await asyncio.gather(work(), work(), work())
    assert await tables(office) == expected


async def test_a_row_that_cannot_be_stored_stands_alone(office: Office) -> None:
    """A NUL in a name is refused by the database: that row is rejected, its neighbours are taken."""
    rows = [Row(f"LS{n}", given=name) for n, name in enumerate(NAMES)]
    rows[5] = Row("LS5", given="Ab\x00by")
    file = await office.read(roster(*rows))
    assert (file.state, file.rows_accepted, file.rows_rejected) == ("processed", len(NAMES) - 1, 1)
    [row] = await office.fetch("select row, code, field, expected from feed_row where outcome = 'rejected'")
    assert (row["row"], row["code"]) == (6, "unstorable")


async def test_a_reject_names_place_and_expectation_only(office: Office) -> None:
    """Row, segment, field and what was expected: nothing of what stood there."""
    await office.read(roster(Row("LS1", born="19401332", given="Zebulon")))
    [row] = await office.fetch("select * from feed_row")
    assert (row["row"], row["field"], row["code"], row["segment"]) == (1, "DMG-02", "date", 13)
    assert "19401332" not in str(row)
    assert "ZEBULON" not in str(row).upper()


async def test_a_file_that_is_no_feed_is_refused(office: Office) -> None:
    """A PDF is registered, refused with a reason, and nothing else happens."""
    file = await office.read(b"%PDF-1.7 roster")
    assert (file.state, file.rows_read, file.kind) == ("refused", 0, None)
    assert [row["code"] for row in await office.fetch("select code from feed_row")] == ["pdf"]
    assert await office.events("feed-file") == []


async def test_a_processed_file_is_told(office: Office) -> None:
    """The last slice's counts leave as a fact, with the reasons of the rejects."""
    await office.read(roster(Row("LS1"), "INS*Y*18*999*28*A*C**FT", Row("LS1")))
    [fact] = await office.events("feed-file")
    assert (fact["kind"], fact["sender"], fact["tenant_id"]) == ("x12-834", "lakeshore", "lakeshore")
    assert (fact["rows_read"], fact["rows_accepted"], fact["rows_rejected"], fact["rows_unchanged"]) == (3, 2, 1, 1)
    assert fact["rejections"] == [{"reason": "maintenance", "rows": 1}]


async def test_files_are_taken_in_the_order_of_submission(office: Office) -> None:
    """An end that was submitted after a begin is read after it."""
    await office.submit(roster(Row("LS1")))
    await office.submit(roster(Row("LS1", action="024", end="20210226"), day=date(2021, 3, 2)))
    await office.work()
    assert (await office.last_facts())["LS1"]["reasons"] == ["not-enrolled"]


async def test_the_worker_runs_and_stops(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run as a background task it takes what is submitted, and stops when told to."""
    worker = Intake(office.database.settings(), office.database.pool, OwnSettings(poll_s=0.01))
    done = asyncio.Event()
    seen: Callable[..., Awaitable[Any]] = roster_flow.on_roster_rows

    async def on_roster_rows(*args: Any) -> Any:
        done.set()
        return await seen(*args)

    monkeypatch.setattr(roster_flow, "on_roster_rows", on_roster_rows)
    task = asyncio.create_task(worker.run())
    await office.submit(roster(Row("LS1")))
    await asyncio.wait_for(done.wait(), 120)
    worker.stop()
    await asyncio.wait_for(task, 120)
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        assert await connection.fetchval("select count(*) from enrolment") == 1


async def test_a_file_accepted_here_is_read_without_waiting(office: Office) -> None:
    """A worker that had nothing to do and looks but once an hour reads a file as soon as its process accepts it."""
    worker = Intake(office.database.settings(), office.database.pool, OwnSettings(poll_s=3600))
    task = asyncio.create_task(worker.run())
    for member in ("LS1", "LS2"):  # the first may come before the worker looked at all
        file_id = await office.submit(roster(Row(member)))
        async with asyncio.timeout(60):
            while (
                await office.fetch("select from feed_file where file_id = $1 and state <> 'processed'", file_id) != []
            ):
                await office.fetch("select pg_sleep(0.02)")
    worker.stop()
    await asyncio.wait_for(task, 120)
