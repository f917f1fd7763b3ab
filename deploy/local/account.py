"""Postgres refuses to run as root: whom it runs as instead, and where that user can get to."""

import os
import pwd
import re
from contextlib import suppress
from pathlib import Path

from deploy.errors import StackError

OWN_SERVER = "or use a server of your own: VCC_<SERVICE>_DSN for each service"
ROOTS_DATA = Path("/var/lib/vcc")


def unprivileged_account() -> str | None:
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise StackError(
        "Postgres refuses to run as root, and this machine has no user `nobody`", f"run vcc as a user, {OWN_SERVER}"
    )


def reachable(folder: Path) -> Path:
    """`folder`, or for root a place that the unprivileged account can get to; a link then leads there."""
    account = unprivileged_account()
    if account is None or all(parent.stat().st_mode & 0o001 for parent in folder.parents):
        return folder
    elsewhere = ROOTS_DATA / re.sub(r"\W+", "-", str(folder)).strip("-")
    elsewhere.mkdir(parents=True, exist_ok=True)
    for parent in (ROOTS_DATA, elsewhere):
        parent.chmod(0o711)
    if not folder.is_symlink():
        folder.symlink_to(elsewhere / folder.name)  # for the reader: the server itself can't follow it
    return elsewhere / folder.name


def group_of(account: str | None) -> int | None:
    return pwd.getpwnam(account).pw_gid if account else None
