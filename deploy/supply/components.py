"""What the project is made of besides its own code: every package and jar that its lock files name."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deploy.local.state import ROOT

Ecosystem = Literal["PyPI", "Maven"]
Scope = Literal["runtime", "embedded stack", "development"]

LOCAL = Path("deploy/local")
PYTHON_LOCKS: tuple[tuple[Path, Scope], ...] = (
    (Path("requirements.lock"), "runtime"),
    (LOCAL / "java.lock", "embedded stack"),
    (LOCAL / "postgres.lock", "embedded stack"),
    (Path("requirements-dev.lock"), "development"),
)
KAFKA_LOCK = LOCAL / "kafka.lock.toml"

_PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)")
_SHA256 = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Component:
    """One package of one version. `name` is the index's normal form, or group:artifact. `sha256` are those of all the
    files that the lock lets in."""

    ecosystem: Ecosystem
    name: str
    version: str
    scope: Scope
    sha256: tuple[str, ...]

    @property
    def purl(self) -> str:
        """The package URL by which inventories name it."""
        if self.ecosystem == "Maven":
            group, _, artifact = self.name.partition(":")
            return f"pkg:maven/{group}/{artifact}@{self.version}"
        return f"pkg:pypi/{self.name}@{self.version}"


def normal(name: str) -> str:
    """A package's name as the index compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def load(root: Path = ROOT) -> list[Component]:
    """All components by name; one that several locks name has the scope of the first of them."""
    found: dict[tuple[str, str], Component] = {}
    for path, scope in PYTHON_LOCKS:
        for component in python_components((root / path).read_text("utf-8"), scope):
            found.setdefault((component.ecosystem, component.name), component)
    jars = maven_components((root / KAFKA_LOCK).read_text("utf-8"))
    return sorted([*found.values(), *jars], key=lambda component: (component.ecosystem, component.name))


def python_components(text: str, scope: Scope) -> list[Component]:
    """The packages of a lock file with hashes."""
    entries = re.sub(r"\\\n", " ", text).splitlines()
    pins = [(match, entry) for entry in entries if (match := _PINNED.match(entry))]
    return [
        Component("PyPI", normal(match[1]), match[2], scope, tuple(_SHA256.findall(entry))) for match, entry in pins
    ]


def maven_components(text: str) -> list[Component]:
    """The jars of the broker's lock file."""
    return [
        Component(
            "Maven", f"{jar['groupId']}:{jar['artifactId']}", jar["version"], "embedded stack", (jar["sha256"],)
        )
        for jar in tomllib.loads(text)["dependencies"]
    ]  # fmt: skip
