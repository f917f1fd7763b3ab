"""What the weekly report's document tells somebody who knows how its figures are defined."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from itertools import combinations, pairwise
from typing import Any

from tests.disclosure.intervals import members_of
from tests.disclosure.system import FEW, System

MARGINS = {"by_svi": "svi", "by_age": "age", "by_race_ethnicity": "race", "by_arm": "arm", "by_zip": "zip"}
STAGES = ("enrolled", "ever-eligible", "case-opened", "attempted", "reached", "booked", "dose-after-outreach")
SPOKEN = ("complete", "initial-refusal", "do-not-call", "callback-scheduled", "already-vaccinated", "booked", "moved")
WEEKS = 12
Json = Mapping[str, Any]


def read(system: System, report: Json, *, same_day: bool = True, assume: bool = True) -> None:
    """Everything in the document. `same_day`: the target ZIPs were listed on the day of the report. `assume`: also what
    is likely and not by definition: that places used are visits kept."""
    for name in ("N", "T", "O"):
        cell(system, name)
    for part in "VU":
        system.know({f"N {part}": 1, f"T {part}": -1, f"O {part}": -1}, 0)
    tell_coverage(system, "N", report["headline"]["in_scope"])
    tell_coverage(system, "T", report["headline"]["target"])
    _lately(system, report["headline"]["vaccinated_last_7_days"])
    for table, name in MARGINS.items():
        _margin(system, name, report[table])
    _plans(system, report["by_plan"])
    _gap(system, report["disparity"])
    if same_day:
        read_targets(system, report["targets"], [row["zip5"] for row in report["by_zip"]])
    _funnels(system, report)
    _weeks(system, report, assume=assume)
    for kind in ("refusals", "barriers"):
        _reasons(system, kind, report[kind])


def cell(system: System, name: str) -> None:
    """Some people of whom nobody may learn how many few are vaccinated, are not, or are there at all."""
    everybody = {f"{name} V": 1.0, f"{name} U": 1.0}
    system.hide(f"{name} members", everybody)
    system.hide(f"{name} vaccinated", {f"{name} V": 1}, even_none_of=f"{name} members")
    system.hide(f"{name} unvaccinated", {f"{name} U": 1}, even_none_of=f"{name} members")


def tell_coverage(system: System, name: str, coverage: Json) -> None:
    """One row of coverage: its members, its vaccinated ones, its share, and what the interval tells of the members."""
    everybody = {f"{name} V": 1.0, f"{name} U": 1.0}
    if coverage["members"] is not None:
        system.know(everybody, coverage["members"])
    if coverage["vaccinated"] is not None:
        system.know({f"{name} V": 1}, coverage["vaccinated"])
    share = coverage["share"]
    if share is not None:
        tell_share(system, name, share["value"], 0)
        low, high = members_of(share["value"], share["low"], share["high"], 0)
        system.know(everybody, low, high)


def tell_share(system: System, name: str, share: float, off: float) -> None:
    """The vaccinated are this share of the members, give or take `off`."""
    system.know({f"{name} V": 1 - share + off, f"{name} U": -(share - off)}, 0, float("inf"))
    system.know({f"{name} V": 1 - share - off, f"{name} U": -(share + off)}, -float("inf"), 0)


def _lately(system: System, lately: int | None) -> None:
    """Of the target group's vaccinated some were so in the last seven days, the others before."""
    system.know({"T V": 1, "lately": -1, "before": -1}, 0)
    _tell_part(system, "lately", lately)
    system.hide("vaccinated before the last seven days", {"before": 1})


def _tell(system: System, name: str, count: int | None, *, most: float = float("inf")) -> None:
    if count is None:
        system.count(name, 1, most)
    else:
        system.know({name: 1}, count)
    system.hide(name, {name: 1})


def _margin(system: System, by: str, rows: Sequence[Json]) -> None:
    """A table of everybody in scope."""
    names = [f"{by}:{row.get('group', row.get('zip5'))}" for row in rows]
    for name, row in zip(names, rows, strict=True):
        cell(system, name)
        system.know({f"{name} V": 1, f"{name} U": 1}, 1, float("inf"))
        tell_coverage(system, name, row["coverage"])
    for part in "VU" if rows else "":
        system.know({f"N {part}": -1, **{f"{name} {part}": 1 for name in names}}, 0)


def _plans(system: System, rows: Sequence[Json]) -> None:
    """Whoever is in two plans is counted in both: their rows have more people together than there are."""
    names = [f"plan:{row['group']}" for row in rows]
    if not names:
        return
    cell(system, "in two plans")
    for name, row in zip(names, rows, strict=True):
        cell(system, name)
        system.know({f"{name} V": 1, f"{name} U": 1}, 1, float("inf"))
        tell_coverage(system, name, row["coverage"])
        cell(system, f"not in {name}")
        for part in "VU":
            system.know({f"N {part}": 1, f"{name} {part}": -1, f"not in {name} {part}": -1}, 0)
    for part in "VU":
        system.count(f"in two plans {part}", 0, 0 if len(names) == 1 else float("inf"))
        together = {f"{name} {part}": 1.0 for name in names}
        system.know({**together, f"N {part}": -1, f"in two plans {part}": -1}, 0)


def _gap(system: System, gap: Json | None) -> None:
    """The sentence on the most and the least vulnerable quarter is of two rows of the table."""
    for end, quarter in (("most", 4), ("least", 1)):
        if gap is not None:
            name = f"svi:{gap['level']}:{quarter}"
            cell(system, name)
            tell_coverage(system, name, gap[end])


def read_targets(system: System, targets: Iterable[Json], zips: Sequence[str]) -> None:
    """The target group by ZIP, beside everybody by ZIP. Whoever is in scope there and no target is counted out."""
    listed = {row["zip5"]: row for row in targets}
    for zip5 in dict.fromkeys((*zips, *listed)):
        cell(system, f"T:{zip5}")
        cell(system, f"O:{zip5}")
        for part in "VU":
            system.know({f"zip:{zip5} {part}": 1, f"T:{zip5} {part}": -1, f"O:{zip5} {part}": -1}, 0)
    for zip5, row in listed.items():
        name = f"T:{zip5}"
        system.know({f"{name} V": 1, f"{name} U": 1}, 1, float("inf"))
        if row["members"] is not None:
            system.know({f"{name} V": 1, f"{name} U": 1}, row["members"])
        if row["unvaccinated"] is not None:
            system.know({f"{name} U": 1}, row["unvaccinated"])
        if row["coverage"] is not None:
            tell_share(system, name, row["coverage"], 5e-5)
    for part in "VU":
        rest = 0 if zips else float("inf")
        system.know({f"T {part}": 1, **{f"T:{one} {part}": -1 for one in (zips or listed)}}, 0, rest)


def _funnels(system: System, report: Json) -> None:
    """Each stage is a part of the one before, each outcome of those with a case."""
    plans = [funnel for funnel in report["funnels"] if funnel["plan"] is not None]
    for funnel in report["funnels"]:
        _funnel(system, funnel)
    if not report["funnels"]:
        return
    system.know({"funnel all enrolled": 1, "N V": -1, "N U": -1}, 0, float("inf"))
    system.hide("enrolled and not in scope", {"funnel all enrolled": 1, "N V": -1, "N U": -1})
    for row in report["by_plan"]:
        if any(funnel["plan"] == row["group"] for funnel in plans):
            out = {f"funnel {row['group']} enrolled": 1.0, f"plan:{row['group']} V": -1.0,
                   f"plan:{row['group']} U": -1.0}  # fmt: skip
            system.know(out, 0, float("inf"))
            system.hide(f"enrolled and not in scope of {row['group']}", out)
    if plans:
        _both(system, [f"funnel {funnel['plan']}" for funnel in plans], list(plans[0]["outcomes"]))


def _funnel(system: System, funnel: Json) -> None:
    name = f"funnel {funnel['plan'] or 'all'}"
    shares = {stage["stage"]: stage["of_previous"] for stage in funnel["stages"]}
    for stage in funnel["stages"]:
        _tell_part(system, f"{name} {stage['stage']}", stage["people"])
    for before, after in combinations(STAGES, 2):
        lost = {f"{name} {before}": 1.0, f"{name} {after}": -1.0}
        system.know(lost, 0, float("inf"))
        system.hide(f"{name} lost from {before} to {after}", lost)
    for before, after in pairwise(STAGES):
        if shares.get(after) is not None:
            system.know({f"{name} {after}": 1, f"{name} {before}": -shares[after]}, 0)
    outcomes = [f"{name} outcome {one}" for one in funnel["outcomes"]]
    for outcome, people in zip(outcomes, funnel["outcomes"].values(), strict=True):
        _tell_part(system, outcome, people)
    if outcomes:
        system.know({f"{name} case-opened": -1, **dict.fromkeys(outcomes, 1.0)}, 0)
        system.know({f"{name} dose-after-outreach": 1, f"{name} outcome dose-after-outreach": -1}, 0)


def _tell_part(system: System, name: str, people: int | None) -> None:
    if people is not None:
        system.know({name: 1}, people)
    system.hide(name, {name: 1})


def _both(system: System, plans: Sequence[str], outcomes: Sequence[str]) -> None:
    """People in two plans, stage by stage: those of all plans added up, less each person once."""
    for one in (*STAGES, *(f"outcome {outcome}" for outcome in outcomes)):
        twice = {f"funnel all {one}": -1.0, **{f"{plan} {one}": 1.0 for plan in plans}}
        system.know(twice, 0, 0 if len(plans) == 1 else float("inf"))
        system.hide(f"in two plans and {one}", twice)
        for plan in plans:
            system.know({f"funnel all {one}": 1, f"{plan} {one}": -1}, 0, float("inf"))
    for before, after in combinations(STAGES, 2):
        lost = {f"funnel all {before}": -1.0, f"funnel all {after}": 1.0}
        lost |= {f"{plan} {before}": 1.0 for plan in plans} | {f"{plan} {after}": -1.0 for plan in plans}
        system.know(lost, 0, float("inf"))
        system.hide(f"in two plans and lost from {before} to {after}", lost)


def _weeks(system: System, report: Json, *, assume: bool) -> None:
    weeks = report["weeks"]
    for week in weeks:
        _doses(system, week)
        for deed in ("bookings", "fulfilled", "walk_ins", "noshows", "cancellations"):
            most = FEW if deed in {"noshows", "cancellations"} else float("inf")
            _tell(system, f"{week['week_on']} {deed}", week[deed], most=most)
        for disposition, count in week["attempts"].items():
            _tell(system, f"{week['week_on']} attempt {disposition}", count)
        if assume:
            _kept(system, week)
    for slots in report["slots"]:
        name = f"{slots['week_on']} {slots['site_id']} {slots['plan']}"
        _tell(system, f"booked {name}", slots["booked"], most=FEW)
        _tell(system, f"used {name}", slots["used"])
    by_week: dict[str, list[str]] = defaultdict(list)
    for slots in report["slots"]:
        by_week[slots["week_on"]].append(f"used {slots['week_on']} {slots['site_id']} {slots['plan']}")
    for week in weeks:
        if assume and by_week[week["week_on"]]:
            used = dict.fromkeys(by_week[week["week_on"]], 1.0)
            system.know({f"{week['week_on']} fulfilled": -1, **used}, 0)
    _whole(system, report)


def _doses(system: System, week: Json) -> None:
    """Two tables with one total."""
    every: list[dict[str, float]] = []
    for table in ("doses_by_source", "doses_by_svi"):
        names = []
        for sort, count in week[table].items():
            names.append(f"{week['week_on']} {table} {sort}")
            _tell(system, names[-1], count)
        every.append(dict.fromkeys(names, 1.0))
    if every[0] and every[1]:
        total = f"{week['week_on']} doses"
        for table_of in every:
            system.know({total: -1, **table_of}, 0)
        system.hide(total, {total: 1})


def _kept(system: System, week: Json) -> None:
    """Doses at own sites are given at visits that were kept, or at walk-ins."""
    if "appointment" in week["doses_by_source"]:
        on = week["week_on"]
        idle = {f"{on} fulfilled": 1.0, f"{on} walk_ins": 1.0, f"{on} doses_by_source appointment": -1.0}
        system.know(idle, 0, float("inf"))
        system.hide(f"{on} visits without a dose", idle)


def _whole(system: System, report: Json) -> None:
    """Where the weeks go back to the beginning: bookings end in one way or are open, and whoever was attempted was so
    at some time."""
    weeks = report["weeks"]
    if not weeks or (_is_cut(weeks, date.fromisoformat(report["as_of"])) and _is_busy(weeks[0])):
        return
    open_now: dict[str, float] = {f"{week['week_on']} bookings": 1.0 for week in weeks}
    for deed in ("fulfilled", "noshows", "cancellations"):
        open_now |= {f"{week['week_on']} {deed}": -1.0 for week in weeks}
    system.know(open_now, 0, float("inf"))
    system.hide("bookings that are open", open_now)
    every = [(week["week_on"], one) for week in weeks for one in week["attempts"]]
    deeds = {
        "attempted": [f"{on} attempt {one}" for on, one in every],
        "reached": [f"{on} attempt {one}" for on, one in every if one in SPOKEN],
        "booked": [f"{week['week_on']} bookings" for week in weeks],
        "dose-after-outreach": [f"{week['week_on']} fulfilled" for week in weeks],
    }
    for stage, names in deeds.items() if report["funnels"] else ():
        system.know({**dict.fromkeys(names, 1.0), f"funnel all {stage}": -1}, 0, float("inf"))


def _is_cut(weeks: Sequence[Json], as_of: date) -> bool:
    monday = as_of - timedelta(days=as_of.weekday())
    return date.fromisoformat(weeks[0]["week_on"]) <= monday - timedelta(weeks=WEEKS - 1)


def _is_busy(week: Json) -> bool:
    return bool(week["attempts"]) or any(week[deed] != 0 for deed in ("bookings", "fulfilled", "cancellations"))


def _reasons(system: System, kind: str, rows: Sequence[Json]) -> None:
    """People by code. Hidden rows that do not stand in the order of their codes stand in that of their counts."""
    names = [f"{kind} {row['code']}" for row in rows]
    for name, row in zip(names, rows, strict=True):
        _tell(system, name, row["people"], most=FEW)
    hidden = [row["code"] for row in rows if row["people"] is None]
    if hidden != sorted(hidden):
        for before, after in pairwise(hidden):
            system.know({f"{kind} {before}": 1, f"{kind} {after}": -1}, int(before > after), float("inf"))
