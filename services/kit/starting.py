"""What a service looks at before it serves: a sentence and an exit code are better than a traceback at each request."""

from collections.abc import Callable, Sequence
from pathlib import Path

import asyncpg
import structlog

from services.kit import direct
from services.kit.direct import PooledError
from services.kit.migrations import load_missing
from services.kit.postgres import connect, is_fault
from services.kit.repeating import Repeating
from services.kit.rights import RightsError, name_one_role
from services.kit.settings import Settings

Folders = Sequence[tuple[str, Path]]
NOT_LOOKED_AT = "not looked at yet"


def refuse_roles(settings: Settings) -> str | None:
    """A process that serves is told no more than it needs: whoever takes it over must not own its tables by that, nor
    read the trail as the one who writes it."""
    own = f"VCC_{settings.service.upper()}"
    if settings.owner_dsn is not None:
        return f"{own}_OWNER_DSN: for `migrate` alone; expected not to be set where the service serves"
    if settings.audit_dsn is None:
        return None
    try:
        is_one = name_one_role(settings.dsn.get_secret_value(), settings.audit_dsn.get_secret_value())
    except RightsError as error:
        return str(error)
    return f"{own}_AUDIT_DSN: expected another role than that of {own}_DSN" if is_one else None


async def why_not_start(settings: Settings, folders: Folders) -> str | None:
    """Why this database is none to serve with. None if it is one, or if it is away: a service starts while its database
    is, and waits for it (`Schema`)."""
    try:
        return await _why_unfit(settings, folders)
    except Exception as error:
        if not is_fault(error):
            raise
        return None


class Schema(Repeating):
    """Looks again until the database has answered once: it may have been away when the process started. `trouble` is
    why nothing is served; whoever lacks a migration then is asked to end (`ended`), and says so at its next start."""

    def __init__(self, settings: Settings, folders: Folders, ended: Callable[[], None]) -> None:
        super().__init__("schema")
        self._settings, self._folders, self._ended = settings, folders, ended
        self.trouble: str | None = NOT_LOOKED_AT

    async def turn(self) -> float:
        self.trouble = await _why_unfit(self._settings, self._folders)
        if self.trouble is not None:
            structlog.get_logger().error("database not ready", reason=self.trouble)
            self._ended()
        self.faults.forget()
        await self._stopping.wait()
        return 0.0


async def _why_unfit(settings: Settings, folders: Folders) -> str | None:
    """Raises a fault while the database does not answer."""
    try:
        connection = await connect(settings, holds_keys=False)  # what they are kept in may not be there yet
    except PooledError as error:
        return str(error)
    except asyncpg.ProtocolViolationError:
        return f"the database's address refuses what Postgres understands, as poolers do; {direct.ADVICE}"
    try:
        missing = await load_missing(connection, folders)
    finally:
        await connection.close(timeout=2)
    if not missing:
        return None
    return f"migrate first (python -m services.{settings.service}.app migrate pre): {missing[0]} is not applied"
