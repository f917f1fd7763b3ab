"""A service that waits for a person: he is told by commands that need the stack, so it comes up all the same."""

import argparse
import json
import socket
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from threading import Event

import pytest

from deploy.commands import stack as commands
from deploy.errors import StackError
from deploy.local import children, probes, stack
from deploy.local.children import Children
from deploy.local.process import Spec
from deploy.local.state import Folder, State
from services.kit import floods, log_loss, own_log

pytestmark = pytest.mark.slow
SERVE = """
import http.server, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503)
        self.end_headers()
        self.wfile.write(sys.argv[2].encode())
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""


def body(outbox: str, own: str) -> str:
    """Of `/ready`."""
    return json.dumps({"checks": {name: {"reason": why} for name, why in
                                  (("outbox", outbox), ("kafka", None), ("own-log", own))}})  # fmt: skip


HELD = body("late" * 100, own_log.OLDER)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[Children]:
    monkeypatch.setattr(children, "HELD_FOR_S", 0.1)
    made = Children({}, Event(), lambda: None)
    yield made
    made.stop()


def start(made: Children, folder: Path, answer: str) -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    command = [sys.executable, "-c", SERVE, str(port), answer]
    made.start(Spec("outreach", command, folder / "outreach.log", ready=partial(probes.missing, port)), port)
    return port


def test_who_is_held_back_is_left_running(started: Children, tmp_path: Path) -> None:
    """Its start has ended then, and what it waits for is told in full, however much else is missing."""
    port = start(started, tmp_path, HELD)
    assert probes.missing(port) == f"/ready says 503: own-log: {own_log.OLDER}"
    assert probes.lives(port) is False
    assert started._children["outreach"].exit_code() is None


@pytest.mark.parametrize("answer", [body("late", "late"), "[]", '{"checks": [1]}', "no JSON"])
def test_who_is_merely_late_is_not(
    started: Children, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    """No person can help: the start fails after its time, as ever."""
    monkeypatch.setattr(children, "START_TIMEOUT_S", 1.0)
    with pytest.raises(StackError, match="outreach is not ready after 1 s"):
        start(started, tmp_path, answer)


def test_up_tells_who_waits(
    started: Children, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With its runbook, and ends with 1."""
    start(started, tmp_path, HELD)
    monkeypatch.setenv("VCC_STATE_DIR", str(tmp_path))
    Folder(tmp_path).write(State("up", components=started._components))
    monkeypatch.setattr(stack, "up", lambda: True)
    assert commands.run_up(argparse.Namespace(json=True)) == 1
    assert f"waits for a person: outreach: /ready says 503: own-log: {own_log.OLDER}" in capsys.readouterr().err


@pytest.mark.parametrize("runbook", [own_log.RUNBOOK, floods.RUNBOOK, log_loss.RUNBOOK])
def test_what_a_runbook_helps_against_waits_for_a_person(runbook: str) -> None:
    """Each that the services name at `/ready`."""
    assert probes.waits_for_a_person(f"see {runbook}")
