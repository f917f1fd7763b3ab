"""3 and 6. An attempt was logged, or taken back, for each request that was answered so, and it is told once."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from tests.chaos.checker.catalog import ATTEMPT, DECIDED, PROGRAMME, RETRACTED
from tests.chaos.checker.divergence import Divergence
from tests.chaos.checker.evidence import Effect, Evidence
from tests.chaos.checker.invariants.comparing import Say, Table, compare, saying
from tests.chaos.checker.log import latest, of_type
from tests.chaos.checker.model.cases import place, policy
from tests.chaos.checker.tables import instant

ASKED = ("channel", "disposition", "refusal_domain", "language")
ENROLMENTS = re.compile(r"/enrolments/[^/]+/contacts")
LISTED = ("given", "topics", "barriers")


def attempts_are_as_asked(evidence: Evidence) -> Iterator[Divergence]:
    """The attempts on record are the acknowledged requests', with what they asked for; of a request of unknown outcome
    either all or nothing is there."""
    say = saying(3, "attempts_are_as_asked")
    effects = [one for one in evidence.effects if one.service == "outreach" and _logs(one)]
    lines = {one.answer["attempt_id"]: one.line for one in effects}
    expected: Table = {(one.answer["attempt_id"],): _asked(one) for one in effects}
    found: Table = {(row["attempt_id"],): row for row in evidence.table("outreach", "attempt")}
    yield from compare(say, "attempt", expected, found, lambda key: f"{key[0]} ({lines.get(key[0], 'no request')})")
    yield from _derived(say, evidence)
    yield from _taken_back(say, evidence)


def _logs(effect: Effect) -> bool:
    """Of a case, or of an enrolment that may have none."""
    return effect.path.endswith("/attempts") or bool(ENROLMENTS.fullmatch(effect.path))


def _taken_back(say: Say, evidence: Evidence) -> Iterator[Divergence]:
    """The attempts that do not stand are those of the acknowledged requests; the first reason given holds."""
    reasons: dict[str, set[str]] = {}
    for one in evidence.effects:
        if one.service == "outreach" and one.path.endswith("/retract"):
            reasons.setdefault(one.path.split("/")[2], set()).add((one.request.first.body or {})["reason"])
    found = {row["attempt_id"]: row["reason"] for row in evidence.table("outreach", "attempt_retraction")}
    for attempt_id in sorted(reasons.keys() ^ found.keys()):
        yield say(f"attempt {attempt_id}", "taken back exactly where that was asked", "otherwise")
    for attempt_id in sorted(reasons.keys() & found.keys()):
        if found[attempt_id] not in reasons[attempt_id]:
            yield say(f"attempt {attempt_id}", "a reason that was given", "another")


def _derived(say: Say, evidence: Evidence) -> Iterator[Divergence]:
    """What follows from an attempt: its day in the programme's calendar, and the place that eligibility gave."""
    programmes = latest(evidence.facts, PROGRAMME)
    for row in evidence.table("outreach", "attempt"):
        programme = programmes.get((row["programme_id"],))
        zone = ZoneInfo(programme.body["time_zone"] if programme else "UTC")
        days = {name: _day(row[name], zone) for name in ("attempted_at", "callback_at")}
        if days != {"attempted_at": row["attempted_on"], "callback_at": row["callback_on"]}:
            yield say(f"attempt {row['attempt_id']}", "days of the programme's calendar", "others")
        if row["counted_on"] > row["attempted_on"]:
            yield say(f"attempt {row['attempt_id']}", "counted on its day, or an open one before", "a later one")
        facts = of_type(evidence.about[row["member_token"]], DECIDED)
        if row["place"] not in {place(one.body) for one in facts}:
            yield say(f"attempt {row['attempt_id']}", "a place that eligibility told", "another")


def _day(text: str | None, zone: ZoneInfo) -> str | None:
    return datetime.fromisoformat(text).astimezone(zone).date().isoformat() if text else None


def _asked(effect: Effect) -> dict[str, Any]:
    body = effect.request.first.body or {}
    stops = {*policy()["do_not_call_stops"], *body.get("stop_channels", ())}
    stopped = sorted(stops) if body["disposition"] == "do-not-call" else []
    more = {"direction": body.get("direction", "outbound"), "resumed": sorted(set(body.get("resume_channels", ())))}
    asked = more if effect.answer.get("is_waiting") else {"against": effect.answer.get("against"), **more}
    asked |= {name: body.get(name) for name in ASKED} | {name: sorted(set(body.get(name, ()))) for name in LISTED}
    times = {name: instant(body[name]) for name in ("attempted_at", "callback_at") if body.get(name)}
    whose = "enrolment_id" if ENROLMENTS.fullmatch(effect.path) else "case_id"
    return {whose: effect.path.split("/")[2], "stopped": stopped, **asked, **times}


def nothing_goes_out_twice(evidence: Evidence) -> Iterator[Divergence]:
    """Of each attempt one event: whoever acts on it acts once."""
    say = saying(6, "nothing_goes_out_twice")
    told = [(kind, fact.entity[0]) for kind in (ATTEMPT, RETRACTED) for fact in of_type(evidence.facts, kind)]
    for (_, attempt_id), count in Counter(told).items():
        if count > 1:
            yield say(f"attempt {attempt_id}", "one event", f"{count}")
