"""Kafka's jars are those of the lock file, or Kafka does not start; the repository is an HTTP server on loopback."""

import gc
import hashlib
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from deploy.errors import StackError
from deploy.local import jars
from deploy.local.jars import Jar

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
COFFEE = b"a jar of coffee beans"
JAR = Jar("com.example.pantry", "coffee", "1.2", hashlib.sha256(COFFEE).hexdigest())
LOCK = f"""
[[dependencies]]
groupId = "{JAR.group}"
artifactId = "{JAR.artifact}"
version = "{JAR.version}"
sha256 = "{JAR.sha256}"
"""


class Repository(ThreadingHTTPServer):
    def __init__(self, folder: Path) -> None:
        self.folder, self.asked = folder, 0
        super().__init__(("127.0.0.1", 0), partial(_Handler, directory=str(folder)))

    def offer(self, content: bytes) -> None:
        (self.folder / JAR.path).parent.mkdir(parents=True)
        (self.folder / JAR.path).write_bytes(content)


class _Handler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        assert isinstance(self.server, Repository)
        self.server.asked += 1


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    (tmp_path / "remote").mkdir()
    (tmp_path / "kafka.lock.toml").write_text(LOCK)
    with Repository(tmp_path / "remote") as server:
        thread = Thread(target=partial(server.serve_forever, poll_interval=0.02))
        thread.start()
        monkeypatch.setattr(jars, "LOCK", tmp_path / "kafka.lock.toml")
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr("jgo.maven._core.DEFAULT_REMOTE_REPOS", {"pantry": address})
        yield server
        server.shutdown()
        thread.join()
    gc.collect()  # jgo leaves the socket of a refused download to the collector


@pytest.fixture
def cached(tmp_path: Path) -> Path:
    path = tmp_path / "cache" / JAR.path
    path.parent.mkdir(parents=True)
    return path


def test_a_missing_jar_is_fetched_once(repository: Repository, tmp_path: Path) -> None:
    """The first start downloads, the second asks nobody."""
    repository.offer(COFFEE)
    first = jars.classpath(tmp_path / "cache")
    asked = repository.asked
    assert (first, asked > 0) == (jars.classpath(tmp_path / "cache"), True)
    assert (first[0].read_bytes(), repository.asked) == (COFFEE, asked)


def test_a_damaged_jar_in_the_cache_is_replaced(repository: Repository, cached: Path, tmp_path: Path) -> None:
    """A jar whose bytes changed in the cache is noticed and fetched again."""
    repository.offer(COFFEE)
    cached.write_bytes(b"half a jar of coff")
    jars.classpath(tmp_path / "cache")
    assert cached.read_bytes() == COFFEE


def test_a_damaged_jar_without_a_network_is_named(repository: Repository, cached: Path, tmp_path: Path) -> None:
    """When it can't be fetched, the error names the file and the way to one's own broker."""
    cached.write_bytes(b"half a jar of coff")
    with pytest.raises(StackError, match=r"coffee-1\.2\.jar[\s\S]*VCC_KAFKA_BOOTSTRAP_SERVERS"):
        jars.classpath(tmp_path / "cache")


def test_a_changed_jar_from_the_network_is_refused(repository: Repository, cached: Path, tmp_path: Path) -> None:
    """What the repository sends under the right name with other bytes never enters the cache."""
    repository.offer(b"decaffeinated")
    with pytest.raises(StackError, match=r"coffee-1\.2\.jar was downloaded, but its SHA-256[\s\S]*_BOOTSTRAP_SERVERS"):
        jars.classpath(tmp_path / "cache")
    assert not cached.exists()


def test_the_committed_lock_names_hashes_and_no_address() -> None:
    """Every jar is pinned by SHA-256, and no host stands in the file."""
    locked = jars.locked()
    assert all(len(jar.sha256) == 64 for jar in locked)
    assert {f"{jar.artifact}:{jar.version}" for jar in locked} >= {"kafka_2.13:4.3.1", "kafka-clients:4.3.1"}
    assert "//" not in jars.LOCK.read_text()
