"""`vcc report` against a running service: what it prints and writes, and how it fails."""

import argparse
import asyncio
import csv
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvicorn

from services.reporting import cli
from services.reporting.figures.report import WATERMARK
from services.reporting.population.rules import monday_of
from tests.disclosure.files import attack
from tests.facts import PROGRAMME, a_day, a_programme
from tests.service.reporting.builders import Reporting, app_of, client_of
from tests.service.reporting.world import LAST_DAY, a_season

pytestmark = pytest.mark.postgres


@asynccontextmanager
async def serving(reporting: Reporting, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """The service on a port, and the environment that names it."""
    config = uvicorn.Config(app_of(reporting.database), port=0, access_log=False, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    async with asyncio.timeout(60):
        while not server.started:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    monkeypatch.setenv("VCC_API_REPORTING", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("VCC_TOKEN", "not-looked-at")
    try:
        yield
    finally:
        server.should_exit = True
        await running


def run(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser()
    cli.add_commands(parser.add_subparsers(required=True))
    parsed = parser.parse_args(arguments)
    code: int = parsed.run(parsed)
    return code


@pytest.mark.capability("B12")
async def test_report_prints_and_writes(
    reporting: Reporting, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The text holds the headline; the folder the page, the JSON and a file for each table, each with the watermark."""
    await reporting.hear(*a_season(800), a_day(LAST_DAY))
    async with serving(reporting, monkeypatch):
        assert await asyncio.to_thread(run, ["report", "--out", str(tmp_path / "week")]) == cli.FINE
    said = capsys.readouterr().out
    assert "members in the target group are vaccinated" in said
    written = {path.name: path.read_text("utf-8") for path in (tmp_path / "week").iterdir()}
    assert {"report.html", "report.json", "coverage.csv", "funnel.csv", "weeks.csv", "target_zips.csv"} <= set(written)
    assert [name for name, text in written.items() if WATERMARK not in text[:20_000]] == []
    stages = list(csv.DictReader(written["funnel.csv"].splitlines()[1:]))
    report = json.loads(written["report.json"])
    assert stages[0]["people"] == str(report["funnels"][0]["stages"][0]["people"]) == "800"


@pytest.mark.capability("B9")
async def test_nobody_is_found_in_a_report(
    reporting: Reporting, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Whoever has all that one report of a season writes and prints, and is answered the target ZIPs, finds no few
    people; and yet its headline, gap and most ages are shown."""
    await reporting.hear(*a_season(800), a_day(LAST_DAY))
    monday = monday_of(a_day(LAST_DAY).business_on)
    async with client_of(reporting.database) as asking:
        listing = await asking.post("/target-zips", json={"programme_id": PROGRAMME, "week_on": str(monday)})
    assert listing.status_code == 201
    async with serving(reporting, monkeypatch):
        assert await asyncio.to_thread(run, ["report", "--out", str(tmp_path / "week")]) == cli.FINE
    written = {path.name: path.read_text("utf-8") for path in (tmp_path / "week").iterdir()}
    assert attack(written, capsys.readouterr().out, announced=listing.json()["listed"]) == []
    report = json.loads(written["report.json"])
    assert report["headline"]["target"]["vaccinated"] is not None
    assert report["disparity"] is not None
    assert len([row for row in report["by_age"] if row["coverage"]["vaccinated"]]) >= 4


async def test_report_as_json(
    reporting: Reporting, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --json the report is printed as one document."""
    await reporting.hear(a_programme(), a_day())
    async with serving(reporting, monkeypatch):
        assert await asyncio.to_thread(run, ["report", "--json"]) == cli.FINE
    [document] = [
        line for line in capsys.readouterr().out.splitlines() if line.startswith("{")
    ]  # beside the server's log
    assert json.loads(document)["watermark"] == WATERMARK


@pytest.mark.parametrize(("arguments", "said", "code"), [
    (["--programme", "unknown"], "No programme of this id was published.", cli.WRONG_USE),
    (["--as-of", "2031-01-01"], "The day asked for has not come yet.", cli.WRONG_USE),
])  # fmt: skip
async def test_wrong_questions(
    reporting: Reporting, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    arguments: list[str], said: str, code: int,
) -> None:  # fmt: skip
    """A question that can't be answered is answered by a sentence and the code of wrong use."""
    await reporting.hear(a_programme(), a_day())
    async with serving(reporting, monkeypatch):
        with pytest.raises(SystemExit) as ended:
            await asyncio.to_thread(run, ["report", *arguments])
    assert ended.value.code == code
    assert said in capsys.readouterr().err


def test_without_a_service(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody at the address: a sentence and the code of a fault."""
    monkeypatch.setenv("VCC_API_REPORTING", "http://127.0.0.1:1")
    monkeypatch.setenv("VCC_TOKEN", "not-looked-at")
    with pytest.raises(SystemExit) as ended:
        run(["report"])
    assert ended.value.code == cli.FAULT
    assert "is the stack up?" in capsys.readouterr().err
