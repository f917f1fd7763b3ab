"""Everything that one `./vcc report` writes and prints, read as somebody would who has nothing else."""

import csv
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence

from tests.disclosure import figures, pages
from tests.disclosure.system import Found, System

COLUMNS = {"tenant_id": "plan", "zip5": "zip", "age_band": "age", "race_ethnicity": "race", "svi_group": "svi"}
TABLES = {"plan": "plan", "svi": "svi", "age": "age", "race-ethnicity": "race", "arm": "arm"}
DEEDS = {"booking": "bookings", "fulfilled": "fulfilled", "walk-in": "walk_ins", "noshow": "noshows",
         "cancellation": "cancellations", "attempt": "attempt", "dose by source": "doses_by_source",
         "dose by svi": "doses_by_svi"}  # fmt: skip
Row = Mapping[str, str]


def attack(
    files: Mapping[str, str], printed: str = "", *, same_day: bool = True, announced: Sequence[figures.Json] = ()
) -> list[Found]:
    """The counts of few people that come out of the files by their names, of what was printed, and of target ZIPs that
    were answered or announced. What is only likely is left out where it contradicts what was published."""
    try:
        return _attack(files, printed, same_day=same_day, announced=announced, assume=True)
    except ValueError:
        return _attack(files, printed, same_day=same_day, announced=announced, assume=False)


def _attack(
    files: Mapping[str, str], printed: str, *, same_day: bool, announced: Sequence[figures.Json], assume: bool
) -> list[Found]:
    system, report = System(), json.loads(files["report.json"])
    figures.read(system, report, same_day=same_day, assume=assume)
    if announced:
        figures.read_targets(system, announced, [row["zip5"] for row in report["by_zip"]])
    tables = {name: _rows(text) for name, text in files.items() if name.endswith(".csv")}
    if "coverage.csv" in tables:
        read_cross(system, tables["coverage.csv"], report)
    _read_tables(system, tables)
    if "report.html" in files:
        pages.read(system, files["report.html"], report, same_day=same_day)
    pages.read_sentences(system, printed)
    return system.solve()


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()[1:]))


def read_cross(system: System, rows: Sequence[Row], report: figures.Json) -> None:
    """Coverage by everything at once: enrolments, of which some may not be listed, beside tables of people, of whom
    some may be in two plans."""
    is_whole = any(not row["members"] for row in rows)
    named = []
    for row in rows:
        name = f"cell {' '.join(row[column] for column in COLUMNS)}"
        named.append((name, row))
        figures.cell(system, name)
        system.know({f"{name} V": 1, f"{name} U": 1}, 1, float("inf"))
        if row["members"]:
            system.know({f"{name} V": 1, f"{name} U": 1}, int(row["members"]))
        if row["vaccinated"]:
            system.know({f"{name} V": 1}, int(row["vaccinated"]))
        if row["coverage"]:
            figures.tell_share(system, name, float(row["coverage"]), 5e-5)
    listed = {f"{by}:{row['group']}" for by, table in (("plan", "by_plan"), ("age", "by_age"), ("svi", "by_svi"),
              ("race", "by_race_ethnicity")) for row in report[table]}  # fmt: skip
    listed |= {f"zip:{row['zip5']}" for row in report["by_zip"]}
    for column, by in COLUMNS.items():
        groups: dict[str, list[str]] = defaultdict(list)
        for name, row in named:
            groups[f"{by}:{row[column]}"].append(name)
        for group in groups.keys() & listed:
            _read_group(system, group, groups[group], is_whole=is_whole)


def _read_group(system: System, group: str, cells: Sequence[str], *, is_whole: bool) -> None:
    rest, twice = f"{group} not listed", f"{group} in two plans"
    figures.cell(system, rest)
    if not group.startswith("plan:"):
        figures.cell(system, twice)
    for part in "VU":
        system.count(f"{rest} {part}", 0, 0 if is_whole else float("inf"))
        sum_of = {f"{group} {part}": -1.0, f"{rest} {part}": 1.0, **{f"{cell} {part}": 1.0 for cell in cells}}
        if not group.startswith("plan:"):
            sum_of[f"{twice} {part}"] = -1.0
            system.know({f"in two plans {part}": 1, f"{twice} {part}": -1}, 0, float("inf"))
        system.know(sum_of, 0)


def _read_tables(system: System, tables: Mapping[str, Sequence[Row]]) -> None:
    """The other files: the same figures again."""
    for row in tables.get("funnel.csv", ()):
        _say(system, f"funnel {row['plan']} {row['stage']}", row["people"])
    for row in tables.get("outcomes.csv", ()):
        _say(system, f"funnel {row['plan']} outcome {row['outcome']}", row["people"])
    for row in tables.get("coverage_margins.csv", ()):
        _read_coverage(system, f"{TABLES[row['by']]}:{row['group']}", row)
    for row in tables.get("coverage_zips.csv", ()):
        _read_coverage(system, f"zip:{row['zip5']}", row)
    for row in tables.get("weeks.csv", ()):
        _say(system, " ".join(filter(None, (row["week_on"], DEEDS[row["deed"]], row["sort"]))), row["count"])
    for row in tables.get("reasons.csv", ()):
        _say(system, f"{row['kind'].replace('refusal', 'refusals').replace('barrier', 'barriers')} {row['code']}",
             row["people"])  # fmt: skip
    for row in tables.get("slots.csv", ()):
        plan = None if row["plan"] == "all" else row["plan"]
        for figure in ("booked", "used"):
            _say(system, f"{figure} {row['week_on']} {row['site_id']} {plan}", row[figure])


def _say(system: System, name: str, count: str) -> None:
    if count:
        system.know({name: 1}, int(count))


def _read_coverage(system: System, name: str, row: Row) -> None:
    if row["members"]:
        system.know({f"{name} V": 1, f"{name} U": 1}, int(row["members"]))
    if row["vaccinated"]:
        system.know({f"{name} V": 1}, int(row["vaccinated"]))
    if row["coverage"]:
        figures.tell_share(system, name, float(row["coverage"]), 5e-5)
