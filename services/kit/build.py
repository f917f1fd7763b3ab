"""Which code runs here."""

import hashlib
import tomllib
from functools import cache
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("schemas", "services")
KINDS = frozenset({".py", ".sql", ".yaml"})
DIGITS = 12


@cache
def version() -> str:
    """The product's, as the project's file says it; where only the package was installed, as that says it."""
    project = ROOT / "pyproject.toml"
    if not project.is_file():
        return metadata.version("vaccine-community-connectors")
    told: str = tomllib.loads(project.read_text("utf-8"))["project"]["version"]
    return told


@cache
def revision(root: Path = ROOT) -> str:
    """A digest of the code: the same wherever the same files run, another one after any change of them."""
    digest = hashlib.sha256()
    for path in sorted(path for package in PACKAGES for path in (root / package).rglob("*") if path.suffix in KINDS):
        digest.update(f"{path.relative_to(root)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()[:DIGITS]
