"""Dying components are revived with patience, logs stay bounded, probes are not fooled."""

import errno
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from subprocess import Popen, TimeoutExpired
from threading import Event, Thread
from time import monotonic, sleep

import pytest

from deploy.errors import StackError
from deploy.local import account, children, probes, stack, supervisor
from deploy.local.children import Child, Children, Stopped
from deploy.local.kafka import Kafka
from deploy.local.kafka_access import Access
from deploy.local.plan import Plan
from deploy.local.postgres import Postgres
from deploy.local.process import Spec
from deploy.local.state import Component, Folder, State


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 1000.0
        monkeypatch.setattr("deploy.local.children.time.monotonic", lambda: self.now_s)
        monkeypatch.setattr("deploy.local.children.time.time", lambda: self.now_s)


def a_child(tmp_path: Path, command: list[str]) -> Child:
    return Child(Spec("mayfly", command, tmp_path / "mayfly.log"), Component("mayfly"))


def test_every_early_death_doubles_the_pause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What dies at once is started after 0.5 s, 1 s, 2 s ... and at most 30 s, not in a hot loop."""
    clock, child, pauses = Clock(monkeypatch), a_child(tmp_path, ["true"]), []
    child.start()
    for _ in range(9):
        assert child.process is not None
        child.process.wait()
        child.tend()
        died_at = clock.now_s
        while not child.tend():
            clock.now_s += 0.25
        pauses.append(clock.now_s - died_at)
    assert child.process is not None
    child.process.wait()
    assert (pauses, child.component.restarts) == ([0.5, 1, 2, 4, 8, 16, 30, 30, 30], 9)


def test_a_long_life_starts_the_pauses_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ran for more than a minute is started again after half a second."""
    clock, child = Clock(monkeypatch), a_child(tmp_path, ["true"])
    child._pause_s = 16.0
    child.start()
    assert child.process is not None
    child.process.wait()
    clock.now_s += children.HEALTHY_S + 1
    child.tend()
    assert child.component.state == "restarting"
    clock.now_s += 0.5
    assert child.tend()
    child.process.wait()


def some_children(stop: Event | None = None) -> Children:
    return Children({}, stop or Event(), lambda: None)


def test_a_component_that_ends_while_starting_is_quoted(tmp_path: Path) -> None:
    """Its exit code and its last words are in the error."""
    spec = Spec("parrot", ["sh", "-c", "echo squawk; exit 7"], tmp_path / "parrot.log", ready=lambda: "silent")
    with pytest.raises(StackError, match=r"parrot ended with exit code 7[\s\S]*squawk"):
        some_children().start(spec, None)


def test_a_component_that_stays_unready_is_told_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it waits for is in the error."""
    monkeypatch.setattr(children, "START_TIMEOUT_S", 0.1)
    several = some_children()
    spec = Spec("sloth", ["sleep", "60"], tmp_path / "sloth.log", ready=lambda: "still yawning")
    with pytest.raises(StackError, match="sloth is not ready after 0 s: still yawning"):
        several.start(spec, None)
    several.stop()


def test_starting_can_be_interrupted(tmp_path: Path) -> None:
    """Asked to stop, nobody waits for what is not ready, and what was started is ended."""
    stop = Event()
    several = some_children(stop)
    stop.set()
    with pytest.raises(Stopped):
        several.start(Spec("sloth", ["sleep", "60"], tmp_path / "sloth.log", ready=lambda: "still yawning"), None)
    several.stop()
    assert several._children["sloth"].exit_code() is not None


def test_a_long_log_moves_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log over its limit is kept once as .1, and its writer goes on in the emptied file."""
    monkeypatch.setattr(supervisor, "LONGEST_LOG_BYTES", 10)
    folder = Folder(tmp_path)
    folder.make()
    with folder.log("chatterbox").open("ab", buffering=0) as writer:
        writer.write(b"blah blah blah")
        supervisor.shorten_logs(folder)
        writer.write(b"blah")
    assert folder.log("chatterbox").read_bytes() == b"blah"
    assert (folder.logs / "chatterbox.log.1").read_bytes() == b"blah blah blah"


def full_disk(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_long_log_on_a_full_disk_is_emptied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no copy finds room the log is emptied without one, half a copy is removed, and nobody is stopped."""
    monkeypatch.setattr(supervisor, "LONGEST_LOG_BYTES", 10)
    monkeypatch.setattr("deploy.local.supervisor.shutil.copyfile", full_disk)
    folder = Folder(tmp_path)
    folder.make()
    folder.log("chatterbox").write_bytes(b"blah blah blah")
    (folder.logs / "chatterbox.log.1").write_bytes(b"half a cop")
    supervisor.shorten_logs(folder)
    assert folder.log("chatterbox").read_bytes() == b""
    assert not (folder.logs / "chatterbox.log.1").exists()


def test_a_log_that_cannot_be_emptied_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other logs are still looked after."""
    monkeypatch.setattr(supervisor, "LONGEST_LOG_BYTES", 10)
    monkeypatch.setattr("deploy.local.supervisor.os.truncate", full_disk)
    folder = Folder(tmp_path)
    folder.make()
    for name in ("chatterbox", "parrot"):
        folder.log(name).write_bytes(b"blah blah blah")
    supervisor.shorten_logs(folder)
    assert len(list(folder.logs.glob("*.log.1"))) == 2


def test_what_cannot_be_started_again_is_tried_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk under a restart ends nobody: the pause grows, and it starts once there is room."""
    clock, child = Clock(monkeypatch), a_child(tmp_path, ["true"])
    child.start()
    assert child.process is not None
    child.process.wait()
    child.tend()
    with monkeypatch.context() as full:
        full.setattr("deploy.local.children.process.start", full_disk)
        full.setattr("builtins.print", full_disk)  # the supervisor's own log is on the same disk
        clock.now_s += 0.5
        assert not child.tend()
    assert (child.component.state, child.component.restarts) == ("restarting", 0)
    clock.now_s += 1
    assert child.tend()
    child.process.wait()
    assert child.component.restarts == 1


def a_hanging(tmp_path: Path, answers: list[bool], script: str = "exec sleep 60") -> Child:
    """Runs, and answers as `answers` say, the last for ever."""

    def live() -> bool:
        return answers.pop(0) if len(answers) > 1 else answers[0]

    spec = Spec("sloth", ["sh", "-c", script], tmp_path / "sloth.log", grace_s=2.0, live=live)
    return Child(spec, Component("sloth"))


def running(child: Child) -> Popen[bytes]:
    assert child.process is not None
    return child.process


def until_ended(child: Child) -> int:
    return running(child).wait(10)


@pytest.mark.parametrize(
    ("script", "patience_s", "code"),
    [("exec sleep 60", 0, -15), ("trap '' TERM; echo deaf; while :; do sleep 1; done", 2.5, -9)],
)
def test_what_hangs_is_ended_and_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, patience_s: float, code: int
) -> None:
    """Alive but silent for more than a minute: SIGTERM, and SIGKILL for who does not hear it; counted as a restart."""
    clock, child = Clock(monkeypatch), a_hanging(tmp_path, [True, False], script)
    child.start()
    while "deaf" in script and not child.spec.log.read_text():
        sleep(0.01)
    child.ask()
    for _ in range(14):
        child.ask()
        child.tend()
        assert child.exit_code() is None
        clock.now_s += 4.5
    child.tend()
    if patience_s:
        with pytest.raises(TimeoutExpired):
            running(child).wait(0.3)
        clock.now_s += patience_s
        child.tend()
    assert until_ended(child) == code
    assert child.tend()
    clock.now_s += 0.5
    assert child.tend()
    assert (child.component.state, child.component.restarts) == ("running", 1)
    running(child).kill()
    until_ended(child)


def test_a_short_silence_and_a_slow_start_are_forgiven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer ends the silence; who has not answered yet has as long as a start may take; and a supervisor that was
    itself stopped for an hour blames nobody."""
    clock, child = Clock(monkeypatch), a_hanging(tmp_path, [False, False, True, False, True, False])
    child.start()
    for pause_s in (50, 39, 55, 3, 3600, 1):
        child.ask()
        clock.now_s += pause_s
        child.tend()
        assert child.exit_code() is None
        assert child._kill_at is None
    running(child).kill()
    until_ended(child)


def stop(pid: int, _folder: Path) -> None:
    os.kill(pid, signal.SIGSTOP)


def lose_a_task(pid: int, folder: Path) -> None:
    (folder / "sick").write_text(str(pid))


@pytest.mark.slow
@pytest.mark.parametrize("harm", [stop, lose_a_task])
def test_the_supervisor_starts_a_service_again_that_does_not_live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: Callable[[int, Path], None]
) -> None:
    """A real process that was stopped (SIGSTOP) answers nobody, one whose background task is gone answers 503: the
    supervisor notices, ends it and starts it anew."""
    for name, seconds in (("HUNG_S", 0.4), ("PULSE_S", 0.05), ("FIRST_PAUSE_S", 0.05)):
        monkeypatch.setattr(children, name, seconds)
    folder = Folder(tmp_path)
    folder.make()
    watching = supervisor.Supervisor(Plan(folder))
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    command = [sys.executable, "-c", SERVE, str(port), str(tmp_path / "sick")]
    ask = partial(probes.lives, port)
    monkeypatch.setattr(probes, "TIMEOUT_S", 0.1)
    watching._children.launch(Spec("sloth", command, folder.log("sloth"), grace_s=0.2, live=ask), port)
    thread = Thread(target=watching._watch)
    thread.start()
    try:
        sloth = watching._state.components["sloth"]
        until(lambda: watching._children._children["sloth"]._has_answered)
        assert sloth.identity is not None
        first = sloth.identity.pid
        harm(first, tmp_path)
        until(lambda: sloth.restarts == 1 and sloth.identity is not None and sloth.identity.pid != first)
        until(ask)
    finally:
        watching._stop.set()
        thread.join()
        watching._children.stop()


SERVE = """
import http.server, os, pathlib, sys
sick = pathlib.Path(sys.argv[2])
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503 if sick.exists() and sick.read_text() == str(os.getpid()) else 200)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""


def until(condition: Callable[[], bool], timeout_s: float = 120.0) -> None:
    deadline = monotonic() + timeout_s
    while not condition():
        assert monotonic() < deadline, "it did not come to hold in time"
        sleep(0.02)


def test_every_service_is_asked_for_a_sign_of_life(tmp_path: Path) -> None:
    """Not only in these tests: the plan gives each service its question."""
    plan = Plan(Folder(tmp_path), environ={})
    assert all(plan.service(name, 1, {}, "http://127.0.0.1:1").live is not None for name in plan.services)


@contextmanager
def answering(words: bytes) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(words)

        thread = Thread(target=answer)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


@pytest.mark.parametrize(
    ("words", "missing"),
    [(b"R\0\0\0", ""), (b"E\0\0\0", "not yet accepting logins"), (b"HTTP/1.1", "not yet accepting logins")],
)
def test_a_recovering_postgres_is_not_ready(tmp_path: Path, words: bytes, missing: str) -> None:
    """A server that answers, but refuses logins while it recovers, is not ready."""
    with answering(words) as port:
        assert Postgres(tmp_path, port, tmp_path / "log", "secret").missing() == missing


def test_a_stranger_on_kafkas_port_is_no_broker(tmp_path: Path) -> None:
    """A program that accepts connections on Kafka's port is not taken for Kafka."""
    with answering(b"HTTP/1.1 400 Bad Request") as port:
        assert Kafka(tmp_path, port, 1, tmp_path / "log", Access(Folder(tmp_path))).missing() == "not a Kafka broker"


def test_roots_postgres_lives_where_its_account_can_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below a closed folder root's data go elsewhere, a link leads there, and wiping deletes them."""
    closed = tmp_path / "closed"
    folder = Folder(closed / "checkout")
    folder.make()
    closed.chmod(0o700)
    monkeypatch.setattr(account, "unprivileged_account", lambda: "nobody")
    monkeypatch.setattr(account, "ROOTS_DATA", tmp_path / "var")
    data = account.reachable(folder.data / "postgres")
    data.mkdir()
    assert data.is_relative_to(tmp_path / "var")
    assert (folder.data / "postgres").readlink() == data
    assert account.reachable(folder.data / "postgres") == data
    stack._wipe(folder)
    assert not data.exists()


def test_a_wipe_keeps_the_key_rings(tmp_path: Path) -> None:
    """Rows in a database of the user's own, which a wipe does not touch, can still be opened after it."""
    folder = Folder(tmp_path)
    folder.make()
    ring = folder.key_ring("outreach").read_text()
    removed = folder.secret("outreach.keys.removed", "outreach-0 gone")
    folder.secret("outreach.password")
    folder.write(State())
    stack._wipe(folder)
    assert {path.name for path in tmp_path.rglob("*")} == {"secrets", "outreach.keys", "outreach.keys.removed"}
    assert (folder.key_ring("outreach").read_text(), removed.read_text()) == (ring, "outreach-0 gone")


def test_an_ordinary_user_keeps_data_in_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is not root gets no folder outside the checkout."""
    monkeypatch.setattr(account, "unprivileged_account", lambda: None)
    assert account.reachable(tmp_path / "data" / "postgres") == tmp_path / "data" / "postgres"
