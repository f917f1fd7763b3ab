"""In the store if and only if in the log: looked at all the time, a little at a time.

Each turn compares the ends, the newest records of each partition one by one, and one more part of each, going from the
end to the beginning and then again: whatever is lost anywhere is found some day, and what is lost at the end at once.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import aclosing

import asyncpg
import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from schemas.envelope import Event
from services.kit import log_loss, metrics, own_log, published
from services.kit.log_loss import RUNBOOK, Ends
from services.kit.own_log import Owned
from services.kit.postgres import ALL_TENANTS, transaction
from services.kit.published import Fact
from services.kit.repeating import Repeating
from services.kit.settings import Settings
from services.kit.waiting import wait

PERIOD_S = 20.0
NEWEST, PART = 200, 1_000
ANSWER_WITHIN_S, LOOK_WITHIN_S, LOOK_AGAIN_S = 15.0, 60.0, 1.0


class LogWatch(Repeating):
    """Of one service. `trouble` says which side lacks how much."""

    check = "log"

    def __init__(self, settings: Settings, pool: asyncpg.Pool, owned: Mapping[type[Event], Owned]) -> None:
        super().__init__("log-watch", KafkaError)
        self._settings, self._pool, self._owned = settings, pool, owned
        self._topics = published.topics_of(settings.service)
        self._kept_whole = {topic.name for topic in self._topics if topic.cleanup_policy == "delete"}
        self._parts: dict[TopicPartition, int] = {}
        self._holes: set[Fact] = set()
        self._trouble: str | None = None

    def trouble(self) -> str | None:
        """Why the two do not agree, if they don't."""
        return self._trouble

    async def turn(self) -> float:
        """Compare a little more."""
        if self._topics:
            ends = await self._load_ends()
            if ends.made_anew or ends.beyond():  # a broker that has just started tells of its topics by and by
                await wait(self._stopping, LOOK_AGAIN_S)
                ends = await self._load_ends()
            async with asyncio.timeout(LOOK_WITHIN_S):
                unknown = await self._look(ends)
            self._tell(await self._count_lacking(ends), unknown)
        self.faults.forget()
        return PERIOD_S

    async def _load_ends(self) -> Ends:
        async with asyncio.timeout(ANSWER_WITHIN_S), transaction(self._pool, ALL_TENANTS) as connection:
            return await log_loss.load_ends(self._settings, connection)

    async def _look(self, ends: Ends) -> Counter[str]:
        """One by one: the newest records and the next part of the older ones. How many strays there are among them
        that nobody has acknowledged, by topic."""
        unknown: Counter[str] = Counter()
        whole = {place: end for place, end in ends.ends.items() if place.topic in self._kept_whole - ends.made_anew}
        for wanted in (
            {place: range(max(0, end - NEWEST), end) for place, end in whole.items()},
            {place: self._next_part(place, end - NEWEST) for place, end in whole.items()},
        ):
            async with aclosing(log_loss.compare(self._settings, self._pool, wanted)) as parts:
                async for part in parts:
                    self._miss(part.holes)
                    unheld = [record for _, record in part.unheld]
                    for stray in await own_log.never_said(
                        self._settings, self._pool, self._owned, unheld, ends.topic_ids
                    ):
                        unknown[stray.record.topic] += 1
        self._holes = await self._still(list(self._holes))
        return unknown

    def _miss(self, holes: Sequence[Fact]) -> None:
        """Until there are as many as are counted."""
        self._holes.update(holes[: max(0, published.COUNTED - len(self._holes))])

    async def _still(self, holes: Sequence[Fact]) -> set[Fact]:
        still = set[Fact]()
        for part in published.in_slices(holes):
            async with transaction(self._pool, ALL_TENANTS) as connection:
                still |= await published.load_still(connection, part)
        return still

    def _next_part(self, place: TopicPartition, end: int) -> range:
        stop = max(0, min(self._parts.get(place) or end, end))
        self._parts[place] = max(0, stop - PART)
        return range(self._parts[place], stop)

    async def _count_lacking(self, ends: Ends) -> Counter[str]:
        """What the log lacks, by topic and counted so far only."""
        beyond = {place: span for place, span in ends.beyond().items() if place.topic not in ends.made_anew}
        within = (fact for fact in self._holes if fact.place.topic not in ends.made_anew)
        lacking = Counter(fact.place.topic for fact in within if fact.offset not in beyond.get(fact.place, ()))
        async with transaction(self._pool, ALL_TENANTS) as connection:
            for name in ends.made_anew:
                lacking[name] += await published.count_of(connection, name)
            for place, span in beyond.items():
                lacking[place.topic] += await published.count_from(connection, place, span.start, span.stop - 1)
        return lacking

    def _tell(self, lacking: Mapping[str, int], unknown: Mapping[str, int]) -> None:
        for topic in self._topics:
            metrics.LOG_LACKS.labels(topic.name).set(lacking.get(topic.name, 0))
            metrics.STORE_LACKS.labels(topic.name).set(unknown.get(topic.name, 0))
        before, self._trouble = self._trouble, _trouble(lacking, sum(unknown.values()))
        if self._trouble is not None and self._trouble != before:
            for topic_name, count in lacking.items():
                structlog.get_logger().error("the log lacks what was said in it", topic=topic_name, count=count)
            for topic_name, count in unknown.items():
                structlog.get_logger().error("the log holds what was never said", topic=topic_name, count=count)


def _trouble(lacking: Mapping[str, int], unknown: int) -> str | None:
    count, is_more = sum(lacking.values()), any(one >= published.COUNTED for one in lacking.values())
    sides = [
        *(
            [f"the log lacks {'at least ' if is_more else ''}{count} facts that this service has said in it"]
            if count
            else ()
        ),
        *([f"the log holds {unknown} facts in its name that it never made"] if unknown else ()),
    ]
    return f"{'; '.join(sides)}: see {RUNBOOK}" if sides else None
