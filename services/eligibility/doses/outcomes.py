"""What a registry's row does to the ledger of doses, and how its outcome is told."""

from services.eligibility.doses import numbers
from services.eligibility.doses.numbers import Named
from services.eligibility.doses.registry import RegistryRow
from services.eligibility.doses.reports import Report, is_older
from services.eligibility.doses.rules import Ledger
from services.eligibility.feeds.outcomes import RowResult
from services.eligibility.people.changes import DOSE_ADDED, DOSE_CHANGED, DOSE_DELETED
from services.eligibility.people.linkage import Link


def take_row(ledger: Ledger, row: RegistryRow, found: Link, *, is_of_another: bool = False) -> RowResult:
    """Take one row about whoever was found. `is_of_another`: its number is known of somebody else."""
    report = row.report_of(found.member_token)
    if row.is_patient:
        if found.member_token is None and row.subject.bears_name:
            ledger.take(report)  # so that its identifiers are tied once a roster names the person
        return RowResult(row.row, "accepted", row.note)
    if row.action == "D":
        return _delete(ledger, row, report)
    if row.is_given and numbers.deleted_unnumbered(report, ledger) is not None:
        return told(row.row, "unchanged", numbers.OLDER)
    is_of_another = is_of_another or numbers.of_another(report, ledger)
    named = numbers.named(report, row.action, ledger)
    if is_of_another and named.note is None and named.report.event_key == report.event_key:
        named = Named(named.report, numbers.OF_ANOTHER)
    return _hear(ledger, row, named, found)


def _hear(ledger: Ledger, row: RegistryRow, named: Named, found: Link) -> RowResult:
    report, note = named
    known = ledger.reports.get(report.event_key)
    is_late = known is not None and is_older(report, known)
    is_new = ledger.take(report)
    kept = ledger.reports[report.event_key]
    if kept.member_token is None and not kept.is_retracted:
        return RowResult(row.row, "unlinked", found.how)
    if is_late:
        return told(row.row, "unchanged", numbers.OLDER)
    if not kept.is_retracted and ledger.is_before_birth(kept):
        return told(row.row, "unlinked", numbers.BEFORE_BIRTH)
    outcome = "accepted" if is_new else "unchanged"
    result = told(row.row, outcome, note) if note else RowResult(row.row, outcome, row.note)
    return result._replace(changes=_changes(known, report)) if is_new else result


def _changes(known: Report | None, said: Report) -> tuple[str, ...]:
    was_live = known is not None and not known.is_retracted
    if said.is_retracted:
        return (DOSE_DELETED,) if was_live else ()
    return (DOSE_CHANGED if was_live else DOSE_ADDED,)


def _delete(ledger: Ledger, row: RegistryRow, report: Report) -> RowResult:
    """A deletion takes back what it finds, and never passes in silence if it finds nothing."""
    doomed = numbers.to_delete(report, ledger, is_given=row.is_given)
    live = [target for target in doomed if not target.is_retracted]
    timely = [target for target in live if not is_older(report, target)]
    for target in timely if live else doomed:
        ledger.take(numbers.as_deletion(report, target))
    if not any(report.event_id and report.event_id == target.event_id for target in doomed):
        ledger.take(report)  # kept, so that the older message that it takes back, if that comes yet, is known
    if timely:
        return RowResult(row.row, "accepted", row.note, changes=(DOSE_DELETED,))
    if live:
        return told(row.row, "unchanged", numbers.OLDER)
    if doomed and not row.is_given:
        return RowResult(row.row, "accepted", row.note)
    return told(row.row, "unchanged", numbers.NOTHING_DELETED)


def was_deleted(result: RowResult) -> RowResult:
    """A deletion that found no dose, but took back something that was said beside doses, is accepted."""
    return RowResult(result.row, "accepted") if result.code == numbers.NOTHING_DELETED else result


def told(row: int, outcome: str, code: str) -> RowResult:
    """A row's outcome with what was odd about it."""
    return RowResult(row, outcome, code, numbers.FIELDS[code], None, numbers.EXPECTED[code])
