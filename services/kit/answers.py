"""The last look before an answer leaves: what is in the trail of no transaction of its own, is put there now. So no
route can forget it, and what can't be told is not answered."""

import time
from dataclasses import dataclass

import structlog
from starlette.types import Scope

from services.kit import audit, postgres
from services.kit.asking import Asked
from services.kit.log import fault_fields
from services.kit.postgres import ALL_TENANTS, Pool, is_fault

STRANGERS_A_MINUTE = 120
"""Rows that a process writes of requests without a believed token: whoever has none must not fill the disk. Beyond it
the metrics alone count them."""


@dataclass(slots=True)
class Strangers:
    """How many rows were written of strangers within this minute."""

    minute: int = 0
    rows: int = 0

    def admit(self) -> bool:
        minute = int(time.monotonic() // 60)
        self.minute, self.rows = minute, self.rows + 1 if minute == self.minute else 1
        return self.rows <= STRANGERS_A_MINUTE


_strangers = Strangers()


class Trail:
    """Of one request, opened by the edge."""

    def __init__(self, scope: Scope, asked: Asked) -> None:
        self._asked = asked
        self._scope = scope

    async def tell(self, status: int, code: str | None) -> bool:
        """Put into the trail what is not there yet; `code` is the refusal's. False: it could not be, so the answer
        must not leave."""
        self._asked.why = self._asked.why or code
        pool: Pool | None = getattr(self._scope["app"].state, "pool", None) if "app" in self._scope else None
        what = audit.untold(self._asked, status) if pool is not None else None
        if pool is None or what is None or (self._asked.principal is None and not _strangers.admit()):
            return True
        try:
            async with postgres.transaction(pool, ALL_TENANTS) as connection:
                await audit.record_answer(connection, self._asked, what)
        except Exception as error:
            if not is_fault(error):
                raise
            structlog.get_logger().error("request not in the trail", **fault_fields(error))
            return False
        return True
