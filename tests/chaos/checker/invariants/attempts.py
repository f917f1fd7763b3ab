"""3 and 6. An attempt was logged for each request that was answered so, and it is told once."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.chaos.checker.catalog import ATTEMPT
from tests.chaos.checker.divergence import Divergence
from tests.chaos.checker.evidence import Effect, Evidence
from tests.chaos.checker.invariants.comparing import Table, compare, saying
from tests.chaos.checker.log import of_type
from tests.chaos.checker.tables import instant

ASKED = ("channel", "disposition", "refusal_domain", "language")
LISTED = ("given", "topics", "barriers")


def attempts_are_as_asked(evidence: Evidence) -> Iterator[Divergence]:
    """The attempts on record are the acknowledged requests', with what they asked for; of a request of unknown outcome
    either all or nothing is there."""
    say = saying(3, "attempts_are_as_asked")
    effects = [one for one in evidence.effects if one.service == "outreach" and one.path.endswith("/attempts")]
    lines = {one.answer["attempt_id"]: one.line for one in effects}
    expected: Table = {(one.answer["attempt_id"],): _asked(one) for one in effects}
    found: Table = {(row["attempt_id"],): row for row in evidence.table("outreach", "attempt")}
    yield from compare(say, "attempt", expected, found, lambda key: f"{key[0]} ({lines.get(key[0], 'no request')})")


def _asked(effect: Effect) -> dict[str, Any]:
    body = effect.request.first.body or {}
    asked = {name: body.get(name) for name in ASKED} | {name: sorted(set(body.get(name, ()))) for name in LISTED}
    times = {name: instant(body[name]) for name in ("attempted_at", "callback_at") if body.get(name)}
    return {"case_id": effect.path.split("/")[2], **asked, **times}


def nothing_goes_out_twice(evidence: Evidence) -> Iterator[Divergence]:
    """Of each attempt one event: whoever acts on it acts once."""
    say = saying(6, "nothing_goes_out_twice")
    times = Counter(fact.entity for fact in of_type(evidence.facts, ATTEMPT))
    for (attempt_id,), count in times.items():
        if count > 1:
            yield say(f"attempt {attempt_id}", "one event", f"{count}")
