"""The key ring beside the database: whether it opens all that is sealed, how much is sealed with which key, and the
sealing anew of what is not sealed with the current one."""

import os
from collections.abc import Sequence

import asyncpg
import structlog
from pydantic import SecretStr

from schemas.catalog import SEALING
from services.kit import dead_letters, idempotency
from services.kit.postgres import ALL_TENANTS, create_pool, look_whether_sealing_began, transaction
from services.kit.repeating import Repeating
from services.kit.resealing import Sealed, count_keys, lacking, reseal, strange
from services.kit.sealed import KeyRing, KeyRingError, seals_of
from services.kit.settings import Settings

KIT_COLUMNS = (dead_letters.SEALED, idempotency.SEALED)
PERIOD_S = 3600.0
UNTIL_BEGUN_S = 60.0


class Keys(Repeating):
    """Says at /ready which keys the ring lacks, and which are others than those of the same name that sealed. Looks at
    the start and every hour, for it reads whole tables; as long as sealing has not begun, every minute whether it
    has."""

    check = "key-ring"

    def __init__(self, settings: Settings, pool: asyncpg.Pool, columns: Sequence[Sealed]) -> None:
        super().__init__("keys")
        self._ring, self._pool, self._columns = require_ring(settings), pool, (*KIT_COLUMNS, *columns)
        self._trouble: str | None = "not asked yet"

    def trouble(self) -> str | None:
        return self._trouble

    async def turn(self) -> float:
        async with transaction(self._pool, ALL_TENANTS) as connection:
            seals = seals_of(connection)
            await look_whether_sealing_began(connection, seals)
        self._trouble = await self._compared()
        if self._trouble is not None:
            structlog.get_logger().warning("dependency", check=self.check, reason=self._trouble)
        return PERIOD_S if seals.has_begun else UNTIL_BEGUN_S

    async def _compared(self) -> str | None:
        if lacks := await lacking(self._pool, self._ring, self._columns):
            return f"the key ring lacks {', '.join(lacks)}"
        if others := await strange(self._pool, self._ring, self._columns):
            return f"not the keys that sealed what is stored: {', '.join(others)}"
        return None


def require_ring(settings: Settings) -> KeyRing:
    """The service's ring. `KeyRingError` says what is wrong with it."""
    return _required(settings, "key_ring", settings.key_ring)


def require_topic_ring(settings: Settings) -> None:
    """That a service which writes or reads a restricted topic has the ring of such topics."""
    if settings.service in SEALING:
        _required(settings, "topic_key_ring", settings.topic_key_ring)


def _required(settings: Settings, name: str, text: SecretStr | None) -> KeyRing:
    variable = f"VCC_{settings.service.upper()}_{name.upper()}_FILE"
    if text is None:
        raise KeyRingError(f"{variable}: name a file of lines of a key's id and 32 bytes in base64")
    try:
        return KeyRing.parse(text.get_secret_value())
    except KeyRingError as error:
        raise KeyRingError(f"{variable}: {error}") from None


async def show(settings: Settings, columns: Sequence[Sealed]) -> list[str]:
    """A line for each key: how many rows it seals, and whether the ring holds it and seals with it."""
    ring = require_ring(settings)
    pool = await create_pool(settings)
    try:
        async with transaction(pool, ALL_TENANTS) as connection:
            counted = await count_keys(connection, (*KIT_COLUMNS, *columns))
    finally:
        await pool.close()
    names = [*ring.keys, *sorted(counted.keys() - ring.keys.keys())]
    return [f"{name}\t{counted[name]}\t{_role(name, ring)}".rstrip() for name in names]


def _role(name: str, ring: KeyRing) -> str:
    if name == ring.current:
        return "seals"
    return "opens" if name in ring.keys else ""


async def rotate(settings: Settings, columns: Sequence[Sealed]) -> int:
    """Seal with the current key all that is not. Gives how many rows that were."""
    require_ring(settings)
    pool = await create_pool(settings)
    try:
        async with transaction(pool, ALL_TENANTS) as connection:
            if not seals_of(connection).has_begun:
                raise KeyRingError("nothing is sealed before `migrate post`: a process of the version before reads it")
        return await reseal(pool, (*KIT_COLUMNS, *columns))
    finally:
        await pool.close()


def refuse_root(settings: Settings) -> str | None:
    """Why this process may not serve, if it runs as root and nothing allows it."""
    if os.geteuid() != 0 or settings.may_run_as_root:
        return None
    setting = f"VCC_{settings.service.upper()}_MAY_RUN_AS_ROOT=true"
    return f"{settings.service} refuses to run as root: run it as a user of its own, or set {setting}"
