"""1. Every accepted input row ends in exactly one of: projected, rejected with a reason, parked."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.chaos.checker.catalog import FILE
from tests.chaos.checker.divergence import Divergence
from tests.chaos.checker.evidence import Evidence
from tests.chaos.checker.inputs.records import Registry, Roster
from tests.chaos.checker.invariants.comparing import Say, saying
from tests.chaos.checker.log import Body, of_type
from tests.chaos.checker.model.cut_short import REASONS, why_wrong
from tests.chaos.checker.model.lists import FullList
from tests.chaos.checker.tables import Row, Rows

KEPT = frozenset({"accepted", "unchanged"})
REPEATED = "repeated"


def files_are_as_submitted(evidence: Evidence) -> Iterator[Divergence]:
    """What was acknowledged is there and worked through, held, or refused by a person, each with its reason; nothing is
    there that nobody sent."""
    say = saying(1, "files_are_as_submitted")
    known = {row["sha256"] for _, row in evidence.taken}
    for path, is_taken in evidence.ledger.files():
        if is_taken and evidence.ledger.sha256(path) not in known:
            yield say(_name(path), "an accepted file", "none")
    for row in evidence.table("eligibility", "feed_file"):
        if row["sha256"] not in known:
            yield say(f"file {row['file_id']}", "a submitted file", "one that nobody submitted")
    turns = evidence.files.people.turns
    for number, (_, row) in enumerate(evidence.taken, 1):
        state = "refused" if number in turns.refused else "held" if number in turns.held else "processed"
        if (wrong := why_wrong(row)) is not None:
            yield say(f"file {row['file_id']}", wrong, f"state={row['state']}, cut_short={row.get('cut_short')}")
        if row["state"] not in {state, *REASONS}:
            yield say(f"file {row['file_id']}", f"state={state}", f"state={row['state']}")
        if row["state"] not in REASONS and row["held"] != turns.reasons.get(number):
            yield say(f"file {row['file_id']}", f"held for {turns.reasons.get(number)}", f"{row['held']}")
    for word in evidence.files.unclear:
        yield say(f"file {word.file_no} row {word.row}", "something that waits for a person", f"his word: {word.said}")


def every_row_ends_once(evidence: Evidence) -> Iterator[Divergence]:
    """Each row has one outcome: rejected exactly where its content asks for it, unlinked exactly where nobody fits."""
    say = saying(1, "every_row_ends_once")
    outcomes: dict[str, Rows] = {}
    told = {fact.body["file_id"]: fact.body for fact in of_type(evidence.facts, FILE)}
    for row in evidence.table("eligibility", "feed_row"):
        outcomes.setdefault(row["file_id"], []).append(row)
    for number, ((_, file), content) in enumerate(zip(evidence.taken, evidence.files.read, strict=True), 1):
        rows = [row for row in outcomes.get(file["file_id"], []) if row["row"] > 0]
        is_read = number not in evidence.files.people.turns.held
        yield from _numbered(say, file, rows, len(content.rows) if is_read else 0)
        yield from _outcomes(say, evidence, (number, file), content, {row["row"]: row for row in rows})
        yield from _counts(say, file, rows)
        yield from _absence(say, evidence, file, content, evidence.files.people.lists.get(number, []))
        yield from _reasons(say, file, rows, told.get(file["file_id"], {}))


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _numbered(say: Say, file: Row, rows: Rows, expected: int) -> Iterator[Divergence]:
    times = Counter(row["row"] for row in rows)
    for row in sorted(set(range(1, expected + 1)) - times.keys()):
        yield say(f"file {file['file_id']} row {row}", "one outcome", "none")
    for row, count in sorted(times.items()):
        if count > 1 or row > expected:
            yield say(f"file {file['file_id']} row {row}", "one outcome of a row of the file", f"{count}")


def _outcomes(
    say: Say, evidence: Evidence, numbered: tuple[int, Row], content: Roster | Registry, rows: dict[int, Row]
) -> Iterator[Divergence]:
    number, file = numbered
    unlinked, doubts = evidence.files.registrar.unlinked, evidence.files.people.doubts.outcomes
    for one in content.rows:
        found = rows.get(one.row)
        if found is None:
            continue
        where = f"file {file['file_id']} row {one.row}"
        report = unlinked.get((number, one.row))
        rejected = one.rejected or doubts.get((number, one.row))
        if rejected is not None:
            if (found["outcome"], found["code"]) != ("rejected", rejected):
                yield say(where, f"rejected: {rejected}", f"{found['outcome']}: {found['code']}")
        elif (is_again := (number, one.row) in evidence.files.people.repeated) is not (found["changes"] == REPEATED):
            yield say(where, f"read before: {is_again}", f"{found['outcome']}: {found['changes']}")
        elif report is None:
            if found["outcome"] not in KEPT or (is_again and found["outcome"] != "unchanged"):
                yield say(where, "accepted", f"{found['outcome']}: {found['code']}")
        elif report.person is None and report.row is one and found["outcome"] != "unlinked":
            yield say(where, "unlinked", found["outcome"])


def _counts(say: Say, file: Row, rows: Rows) -> Iterator[Divergence]:
    """The file's own sums. A row that found its member later in the file may have been unlinked first."""
    by_outcome = Counter(row["outcome"] for row in rows)
    sums = {
        "rows_rejected": by_outcome["rejected"], "rows_unchanged": by_outcome["unchanged"],
        "rows_unlinked": by_outcome["unlinked"], "rows_accepted": len(rows) - by_outcome["rejected"],
    }  # fmt: skip
    for name, count in sums.items():
        if file[name] != count:
            yield say(f"file {file['file_id']}", f"{name}={count}", f"{name}={file[name]}")


def _absence(
    say: Say, evidence: Evidence, file: Row, content: Roster | Registry, lists: list[FullList]
) -> Iterator[Divergence]:
    """What was made of members whom each plan's full list leaves out."""
    is_full = isinstance(content, Roster) and content.is_full
    if file["state"] not in REASONS and file["is_full"] != is_full:
        yield say(f"file {file['file_id']}", f"is_full={is_full}", f"is_full={file['is_full']}")
    expected = {one.plan: (one.state, one.ended) for one in lists}
    rows = [row for row in evidence.table("eligibility", "feed_absence") if row["file_id"] == file["file_id"]]
    found = {row["plan"]: (row["absence"], row["ended"]) for row in rows}
    if expected != found:
        yield say(f"file {file['file_id']}", f"absences {expected}", f"{found}")


def _reasons(say: Say, file: Row, rows: Rows, told: Body) -> Iterator[Divergence]:
    """What the sender's reasons are told to be."""
    expected = Counter(row["code"] for row in rows if row["outcome"] == "rejected")
    found = {one["reason"]: one["rows"] for one in told.get("rejections", ())}
    if expected != found:
        yield say(f"file {file['file_id']}", f"rejections {dict(expected)} in its event", f"{found}")
    why, said = file.get("cut_short"), told.get("cut_short")
    if told and said != why:
        yield say(f"file {file['file_id']}", f"cut_short={why} in its event", f"{said}")
