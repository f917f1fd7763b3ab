"""The state of every outreach case, decided anew from the log and the attempts, by the policy as it is written."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
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
REACHED = frozenset({
    "complete", "initial-refusal", "already-vaccinated", "callback-scheduled", "booked", "do-not-call",
})  # fmt: skip
VERSIONS = {"phone": "phone_version", "text": "phone_version", "email": "email_version"}
TO_CHECK = "death-reported"


@cache
def policy() -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load(POLICY.read_text("utf-8"))
    return found


@dataclass(slots=True)
class Known:
    """What is known when a case is decided; attempts that stand, in the order in which they were made. `said` is what
    the person said to any plan, or was said of him, in order; `noticed` are bookings of whose loss he has heard
    without a call, and how."""

    fact: Body
    today: date
    is_retired: bool
    vaccine_group: str | None
    is_target: bool
    doses: Sequence[Body]
    appointments: Sequence[Body]
    attempts: Sequence[Row]
    said: Sequence[Row] = ()
    noticed: Mapping[str, str] = field(default_factory=dict)
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
    def tries(self) -> list[Row]:
        """Contacts that the plan sought."""
        return [one for one in self.attempts if one["direction"] == "outbound"]

    @property
    def own(self) -> list[Row]:
        mine = self.fact["enrolment_id"], self.fact["programme_id"]
        return [one for one in self.attempts if (one["enrolment_id"], one["programme_id"]) == mine]


def decide(known: Known) -> dict[str, Any]:
    """The columns of the case that are decided."""
    fact, own, rank = known.fact, known.own, policy()["rank"]
    closed = next(_closing(known), None)
    paused_by, paused_on = (None, None) if closed else _pause(known)
    held = None if closed else max(_holding(known), key=lambda one: one[1], default=None)
    callback = _promise(own) if not closed else None
    flags = list(_flags_of_closed(known, closed) if closed else _flags(known, paused_by))
    lost = _to_be_told(known, flags, closed)
    needed = _language(known)
    tried = sum(one["direction"] == "outbound" for one in own)
    return {
        "tenant_id": fact["tenant_id"], "member_token": fact["member_token"],
        "status": "closed" if closed else "paused" if paused_by else "open", "closed_reason": closed,
        "paused_until_on": _text(paused_on), "paused_by": paused_by, "flags": " ".join(flags),
        "lost_bonus": rank["lost_appointment"] if "appointment-lost" in flags else 0,
        "lost_appointment_id": lost["appointment_id"] if lost else None,
        "lost_reason": lost.get("cancellation_reason") if lost else None,
        "lost_told": known.noticed.get(lost["appointment_id"]) if lost else None,
        "held_by": held[0] if held else None, "held_until_on": _text(held[1]) if held else None,
        "review_on": _text(known.review_on), "priority": 0 if closed else fact["priority"],
        "zip_bonus": rank["target_zip"] if known.is_target and not closed else 0,
        "noshow_bonus": rank["no_show"] if _missed_last(known) and not closed else 0, "attempts": tried,
        "attempt_penalty": rank["attempt"] * tried, "zip5": fact.get("zip5"),
        "language": needed or fact.get("language"), "needs_language": needed is not None,
        "callback_at": callback["callback_at"] if callback else None,
        "callback_worker": callback["worker_id"] if callback else None,
        "next_channel": next(iter(_usable(known)), None),
    }  # fmt: skip


def _promise(attempts: Sequence[Row]) -> Row | None:
    """The last promise to call, unless the call was made at its hour or the member was spoken with since."""
    found: Row | None = None
    for one in attempts:
        if one["disposition"] == "callback-scheduled":
            found = one
        elif one["disposition"] in REACHED or (found is not None and _is_made(one, found)):
            found = None
    return found


def _is_made(one: Row, promise: Row) -> bool:
    return datetime.fromisoformat(one["attempted_at"]) >= datetime.fromisoformat(promise["callback_at"])


def offers_outreach(fact: Body) -> bool:
    """Whether a fact opens a case."""
    eligible = fact["status"] == "eligible" and fact["enrolled"]
    return bool(eligible and not (fact["vaccinated"] or fact["contact_protected"] or fact.get("merged_into")))


def _text(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _closing(known: Known) -> Iterator[str]:
    fact = known.fact
    said = [policy()["closes_as"][code] for code in fact["reasons"] if code in policy()["closes_as"]]
    if known.is_retired or fact.get("merged_into"):
        yield "merged"
    if "deceased" in said:
        yield "deceased"
    if fact["vaccinated"] or _has_unweighed_dose(known):
        yield "vaccinated"
    if not (fact["enrolled"] and fact["status"] == "eligible"):
        yield from said
    if not fact["enrolled"]:
        yield "disenrolled"
    if (fact["status"] != "eligible" and list(fact["reasons"]) != [TO_CHECK]) or fact["contact_protected"]:
        yield "ineligible"
    left = (one["place"] for one in reversed(known.attempts) if one["disposition"] == "moved")
    if next(left, None) == place(fact):
        yield "moved"
    if set(policy()["do_not_call_stops"]) <= _stopped(known):
        yield "opted-out"
    if not _usable(known):
        yield "unreachable"


def place(fact: Body) -> str:
    """Where eligibility has the member; another address within the ZIP is another place."""
    here = f"{fact.get('zip5') or ''}/"
    return f"{here}/{fact['address_version']}" if fact.get("address_version") else here


def _given_on(known: Known) -> set[date]:
    """Days of live doses, and of those that a site gave and eligibility has yet to say."""
    said = {one.get("appointment_id") for one in known.doses}
    told = {
        one["dose"]["administered_on"] for one in known.appointments
        if one["status"] == "fulfilled" and one.get("dose") and one["appointment_id"] not in said
    }  # fmt: skip
    told |= {
        one["administered_on"] for one in known.doses
        if one["action"] != "retract" and not one.get("is_partial") and known.vaccine_group in groups_of(one)
    }  # fmt: skip
    return {date.fromisoformat(day) for day in told}


def groups_of(dose: Body) -> Sequence[str]:
    """A combination vaccine is of several."""
    return dose.get("vaccine_groups") or [dose["vaccine_group"]]


def _has_unweighed_dose(known: Known) -> bool:
    given = _given_on(known)
    if len(given) <= known.fact["doses_valid"]:
        return False
    return known.lasts(max(given) + timedelta(days=policy()["recent_dose_days"]))


def _pause(known: Known) -> tuple[str | None, date | None]:
    """Why nobody is to call, and until when; a report of death that is yet to be weighed has no end."""
    if _is_reported_dead(known):
        return TO_CHECK, None
    lost = _lost(known)
    if lost is not None and len(_since(known.tries, lost)) >= policy()["lost_attempts"]:
        lost = None
    keeps = [day for day in _given_on(known) if lost is None or lost.get("by_rule") or day > _day(lost["changed_on"])]
    ends = [(day + timedelta(days=policy()["recent_dose_days"]), "recent-dose") for day in keeps]
    mine = known.fact["programme_id"], known.vaccine_group
    same = [one for one in known.said if one["programme_id"] == mine[0] or (mine[1] and one["group"] == mine[1])]
    left = next((one for one in reversed(same) if one["stance"]), None)
    lost_at = None if lost is None else datetime.fromisoformat(lost["occurred_at"])
    is_said_since = left is not None and (lost_at is None or _at(left) > lost_at)
    if left is not None and is_said_since and left["stance"] in {"refusal", "self-report"}:
        days = policy()[f"{left['stance'].replace('-', '_')}_pause_days"]
        ends.append((_day(left["counted_on"]) + timedelta(days=days), left["stance"]))
    ends = [one for one in ends if one[0] > known.today]
    if not ends:
        return None, None
    until_on, by = max(ends)
    known.lasts(until_on)
    return by, until_on


def _is_reported_dead(known: Known) -> bool:
    weighed = instant(known.fact.get("death_reports_until"))
    reports = [one["told_at"] for one in known.said if one["reports_death"]]
    return TO_CHECK in known.fact["reasons"] or any(weighed is None or at > weighed for at in reports)


def _flags_of_closed(known: Known, closed: str) -> Iterator[str]:
    """Somebody who may not be called has lost a booking."""
    if _may_not_be_called(known, closed) and _lost(known) is not None:
        yield "appointment-lost-no-call"


def _may_not_be_called(known: Known, closed: str) -> bool:
    """Whether the case is closed for nothing else."""
    fact = known.fact
    is_out = fact["status"] != "eligible" and list(fact["reasons"]) != [TO_CHECK]
    is_barred = closed in {"opted-out", "unreachable"} or (closed == "ineligible" and not is_out)
    return is_barred and not _is_reported_dead(known)


def _flags(known: Known, paused_by: str | None) -> Iterator[str]:
    if _lost(known) is not None:
        yield "appointment-lost"
    if _missed_last(known):
        yield "appointment-missed"
    if any(one.get("outcome_overdue") and one["status"] == "booked" for one in known.appointments):
        yield "outcome-overdue"
    if paused_by == TO_CHECK:
        yield TO_CHECK


def _lost(known: Known) -> Body | None:
    """An appointment that somebody else than the member took away, and nobody has told him."""
    last = _taken_away(known)
    return None if last is None or last["appointment_id"] in known.noticed else last


def _taken_away(known: Known) -> Body | None:
    """The same, also if he has heard of it without a call."""
    last = max(_real(known), key=_when_told, default=None)
    if last is None or last["status"] != "cancelled" or not is_taken_away(last):
        return None
    return None if any(one["disposition"] in REACHED for one in _since(known.attempts, last)) else last


def _to_be_told(known: Known, flags: Collection[str], closed: str | None) -> Body | None:
    """What the case tells of a booking that is off: until the member has heard, or how he heard without a call."""
    if {"appointment-lost", "appointment-lost-no-call"} & set(flags):
        return _lost(known)
    last = _taken_away(known)
    if last is None or last["appointment_id"] not in known.noticed:
        return None
    return last if closed is None or _may_not_be_called(known, closed) else None


def is_taken_away(cancelled: Body) -> bool:
    """Whether it was not the member's own wish."""
    reason = cancelled.get("cancellation_reason") or ""
    return bool(cancelled.get("by_rule")) or any(reason.startswith(one) for one in policy()["clinic_reasons"])


def _since(attempts: Iterable[Row], appointment: Body) -> list[Row]:
    told_at = instant(appointment["occurred_at"]) or ""
    return [one for one in attempts if (instant(one["attempted_at"]) or "") > told_at]


def _holding(known: Known) -> Iterator[tuple[str, date]]:
    one_day = timedelta(days=1)
    for one in known.appointments:
        ends_on = _day(one["start_on"]) + one_day
        if one["status"] == "booked" and known.lasts(ends_on):
            yield "booked", ends_on
    word_on = _booked_by_word_until(known)
    if word_on is not None and known.lasts(word_on):
        yield "booked", word_on
    for promise in (_promise(known.own), _promise(known.attempts)):
        if promise is not None:
            callback_on = _day(promise["callback_on"])
            if known.lasts(callback_on):
                yield "callback", callback_on
    if _promise(known.own) is not None:
        return
    lost = _lost(known)
    told = [] if lost is None else _since(known.tries, lost)
    window_on = _window_ends_on(one for one in known.tries if not _is_to_replaced(known, one))
    is_lifted = lost is not None and len(told) < policy()["lost_attempts"]
    if window_on is not None and not is_lifted and known.lasts(window_on):
        yield "attempts", window_on
    wearing = known.attempts if lost is None else _since(known.attempts, lost)
    rests = [_day(one["counted_on"]) for one in wearing if one["disposition"] not in RESTLESS]
    rested_on = max(rests) + timedelta(days=policy()["rest_days"]) if rests else known.today
    if known.lasts(rested_on):
        yield "resting", rested_on


def _booked_by_word_until(known: Known) -> date | None:
    left = next((one for one in reversed(known.own) if one["disposition"] in STANDING), None)
    if left is None or left["disposition"] != "booked":
        return None
    said_on = _day(left["counted_on"])
    if any(_day(one["changed_on"]) >= said_on for one in known.appointments):
        return None
    return said_on + timedelta(days=policy()["booking_grace_days"])


def _is_to_replaced(known: Known, one: Row) -> bool:
    """Whether a try went to a wrong number or address that a roster has replaced since."""
    version = known.fact.get(VERSIONS.get(one["channel"], "address_version")) or 0
    return one["disposition"] in DEAD_NUMBERS and one["reach"] != version


def _window_ends_on(attempts: Iterable[Row]) -> date | None:
    days = sorted((_day(one["counted_on"]) for one in attempts), reverse=True)
    full = policy()["attempts_per_window"]
    return None if len(days) < full else days[full - 1] + timedelta(days=policy()["window_days"])


def _missed_last(known: Known) -> bool:
    last = max(_real(known), key=_when, default=None)
    return last is not None and last["status"] == "noshow"


def _real(known: Known) -> list[Body]:
    return [one for one in known.appointments if one["status"] != "entered-in-error"]


def _when(one: Body) -> tuple[str, str]:
    return instant(one["start_at"]) or "", one["appointment_id"]


def _when_told(one: Body) -> tuple[str, ...]:
    return one["changed_on"], instant(one["occurred_at"]) or "", *_when(one)


def _language(known: Known) -> str | None:
    said = (one for one in reversed(known.attempts) if one["disposition"] == "language-barrier")
    return next((one["language"] or known.fact.get("language") or "und" for one in said), None)


def _stopped(known: Known) -> set[str]:
    """What the member forbade any plan, unless he took it back at that plan, or allows it to this one."""
    stopped: set[str] = set()
    for stop in known.said:
        heard = {stop["tenant_id"], known.fact["tenant_id"]}
        after = (one for one in known.said if _at(one) > _at(stop) and one["tenant_id"] in heard)
        stopped |= set(stop["stops"]) - {channel for one in after for channel in one["resumes"]}
    return stopped


def _at(said: Row) -> datetime:
    return datetime.fromisoformat(said["at"])


def _usable(known: Known) -> list[str]:
    gone = _stopped(known) | set(known.fact.get("channels_barred") or ())
    return [one for one in policy()["channels"] if one not in gone and not _is_dead(known, one)]


def _is_dead(known: Known, channel: str) -> bool:
    """By the last contact that says anything about the number or address that is known now."""
    shared = {"phone", "text"} if channel in {"phone", "text"} else {channel}
    version = known.fact.get(VERSIONS.get(channel, "address_version")) or 0
    for one in reversed(known.attempts):
        if one["channel"] in shared and one["reach"] == version:
            if one["disposition"] in DEAD_NUMBERS:
                return True
            if one["disposition"] in REACHED and one["direction"] == "outbound":
                return False
    return False


def _day(text: str) -> date:
    return date.fromisoformat(text)


def grouped(rows: Iterable[Any], *names: str) -> dict[tuple[str, ...], list[Any]]:
    """The rows by some of their fields."""
    found: defaultdict[tuple[str, ...], list[Any]] = defaultdict(list)
    for row in rows:
        found[tuple(str(row[name]) for name in names)].append(row)
    return found
