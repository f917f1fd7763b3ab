"""The state of every outreach case, decided anew from the log and the attempts, by the policy as it is written."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.chaos.checker.log import Body
from tests.chaos.checker.tables import Row, instant

POLICY = Path(__file__).parents[4] / "services" / "outreach" / "policy.yaml"
STANDING = {
    "initial-refusal": "refusal", "already-vaccinated": "self-report", "callback-scheduled": "callback",
    "booked": "booked",
}  # fmt: skip
DEAD_NUMBERS = frozenset({"fax", "disconnected", "wrong-number"})
RESTLESS = DEAD_NUMBERS | {"language-barrier", "callback-scheduled"}


@cache
def policy() -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load(POLICY.read_text("utf-8"))
    return found


@dataclass(slots=True)
class Known:
    """What is known when a case is decided; attempts in the order in which they were made."""

    fact: Body
    today: date
    is_retired: bool
    vaccine_group: str | None
    is_target: bool
    doses: Sequence[Body]
    appointments: Sequence[Body]
    attempts: Sequence[Row]
    _days: list[date] = field(default_factory=list)

    def lasts(self, day: date) -> bool:
        """Whether that is yet to come; if so the case must be looked at on that day."""
        if day > self.today:
            self._days.append(day)
        return day > self.today

    @property
    def review_on(self) -> date | None:
        return min(self._days, default=None)

    @property
    def own(self) -> list[Row]:
        mine = self.fact["enrolment_id"], self.fact["programme_id"]
        return [one for one in self.attempts if (one["enrolment_id"], one["programme_id"]) == mine]


def decide(known: Known) -> dict[str, Any]:
    """The columns of the case that are decided."""
    fact, own, rank = known.fact, known.own, policy()["rank"]
    closed = next(_closing(known), None)
    paused_on = None if closed else _paused_until(known)
    held = None if closed else max(_holding(known), key=lambda one: one[1], default=None)
    callback = own[-1] if own and own[-1]["disposition"] == "callback-scheduled" and not closed else None
    needed = _language(known)
    return {
        "tenant_id": fact["tenant_id"], "member_token": fact["member_token"],
        "status": "closed" if closed else "paused" if paused_on else "open", "closed_reason": closed,
        "paused_until_on": _text(paused_on), "held_by": held[0] if held else None,
        "held_until_on": _text(held[1]) if held else None, "review_on": _text(known.review_on),
        "priority": 0 if closed else fact["priority"],
        "zip_bonus": rank["target_zip"] if known.is_target and not closed else 0,
        "noshow_bonus": rank["no_show"] if _missed_last(known) and not closed else 0, "attempts": len(own),
        "attempt_penalty": rank["attempt"] * len(own), "zip5": fact.get("zip5"),
        "language": needed or fact.get("language"), "needs_language": needed is not None,
        "callback_at": callback["callback_at"] if callback else None,
        "callback_worker": callback["worker_id"] if callback else None,
        "next_channel": next(iter(_usable(known.attempts)), None),
    }  # fmt: skip


def offers_outreach(fact: Body) -> bool:
    """Whether a fact opens a case."""
    eligible = fact["status"] == "eligible" and fact["enrolled"]
    return bool(eligible and not (fact["vaccinated"] or fact["contact_protected"] or fact.get("merged_into")))


def _text(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _closing(known: Known) -> Iterator[str]:
    fact, attempts = known.fact, known.attempts
    said = [policy()["closes_as"][code] for code in fact["reasons"] if code in policy()["closes_as"]]
    if known.is_retired or fact.get("merged_into"):
        yield "merged"
    if "deceased" in said or _anybody(attempts, "deceased"):
        yield "deceased"
    if fact["vaccinated"] or _has_unweighed_dose(known):
        yield "vaccinated"
    if not (fact["enrolled"] and fact["status"] == "eligible"):
        yield from said
    if not fact["enrolled"]:
        yield "disenrolled"
    if fact["status"] != "eligible" or fact["contact_protected"]:
        yield "ineligible"
    here = f"{fact.get('zip5') or ''}/{fact.get('tract') or ''}"
    if next((one["place"] for one in reversed(attempts) if one["disposition"] == "moved"), None) == here:
        yield "moved"
    if _anybody(attempts, "do-not-call"):
        yield "opted-out"
    if not _usable(attempts):
        yield "unreachable"


def _anybody(attempts: Iterable[Row], disposition: str) -> bool:
    return any(one["disposition"] == disposition for one in attempts)


def _given_on(known: Known) -> set[date]:
    """Days of live doses, and of those that a site gave and eligibility has yet to say."""
    said = {one.get("appointment_id") for one in known.doses}
    told = {
        one["dose"]["administered_on"] for one in known.appointments
        if one["status"] == "fulfilled" and one.get("dose") and one["appointment_id"] not in said
    }  # fmt: skip
    told |= {
        one["administered_on"] for one in known.doses
        if one["action"] != "retract" and one["vaccine_group"] == known.vaccine_group
    }  # fmt: skip
    return {date.fromisoformat(day) for day in told}


def _has_unweighed_dose(known: Known) -> bool:
    given = _given_on(known)
    if len(given) <= known.fact["doses_valid"]:
        return False
    return known.lasts(max(given) + timedelta(days=policy()["recent_dose_days"]))


def _paused_until(known: Known) -> date | None:
    days = [day + timedelta(days=policy()["recent_dose_days"]) for day in _given_on(known)]
    standing = _standing(known)
    if standing is not None:
        pauses = {"refusal": policy()["refusal_pause_days"], "self-report": policy()["self_report_pause_days"]}
        days.append(_day(standing[1]["counted_on"]) + timedelta(days=pauses.get(standing[0], 0)))
    last = max((day for day in days if day > known.today), default=None)
    if last is not None:
        known.lasts(last)
    return last


def _standing(known: Known) -> tuple[str, Row] | None:
    """What the last attempt that left something standing left."""
    left = ((STANDING[one["disposition"]], one) for one in reversed(known.own) if one["disposition"] in STANDING)
    return next(left, None)


def _holding(known: Known) -> Iterator[tuple[str, date]]:
    one_day = timedelta(days=1)
    for one in known.appointments:
        ends_on = _day(one["start_on"]) + one_day
        if one["status"] == "booked" and known.lasts(ends_on):
            yield "booked", ends_on
    word_on = _booked_by_word_until(known)
    if word_on is not None and known.lasts(word_on):
        yield "booked", word_on
    own = known.own
    if own and own[-1]["disposition"] == "callback-scheduled":
        callback_on = _day(own[-1]["callback_on"])
        if known.lasts(callback_on):
            yield "callback", callback_on
        return
    window_on = _window_ends_on(known.attempts)
    if window_on is not None and known.lasts(window_on):
        yield "attempts", window_on
    rests = [_day(one["counted_on"]) for one in own if one["disposition"] not in RESTLESS]
    rested_on = max(rests) + timedelta(days=policy()["rest_days"]) if rests else known.today
    if known.lasts(rested_on):
        yield "resting", rested_on


def _booked_by_word_until(known: Known) -> date | None:
    standing = _standing(known)
    if standing is None or standing[0] != "booked":
        return None
    said_on = _day(standing[1]["counted_on"])
    if any(_day(one["changed_on"]) >= said_on for one in known.appointments):
        return None
    return said_on + timedelta(days=policy()["booking_grace_days"])


def _window_ends_on(attempts: Iterable[Row]) -> date | None:
    days = sorted((_day(one["counted_on"]) for one in attempts), reverse=True)
    full = policy()["attempts_per_window"]
    return None if len(days) < full else days[full - 1] + timedelta(days=policy()["window_days"])


def _missed_last(known: Known) -> bool:
    def when(one: Body) -> tuple[str, str]:
        return instant(one["start_at"]) or "", one["appointment_id"]

    last = max(known.appointments, key=when, default=None)
    return last is not None and last["status"] == "noshow"


def _language(known: Known) -> str | None:
    said = (one for one in reversed(known.attempts) if one["disposition"] == "language-barrier")
    return next((one["language"] or known.fact.get("language") or "und" for one in said), None)


def _usable(attempts: Sequence[Row]) -> list[str]:
    stopped = {channel for one in attempts for channel in one["stopped"]}
    last = {one["channel"]: one["disposition"] in DEAD_NUMBERS for one in attempts}
    return [one for one in policy()["channels"] if one not in stopped and not last.get(one)]


def _day(text: str) -> date:
    return date.fromisoformat(text)


def grouped(rows: Iterable[Any], *names: str) -> dict[tuple[str, ...], list[Any]]:
    """The rows by some of their fields."""
    found: defaultdict[tuple[str, ...], list[Any]] = defaultdict(list)
    for row in rows:
        found[tuple(str(row[name]) for name in names)].append(row)
    return found
