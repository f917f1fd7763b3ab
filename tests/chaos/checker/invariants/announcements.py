"""3. What the State and operators asked for was announced: days that were opened, blocks, and lists of target ZIPs."""

from collections.abc import Iterator

from tests.chaos.checker.catalog import DAY, LISTED
from tests.chaos.checker.divergence import Divergence
from tests.chaos.checker.evidence import Evidence
from tests.chaos.checker.invariants.comparing import saying
from tests.chaos.checker.log import latest, of_type

NAMES = ("rank", "members", "unvaccinated")


def days_are_as_opened(evidence: Evidence) -> Iterator[Divergence]:
    """Each day that was opened is announced once, in the order of the calendar; the first one opened by itself."""
    say = saying(3, "days_are_as_opened")
    told = [fact.body["business_on"] for fact in of_type(evidence.facts, DAY)]
    if told != sorted(set(told)):
        yield say("business days", "each later than the one before", "another order")
    asked = {one.answer["business_on"] for one in evidence.effects if one.path == "/business-days"}
    for day in sorted(asked - set(told)):
        yield say(f"business day {day}", "an event", "none")
    for day in sorted(set(told[1:]) - asked):
        yield say(f"business day {day}", "a request", "none")


def listings_are_as_answered(evidence: Evidence) -> Iterator[Divergence]:
    """The last list of a programme's target ZIPs is announced as it was answered."""
    say = saying(3, "listings_are_as_answered")
    effects = [one for one in evidence.effects if one.path == "/target-zips"]
    last = {(one.request.first.body or {})["programme_id"]: one for one in effects}
    newest = {fact.entity: fact.body for fact in latest(evidence.facts, LISTED).values()}
    for programme_id, effect in last.items():
        expected = {one["zip5"]: tuple(one[name] for name in NAMES) for one in effect.answer["listed"]}
        found = {
            body["zip5"]: tuple(body.get(name) for name in NAMES)
            for (programme, _), body in newest.items() if programme == programme_id and body["listed"]
        }  # fmt: skip
        if expected != found:
            yield say(f"{effect.line}", f"the {len(expected)} ZIPs of the answer", f"{len(found)}, or others")
