"""Asks every dependency every two seconds, so that `/ready` answers at once from what was last seen."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg
import structlog
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from services.kit import log
from services.kit.kafka import client_options
from services.kit.postgres import ALL_TENANTS, Connection, is_fault, transaction
from services.kit.relay import sample_backlog
from services.kit.repeating import Repeating
from services.kit.settings import Settings

PERIOD_S = 2.0
ANSWER_WITHIN_S, OVER_WITHIN_S = 4.0, 3.5
OUTBOX_AGE_LIMIT_S = 60.0
ANSWERS = "select 1"
"""All that serving needs of the database; what costs more is counted by `Measuring`."""


class LateError(Exception):
    """The outbox holds what should be published by now."""


class Health(Repeating):
    """What the database, the broker and the outbox looked like when last asked. `horizon`: the id up to which the
    outbox has nothing."""

    def __init__(self, settings: Settings, pool: asyncpg.Pool, horizon: Callable[[], int] = lambda: 0) -> None:
        super().__init__("health")
        self._horizon = horizon
        self._settings, self._pool = settings, pool
        self._client: AIOKafkaClient | None = None
        self._reasons: dict[str, str | None] = dict.fromkeys(("postgres", "kafka", "outbox"), "not asked yet")

    def reason(self, name: str) -> str | None:
        """Why `name` is not well, or None."""
        return self._reasons[name]

    async def run(self) -> None:
        await super().run()
        if self._client is not None:
            await self._client.close()

    async def turn(self) -> float:
        await asyncio.gather(self._ask_postgres(), self._ask_outbox(), self._ask_kafka())
        return PERIOD_S

    def _note(self, name: str, reason: str | None) -> None:
        if reason != self._reasons[name]:
            structlog.get_logger().info("dependency", check=name, reason=reason or "well")
        self._reasons[name] = reason

    async def _ask_postgres(self) -> None:
        async with self._noting("postgres"), self._connected() as connection:
            await connection.execute(ANSWERS)

    async def _ask_outbox(self) -> None:
        """By itself: an outbox that can't be looked through in time hinders no request."""
        async with self._noting("outbox"), self._connected() as connection:
            _, age_s = await sample_backlog(connection, self._horizon())
            if age_s > OUTBOX_AGE_LIMIT_S:
                raise LateError

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Connection]:
        async with (
            asyncio.timeout(ANSWER_WITHIN_S),
            transaction(self._pool, ALL_TENANTS, 2.0, over_within_s=OVER_WITHIN_S) as connection,
        ):
            yield connection

    @asynccontextmanager
    async def _noting(self, name: str) -> AsyncIterator[None]:
        """What becomes of a check."""
        try:
            yield
        except LateError:
            self._note(name, "not published in time")
        except Exception as error:
            if not is_fault(error):
                raise
            self._note(name, log.fault_fields(error)["error"])
        else:
            self._note(name, None)

    async def _ask_kafka(self) -> None:
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                if self._client is None:
                    client = AIOKafkaClient(
                        **client_options(self._settings.kafka, f"vcc-{self._settings.service}-health")
                    )
                    self._client = client
                    await client.bootstrap()
                await self._client.fetch_all_metadata()
        except (KafkaError, OSError, TimeoutError) as error:
            self._note("kafka", type(error).__name__)
            client, self._client = self._client, None
            if client is not None:
                await client.close()
            return
        self._note("kafka", None)
