"""Dying components are revived with patience, logs stay bounded, probes are not fooled."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from deploy.errors import StackError
from deploy.local import account, children, stack, supervisor
from deploy.local.children import Child, Children, Stopped
from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.process import Spec
from deploy.local.state import Component, Folder


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
        assert Kafka(tmp_path, port, 1, tmp_path / "log").missing() == "not a Kafka broker"


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


def test_an_ordinary_user_keeps_data_in_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is not root gets no folder outside the checkout."""
    monkeypatch.setattr(account, "unprivileged_account", lambda: None)
    assert account.reachable(tmp_path / "data" / "postgres") == tmp_path / "data" / "postgres"
