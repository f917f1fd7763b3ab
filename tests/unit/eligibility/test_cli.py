"""`check` reads and stores nothing; `ingest` says what it would need."""

import argparse
import json
from functools import partial
from pathlib import Path

import httpx
import pytest

from services.eligibility.cli import add_commands

FEEDS = Path(__file__).parents[2] / "data/feeds"
FINE = FEEDS / "x12_834/lfh_add-dependent.834"
BROKEN = FEEDS / "made/lakeshore_week.834"


def run(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers())
    parsed = parser.parse_args([str(one) for one in arguments])
    code: int = parsed.run(parsed)
    return code


def test_a_fine_file(capsys: pytest.CaptureFixture[str]) -> None:
    """No reject: 0, and the counts."""
    assert run("check", FINE) == 0
    assert "1 fine, 0 rejected" in capsys.readouterr().out


def test_every_reject_with_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    """Rejects: 1, each with row, segment, field and what was expected, and no value of the file."""
    assert run("check", FINE, BROKEN) == 1
    shown = capsys.readouterr().out
    assert "5    52       DTP-03  date" in shown
    assert "30240101" not in shown
    assert "TOMORROW" not in shown


def test_check_tells_test_data(capsys: pytest.CaptureFixture[str]) -> None:
    """Test data are read like others, and it is said that they would not be taken."""
    assert run("check", FINE) == 0
    assert "test data: 1 rows" in capsys.readouterr().out
    run("check", FEEDS.parent / "cases/v35_test_processing.hl7", BROKEN, "--json")
    assert [one["test_rows"] for one in json.loads(capsys.readouterr().out)] == [1, 0]


def test_check_for_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    """--json gives the same as data."""
    assert run("check", BROKEN, "--json") == 1
    [report] = json.loads(capsys.readouterr().out)
    assert (report["rows"], report["records"], report["rejected"]) == (7, 4, 3)
    assert [one["field"] for one in report["rejects"]] == ["DTP-03", "INS-03", "REF-02"]


def test_a_profile_can_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Read as another sender's the same file means other things."""
    assert run("check", BROKEN, "--profile", "tr3", "--json") == 1
    with pytest.raises(SystemExit) as ended:
        run("check", BROKEN, "--profile", "nobody")
    assert ended.value.code == 2


@pytest.mark.parametrize("command", ["check", "ingest"])
def test_no_such_file_is_wrong_use(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """2, and which file."""
    assert run(command, tmp_path / "nowhere.834") == 2
    assert "nowhere.834: no such file" in capsys.readouterr().err


def test_ingest_needs_a_running_service(capsys: pytest.CaptureFixture[str]) -> None:
    """Without address or token: 2, and what to set; with nobody there: 3."""
    assert run("ingest", FINE) == 2
    assert "VCC_API_ELIGIBILITY" in capsys.readouterr().err
    assert run("ingest", FINE, "--api", "http://127.0.0.1:1", "--token", "t") == 3
    assert "does not answer" in capsys.readouterr().err


def test_ingest_names_what_was_rejected(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """1, and each rejected row with its place and what was expected, as the service tells them."""
    counts = {"rows_read": 2, "rows_accepted": 1, "rows_unchanged": 0, "rows_unlinked": 0, "rows_rejected": 1}
    place = {"row": 2, "segment": 27, "field": "DMG-02", "code": "date", "expected": "a date as YYYYMMDD"}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/rejects"):
            return httpx.Response(200, json={"rejects": [place], "next_after": None})
        return httpx.Response(200, json={"file_id": "f", "is_repeat": False, "state": "processed", **counts})

    client = partial(httpx.Client, transport=httpx.MockTransport(answer))
    monkeypatch.setattr(httpx, "Client", client)
    assert run("ingest", FINE, "--api", "http://eligibility", "--token", "t") == 1
    assert "2    27       DMG-02  date  a date as YYYYMMDD" in capsys.readouterr().out
