"""What was downloaded once for this user: Kafka's jars and, where the machine has none, a Java and a Postgres."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.errors import StackError
from deploy.install import install

HERE = Path(__file__).parent
SYSTEM_CACHE = Path("/var/cache/vcc")


def folder(*, readable_by_all: bool = False) -> Path:
    """The per-user cache; root's own is closed to the account that Postgres runs as, so that one is the system's."""
    chosen = os.environ.get("VCC_CACHE_DIR")
    if not chosen and readable_by_all and os.geteuid() == 0:
        return made(SYSTEM_CACHE)
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return made(Path(chosen) if chosen else Path(home) / "vcc")


def made(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StackError(
            f"the cache {path} cannot be made: {error.strerror}", "name another by VCC_CACHE_DIR"
        ) from None
    return path


def wheel(lock_name: str, *, title: str, readable_by_all: bool = False) -> Path:
    """The folder into which the wheel of a lock file was unpacked, its hash checked; downloaded on first use."""
    lock = HERE / lock_name
    cache = folder(readable_by_all=readable_by_all)
    target = cache / f"{lock.stem}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    if target.is_dir():
        return target
    with alone(cache):
        if not target.is_dir():
            _unpack(lock, target, title)
    return target


def _unpack(lock: Path, target: Path, title: str) -> None:
    """Renamed into place when whole, so a killed run leaves nothing that looks finished."""
    half = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=target.parent))
    try:
        install(lock, ["--target", str(half)], title=title)
        half.chmod(0o755)
        half.rename(target)
    finally:
        shutil.rmtree(half, ignore_errors=True)


@contextmanager
def alone(cache: Path) -> Iterator[None]:
    """One download at a time in this cache; the kernel frees the lock of a killed run."""
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
