"""Chooses the rows of a plan's full and change files, wrong ones among them on purpose, and writes them as X12 834."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random

from deploy.demo.population import rates
from deploy.demo.population.enrolments import Enrolment, Plan
from deploy.demo.population.ledger import FileTruth, Rejected
from deploy.demo.population.roster_member import Action, Row, member_segments
from deploy.demo.population.x12 import Interchange

DEFECTS = ("bad-date", "missing-birth-date", "garbage-segment")
# A strict reader rejects them, a lenient one keeps the row with a notice or without a birth date.
MAY_BE_KEPT = {"missing-birth-date", "garbage-segment"}


class Roster:
    """One plan's files, week by week. It remembers which rows must be sent again."""

    def __init__(self, plan: Plan, seed: int, first_day: date, enrolments: Iterable[Enrolment]) -> None:
        self.plan, self.first_day = plan, first_day
        self.control = seed % 9_000_000 * 100  # another population's interchanges have other numbers
        self.enrolments = [enrolment for enrolment in enrolments if enrolment.plan is plan]
        self.by_id = {enrolment.member_id: enrolment for enrolment in self.enrolments}
        self.random = Random(f"{seed}:roster:{plan.code}")
        self.to_repair: list[Enrolment] = []
        self.unchanged: dict[str, tuple[str, ...]] = {}

    def write(self, out: Path, week: int) -> FileTruth:
        day = self.first_day + timedelta(weeks=week)
        is_full = week == 0 or not self.plan.sends_changes
        rows = [self._spoil(row, week) for row in (self._everybody(week) if is_full else self._changes(week))]
        rows = list(self._with_extras(rows, week, is_full=is_full))
        truth = FileTruth("", day, "834", self.plan.code, is_full, len(rows))
        name = f"{self.plan.code.lower()}-834-{day:%Y%m%d}.x12"
        folder = out / day.isoformat()
        folder.mkdir(parents=True, exist_ok=True)
        truth.path = f"{day.isoformat()}/{name}"
        with (folder / name).open("w", encoding="ascii", newline="") as file:
            interchange = Interchange(file, self.plan.code, day, self.control + week + 1, self.plan.newline)
            interchange.open(self.plan.name, self.plan.tax_id, len(rows), is_full=is_full)
            for row in rows:
                interchange.put(*self._segments(row, day))
            interchange.close()
        self._account(truth, rows)
        return truth

    def _segments(self, row: Row, day: date) -> Iterable[str]:
        """A full file says of most people what the one before it said."""
        if row.defect or row.action != "audit" or not _is_quiet(row.enrolment):
            return member_segments(row, day)
        key = row.enrolment.member_id
        if key not in self.unchanged:
            self.unchanged[key] = tuple(member_segments(row, day))
        return self.unchanged[key]

    def _everybody(self, week: int) -> Iterator[Row]:
        return (Row(enrolment, "audit") for enrolment in self.enrolments if enrolment.is_in(week))

    def _changes(self, week: int) -> Iterator[Row]:
        for enrolment in self.to_repair:
            yield Row(enrolment, "add")
        for enrolment in self.enrolments:
            if enrolment.first_week == week:
                yield Row(enrolment, "add")
            elif enrolment.last_week == week and enrolment.ended_by == "merged":
                yield Row(self.by_id[enrolment.merged_into or ""], "merge", retired=enrolment)
            elif enrolment.last_week == week:
                yield Row(enrolment, "decease" if enrolment.ended_by == "deceased" else "terminate")
            elif enrolment.is_in(week) and self._moves(enrolment, week):
                yield Row(enrolment, "move")

    def _moves(self, one: Enrolment, week: int) -> bool:
        return one.person.homes[-1][0] == self.first_day + timedelta(weeks=week)

    def _spoil(self, row: Row, week: int) -> Row:
        """Breaks a few rows of people to whom nothing else happens, so that nothing but the row is lost."""
        fresh = row.enrolment.first_week == week
        may_break = _is_quiet(row.enrolment) and row.action in {"audit", "add"} and row.enrolment not in self.to_repair
        if may_break and self.random.random() < rates.ROSTER_ROW_MALFORMED:
            # Whether a lenient reader keeps a row with a foreign segment must not decide when a member is known.
            return Row(row.enrolment, row.action, self.random.choice(DEFECTS[:2] if fresh else DEFECTS))
        return row

    def _with_extras(self, rows: list[Row], week: int, *, is_full: bool) -> Iterator[Row]:
        """Repeats a few rows, and adds some: without a member id, and in a change file one of every defect."""
        for row in rows:
            yield row
            if not row.defect and row.action == "audit" and self.random.random() < rates.ROSTER_ROW_REPEATED:
                yield row
        known = [row.enrolment for row in rows if not row.defect] if is_full else self._known(week)
        action: Action = "audit" if is_full else "add"
        # Where absence terminates, only the second file has such rows: what it withholds, the third one makes good.
        may_lack_id = self.plan.sends_changes or week == 1
        nameless = may_lack_id * max(1, round(len(rows) * rates.ROSTER_ROW_MALFORMED / 5))
        defects = ["missing-id"] * nameless + ["garbage-segment"] + ([] if is_full else list(DEFECTS[:2]))
        for defect in defects if known else ():
            yield Row(self.random.choice(known), action, defect)

    def _known(self, week: int) -> list[Enrolment]:
        return [entry for entry in self.enrolments if entry.known_from and entry.first_week < week and _is_quiet(entry)]

    def _account(self, truth: FileTruth, rows: list[Row]) -> None:
        self.to_repair = []
        seen: set[str] = set()
        for number, row in enumerate(rows, 1):
            truth.count(row.action)
            if row.defect:
                truth.rejected.append(Rejected(number, row.defect, optional=row.defect in MAY_BE_KEPT))
                truth.unidentified += row.defect == "missing-id"
                if row.defect in DEFECTS[:2] and not row.enrolment.known_from:
                    self.to_repair.append(row.enrolment)
                continue
            truth.repeated += row.enrolment.member_id in seen
            seen.add(row.enrolment.member_id)
            row.enrolment.known_from = row.enrolment.known_from or truth.day


def _is_quiet(one: Enrolment) -> bool:
    return len(one.person.homes) == 1 and one.last_week is None
