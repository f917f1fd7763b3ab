"""3. Sites, blocks and slots are there once, as they were asked for; and an appointment keeps what it was given."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from zoneinfo import ZoneInfo

from tests.chaos.checker.catalog import APPOINTMENT, POOL
from tests.chaos.checker.divergence import Divergence
from tests.chaos.checker.evidence import Evidence
from tests.chaos.checker.invariants.comparing import Table, compare, saying
from tests.chaos.checker.log import latest, of_type
from tests.chaos.checker.tables import instant

SITE = ("name", "zip5", "time_zone", "kind")
DOSE = ("cvx", "mvx", "lot", "administered_on")


def sites_are_as_described(evidence: Evidence) -> Iterator[Divergence]:
    """Each site with its products, as it was described last."""
    say = saying(3, "sites_are_as_described")
    answers = {one.answer["site_id"]: one.answer for one in evidence.effects if one.path == "/sites"}
    rows = {row["site_id"]: row for row in evidence.table("scheduling", "site")}
    gives: dict[str, dict[str, str]] = {site_id: {} for site_id in rows}
    for row in evidence.table("scheduling", "site_product"):
        gives.setdefault(row["site_id"], {})[row["cvx"]] = row["vaccine_group"]
    expected: Table = {
        (site_id,): {name: one[name] for name in (*SITE, "gives")} for site_id, one in answers.items()
    }  # fmt: skip
    found: Table = {(site_id,): {**row, "gives": gives[site_id]} for site_id, row in rows.items()}
    yield from compare(say, "site", expected, found)


def blocks_are_as_opened(evidence: Evidence) -> Iterator[Divergence]:
    """Each block with its slots, as it was answered: those that were asked for but for days that were over when it was
    opened; what is released of it is what nobody holds."""
    say = saying(3, "blocks_are_as_opened")
    effects = [one for one in evidence.effects if one.path == "/blocks"]
    blocks: Table = {(row["block_id"],): row for row in evidence.table("scheduling", "block")}
    slots: Table = {(row["slot_id"],): row for row in evidence.table("scheduling", "slot")}
    expected_blocks: Table = {}
    expected_slots: Table = {}
    zones = {row["site_id"]: ZoneInfo(row["time_zone"]) for row in evidence.table("scheduling", "site")}
    began = {one.body["block_id"]: one.body["changed_on"] for one in of_type(evidence.facts, POOL) if one.version == 1}
    for effect in effects:
        answer, asked = effect.answer, (effect.request.first.body or {})["slots"]
        about = {name: answer[name] for name in ("site_id", "week_on", "cvx", "capacity")}
        expected_blocks[answer["block_id"],] = {**about, "reserved_for": answer["plan"]}
        opened_on = date.fromisoformat(began[answer["block_id"]])
        zone = zones[answer["site_id"]]
        kept = [wish for wish in asked if datetime.fromisoformat(wish["start_at"]).astimezone(zone).date() >= opened_on]
        if len(kept) != len(answer["slots"]):
            yield say(f"block {answer['block_id']}", f"{len(kept)} slots to come", f"{len(answer['slots'])}")
        for slot, wish in zip(answer["slots"], kept, strict=False):
            times = {name: instant(wish[name]) for name in ("start_at", "end_at")}
            told = {"block_id": answer["block_id"], "start_on": slot["start_on"], "capacity": slot["capacity"]}
            expected_slots[slot["slot_id"],] = {**told, **times}
    yield from compare(say, "block", expected_blocks, blocks)
    yield from compare(say, "slot", expected_slots, slots)
    free = Counter[str]()
    for row in slots.values():
        free[row["block_id"]] += row["capacity"] if row["held_for"] is None else 0
    for (block_id,), row in blocks.items():
        released = free[block_id] if row["reserved_for"] else 0
        if row["released"] != released:
            yield say(f"block {block_id}", f"released={released}", f"released={row['released']}")


def appointments_keep_their_dose(evidence: Evidence) -> Iterator[Divergence]:
    """A fulfilled appointment with the dose that was told; each of its programme's vaccine, moved as often as asked."""
    say = saying(2, "appointments_keep_their_dose")
    groups = {row["programme_id"]: row["vaccine_group"] for row in evidence.table("scheduling", "programme")}
    rows = {row["appointment_id"]: row for row in evidence.table("scheduling", "appointment")}
    for fact in latest(evidence.facts, APPOINTMENT).values():
        row, dose = rows.get(fact.body["appointment_id"]), fact.body.get("dose")
        if row is None:
            continue
        if dose is not None and {name: dose.get(name) for name in DOSE} != {name: row[name] for name in DOSE}:
            yield say(f"appointment {row['appointment_id']}", "the dose that was told", "another")
        if row["vaccine_group"] != groups.get(row["programme_id"]):
            yield say(f"appointment {row['appointment_id']}", "the programme's vaccine", "another")
    moves = Counter(one.path.split("/")[2] for one in evidence.effects if one.path.endswith("/reschedule"))
    for appointment_id, row in rows.items():
        if row["changes"] != moves[appointment_id]:
            yield say(f"appointment {appointment_id}", f"{moves[appointment_id]} changes", f"{row['changes']}")
