"""The readings of the log by a service whose tables can be wiped: begun anew when the tables lack what was acknowledged
for them, as after a restore; their old groups deleted, which others would take for consumers that stand still."""

from collections.abc import Sequence

import asyncpg
import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from services.kit import generation, positions, truncation
from services.kit.generation import Generation, group_of
from services.kit.offsets import Offsets, offsets
from services.kit.postgres import ALL_TENANTS, transaction
from services.kit.settings import KafkaSettings
from services.kit.subscription import Subscription


class Readings:
    """Of one service."""

    def __init__(self, settings: KafkaSettings, pool: asyncpg.Pool, subscriptions: Sequence[Subscription]) -> None:
        self._settings, self._pool = settings, pool
        self._topics = {subscription.group: subscription.topic.name for subscription in subscriptions}
        self._told = ""

    async def current(self) -> Generation:
        """The generation that holds."""
        async with transaction(self._pool, ALL_TENANTS) as connection:
            return await generation.load(connection)

    async def complete(self) -> Generation:
        """The same; in a new name if the store lacks anything that was acknowledged in the old one: then the log is
        read again from its beginning, and what the tables do hold is known by its marks. What the log itself has lost
        since is not lacking: it is read again from there."""
        found = await self.current()
        if not found.is_counted:
            return found
        async with offsets(self._settings) as broker:
            back = await truncation.go_back(self._pool, broker.client, self._topics, self._settings.prefix)
            said = await self._acknowledged(broker, found)
            topic_ids = await broker.topic_ids(self._topics.values())
        async with transaction(self._pool, ALL_TENANTS) as connection:
            known = await positions.load(connection, self._topics, topic_ids)
            kept = {(group, place): at for (group, place), at in said.items() if place not in back}
            if not positions.lacks(known, kept):
                return found
            await generation.read_again(connection, found)
        structlog.get_logger().warning("tables lack what was acknowledged for them: the log is read again")
        return await self.current()

    async def _acknowledged(self, broker: Offsets, of: Generation) -> dict[tuple[str, TopicPartition], int]:
        return {
            (group, place): at
            for group, topic in self._topics.items()
            for place, at in (await broker.committed(group_of(group, of))).items()
            if place.topic == topic
        }

    async def behind(self, of: Generation) -> int:
        """How many records this generation has yet to read, by the store's own word where there is one."""
        groups = {group_of(group, of): topic for group, topic in self._topics.items()}
        async with offsets(self._settings) as broker:
            ends = await broker.ends(await broker.partitions(set(self._topics.values())))
            if not of.is_counted:
                return await broker.behind(groups, ends)
            topic_ids = await broker.topic_ids(self._topics.values())
        async with transaction(self._pool, ALL_TENANTS) as connection:
            known = await positions.load(connection, self._topics, topic_ids)
        return positions.behind(known, ends, self._topics)

    async def drop_old(self, of: Generation) -> None:
        """Delete the groups of the generations before, those that nobody is left in. If the broker won't have it, that
        is told once."""
        try:
            async with offsets(self._settings) as broker:
                known = await broker.groups()
                old = [name for name in known for group in self._topics if _is_old(name, group, of)]
                refused = [kind for kind in (await broker.delete_groups(old)).values() if kind is not None]
        except KafkaError as error:
            refused = [type(error)]
        for kind in refused:
            if kind.__name__ != self._told:
                self._told = kind.__name__
                structlog.get_logger().warning("old groups stay", error=kind.__name__)


def _is_old(name: str, group: str, of: Generation) -> bool:
    return generation.is_of(group, name) and name != group_of(group, of)
