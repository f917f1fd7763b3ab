"""Asks every dependency every two seconds, so that `/ready` answers at once from what was last seen."""

import asyncio

import asyncpg
import structlog
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from services.kit import dead_letters, log, metrics
from services.kit.kafka import client_options
from services.kit.postgres import ALL_TENANTS, is_fault, transaction
from services.kit.relay import sample_backlog
from services.kit.repeating import Repeating
from services.kit.settings import Settings

PERIOD_S = 2.0
ANSWER_WITHIN_S = 4.0
OUTBOX_AGE_LIMIT_S = 60.0


class Health(Repeating):
    """What the database, the broker and the outbox looked like when last asked."""

    def __init__(self, settings: Settings, pool: asyncpg.Pool) -> None:
        super().__init__("health")
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
        await asyncio.gather(self._ask_postgres(), self._ask_kafka())
        return PERIOD_S

    def _note(self, name: str, reason: str | None) -> None:
        if reason != self._reasons[name]:
            structlog.get_logger().info("dependency", check=name, reason=reason or "well")
        self._reasons[name] = reason

    async def _ask_postgres(self) -> None:
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S), transaction(self._pool, ALL_TENANTS, 2.0) as connection:
                _, age_s = await sample_backlog(connection)
                waiting = await dead_letters.count_waiting(connection)
        except Exception as error:
            if not is_fault(error):
                raise
            self._note("postgres", log.fault_fields(error)["error"])
            return
        metrics.PARKED.clear()
        for (consumer, topic, state), rows in waiting.items():
            if state == "parked":
                metrics.PARKED.labels(topic, consumer).set(rows)
        self._note("postgres", None)
        self._note("outbox", "not published in time" if age_s > OUTBOX_AGE_LIMIT_S else None)

    async def _ask_kafka(self) -> None:
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                if self._client is None:
                    client = AIOKafkaClient(
                        client_id=f"vcc-{self._settings.service}-health", **client_options(self._settings.kafka)
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
