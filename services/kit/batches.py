"""One batch, one transaction: parked keys set aside, duplicates dropped, rejects kept, effects and news saved."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, field, replace

from services.kit import dead_letters, generation, inbox, positions, trace
from services.kit.contract import Delivery, Reject
from services.kit.dead_letters import KnownRecords
from services.kit.floods import without_skipped
from services.kit.generation import Generation
from services.kit.postgres import Pool
from services.kit.unit_of_work import Handler, working


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a batch's records."""

    fresh: int = 0
    duplicates: int = 0
    rejected: int = 0
    parked: int = 0
    reasons: tuple[str, ...] = field(default=(), compare=False)
    """The code of each that was rejected."""

    @classmethod
    def of_all(cls, outcomes: Sequence["Outcome"]) -> "Outcome":
        """The sum of what became of some batches."""
        counts = (outcome[:4] for outcome in map(astuple, outcomes))
        reasons = tuple(reason for outcome in outcomes for reason in outcome.reasons)
        return replace(cls(*(sum(column) for column in zip(*counts, strict=True))), reasons=reasons)


async def apply_batch(
    pool: Pool,
    consumer: str,
    decoded: Sequence[Delivery | Reject],
    handler: Handler,
    of_generation: Generation | None = None,
) -> Outcome:
    """Apply a batch of one topic's records exactly once for `consumer`, and commit. Raises what the handler raises,
    and then nothing has happened."""
    async with working(pool) as work:
        connection = work.connection
        if of_generation is not None:
            await generation.hold(connection, of_generation)
        if not decoded:
            return Outcome()
        read = positions.spans(result.record for result in decoded)
        await positions.save(connection, consumer, read, decoded[0].record.topic_id)
        held = await dead_letters.load_held(connection, consumer, [result.record for result in decoded])
        left = _without_ended(without_skipped(decoded, held.skips), held)
        usable, rejects, parked = _sort(left, held.keys)
        await dead_letters.save_rejects(connection, consumer, rejects)
        await dead_letters.save_parked(connection, consumer, parked)
        fresh = await inbox.drop_duplicates(connection, consumer, usable)
        if fresh:
            traces = trace.of_records(delivery.record for delivery in fresh)
            await handler(work.under(traces), [delivery.event for delivery in fresh])
    reasons = tuple(reject.reason for reject in rejects)
    return Outcome(len(fresh), len(usable) - len(fresh), len(rejects), len(parked), reasons)


def _without_ended(decoded: Sequence[Delivery | Reject], held: KnownRecords) -> Sequence[Delivery | Reject]:
    """What was discarded stays discarded when it is delivered again, also if it could be read by now; a reject that was
    replayed holds up nothing."""
    states = [held.end_of(result.record) for result in decoded]
    return [
        result
        for result, state in zip(decoded, states, strict=True)
        if state is None or (state == "replayed" and isinstance(result, Delivery))
    ]


def _sort(
    decoded: Sequence[Delivery | Reject], waiting: set[bytes]
) -> tuple[list[Delivery], list[Reject], list[Delivery | Reject]]:
    """Whatever comes after a reject of its key is parked behind it; a record without a key holds up nothing."""
    usable: list[Delivery] = []
    rejects: list[Reject] = []
    parked: list[Delivery | Reject] = []
    held = set(waiting)
    for result in decoded:
        key = result.record.key
        if key is not None and key in held:
            parked.append(result)
        elif isinstance(result, Reject):
            rejects.append(result)
            if key is not None:
                held.add(key)
        else:
            usable.append(result)
    return usable, rejects, parked
