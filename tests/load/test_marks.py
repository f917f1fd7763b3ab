"""What high-water marks lose and the inbox does not: the reason why speed alone does not decide."""

import pytest

from schemas import catalog
from services.kit import inbox
from services.kit.contract import Decoder, Delivery, Record
from services.kit.postgres import ALL_TENANTS, transaction
from tests.load import facts, marks
from tests.servers import Database, OpenDatabase

pytestmark = pytest.mark.postgres


async def applied(database: Database, how: str, batches: list[list[Record]]) -> list[int]:
    """How many events of each batch are new."""
    drop = {"marks": marks.drop_duplicates, "inbox": inbox.drop_duplicates}[how]
    decoder, counts = Decoder(catalog.CASE), []
    for batch in batches:
        deliveries = [one for one in decoder.decode(batch) if isinstance(one, Delivery)]
        assert len(deliveries) == len(batch)
        async with transaction(database.pool, ALL_TENANTS) as connection:
            counts.append(len(await drop(connection, f"{how}.consumer", deliveries)))
    return counts


@pytest.fixture
async def reporting(database: OpenDatabase) -> Database:
    opened = await database("kit")
    await opened.owner.execute(marks.TABLE)
    return opened


@pytest.mark.parametrize("how", ["marks", "inbox"])
async def test_what_comes_again_is_dropped(reporting: Database, how: str) -> None:
    """A batch that is delivered twice counts once, by both."""
    batch = facts.numbered(facts.case_records(50))
    assert await applied(reporting, how, [batch, batch[25:]]) == [50, 0]


@pytest.mark.parametrize(("how", "late"), [("inbox", 1), ("marks", 0)])
async def test_what_was_published_late_is_lost_by_marks_alone(reporting: Database, how: str, late: int) -> None:
    """One send fails in the middle and is made up for after the next ones: the inbox knows that the event is new, a
    mark takes it for an old one."""
    batch = facts.numbered(facts.case_records(30))
    shard = facts.shard_number(batch[10])
    rest = [one for one in batch if one is not batch[10]]
    assert any(facts.shard_number(one) == shard for one in rest[10:])
    assert await applied(reporting, how, [rest, [batch[10]]]) == [29, late]


async def test_a_producer_with_an_older_epoch_stops_everything(reporting: Database) -> None:
    """A restored database numbers anew: that is a fault, and nobody guesses."""
    batch = facts.numbered(facts.case_records(4))
    newer = [facts.with_epoch(one, 2) for one in batch]
    await applied(reporting, "marks", [newer])
    with pytest.raises(marks.EpochError):
        await applied(reporting, "marks", [batch])
