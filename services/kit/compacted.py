"""A compacted topic keeps the newest fact of each key: that it holds no older one is no loss."""

from collections.abc import AsyncIterator, Sequence

from services.kit import outbox, published
from services.kit.log_loss import Ends
from services.kit.postgres import Connection
from services.kit.published import Fact


async def without_forgotten(connection: Connection, topic: str, lost: Sequence[Fact], ends: Ends) -> list[Fact]:
    """These facts without those that the topic, which is compacted, may have forgotten. It must hold the newest of each
    key, unless a newer one waits in the outbox, and whatever it lost by ending too soon or being made anew: as long as
    that is held to stand there nothing newer is said."""
    doubtful = [fact for fact in lost if fact.place.topic == topic and not _must_stand(fact, ends)]
    if not doubtful:
        return list(lost)
    newest: dict[str, int] = {}
    async for key, number in _numbers(connection, topic, doubtful, ends):
        newest[key] = max(number, newest.get(key, number))
    forgotten = {fact.id for fact in doubtful} - set(newest.values())
    return [fact for fact in lost if fact.id not in forgotten]


def _must_stand(fact: Fact, ends: Ends) -> bool:
    return fact.place.topic in ends.made_anew or fact.offset >= ends.ends.get(fact.place, fact.offset + 1)


async def _numbers(
    connection: Connection, topic: str, doubtful: Sequence[Fact], ends: Ends
) -> AsyncIterator[tuple[str, int]]:
    """Keys with the numbers of their facts: of the doubtful ones, of what is to stand somewhere, of what waits."""
    for part in published.in_slices(doubtful):
        for pair in await published.load_numbers(connection, part):
            yield pair
    for place, last in ends.lasts.items():
        for span in published.slices_of(range(last + 1 if place.topic == topic else 0)):
            for pair in await published.load_newest_at(connection, place, span):
                yield pair
    after = 0
    while waiting := await outbox.load_keys(connection, after, published.SLICE):
        for row in waiting:
            if row["aggregatetype"] == topic:
                yield row["aggregateid"], row["id"]
        after = waiting[-1]["id"]
