"""The embedded stack through good and bad days: real Kafka, Postgres and issuer; the four services are pretended."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from deploy.cli import INTERRUPTED, main
from deploy.local import probes, stack
from deploy.local.plan import known_dsns
from deploy.local.postgres import ROLES
from deploy.local.process import Identity, alive
from deploy.local.running import connection
from deploy.local.state import ROOT, Folder, State
from deploy.local.supervisor import ALREADY_SUPERVISED
from tests.servers import OpenDatabase, as_role

pytestmark = [pytest.mark.kafka, pytest.mark.postgres, pytest.mark.timeout(600)]
HERE = Path(__file__).parent
SUPERVISE = f"""
import os, pathlib, sys
from deploy.local.plan import Plan
from deploy.local.state import here
from deploy.local.supervisor import supervise
sources = pathlib.Path(os.environ.get("PRETEND_SOURCES", "{ROOT}/services"))
sys.exit(supervise(Plan(here(), module="pretend_service", pythonpath="{HERE}:{ROOT}", sources=sources)))
"""
UP_TIMEOUT_S, POLL_S = 120, 0.05


class Stack:
    """One stack in a folder of its own."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.supervisor: subprocess.Popen[bytes] | None = None

    def supervise(self, **environment: str) -> subprocess.Popen[bytes]:
        self.folder.make()
        told = {**os.environ, "PYTHONPATH": str(ROOT), "VCC_STATE_DIR": str(self.folder.path), **environment}
        with self.folder.log("supervisor").open("ab") as log:
            return subprocess.Popen([sys.executable, "-c", SUPERVISE], env=told, stdout=log, stderr=log)

    def up(self, **environment: str) -> State:
        self.reap()
        self.supervisor = self.supervise(**environment)
        pid = self.supervisor.pid
        self.until(
            lambda state: state.supervisor is not None and state.supervisor.pid == pid and state.phase != "starting"
        )
        return self.folder.read()

    def until(self, condition: Callable[[State], bool]) -> State:
        deadline = time.monotonic() + UP_TIMEOUT_S
        while not condition(state := self.folder.read()):
            assert time.monotonic() < deadline, f"still {state.phase} {state.step}"
            time.sleep(POLL_S)
        return state

    def end(self) -> None:
        stack.stop(self.folder)
        self.reap()

    def reap(self) -> None:
        if self.supervisor is not None:
            self.supervisor.wait()


@contextmanager
def some_stack() -> Iterator[Stack]:
    """Not in pytest's own folder: the account that Postgres runs as must get there."""
    path = Path(tempfile.mkdtemp(prefix="vcc-stack-"))
    path.chmod(0o711)
    made = Stack(Folder(path / "state"))
    try:
        yield made
    finally:
        made.end()
        shutil.rmtree(path)


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """A stack that this test alone starts and stops."""
    with some_stack() as made:
        monkeypatch.setenv("VCC_STATE_DIR", str(made.folder.path))
        yield made


@pytest.fixture(scope="module")
def _one_stack() -> Iterator[Stack]:
    with some_stack() as made:
        made.up()
        yield made


@pytest.fixture
def standing(_one_stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """A stack that is up and that several tests share."""
    monkeypatch.setenv("VCC_STATE_DIR", str(_one_stack.folder.path))
    return _one_stack


def identities(state: State) -> dict[str, Identity]:
    return {name: one.identity for name, one in state.components.items() if one.identity}


async def remember(dsn: str, words: str) -> None:
    database = await asyncpg.connect(dsn)
    await database.execute("CREATE TABLE IF NOT EXISTS notebook (words text)")
    await database.execute("INSERT INTO notebook VALUES ($1)", words)
    await database.close()


async def recall(dsn: str) -> list[str]:
    database = await asyncpg.connect(dsn)
    try:
        return [row["words"] for row in await database.fetch("SELECT words FROM notebook")]
    finally:
        await database.close()


@pytest.mark.slow
def test_what_was_stored_survives_a_stop_and_no_wipe(embedded: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    """After down and up the rows and topics are there; down leaves no process behind, and with --wipe no file
    but the key rings."""
    first = embedded.up()
    asyncio.run(remember(known_dsns(embedded.folder, "outreach")["owner_dsn"], "buy birdseed"))
    assert main(["down"]) == 0
    assert not any(alive(one) for one in identities(first).values())
    again = embedded.up()
    assert (again.phase, asyncio.run(recall(known_dsns(embedded.folder, "outreach")["owner_dsn"]))) == (
        "up",
        ["buy birdseed"],
    )
    assert main(["topics"]) == 0
    assert "missing" not in capsys.readouterr().out
    assert main(["down", "--wipe"]) == 0
    left = [path for path in embedded.folder.path.rglob("*") if path.is_file()]
    assert sorted(left) == sorted(embedded.folder.rings())


@pytest.mark.slow
def test_after_the_supervisor_was_killed_the_next_one_clears_up(embedded: Stack) -> None:
    """kill -9 of the supervisor orphans its processes; the next up ends exactly those and loses no data."""
    before = identities(embedded.up())
    asyncio.run(remember(known_dsns(embedded.folder, "eligibility")["owner_dsn"], "feed the cat"))
    assert embedded.supervisor is not None
    embedded.supervisor.kill()
    embedded.supervisor.wait()
    assert all(alive(one) for one in before.values())
    after = identities(embedded.up())
    assert not any(alive(one) for one in before.values())
    assert all(alive(one) for one in after.values())
    assert asyncio.run(recall(known_dsns(embedded.folder, "eligibility")["owner_dsn"])) == ["feed the cat"]


@pytest.mark.slow
def test_what_dies_is_started_again(standing: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    """A killed service, Kafka and Postgres come back on their ports; the others run on."""
    before = identities(standing.folder.read())
    victims = {"scheduling", "kafka", "postgres"}
    for name in victims:
        os.kill(before[name].pid, signal.SIGKILL)
    standing.until(lambda state: all(state.components[name].restarts == 1 for name in victims))
    after = identities(standing.until(lambda state: len(identities(state)) == len(before)))
    assert {name for name in before if before[name] != after[name]} == victims
    deadline = time.monotonic() + UP_TIMEOUT_S
    while main(["status"]) != 0:
        assert time.monotonic() < deadline, capsys.readouterr().out
        time.sleep(POLL_S)


@pytest.mark.slow
def test_a_second_up_says_where_the_first_runs(standing: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    """While one runs, up starts nothing and names the folder; a second supervisor ends at once."""
    before = identities(standing.folder.read())
    assert main(["up"]) == 0
    assert "Up already, since" in capsys.readouterr().out
    assert standing.supervise().wait(20) == ALREADY_SUPERVISED
    assert identities(standing.folder.read()) == before


@pytest.mark.slow
def test_secrets_are_for_their_owner_only(standing: Stack) -> None:
    """Nobody else may read passwords, and a service is told its own database and no other."""
    state = standing.folder.read()
    modes = {path.stat().st_mode & 0o777 for path in standing.folder.secrets.iterdir()}
    _, told = probes.get(state.components["reporting"].port or 0, "/told")
    assert (modes, "VCC_REPORTING_DSN_FILE=" in told, "VCC_OUTREACH" in told) == ({0o600}, True, False)


@pytest.mark.slow
def test_a_service_that_fails_to_start_is_quoted_and_nothing_is_left(embedded: Stack) -> None:
    """up quotes the service's last words, names its log, and stops everything it started."""
    embedded.up(PRETEND="outreach")
    state = embedded.until(lambda state: state.phase == "failed")
    assert "outreach ended with exit code 1" in state.what
    assert "tripped over the cat" in state.what
    assert str(embedded.folder.log("outreach")) in state.do
    assert identities(state) == {}


@pytest.mark.slow
def test_a_migration_that_fails_is_named_without_its_data(embedded: Stack, tmp_path: Path) -> None:
    """up names the service and the database's code, never a row; nothing is left running."""
    (tmp_path / "eligibility" / "migrations").mkdir(parents=True)
    unwise = "create table t (name text unique);\ninsert into t values ('Agatha'), ('Agatha');\n"
    (tmp_path / "eligibility" / "migrations" / "0001_unwise.sql").write_text(unwise)
    embedded.up(PRETEND_SOURCES=str(tmp_path))
    state = embedded.until(lambda state: state.phase == "failed")
    assert "eligibility: its database could not be migrated: UniqueViolationError 23505" in state.what
    assert all("Agatha" not in path.read_text() for path in embedded.folder.logs.iterdir())
    assert identities(state) == {}


@pytest.mark.slow
def test_ctrl_c_while_starting_leaves_nothing(embedded: Stack) -> None:
    """Who interrupts up gets an empty machine back."""
    command = [sys.executable, "-m", "deploy.cli", "up"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        state = embedded.until(lambda state: "kafka" in identities(state))
        running.send_signal(signal.SIGINT)
    assert running.returncode == INTERRUPTED
    assert not any(alive(one) for one in identities(state).values())
    assert identities(embedded.folder.read()) == {}


def test_a_demanded_port_that_is_taken_is_named(embedded: Stack) -> None:
    """A port that the user demands and another program holds is refused before anything starts."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        embedded.up(VCC_REPORTING_HTTP_PORT=port)
        state = embedded.until(lambda state: state.phase == "failed")
    assert f"port {port}, wanted by VCC_REPORTING_HTTP_PORT, is taken" in state.what


async def test_servers_of_ones_own_are_used(
    embedded: Stack, database: OpenDatabase, kafka_bootstrap: str, tmp_path: Path
) -> None:
    """With Kafka and databases named by the environment, neither is started here; secrets may come by file."""
    named = {"VCC_KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap}
    for name in ("eligibility", "outreach", "scheduling"):
        opened = await database(name)
        named |= {f"VCC_{name.upper()}_DSN": opened.dsn, f"VCC_{name.upper()}_OWNER_DSN": opened.owner_dsn}
    reporting = await database("reporting")
    for setting in ROLES:
        (tmp_path / f"reporting.{setting}").write_text(as_role(reporting.dsn, setting) + "\n")
        named[f"VCC_REPORTING_{setting.upper()}_FILE"] = str(tmp_path / f"reporting.{setting}")
    state = await asyncio.to_thread(embedded.up, **named)
    assert state.phase == "up", state.what
    assert set(state.components) == {"issuer", "eligibility", "outreach", "scheduling", "reporting"}
    assert connection("reporting").bootstrap == kafka_bootstrap
    assert connection("reporting").dsn == (tmp_path / "reporting.dsn").read_text().strip()


def test_commands_say_when_the_stack_is_not_up(embedded: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    """A command that needs the stack names the one that starts it."""
    assert (main(["topics"]), "./vcc up" in capsys.readouterr().err) == (3, True)
