"""The gate beside a second, plainly written set of its rules, on random members, instants and histories."""

from collections import Counter
from datetime import timedelta
from random import Random

from services.outreach.gate.asked import Permitted, Reason, Refused
from services.outreach.gate.policy import GATE
from services.outreach.gate.rules import decide
from tests.unit.outreach.gate.oracle import may_contact
from tests.unit.outreach.gate.triples import Triple, a_triple, asked

TRIPLES, SCANNED = 12_000, 30
QUARTER = timedelta(minutes=15)


def some_triples(count: int, seed: int) -> list[Triple]:
    dice = Random(seed)
    return [a_triple(dice) for _ in range(count)]


def test_the_gate_and_the_oracle_agree() -> None:
    """On 12,000 seeded triples the gate permits exactly what the oracle allows, and the next instant that it names is
    allowed while the last moment before it is not."""
    found: Counter[Reason | None] = Counter()
    for triple in some_triples(TRIPLES, 16):
        decision = decide(*asked(triple), GATE, triple["now"])
        assert isinstance(decision, Permitted) == may_contact(triple, triple["now"]), (triple, decision)
        found[None if isinstance(decision, Permitted) else decision.reason] += 1
        if isinstance(decision, Refused) and (at := decision.next_permitted_at) is not None:
            assert at > triple["now"]
            assert may_contact(triple, at), (triple, decision)
            assert not may_contact(triple, at - timedelta(microseconds=1)), (triple, decision)
    assert set(found) == {None, *Reason}
    assert found[None] > TRIPLES / 10


def test_nothing_is_permitted_before_the_next_instant() -> None:
    """From now until the next permitted instant no quarter of an hour is allowed; where there is none, none of five
    days."""
    for triple in some_triples(SCANNED, 17):
        decision = decide(*asked(triple), GATE, triple["now"])
        if isinstance(decision, Permitted):
            continue
        end = decision.next_permitted_at or triple["now"] + timedelta(days=5)
        at = triple["now"].replace(minute=0, second=0, microsecond=0)
        while (at := at + QUARTER) < end:
            assert at <= triple["now"] or not may_contact(triple, at), (triple, decision, at)
