"""1. A row of which it is doubtful whom it means waits until a person has decided, and is decided once."""

from collections.abc import Iterable, Iterator

from tests.chaos.checker.divergence import Divergence
from tests.chaos.checker.evidence import Evidence
from tests.chaos.checker.invariants.comparing import Table, compare, saying
from tests.chaos.checker.model.doubts import WAITING
from tests.chaos.checker.model.member import Person


def doubtful_rows_are_as_decided(evidence: Evidence) -> Iterator[Divergence]:
    """Each such row with whom it may mean, what was decided of it and whom it was found to mean; what it held is kept
    while it waits, and no longer."""
    say = saying(1, "doubtful_rows_are_as_decided")
    file_ids = {number: row["file_id"] for number, (_, row) in enumerate(evidence.taken, 1)}
    may_be: dict[str, set[str]] = {}
    for row in evidence.table("eligibility", "doubtful_token"):
        may_be.setdefault(row["doubtful_id"], set()).add(row["member_token"])
    expected: Table = {
        (str(file_ids[one.told.file_no]), str(one.told.row.row)): {
            "tenant_id": one.told.part.plan, "code": one.code, "state": one.state,
            "member_token": _token(evidence, one.meant),
            "may_be": {_token(evidence, person) for person in one.may_be}, "is_kept": one.state == WAITING,
        }
        for one in evidence.files.people.doubts.rows
    }  # fmt: skip
    survivor = {
        row["member_token"]: row["merged_into"] or row["member_token"]
        for row in evidence.table("eligibility", "person")
    }
    found: Table = {
        (str(row["file_id"]), str(row["row"])): {
            **row, "may_be": may_be.get(row["doubtful_id"], set()), "is_kept": row["document"] is not None,
            "member_token": survivor.get(row["member_token"], row["member_token"]),
        }
        for row in evidence.table("eligibility", "doubtful_row")
    }  # fmt: skip
    yield from compare(say, "doubtful row of file", expected, found, " row ".join)


def who_was_told_apart_is_two(evidence: Evidence) -> Iterator[Divergence]:
    """Whom a person told apart are two, until the decision is withdrawn; nobody else is kept apart."""
    say = saying(1, "who_was_told_apart_is_two")
    pairs = [(one.last, other.last) for one, other, _ in evidence.files.people.doubts.apart]
    expected = {frozenset((_token(evidence, one), _token(evidence, other))) for one, other in pairs if one is not other}
    found = {frozenset((row["member_token"], row["other"])) for row in evidence.table("eligibility", "person_apart")}
    for pair in sorted(map(_both, expected - found)):
        yield say(pair, "told apart", "not")
    for pair in sorted(map(_both, found - expected)):
        yield say(pair, "never told apart", "told apart")


def who_may_be_one_waits(evidence: Evidence) -> Iterator[Divergence]:
    """Two plans' members who agreed exactly at some time wait for a person, each pair once, and nobody else does."""
    say = saying(1, "who_may_be_one_waits")
    pairs = [(one.last, other.last) for one, other in evidence.files.people.alike]
    expected: Table = {
        (_both((_token(evidence, one), _token(evidence, other))),): {"state": "waiting"}
        for one, other in pairs if one is not other
    }  # fmt: skip
    found: Table = {
        (_both((row["member_token"], row["other"])),): row for row in evidence.table("eligibility", "possibly_one")
    }
    yield from compare(say, "pair of", expected, found)


def _both(pair: Iterable[str | None]) -> str:
    return f"persons {' and '.join(sorted(map(str, pair)))}"


def _token(evidence: Evidence, person: Person | None) -> str | None:
    return evidence.token_of.get(person.last, "?") if person is not None else None
