"""A dry run as it is told to whoever may not learn of single members. Pure."""

from collections.abc import Mapping

from services.eligibility.decisions.shapes.programmes import (
    Count,
    CutOffOut,
    DryRunOut,
    GroupOut,
    MovementOut,
    ScoresOut,
)

LEAST = 11
UNIT = 10


def count_in_tens(count: Count) -> Count:
    """None for fewer than 11, also for nobody: else the hidden ones would be those that are not zero. The rest in tens,
    so that neither a total nor another document that takes one more gives away what is hidden."""
    return None if count is None or count < LEAST else (count + UNIT // 2) // UNIT * UNIT


def in_tens(told: DryRunOut) -> DryRunOut:
    """The same without exact figures and without names."""
    everybody = next((_share(group) for group in told.groups if group.dimension == "all"), None)
    counters = {name: _counter(getattr(told, name)) for name in ("kept_out_by", "left_by", "entered_despite", "arms")}
    said = [counters["kept_out_by"], counters["left_by"], counters["entered_despite"]]
    return told.model_copy(
        update={
            **counters,
            "is_rounded": True,
            "total": MovementOut.model_validate(_movement(told.total)),
            "cut_offs": [_cut_off(cut_off) for cut_off in told.cut_offs],
            "groups": [_group(group, everybody) for group in told.groups if any(_movement(group).values())],
            "reasons": {code: text for code, text in told.reasons.items() if any(code in counter for counter in said)},
            "entering": [],
            "leaving": [],
        }
    )


def _counter(counted: Mapping[str, Count]) -> dict[str, Count]:
    """Without what holds for fewer than 11: that it is there at all would say that somebody is. In the order of the
    names: that of the exact counts would tell which is greater."""
    told = {name: count_in_tens(counted[name]) for name in sorted(counted)}
    return {name: count for name, count in told.items() if count is not None}


def _movement(moved: MovementOut) -> dict[str, Count]:
    return {name: count_in_tens(getattr(moved, name)) for name in MovementOut.model_fields}


def _cut_off(one: CutOffOut) -> CutOffOut:
    population, admitted = count_in_tens(one.population), count_in_tens(one.admitted)
    return CutOffOut(group=one.group, population=population, admitted=admitted, least_score=None)


def _group(one: GroupOut, everybody: float | None) -> GroupOut:
    share = _share(one)
    impact = round(share / everybody, 1) if share is not None and everybody else None
    risk = None if one.risk is None or share is None else _scores(one.risk)
    shown = _movement(one) | {"share_in": None if share is None else round(share, 2), "impact": impact, "risk": risk}
    return one.model_copy(update=shown)


def _share(one: MovementOut) -> float | None:
    """By the counts that are told; None where one that it needs is not."""
    told = _movement(one)
    inside, outside = (told["enter"], told["stay"]), (told["leave"], told["out"])
    if not any(inside) or not any(outside):
        return None
    members = sum(count or 0 for count in (*inside, *outside))
    return sum(count or 0 for count in inside) / members


def _scores(risk: ScoresOut) -> ScoresOut:
    """Middle and quartiles to the next ten, the tiers as counts are told."""
    points = {name: round(getattr(risk, name), -1) for name in ("mean", "p25", "p50", "p75", "p90")}
    return ScoresOut(**points, tiers=_counter(risk.tiers))
