"""10. A request that comes again with its key is answered as before and takes effect once."""

from collections.abc import Iterator

from tests.chaos.checker.catalog import SERVICES
from tests.chaos.checker.divergence import Divergence
from tests.chaos.checker.evidence import Evidence
from tests.chaos.checker.invariants.comparing import saying
from tests.chaos.checker.ledger import Request

WITHHELD = frozenset({"booking_code"})
"""What is kept with an answer and told to some roles alone."""


def answers_are_given_once(evidence: Evidence) -> Iterator[Divergence]:
    """Who asked twice was told the same twice, and the service still keeps what it told."""
    say = saying(10, "answers_are_given_once")
    kept = {
        (service, row["method_path"].partition(" ")[2], row["key"]): row
        for service in SERVICES for row in evidence.table(service, "idempotency_key")
    }  # fmt: skip
    for (service, path, key), request in evidence.ledger.requests().items():
        told = _told(request)
        for line in told[1:]:
            if line != told[0]:
                yield say(f"{service} ledger line {request.first.n}", "one answer", "two that differ")
        row = kept.get((service, path, key))
        if not request.is_done or request.first.key is None:
            continue
        if row is None:
            yield say(f"{service} ledger line {request.first.n}", "the answer kept under its key", "none")
        elif (row["status"], _as_told(row["response"]["body"], told[0][1])) != told[0]:
            yield say(f"{service} ledger line {request.first.n}", "the answer that was given", "another one kept")
    asked = {(service, key) for service, _, key in evidence.ledger.requests()}
    for service, path, key in sorted(kept):
        if (service, key) not in asked:
            yield say(f"{service} {path.split('/')[1]}", "answers to requests of the ledger", "one to nobody's request")


def _as_told(kept: object, told: object) -> object:
    """The kept answer, but for what whoever asked may not see."""
    if not isinstance(kept, dict) or not isinstance(told, dict):
        return kept
    return {name: value for name, value in kept.items() if name in told or name not in WITHHELD}


def _told(request: Request) -> list[tuple[int | None, object]]:
    """The successful answers."""
    return [(one.status, one.answer) for one in request.lines if one.status is not None and 200 <= one.status < 300]
