"""Benchmark: how fast feed files are read, and how fast they get to eligibility's database with all decisions made."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from deploy.demo.population import Ledger, generate
from tests.load.report import Aim, Figure, Result
from tests.load.rounds import Options, cheapest, in_turn, run_side
from tests.load.side import Taken, Task
from tests.load.stage import Stage, stage

SEED, WEEKS = 2021, 3
ROSTER = "834, to the database with all decisions"
NEXT_ROSTER = "834 of the next week, to the database"
VXU = "VXU, to the database"
OUR_READER, DECIDED, MESSAGES = Aim("at least", 10_000), Aim("at least", 6000), Aim("at least", 1500)
AIMS = {"834, read": OUR_READER, "VXU, read": MESSAGES, ROSTER: DECIDED, NEXT_ROSTER: DECIDED, VXU: MESSAGES}


def run(options: Options) -> Result:
    members, rounds = (2_000, 1) if options.quick else (20_000, 3)
    with stage(options.profile) as servers:
        folder = servers.folder / "feeds"
        ledger = generate(folder, members, SEED, WEEKS)
        return measure(servers, folder, ledger, rounds)


def measure(servers: Stage, folder: Path, ledger: Ledger, rounds: int) -> Result:
    """The rosters and messages of the first day; every reader and the database beneath, in turn."""
    rosters, messages = files_of_first_day(folder, ledger)
    whole = folder / "first-day.hl7"
    whole.write_bytes(b"".join(path.read_bytes() for path in messages))
    count = whole.read_bytes().count(b"MSH|")
    paths = {"834": "\n".join(map(str, rosters)), "VXU": "\n".join(map(str, messages))}

    def read(path: Path, records: int = 0) -> Callable[[], Taken]:
        return lambda: run_side(Task("feed_read", records=records, options={"file": str(path)}), servers)

    def store(before: str, files: str, records: int = 0) -> Callable[[], Taken]:
        return lambda: _store(servers, Task("feed_store", records=records, options={"before": before, "files": files}))

    largest = max(rosters, key=lambda path: path.stat().st_size)
    warm = _a_few_others(folder.with_name("others"))
    runs = in_turn(rounds, {
        "834, read": read(largest),
        "VXU, read": read(whole, count),
        ROSTER: store(warm, paths["834"]),
        NEXT_ROSTER: store(paths["834"], str(_next_roster(folder, ledger))),
        VXU: store(paths["834"], paths["VXU"], count),
    })  # fmt: skip
    settings = {"members": ledger.members, "messages": count, "rounds": rounds}
    return Result(
        "feeds", "Feed files: read, and to the database with all decisions", _figures(cheapest(runs)), settings
    )


def files_of_first_day(folder: Path, ledger: Ledger) -> tuple[list[Path], list[Path]]:
    """Rosters and messages."""
    first = ledger.days()[ledger.first_day]
    rosters = [folder / one.path for one in first if one.kind == "834"]
    return rosters, [folder / one.path for one in first if one.kind == "vxu"]


def _a_few_others(folder: Path) -> str:
    """Rosters of some other people: after them a process has read its tables, as one that serves has."""
    rosters, _ = files_of_first_day(folder, generate(folder, 300, SEED + 1, WEEKS))
    return "\n".join(map(str, rosters))


def _next_roster(folder: Path, ledger: Ledger) -> Path:
    """The full roster of a week later: nearly everybody as before."""
    day = ledger.first_day + timedelta(weeks=1)
    return next(folder / one.path for one in ledger.days()[day] if one.kind == "834" and one.is_full)


def _store(servers: Stage, task: Task) -> Taken:
    dsn = servers.database("eligibility")
    try:
        return run_side(replace(task, dsn=dsn, pids=servers.pids), servers)
    finally:
        servers.drop(dsn)


def _figures(best: dict[str, Taken]) -> list[Figure]:
    units = {name: "members/s" if name.startswith("834") else "messages/s" for name in best}
    figures: list[Figure] = []
    for name, taken in best.items():
        python, database = taken.cpu_s["python"], taken.cpu_s.get("postgres")
        note = f"{taken.records:,} in {taken.wall_s:.1f} s; Python {python:.1f} s, others {taken.cpu_s['others']:.1f} s"
        figures.append(Figure(name, taken.records / python, f"{units[name]} a core", AIMS[name], note))
        if (deciding := taken.notes.get("deciding_s")) and name == ROSTER:
            stored = taken.records / (python - deciding)
            note = f"without {deciding:.1f} s of deciding and announcing"
            figures.append(Figure("834, to the database", stored, f"{units[name]} a core", OUR_READER, note))
        if database is not None:
            note = f"Postgres {database:.1f} s of processor; peak {taken.rss_mb:.0f} MB"
            figures.append(
                Figure(f"{name}, with Postgres's core", taken.records / (python + database), figures[-1].unit)
            )
            figures.append(Figure(f"{name}, by the clock", taken.per_second, units[name], note=note))
    return figures
