"""What was downloaded once for this user: Kafka's jars and, where the machine has none, a Java and a Postgres."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.environment import told
from deploy.errors import StackError
from deploy.install import install

HERE = Path(__file__).parent
SYSTEM_CACHE = Path("/var/cache/vcc")


def folder(*, readable_by_all: bool = False) -> Path:
    """The per-user cache; root's own is closed to the account that Postgres runs as, so that one is the system's."""
    chosen = told("VCC_CACHE_DIR")
    if not chosen and readable_by_all and os.geteuid() == 0:
        return made(SYSTEM_CACHE)
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return made(Path(chosen) if chosen else Path(home) / "vcc")


def made(path: Path) -> Path:
    try:
        made_here = [parent for parent in (path, *path.parents) if not parent.exists()]
        path.mkdir(parents=True, exist_ok=True)
        for parent in made_here:
            parent.chmod(0o755)
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
        share(half)
        half.rename(target)
    finally:
        shutil.rmtree(half, ignore_errors=True)


def share(root: Path) -> None:
    """Programs and not data: the account that Postgres runs as must be able to read what is here. File by file, for a
    umask would be every thread's."""
    for path in (root, *root.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode & 0o777
            path.chmod(mode | (0o055 if path.is_dir() or mode & 0o100 else 0o044))


@contextmanager
def alone(cache: Path) -> Iterator[None]:
    """One download at a time in this cache; the kernel frees the lock of a killed run."""
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
