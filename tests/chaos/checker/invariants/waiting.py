"""11. When all is quiet nothing waits but what waits behind a dead letter of its key."""

from collections.abc import Iterator

from tests.chaos.checker.catalog import SERVICES
from tests.chaos.checker.divergence import Divergence
from tests.chaos.checker.evidence import Evidence
from tests.chaos.checker.invariants.comparing import saying


def nothing_waits(evidence: Evidence) -> Iterator[Divergence]:
    """No event unpublished, no answer due, no record unread, no key parked for nothing."""
    say = saying(11, "nothing_waits")
    for service in SERVICES:
        if rows := len(evidence.table(service, "outbox")):
            yield say(f"{service}.outbox", "no rows", f"{rows}")
        letters = evidence.table(service, "dead_letter")
        waiting = {(row["consumer"], row["topic"], row["key"]) for row in letters if row["state"] in {"dead", "parked"}}
        parked = {(row["consumer"], row["topic"], row["key"]) for row in evidence.table(service, "parked_key")}
        for consumer, _, _ in sorted(parked - waiting):
            yield say(f"{service}.parked_key of {consumer}", "a dead letter of the key", "none")
        for consumer, _, _ in sorted(one for one in waiting - parked if one[2] is not None):
            yield say(f"{service}.parked_key of {consumer}", "the key of a dead letter", "none")
    due = [
        row for row in evidence.table("eligibility", "decision") if (row["recheck_on"] or "9") <= str(evidence.today)
    ]
    if due:
        yield say("eligibility.decision", "no answer due", f"{len(due)}")
    for group, records in sorted(evidence.behind.items()):
        if records:
            yield say(group, "nothing unread", f"{records} records")
