"""`check` reads and stores nothing; `ingest` says what it would need."""

import argparse
import json
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.eligibility.intake.cli import held as held_cli
from services.eligibility.intake.cli.files import add_commands

FEEDS = Path(__file__).parents[2] / "data/feeds"
FINE = FEEDS / "x12_834/lfh_add-dependent.834"
BROKEN = FEEDS / "made/lakeshore_week.834"


def run(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers()
    add_commands(commands)
    held_cli.add_commands(commands)
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


def test_ingest_tells_what_was_changed_and_what_waits(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Counts of what the rows changed; a held file is exit code 1, and how to decide about it."""
    counts = {"rows_read": 3, "rows_accepted": 3, "rows_unchanged": 1, "rows_unlinked": 0, "rows_rejected": 0}
    told: dict[str, Any] = {"file_id": "f-1", "is_repeat": False, "absence": None, "absent_ended": 2, **counts}
    done, held = {"state": "processed", "changes": {"added": 1, "ended": 1}}, {"state": "held", "held": "older-full"}
    answers = iter([{**told, **done}, {**told, **held}])
    now: list[dict[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            now[:] = [next(answers)]
        return httpx.Response(200, json=now[0])

    monkeypatch.setattr(httpx, "Client", partial(httpx.Client, transport=httpx.MockTransport(answer)))
    assert run("ingest", FINE, "--api", "http://eligibility", "--token", "t") == 0
    assert "changed: 1 added, 1 ended, 2 ended as absent" in capsys.readouterr().out
    assert run("ingest", FINE, "--api", "http://eligibility", "--token", "t") == 1
    assert "held (older-full): ./vcc feeds release|refuse f-1" in capsys.readouterr().out


def test_held_files_are_listed_and_decided(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`feeds held` says why, `rows` what changed, `release` sends the reason; a refusal is exit code 1."""
    file = {"file_id": "f-1", "state": "held", "held": "older-full", "absence": None, "plan": "prairie",
            "said_at": "2021-03-01T06:00:00Z", "received_at": "2021-03-09T06:00:00Z",
            "decision": "released"}  # fmt: skip
    row = {"row": 4, "outcome": "accepted", "changes": ["ended", "moved"], "code": None, "segment": None, "field": None,
           "expected": None}  # fmt: skip
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        if request.url.path.endswith("/rows"):
            return httpx.Response(200, json={"rows": [row], "next_after": None})
        if request.url.path.endswith("/refuse"):
            return httpx.Response(409, json={"detail": "Expected a file that waits."})
        return httpx.Response(200, json=[file] if request.method == "GET" else file)

    monkeypatch.setattr(httpx, "Client", partial(httpx.Client, transport=httpx.MockTransport(answer)))
    service = "--api", "http://eligibility", "--token", "t"
    assert run("feeds", "held", *service) == run("feeds", "rows", "f-1", *service) == 0
    shown = capsys.readouterr().out
    assert "f-1  older-full, plan prairie" in shown
    assert "4  accepted   ended, moved" in shown
    assert run("feeds", "release", "f-1", "--reason", "asked the plan", *service) == 0
    assert json.loads(sent[-1].content) == {"reason": "asked the plan"}
    assert sent[-1].headers["Idempotency-Key"]
    assert run("feeds", "refuse", "f-1", "--reason", "asked the plan", *service) == 1
    assert "Expected a file that waits" in capsys.readouterr().err


def test_a_file_is_cancelled(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`feeds cancel` sends the reason and says what became of the file; who may not is told so, with exit code 1; it is
    not asked without a reason."""
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        if request.headers["Authorization"] == "Bearer worker":
            return httpx.Response(403, json={"detail": "Your roles don't allow this."})
        return httpx.Response(
            200, json={"file_id": "f-1", "decision": "cancelled", "state": "cancelled", "absence": None}
        )

    monkeypatch.setattr(httpx, "Client", partial(httpx.Client, transport=httpx.MockTransport(answer)))
    why = "--reason", "the plan sent the wrong file", "--api", "http://eligibility"
    assert run("feeds", "cancel", "f-1", *why, "--token", "operator") == 0
    assert capsys.readouterr().out == "f-1: cancelled, cancelled\n"
    assert (sent[-1].method, sent[-1].url.path) == ("POST", "/feed-files/f-1/cancel")
    assert json.loads(sent[-1].content) == {"reason": "the plan sent the wrong file"}
    assert sent[-1].headers["Idempotency-Key"]
    assert run("feeds", "cancel", "f-1", *why, "--token", "worker") == 1
    assert "Your roles don't allow this." in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run("feeds", "cancel", "f-1", "--token", "operator")
    assert len(sent) == 2
