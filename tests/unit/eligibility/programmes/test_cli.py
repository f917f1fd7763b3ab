"""`vcc programme`: documents are checked here; the running service tries and publishes them."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.eligibility import cli_service
from services.eligibility.programmes import cli
from services.eligibility.programmes.documents import LIBRARY

MOVED = {"enter": 3, "leave": 1, "stay": 2, "out": 4}
RISK = {"mean": 31.5, "p25": 20, "p50": 30, "p75": 40, "p90": 50, "tiers": {"high": 1}}
DRY_RUN = {
    "programme_id": "street-top", "version": 2, "business_on": "2021-03-01", "total": MOVED,
    "kept_out_by": {"below-cap": 4}, "left_by": {"under-age": 1}, "reasons": {"below-cap": "Others rank higher."},
    "arms": {"control": 2}, "cut_offs": [{"group": "06013", "population": 10, "admitted": 5, "least_score": 44}],
    "groups": [{**MOVED, "dimension": "language", "group": "es", "share_in": 0.5, "impact": 0.8, "risk": RISK},
               {**MOVED, "dimension": "sex", "group": "F", "share_in": 0.5, "impact": None, "risk": None}],
}  # fmt: skip


def run(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    cli.add_commands(parser.add_subparsers())
    parsed = parser.parse_args(["programme", *map(str, arguments)])
    return int(parsed.run(parsed))


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Any], list[httpx.Request]]:
    """`service(status, answer)` answers every request; gives those it has heard."""

    def answering(status: int, answer: Any) -> list[httpx.Request]:
        heard: list[httpx.Request] = []

        def handle(request: httpx.Request) -> httpx.Response:
            heard.append(request)
            return httpx.Response(status, json=answer)

        def client(_args: argparse.Namespace) -> httpx.Client:
            return httpx.Client(transport=httpx.MockTransport(handle), base_url="http://door")

        monkeypatch.setattr(cli_service, "client_of", client)
        return heard

    return answering


ASKED = ("--api", "http://door", "--token", "t")


def test_documents_that_ship_are_fine(capsys: pytest.CaptureFixture[str]) -> None:
    """By path or by name, with nothing running."""
    assert run("check", LIBRARY / "community-connect.yaml", "la-care-health-workers") == 0
    assert "community-connect version 1 is fine" in capsys.readouterr().out


def test_a_wrong_document_exits_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each error by file, line and field; a missing file is wrong use."""
    wrong = tmp_path / "street.yaml"
    wrong.write_text((LIBRARY / "community-connect.yaml").read_text().replace("unit: person", "unit: cookie"))
    assert run("check", wrong) == 1
    assert "street.yaml:" in capsys.readouterr().err
    assert run("check", tmp_path / "none.yaml") == 2


def test_a_dry_run_is_told(
    service: Callable[[int, Any], list[httpx.Request]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Movements, reasons, arms, cut-offs, and a line for each group."""
    heard = service(200, DRY_RUN)
    assert run("dry-run", "community-connect", *ASKED) == 0
    out = capsys.readouterr().out
    for told in ("3 would enter, 1 leave, 2 stay, 4 stay out", "4  below-cap: Others rank higher.", "arm control: 2",
                 "cap 06013: 5 of 10, score 44 and above", "language: es", "0.80", "31.5"):  # fmt: skip
        assert told in out
    assert json.loads(heard[0].content)["document"].startswith("# CommunityConnect")
    assert run("dry-run", "community-connect", "--json", *ASKED) == 0
    assert json.loads(capsys.readouterr().out) == DRY_RUN


def test_publishing_has_a_key(
    service: Callable[[int, Any], list[httpx.Request]], capsys: pytest.CaptureFixture[str]
) -> None:
    """So that a request whose answer got lost can't publish twice."""
    heard = service(201, {"programme_id": "community-connect", "version": 1})
    assert run("publish", "community-connect", *ASKED) == 0
    assert heard[0].headers["idempotency-key"]
    assert capsys.readouterr().out == "community-connect version 1 is live\n"


@pytest.mark.parametrize(("status", "code"), [(422, 1), (503, 3)])
def test_a_problem_is_told(
    service: Callable[[int, Any], list[httpx.Request]], capsys: pytest.CaptureFixture[str], status: int, code: int
) -> None:
    """What the service says is wrong; the exit code tells our mistake from its outage."""
    service(status, {"title": "No", "detail": "document:11: arms.unit: wrong"})
    assert run("publish", "community-connect", *ASKED) == code
    assert "document:11: arms.unit: wrong" in capsys.readouterr().err


def test_a_list(service: Callable[[int, Any], list[httpx.Request]], capsys: pytest.CaptureFixture[str]) -> None:
    """What is live and what waits."""
    about = {"version": 1, "effective_on": "2021-01-01", "title": "Street"}
    service(200, [{**about, "programme_id": "a", "is_live": True}, {**about, "programme_id": "b", "is_live": False}])
    assert run("list", *ASKED) == 0
    assert [line.split()[:2] for line in capsys.readouterr().out.splitlines()] == [["live", "a"], ["ships", "b"]]


def test_without_a_service(capsys: pytest.CaptureFixture[str]) -> None:
    """It says what it would need."""
    assert run("list") == 2
    assert "VCC_API_ELIGIBILITY" in capsys.readouterr().err
