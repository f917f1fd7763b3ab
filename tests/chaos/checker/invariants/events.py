"""3 and 4. An event is one thing, wherever it stands again; and the log's order is the order of the versions."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from tests.chaos.checker.catalog import KIND
from tests.chaos.checker.divergence import Divergence
from tests.chaos.checker.evidence import Evidence
from tests.chaos.checker.invariants.comparing import saying
from tests.chaos.checker.log import Fact

MEMBER_KEYS = (("member_token",), ("retired_token",))
CLOCK_STEP_MS = 60_000


def events_are_one_thing(evidence: Evidence) -> Iterator[Divergence]:
    """An event id stands again only with the same bytes under the same key, as after a relay's crash."""
    say = saying(3, "events_are_one_thing")
    first: dict[str, Fact] = {}
    for fact in evidence.log.facts:
        known = first.setdefault(fact.event_id, fact)
        if known.record.content != fact.record.content:
            yield say(str(fact.record), f"the bytes of {known.record}, as it has its event id", "others")
    for record in evidence.log.unusable:
        yield say(str(record), "an event", "a record that nobody planted and nobody can use")


def versions_are_in_order(evidence: Evidence) -> Iterator[Divergence]:
    """Under one key the versions of a thing follow each other; a key keeps to its partition, and no version is skipped
    or comes twice with different ids."""
    say = saying(4, "versions_are_in_order")
    known: dict[tuple[str, ...], Fact] = {}
    versions: defaultdict[tuple[str, ...], set[int]] = defaultdict(set)
    partitions: dict[tuple[str, bytes | None], int] = {}
    for fact in evidence.facts:
        record = fact.record
        if partitions.setdefault((record.topic, record.key), record.partition) != record.partition:
            yield say(str(record), f"partition {partitions[record.topic, record.key]} of its key", "another")
        if KIND[fact.type].version != "version":
            continue
        entity = (fact.type, *fact.entity)
        if fact.version in versions[entity]:
            yield say(f"{record} ({'/'.join(fact.entity)})", f"version {fact.version} once", "again")
        versions[entity].add(fact.version)
        before = known.get((*entity, str(record.key)))
        if before is not None and fact.version <= before.version:
            yield say(f"{record} ({'/'.join(fact.entity)})", f"a version above {before.version}", f"{fact.version}")
        known[*entity, str(record.key)] = fact
    for entity, seen in versions.items():
        if seen != set(range(1, max(seen) + 1)):
            missing = sorted(set(range(1, max(seen))) - seen)
            yield say(f"{entity[0]} {'/'.join(entity[1:])}", f"versions 1 to {max(seen)}", f"without {missing}")


def the_last_word_stands_last(evidence: Evidence) -> Iterator[Divergence]:
    """What is sent again comes in its order to its end: behind the newest word about a thing stands no older one, said
    before or not. Else who reads a compacted topic would hear the older one alone."""
    say = saying(4, "the_last_word_stands_last")
    newest: dict[tuple[str, ...], Fact] = {}
    last: dict[tuple[str, ...], Fact] = {}
    for fact in evidence.log.facts:
        if KIND[fact.type].version is None:
            continue
        entity = (fact.type, str(fact.record.key), *fact.entity)
        last[entity] = fact
        if entity not in newest or _said(fact) >= _said(newest[entity]):
            newest[entity] = fact
    for entity, fact in newest.items():
        if _said(last[entity]) < _said(fact):
            yield say(f"{last[entity].record} ({'/'.join(entity[2:])})", f"{fact.record} last", "an older word")


def _said(fact: Fact) -> tuple[Any, str]:
    """Weeks and days may be told of twice."""
    counts = KIND[fact.type].version == "version"
    return fact.version, "" if counts else str(fact.body["occurred_at"])


def news_of_a_member_is_in_order(evidence: Evidence) -> Iterator[Divergence]:
    """What is told of a member stands in the log in the order in which it was made: whoever makes an event holds the
    member's lock, and ids bear the millisecond of their making. A step of the clock, which is far, is no disorder."""
    say = saying(4, "news_of_a_member_is_in_order")
    newest: dict[tuple[str, bytes | None], Fact] = {}
    for fact in evidence.facts:
        if KIND[fact.type].key not in MEMBER_KEYS:
            continue
        known = newest.setdefault((fact.record.topic, fact.record.key), fact)
        late_ms = _made_ms(known) - _made_ms(fact)
        if 0 < late_ms < CLOCK_STEP_MS:
            yield say(f"{fact.record}", f"before {known.record}, as it was made before", f"{late_ms} ms too late")
        newest[fact.record.topic, fact.record.key] = fact


def _made_ms(fact: Fact) -> int:
    """The first 48 bits of a UUIDv7."""
    return UUID(fact.event_id).int >> 80
