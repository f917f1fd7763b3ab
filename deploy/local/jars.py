"""Kafka's jars: exactly those of `kafka.lock.toml`, each compared with its SHA-256 at every start.

The lock file is jgo's and names coordinates and hashes, no address: jgo knows where Maven artifacts live. After a
change of version, write it anew: `python -m deploy.local.jars`.
"""

import hashlib
import logging
import shutil
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from deploy.console import Progress
from deploy.errors import StackError
from deploy.local import cache

KAFKA = "org.apache.kafka:kafka_2.13:4.3.1"
# The binding for Kafka's slf4j 1.7 and its own log4j-core; "!": its parent must not manage the versions of the rest.
LOGGING = "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4!"
LOCK = Path(__file__).parent / "kafka.lock.toml"
OWN_BROKER = "or use a broker of your own: VCC_KAFKA_BOOTSTRAP_SERVERS=host:port"
AT_ONCE = 6  # polite to the registry, and enough to fill a usual line


@dataclass(frozen=True, slots=True)
class Jar:
    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def path(self) -> Path:
        """Where it lies in a Maven repository."""
        return Path(*self.group.split("."), self.artifact, self.version, f"{self.artifact}-{self.version}.jar")

    def is_intact(self, repository: Path) -> bool:
        path = repository / self.path
        return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == self.sha256


def locked() -> list[Jar]:
    entries = tomllib.loads(LOCK.read_text())["dependencies"]
    return [Jar(entry["groupId"], entry["artifactId"], entry["version"], entry["sha256"]) for entry in entries]


def classpath(repository: Path | None = None) -> list[Path]:
    """Every jar, present and verified; missing and damaged ones are fetched first."""
    repository = repository or cache.folder() / "maven"
    jars = locked()
    if not all(jar.is_intact(repository) for jar in jars):
        with cache.alone(cache.made(repository)):
            _fetch_all([jar for jar in jars if not jar.is_intact(repository)], repository)
    return [repository / jar.path for jar in jars]


def _fetch_all(jars: list[Jar], repository: Path) -> None:
    for damaged in (path for jar in jars if (path := repository / jar.path).exists()):
        print(f"  {damaged} is not the file that {LOCK.name} names; fetching it again", file=sys.stderr)
    logging.getLogger("jgo").setLevel(logging.ERROR)
    with (
        tempfile.TemporaryDirectory(dir=repository, prefix="new.") as scratch,
        Progress(
            f"Fetching {len(jars)} of Kafka's jars (about {len(jars)} MB, first use only); from Maven Central, by "
            f"{LOCK.name} and its SHA-256s"
        ) as progress,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        fetches = [pool.submit(_fetch, jar, repository, Path(scratch)) for jar in jars]
        try:
            for count, fetch in enumerate(as_completed(fetches), 1):
                progress.update(f"{count}/{len(fetches)} {fetch.result()}")
        finally:
            pool.shutdown(cancel_futures=True)


def _fetch(jar: Jar, repository: Path, scratch: Path) -> str:
    """Downloads beside the cache and moves in what its hash proves, so the cache never holds half a file."""
    from jgo.maven import MavenContext
    from requests import RequestException

    name, context = jar.path.name, MavenContext(repo_cache=scratch, timeout=30)
    try:
        context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
    except (RequestException, RuntimeError) as error:
        raise StackError(
            f"downloading {name} failed ({type(error).__name__})",
            f"check the network and HTTPS_PROXY, then retry: what was fetched is kept; {OWN_BROKER}",
        ) from None
    except OSError as error:
        raise StackError(f"{name} could not be stored: {error.strerror}", "free 100 MB, then retry") from None
    if not jar.is_intact(scratch):
        raise StackError(
            f"{name} was downloaded, but its SHA-256 is not the one in {LOCK.name}",
            f"a proxy or mirror may have changed it: it was not kept. Retry on another network, {OWN_BROKER}",
        )
    (repository / jar.path).parent.mkdir(parents=True, exist_ok=True)
    shutil.move(scratch / jar.path, repository / jar.path)
    return name


def relock() -> None:
    """Resolves the versions above anew and writes the lock file with the hash of every jar."""
    from jgo.env import LockFile
    from jgo.maven import MavenContext

    with tempfile.TemporaryDirectory() as scratch:
        context = MavenContext(repo_cache=Path(scratch), timeout=30)
        inputs = [context.create_dependency(coordinate) for coordinate in (KAFKA, LOGGING)]
        chosen, transitive = context.resolver.resolve(inputs)
        LockFile.from_resolved_dependencies([*chosen, *transitive]).save(LOCK)
    print(f"{LOCK.name}: {len(locked())} jars")


if __name__ == "__main__":
    relock()
