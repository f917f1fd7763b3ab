"""`./vcc log acknowledge`, beside a service that answers."""

import argparse
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from deploy.commands import log_loss
from deploy.errors import StackError

TOPIC = "vcc.dose-administered.v1"


class Service(BaseHTTPRequestHandler):
    """Acknowledges one stray for each word, and notes what was asked; knows none at offset 5, and is broken at 6."""

    asked: list[tuple[str, str | None, dict[str, Any]]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append((self.path, self.headers["X-Reason"], body))
        problem = {5: "no-stray", 6: "log-unavailable"}.get(body["last_offset"])
        answer = {"count": 1} if problem is None else {"type": f"urn:vcc:problem:{problem}", "title": "No"}
        self.send_response(201 if problem is None else 409)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str | None, dict[str, Any]]]]:
    """What eligibility was asked for; its own command lists three strays, two of them far apart."""
    asked: list[tuple[str, str | None, dict[str, Any]]] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Noting", (Service,), {"asked": asked}))
    serving = Thread(target=server.serve_forever)
    serving.start()
    monkeypatch.setenv("VCC_API_ELIGIBILITY", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("VCC_TOKEN", "olga's")
    lines = [f"{TOPIC}/{place}\t2026-01-01\tdose" for place in ("1@20000", "1@5", "1@10004")]
    monkeypatch.setattr(log_loss, "_asked", lambda service, command: lines)
    yield asked
    server.shutdown()
    serving.join()
    server.server_close()


def acknowledge(*places: str) -> int:
    parser = argparse.ArgumentParser()
    log_loss.add_commands(parser.add_subparsers())
    given = parser.parse_args(["log", "acknowledge", "eligibility", *places, "--reason", "ticket 7"])
    code: int = given.run(given)
    return code


def said(first: int, last: int, partition: int = 1) -> tuple[str, str, dict[str, Any]]:
    body = {"topic": TOPIC, "partition": partition, "first_offset": first, "last_offset": last}
    return "/acknowledged-strays", "ticket 7", body


def test_all_that_are_listed_are_acknowledged_in_ranges(asked: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    """As few words as the service's limit on a range allows."""
    assert acknowledge("--all") == 0
    assert asked == [said(5, 10004), said(20000, 20000)]
    assert capsys.readouterr().out.startswith("eligibility: 2 facts")


def test_only_the_places_that_are_named_are_acknowledged(asked: list[Any]) -> None:
    """What stands between two of them is not; one that somebody has acknowledged before holds up nothing."""
    assert acknowledge(f"{TOPIC}/1@5", f"{TOPIC}/1@10004", f"{TOPIC}/0@7") == 0
    assert asked == [said(5, 5), said(10004, 10004), said(7, 7, partition=0)]


def test_how_many_were_acknowledged_is_told_in_any_case(asked: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    """Also where the service refuses one of them; it is not asked for the rest."""
    with pytest.raises(StackError, match="eligibility refuses"):
        acknowledge(f"{TOPIC}/1@5", f"{TOPIC}/1@7", f"{TOPIC}/1@6", f"{TOPIC}/1@8")
    assert (len(asked), capsys.readouterr().out.split()[1]) == (3, "1")


@pytest.mark.parametrize("which", [(), ("--all", f"{TOPIC}/1@7")])
def test_which_are_meant_must_be_said(asked: list[Any], which: tuple[str, ...]) -> None:
    """Places, or that all are meant: wrong use otherwise, and nothing is said to the service."""
    with pytest.raises(SystemExit, match="2"):
        acknowledge(*which)
    assert asked == []


@pytest.mark.parametrize("place", ["", "7", f"{TOPIC}/1", f"{TOPIC}@7", f"{TOPIC}/1@7-9"])
def test_what_is_no_place_is_refused(asked: list[Any], place: str) -> None:
    """And nothing is said to the service."""
    with pytest.raises(StackError, match="is no place in the log"):
        acknowledge(place)
    assert asked == []
