"""The one folder of a stack (`.vcc/`): what runs, on which ports, with which secrets; logs and data.

Everything that a reader of another process needs stands in `state.json`, replaced as a whole at every change.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from deploy.environment import told
from deploy.errors import StackError
from deploy.local.ports import free_port, is_free
from deploy.local.process import Identity, alive

ROOT = Path(__file__).parents[2]
TOPICS = "topics"
BROKERS = "kafka.json"
"""Whose ring is that of restricted topics, which several services share."""
Phase = Literal["down", "starting", "up", "stopping", "failed"]


@dataclass(slots=True)
class Component:
    """One process of the stack as it was last seen; `identity` is None when it is not ours or not running."""

    name: str
    state: str = "waiting"
    identity: Identity | None = None
    port: int | None = None
    since: float = 0.0
    restarts: int = 0
    stop_signal: int = 15
    grace_s: float = 20.0


@dataclass(slots=True)
class State:
    phase: Phase = "down"
    step: str = ""
    what: str = ""
    do: str = ""
    supervisor: Identity | None = None
    since: float = 0.0
    took_s: float = 0.0
    issuer_url: str = ""
    components: dict[str, Component] = field(default_factory=dict)  # in the order in which they were started

    @property
    def supervised(self) -> bool:
        return self.supervisor is not None and alive(self.supervisor)


class Folder:
    """The paths in it, its secrets and its ports."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.logs, self.data, self.secrets = path / "logs", path / "data", path / "secrets"

    def make(self) -> None:
        """0711 for root: the account that Postgres runs as must be able to pass through, nobody to look."""
        try:
            for folder in (self.path, self.data, self.logs, self.secrets):
                folder.mkdir(parents=True, exist_ok=True)
            for passed in (self.path, self.data):
                passed.chmod(0o711 if os.geteuid() == 0 else 0o700)
            for closed in (self.secrets, self.logs):
                closed.chmod(0o700)
            self._close()
        except OSError as error:
            raise StackError(
                f"{self.path} cannot be used: {error.strerror}",
                "run vcc in a checkout that you own, with free disk space",
            ) from None

    def _close(self) -> None:
        """What an older version left readable for others; in the folder of data everything has its owner's mode."""
        for found in (*self.path.iterdir(), *self.logs.rglob("*"), *(self.path / "report").rglob("*")):
            with suppress(FileNotFoundError):  # another process replaces its files
                if found not in (self.data,) and not found.is_symlink() and found.stat().st_mode & 0o077:
                    found.chmod(0o700 if found.is_dir() else 0o600)

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def read(self) -> State:
        """An empty state when there is none, or when a full disk left one that can't be read."""
        try:
            raw = json.loads((self.path / "state.json").read_text())
        except (OSError, ValueError):
            return State()
        components = {name: Component(**_with_identity(component)) for name, component in raw.pop("components").items()}
        return State(**_with_identity(raw, "supervisor"), components=components)

    def write(self, state: State) -> None:
        replace(self.path / "state.json", json.dumps(asdict(state), indent=1), 0o600)

    def secret(self, name: str, value: str | None = None) -> Path:
        """The file of a secret: written when a value is given, else made once and kept."""
        from deploy.local.postgres import new_password

        path = self.secrets / name
        if value is not None or not path.exists():
            replace(path, value or new_password(), 0o600)
        return path

    def key_ring(self, service: str) -> Path:
        """The file of the keys with which a service seals what it keeps, or with which restricted topics are sealed
        (`TOPICS`): made once, with one key, and kept."""
        from services.kit.sealed import new_named_line

        name = f"{service}.keys"
        return self.secret(name, None if (self.secrets / name).exists() else new_named_line(f"{service}-1"))

    def rings(self) -> list[Path]:
        """Every service's ring, and the keys that were taken out of it: nobody can make them again."""
        return [*self.secrets.glob("*.keys"), *self.secrets.glob("*.keys.removed")]

    def port(self, name: str, wanted: str | None = None) -> int:
        """The port that `wanted` demands, else the one used last time while it is free, else a free one."""
        if wanted:
            return _demanded(name, wanted)
        ports: dict[str, int] = self._ports()
        if not is_free(ports.get(name, 0)) or name not in ports:
            ports[name] = free_port(ports.values())
            replace(self.path / "ports.json", json.dumps(ports, indent=1), 0o600)
        return ports[name]

    def _ports(self) -> dict[str, int]:
        try:
            return dict(json.loads((self.path / "ports.json").read_text()))
        except (OSError, ValueError):
            return {}

    @contextmanager
    def supervising(self) -> Iterator[bool]:
        """Whether this process is now the stack's only supervisor; the kernel frees the lock of a killed one."""
        with (self.path / "supervisor.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True


def here() -> Folder:
    """This checkout's folder, or the one that VCC_STATE_DIR names (a second stack beside the first)."""
    return Folder(Path(told("VCC_STATE_DIR") or ROOT / ".vcc").absolute())


def _demanded(name: str, wanted: str) -> int:
    variable = f"VCC_{name.upper()}_HTTP_PORT"
    if not wanted.isdecimal() or not 0 < int(wanted) < 65536:
        raise StackError(f"{variable} is no port number", "give a number from 1 to 65535, or none: a free one is found")
    if not is_free(int(wanted)):
        raise StackError(
            f"port {wanted}, wanted by {variable}, is taken by another program",
            f"end that program, choose another port, or unset {variable}: a free one is found",
        )
    return int(wanted)


def _with_identity(raw: dict[str, Any], key: str = "identity") -> dict[str, Any]:
    return {**raw, key: Identity(*raw[key]) if raw[key] else None}


def replace(path: Path, text: str, mode: int) -> None:
    """Whole or not at all, and never readable by others, not even for a moment."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
        file.write(text)
    unfinished.replace(path)
