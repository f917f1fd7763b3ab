"""9. A dead letter keeps the original bytes, the reason and the coordinates; what was planted is in one of each group
that reads the topic, and nothing else is."""

import base64
from collections import defaultdict
from collections.abc import Iterator

from tests.chaos.checker.catalog import GROUPS, SERVICES
from tests.chaos.checker.divergence import Divergence
from tests.chaos.checker.evidence import Evidence, place_of
from tests.chaos.checker.invariants.comparing import Say, saying
from tests.chaos.checker.ledger import FOUND_TOO
from tests.chaos.checker.log import Place, Record
from tests.chaos.checker.tables import Row

PARKED = "key-parked"


def dead_letters_are_the_poison(evidence: Evidence) -> Iterator[Divergence]:
    """Each letter with what stands at its place in the log."""
    say = saying(9, "dead_letters_are_the_poison")
    at = {record.place: record for record in evidence.records}
    letters: defaultdict[tuple[str, Place], list[Row]] = defaultdict(list)
    for service in SERVICES:
        for row in evidence.table(service, "dead_letter"):
            letters[row["consumer"], place_of(row)].append(row)
    wanted = _wanted(evidence)
    for group, place in sorted(wanted - letters.keys()):
        yield say(f"{group} {_named(place)}", "a dead letter", "none")
    for (group, place), rows in sorted(letters.items(), key=lambda one: one[0]):
        if len(rows) > 1:
            yield say(f"{group} {_named(place)}", "one dead letter", f"{len(rows)}")
        yield from _of_its_record(say, group, rows[0], at.get(place))
        if (group, place) not in wanted and not _is_behind(rows[0], letters, at):
            yield say(f"{group} {_named(place)}", "no dead letter", f"one: {rows[0]['reason']}")


def _wanted(evidence: Evidence) -> set[tuple[str, Place]]:
    """Group and place of what cannot be applied there."""
    wanted = {(group, place) for place, groups in evidence.planted.items() for group in groups}
    return wanted | {(group, one.place) for one in evidence.ledger.poison if one.kind == FOUND_TOO
                     for group in one.groups}  # fmt: skip


def _of_its_record(say: Say, group: str, row: Row, record: Record | None) -> Iterator[Divergence]:
    where = f"{group} {_named(place_of(row))}"
    if GROUPS.get(group) != row["topic"]:
        yield say(where, "a group that reads the topic", "another")
    if record is None:
        yield say(where, "a record at its place", "none")
        return
    headers = [[name, None if value is None else base64.b64encode(value).decode()] for name, value in record.headers]
    for name, kept, original in (
        ("key", row["key"], record.key), ("value", row["value"], record.value), ("headers", row["headers"], headers)
    ):  # fmt: skip
        if kept != original:
            yield say(where, f"the record's own {name}", "another")
    if not row["reason"]:
        yield say(where, "a reason", "none")


def _is_behind(row: Row, letters: dict[tuple[str, Place], list[Row]], at: dict[Place, Record]) -> bool:
    """Whether it only waits, or waited, behind a dead letter of its key."""
    if row["reason"] != PARKED or row["key"] is None:
        return False
    topic, partition, offset = place_of(row)
    others = (one for (group, _), rows in letters.items() if group == row["consumer"] for one in rows)
    return any(
        one["key"] == row["key"] and one["topic"] == topic and one["partition"] == partition
        and one["offset"] < offset and one["reason"] != PARKED
        for one in others
    )  # fmt: skip


def _named(place: Place) -> str:
    return f"{place[0]}/{place[1]}@{place[2]}"
