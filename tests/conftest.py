"""What every test may ask for: real servers, fresh databases, an environment without surprises, no silent errors."""

import logging
import os
import re
import signal
from collections.abc import AsyncIterator, Iterator, MutableMapping
from contextlib import suppress
from types import FrameType
from typing import Any

import pytest
import structlog

from deploy.capabilities.known import MARK, require_known
from tests import servers
from tests.servers import Database, OpenDatabase, PostgresServer, WatchedKafka

KAFKA_TIMEOUT_S = 400
SPREAD_OVER: list[int] = []
"""The processes to which this one gives tests."""
NOISY = ("aiokafka",)  # shouts at ERROR about every reconnect; the tests look at what happens instead


def pytest_configure(config: pytest.Config) -> None:
    marker = "expects_error_log(pattern): lines at level error that match are part of the test; without pattern, any"
    config.addinivalue_line("markers", marker)
    config.addinivalue_line("markers", "capability(id, …): the test shows these capabilities (./vcc capabilities)")
    signal.signal(signal.SIGTERM, _as_ctrl_c)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job; its children would too
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodeready(node: Any) -> None:
    """Where tests are spread over processes, this one knows the others."""
    SPREAD_OVER.append(node.gateway._io.popen.pid)


def _as_ctrl_c(number: int, frame: FrameType | None) -> None:
    """Whoever is told to end stops his servers first. Told again, he goes on stopping them."""
    signal.signal(number, signal.SIG_IGN)
    # At once: pytest-xdist gives them ten seconds to end, and lets five of them pass before it says so.
    for pid in SPREAD_OVER:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    known = signal.getsignal(signal.SIGINT)  # a running event loop has one of its own; a shell's background job none
    if "PYTEST_XDIST_WORKER" in os.environ:  # and then says it once more, while servers stop
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    (known if callable(known) else signal.default_int_handler)(signal.SIGINT, frame)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever asks for a server is marked so: the quick tier starts none."""
    for item in items:
        asked = getattr(item, "fixturenames", ())
        if "postgres_server" in asked:
            item.add_marker("postgres")
        if "kafka" in asked:
            item.add_marker("kafka")
            if item.get_closest_marker("timeout") is None:  # the first one waits for the broker, too
                item.add_marker(pytest.mark.timeout(KAFKA_TIMEOUT_S))
        for mark in item.iter_markers(MARK):
            require_known(mark.args, item.nodeid)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One Postgres for the whole run."""
    with servers.running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def kafka() -> Iterator[WatchedKafka]:
    """One Kafka for the whole run. Topics are never created by themselves."""
    with servers.running_kafka() as broker:
        yield broker


@pytest.fixture
def kafka_bootstrap(kafka: WatchedKafka) -> str:
    """The address at which the tests' own tools may do everything."""
    return kafka.watched


@pytest.fixture
async def database(postgres_server: PostgresServer) -> AsyncIterator[OpenDatabase]:
    """`await database("eligibility")`: a migrated, empty database of that service, with a pool as its own role."""
    opened: list[Database] = []

    async def open_one(service: str) -> Database:
        opened.append(await servers.open_database(postgres_server, service))
        return opened[-1]

    yield open_one
    for one in opened:
        await servers.close_database(postgres_server, one)


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own settings must not change what a test proves."""
    for name in [name for name in os.environ if name.startswith("VCC_")]:
        if not name.startswith(("VCC_CACHE_DIR", "VCC_EMBEDDED_FROM", "VCC_TEST_")):
            monkeypatch.delenv(name)


class _Recorder(logging.Handler):
    """Collects what was logged at level error or above, by structlog or by a library."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith(NOISY):
            self.lines.append(f"{record.name}: {record.getMessage()}")

    def process(self, _logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        library = str(event.get("logger", ""))
        if method in {"error", "critical", "exception", "fatal"} and not library.startswith(NOISY):
            self.lines.append(f"{event.get('event')} { ({k: v for k, v in event.items() if k != 'event'}) }")
        return event


@pytest.fixture(autouse=True)
def no_unexpected_errors(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fails a test in which an error was only logged."""
    recorder, configure = _Recorder(), structlog.configure

    def configure_with_recorder(processors: Any = None, **options: Any) -> None:
        chosen = structlog.get_config()["processors"] if processors is None else processors
        configure(processors=[recorder.process, *chosen], **options)

    monkeypatch.setattr(structlog, "configure", configure_with_recorder)
    structlog.reset_defaults()
    configure_with_recorder()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.addHandler(recorder)
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    if unexpected := [line for line in recorder.lines if not _expected(request, line)]:
        pytest.fail("logged at level error:\n  " + "\n  ".join(unexpected), pytrace=False)


def _expected(request: pytest.FixtureRequest, line: str) -> bool:
    marks = list(request.node.iter_markers("expects_error_log"))
    return any(not mark.args or re.search(mark.args[0], line) for mark in marks)
