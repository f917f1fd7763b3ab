"""3, 5 and 10. Places at sites: what was asked for is there once, nowhere is more than there is room for."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from tests.chaos.checker.catalog import APPOINTMENT, DECIDED, DOSE, POOL
from tests.chaos.checker.divergence import Divergence, differing
from tests.chaos.checker.evidence import Effect, Evidence
from tests.chaos.checker.invariants.comparing import Say, saying
from tests.chaos.checker.log import Body, Fact, of_type
from tests.chaos.checker.tables import Row, by

HOLDING = frozenset({"booked", "fulfilled", "noshow"})
CAME_IN_VAIN = frozenset({"not-given", "left"})
ANSWERED = ("status", "enrolment_id", "member_token", "tenant_id", "programme_id", "site_id", "slot_id", "block_id",
            "start_on", "walk_in", "cancellation_reason", "by_rule", "outcome_overdue", "dose", "site_step",
            "not_given_reason")  # fmt: skip
FLAGS = frozenset({"walk_in", "by_rule", "outcome_overdue"})


def appointments_are_as_asked(evidence: Evidence) -> Iterator[Divergence]:
    """Every version of an appointment is one request's, or the service's own for a reason that the log gives; and every
    acknowledged request has its version."""
    say = saying(3, "appointments_are_as_asked")
    asked = _asked(evidence)
    said = {(fact.body["appointment_id"], fact.version): fact for fact in of_type(evidence.facts, APPOINTMENT)}
    for key, effects in asked.items():
        for effect in effects[1:]:
            yield say(f"appointment {key[0]}", f"one request for version {key[1]}", f"also {effect.line}")
        if key not in said:
            yield say(f"appointment {key[0]}", f"version {key[1]}, as {effects[0].line} was told", "none")
        else:
            yield from _as_answered(say, effects[0], said[key])
    for key in sorted(said.keys() - asked.keys()):
        before = said.get((key[0], key[1] - 1))
        if before is None or not _has_reason(evidence, before.body, said[key].body):
            yield say(f"appointment {key[0]}", "a request or a reason", f"version {key[1]} of nobody's asking")
    yield from _overdue(evidence)


def _asked(evidence: Evidence) -> dict[tuple[str, int], list[Effect]]:
    """Requests that changed an appointment, by appointment and version."""
    found: defaultdict[tuple[str, int], list[Effect]] = defaultdict(list)
    for one in evidence.effects:
        if one.service == "scheduling" and "appointment_id" in one.answer:
            found[one.answer["appointment_id"], one.answer["version"]].append(one)
    return found


def _as_answered(say: Say, effect: Effect, fact: Fact) -> Iterator[Divergence]:
    expected = {name: _bare(effect.answer.get(name)) for name in ANSWERED}
    if expected["status"] != "fulfilled":  # a dose is told while it holds
        expected["dose"] = None
    found = {name: _bare(fact.body.get(name, False if name in FLAGS else None)) for name in ANSWERED}
    if differs := differing(expected, found):
        yield say(f"{fact.record} (appointment {fact.body['appointment_id']}, {effect.line})", *differs)


def _bare(value: Any) -> Any:
    """Without what is said to be nothing."""
    return {name: one for name, one in value.items() if one is not None} if isinstance(value, Mapping) else value


def _has_reason(evidence: Evidence, before: Body, after: Body) -> bool:
    """Whether the log gives the service a reason to change a booking by itself."""
    if before["status"] != "booked" or not after.get("by_rule"):
        return False
    if after["status"] == "booked":
        fell_due = after.get("outcome_overdue") and not before.get("outcome_overdue")
        if fell_due and after["start_on"] < after["changed_on"]:
            return True
        return bool(evidence.survivor_of.get(before["member_token"]) == after["member_token"])
    if after["status"] != "cancelled":
        return False
    tokens = _tokens(evidence, after["member_token"])
    mine = [fact for member_token in tokens for fact in evidence.about[member_token]]
    facts = [one.body for one in of_type(mine, DECIDED)]
    reasons = {
        "pat-dec": any("deceased" in one["reasons"] for one in facts),
        "pat-mt": any(not one["enrolled"] for one in facts),
        "oth-err": bool(tokens - {after["member_token"]}),
        "pat": any(one["vaccinated"] for one in facts) or _had_dose(mine),
    }
    return reasons.get(after.get("cancellation_reason", ""), False)


def _had_dose(facts: list[Fact]) -> bool:
    given = (one.body for one in of_type(facts, APPOINTMENT) if one.body["status"] == "fulfilled")
    return bool(of_type(facts, DOSE)) or any(given)


def _tokens(evidence: Evidence, member_token: str) -> set[str]:
    """All tokens of one person."""
    last = evidence.survivor_of.get(member_token, member_token)
    return {last, *(one for one, survivor in evidence.survivor_of.items() if survivor == last)}


def _overdue(evidence: Evidence) -> Iterator[Divergence]:
    """A booking to come of somebody who has died, left or been vaccinated is over; one that is past without an outcome
    was told to be, and no other."""
    say = saying(3, "appointments_are_as_asked")
    enrolments = by(evidence.table("scheduling", "enrolment"), "enrolment_id", "programme_id")
    for row in evidence.table("scheduling", "appointment"):
        known = enrolments.get((row["enrolment_id"], row["programme_id"]))
        if row["status"] != "booked" or known is None:
            continue
        on, standing = date.fromisoformat(row["start_on"]), known["standing"]
        if row["outcome_overdue"] is not (on < evidence.today):
            yield say(f"appointment {row['appointment_id']}", f"outcome_overdue={on < evidence.today}", "the contrary")
        is_over = standing in {"deceased", "disenrolled"} and on >= evidence.today
        if is_over or (standing == "vaccinated" and on > evidence.today):
            yield say(f"appointment {row['appointment_id']}", f"cancelled, as the member is {standing}", "booked")


def no_slot_is_oversold(evidence: Evidence) -> Iterator[Divergence]:
    """Each slot has the places that it was opened with; who holds one stands in it, and nobody else."""
    say = saying(5, "no_slot_is_oversold")
    opened = {
        slot["slot_id"]: slot["capacity"]
        for one in evidence.effects if one.path == "/blocks" for slot in one.answer["slots"]
    }  # fmt: skip
    slots = {row["slot_id"]: row["capacity"] for row in evidence.table("scheduling", "slot")}
    for slot_id in sorted(opened.keys() | slots.keys()):
        if opened.get(slot_id) != slots.get(slot_id):
            yield say(f"slot {slot_id}", f"capacity={opened.get(slot_id)}", f"capacity={slots.get(slot_id)}")
    holders = [row for row in evidence.table("scheduling", "appointment") if row["slot_id"] and _holds(row)]
    places = evidence.table("scheduling", "slot_place")
    for slot_id, count in sorted(Counter(row["slot_id"] for row in holders).items()):
        if count > slots.get(slot_id, 0):
            yield say(f"slot {slot_id}", f"at most {slots.get(slot_id, 0)} appointments", str(count))
    for slot_id, count in sorted(Counter(row["slot_id"] for row in places).items()):
        if count != slots.get(slot_id):
            yield say(f"slot {slot_id}", f"{slots.get(slot_id)} places", str(count))
    expected = {(row["slot_id"], row["appointment_id"]) for row in holders}
    found = {(row["slot_id"], row["appointment_id"]) for row in places if row["appointment_id"]}
    for slot_id, appointment_id in sorted(expected - found):
        yield say(f"slot {slot_id}", f"a place of appointment {appointment_id}", "none")
    for slot_id, appointment_id in sorted(found - expected):
        yield say(f"slot {slot_id}", "a free place", f"one of appointment {appointment_id}, which holds none")


def _holds(row: Row) -> bool:
    return row["status"] in HOLDING or row.get("site_step") in CAME_IN_VAIN


def one_live_booking(evidence: Evidence) -> Iterator[Divergence]:
    """Of a person under a programme at most one appointment is booked, at every moment that the log tells of."""
    say = saying(5, "one_live_booking")
    live: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for fact in of_type(evidence.facts, APPOINTMENT):
        one = fact.body
        mine = live[one["member_token"], one["programme_id"]]
        mine.discard(one["appointment_id"])
        if one["status"] == "booked":
            mine.add(one["appointment_id"])
        if len(mine) > 1:
            yield say(f"{fact.record} (member {one['member_token']})", "one live booking", f"{sorted(mine)}")
    rows = [row for row in evidence.table("scheduling", "appointment") if row["status"] == "booked"]
    persons = Counter((evidence.survivor_of.get(row["member_token"], row["member_token"]), row["programme_id"])
                      for row in rows)  # fmt: skip
    for (member_token, _), count in sorted(persons.items()):
        if count > 1:
            yield say(f"member {member_token}", "one live booking", str(count))


def pools_count_their_appointments(evidence: Evidence) -> Iterator[Divergence]:
    """A block counts the appointments in it: a booking adds one and a cancellation frees exactly one place."""
    say = saying(5, "pools_count_their_appointments")
    counts = Counter((row["block_id"], row["status"]) for row in evidence.table("scheduling", "appointment"))
    for row in evidence.table("scheduling", "block"):
        for name, status in (("booked", "booked"), ("fulfilled", "fulfilled")):
            if row[name] != counts[row["block_id"], status]:
                expected = counts[row["block_id"], status]
                yield say(f"block {row['block_id']}", f"{name}={expected}", f"{name}={row[name]}")
    for fact in of_type(evidence.facts, POOL):
        one = fact.body
        if one["booked"] + one["fulfilled"] > one["capacity"]:
            found = f"booked={one['booked']}, fulfilled={one['fulfilled']}"
            yield say(f"{fact.record} (block {one['block_id']})", f"at most {one['capacity']}", found)
