"""Coverage by now, counted anew from the log: what reporting keeps in cells."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from tests.chaos.checker.catalog import DECIDED, DOSE, PROGRAMME
from tests.chaos.checker.log import Body, Fact, latest

IN_SCOPE = frozenset({
    "already-vaccinated", "area-not-vulnerable", "area-unknown", "programme-not-begun", "between-phases",
    "programme-ended", "immune", "not-yet-due", "service-received", "below-cap", "cap-not-drawn", "control-arm",
})  # fmt: skip
CELL = ("programme_id", "tenant_id", "zip5", "age_band", "race_ethnicity", "svi_group")
Cell = tuple[str, ...]


def svi_group(svi: Mapping[str, Any]) -> str:
    """The level and the quarter of the ranking."""
    level, value = svi["level"], svi.get("value")
    if level == "unknown" or value is None:
        return "unknown"
    return f"{level}:{1 + sum(value >= bound for bound in (0.25, 0.5, 0.75))}"


def is_counted(fact: Body) -> bool:
    """Whether a member belongs to the population."""
    return bool(fact["enrolled"] and set(fact["reasons"]) <= IN_SCOPE)


def counts(dose: Body, programme: Body) -> bool:
    """Whether a dose counts under a programme."""
    since_on = programme.get("doses_since_on")
    return bool(
        programme["vaccine_group"] in (dose.get("vaccine_groups") or [dose["vaccine_group"]])
        and dose["action"] != "retract"
        and not dose.get("is_partial")
        and dose["cvx"] not in programme.get("cvx_not_counted", ())
        and (since_on is None or dose["administered_on"] >= since_on)
    )


def coverage_cells(facts: Iterable[Fact]) -> dict[Cell, tuple[int, int, int]]:
    """Members, eligible and vaccinated ones by cell; doses are taken by the very token."""
    facts = list(facts)
    programmes = {fact.body["programme_id"]: fact.body for fact in latest(facts, PROGRAMME).values()}
    doses: defaultdict[str, list[Body]] = defaultdict(list)
    for fact in latest(facts, DOSE).values():
        doses[fact.body["member_token"]].append(fact.body)
    members, eligible, vaccinated = Counter[Cell](), Counter[Cell](), Counter[Cell]()
    for fact in latest(facts, DECIDED).values():
        one, programme = fact.body, programmes.get(fact.body["programme_id"])
        if programme is None or not is_counted(one):
            continue
        cell = cell_of(one)
        days = {dose["administered_on"] for dose in doses[one["member_token"]] if counts(dose, programme)}
        members[cell] += 1
        eligible[cell] += one["status"] == "eligible"
        by_doses = one.get("rule", "doses") == "doses"
        vaccinated[cell] += len(days) >= programme["doses_needed"] if by_doses else one["vaccinated"]
    return {cell: (members[cell], eligible[cell], vaccinated[cell]) for cell in members}


def cell_of(one: Body) -> Cell:
    return (
        one["programme_id"], one["tenant_id"], one.get("zip5") or "unknown", one.get("age_band") or "unknown",
        one["race_ethnicity"], svi_group(one["svi"]),
    )  # fmt: skip
