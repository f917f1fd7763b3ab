"""Kafka's jars: exactly those of `kafka.lock.toml`, each compared with its SHA-256 at every start.

The lock file names coordinates and hashes, no address: jgo knows where Maven artifacts live. Writing it anew after a
change of version: `python -m deploy.local.jars`.
"""

import logging
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from jgo.env._lockfile import LockedDependency, LockFile, compute_sha256
from jgo.maven import MavenContext
from requests import RequestException

from deploy.console import Progress
from deploy.errors import StackError
from deploy.local import cache

KAFKA = "org.apache.kafka:kafka_2.13:4.3.1"
# The binding for Kafka's slf4j 1.7 and its own log4j-core; "!": its parent must not manage the versions of the rest.
LOGGING = "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4!"
LOCK = Path(__file__).parent / "kafka.lock.toml"
OWN_BROKER = "or use a broker of your own: VCC_KAFKA_BOOTSTRAP_SERVERS=host:port"
AT_ONCE = 6  # polite to the registry, and enough to fill a usual line


def classpath(repository: Path | None = None) -> list[Path]:
    """Every jar, present and verified; missing and damaged ones are fetched first."""
    repository = repository or cache.folder() / "maven"
    locked = LockFile.load(LOCK).dependencies
    wanted = {repository / path_in_repository(jar): jar for jar in locked}
    if absent := [path for path in wanted if not intact(path, wanted[path])]:
        with cache.alone(cache.made(repository)):
            _fetch_all({path: wanted[path] for path in absent if not intact(path, wanted[path])}, repository)
    return list(wanted)


def path_in_repository(jar: LockedDependency) -> Path:
    folder = Path(*jar.groupId.split("."), jar.artifactId, jar.version)
    return folder / f"{jar.artifactId}-{jar.version}{'-' + jar.classifier if jar.classifier else ''}.{jar.packaging}"


def intact(path: Path, jar: LockedDependency) -> bool:
    return path.exists() and compute_sha256(path) == jar.sha256


def _fetch_all(wanted: dict[Path, LockedDependency], repository: Path) -> None:
    for damaged in (path for path in wanted if path.exists()):
        print(f"  {damaged} is not the file that {LOCK.name} names; fetching it again", flush=True)
    logging.getLogger("jgo").setLevel(logging.ERROR)
    title = f"Fetching {len(wanted)} of Kafka's jars (about {len(wanted)} MB, first use only)"
    with (
        tempfile.TemporaryDirectory(dir=repository, prefix="new.") as scratch,
        Progress(title) as progress,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        fetches = [pool.submit(_fetch, jar, path, Path(scratch)) for path, jar in wanted.items()]
        for count, fetch in enumerate(as_completed(fetches), 1):
            progress.update(f"{count}/{len(fetches)} {fetch.result()}")


def _fetch(jar: LockedDependency, path: Path, scratch: Path) -> str:
    """Downloads beside the cache and moves in what its hash proves, so the cache never holds half a file."""
    context = MavenContext(repo_cache=scratch, timeout=30)
    artifact = context.project(jar.groupId, jar.artifactId).at_version(jar.version).artifact(jar.classifier or "")
    try:
        got = Path(artifact.resolve())
    except (RequestException, RuntimeError) as error:
        raise StackError(
            f"downloading {path.name} failed ({type(error).__name__})",
            f"check the network and HTTPS_PROXY, then retry: what was fetched is kept; {OWN_BROKER}",
        ) from None
    except OSError as error:
        raise StackError(f"{path.name} could not be stored: {error.strerror}", "free 100 MB, then retry") from None
    if not intact(got, jar):
        raise StackError(
            f"{path.name} was downloaded, but its SHA-256 is not the one in {LOCK.name}",
            f"a proxy or mirror may have changed it: it was not kept. Retry elsewhere, {OWN_BROKER}",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(got, path)
    return path.name


def relock() -> None:
    """Resolves the versions above anew and writes the lock file with the hash of every jar."""
    with tempfile.TemporaryDirectory() as scratch:
        context = MavenContext(repo_cache=Path(scratch), timeout=30)
        inputs = [context.create_dependency(coordinate) for coordinate in (KAFKA, LOGGING)]
        chosen, transitive = context.resolver.resolve(inputs)
        LockFile.from_resolved_dependencies([*chosen, *transitive]).save(LOCK)
    print(f"{LOCK.name}: {len(LockFile.load(LOCK).dependencies)} jars")


if __name__ == "__main__":
    relock()
