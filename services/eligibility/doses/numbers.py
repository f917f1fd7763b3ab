"""Which known report a registry's row speaks of: by the sender's number for the vaccination (ORC-3), within the sender
and the patient, else by what the row says. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from services.eligibility.doses.registry import is_copy, is_of_dose, key_of_row
from services.eligibility.doses.reports import Report, is_of_source, is_older
from services.eligibility.doses.rules import Ledger
from services.eligibility.people.linkage import Subject, normal, subject_of_document

REUSED, OF_ANOTHER, NOTHING_DELETED, OLDER = "number-reused", "number-of-another", "nothing-deleted", "older-message"
BEFORE_BIRTH = "before-birth"
EXPECTED = {
    REUSED: "a number (ORC-3) of its own for each vaccination, or U for a correction: it was taken as another one",
    OF_ANOTHER: "a number (ORC-3) that names one patient's vaccination: it was taken as this patient's own",
    NOTHING_DELETED: "a dose of this patient, day and vaccine that this sender has reported: nothing was deleted",
    BEFORE_BIRTH: "a day not before the day of birth that the plan states: kept, and no dose until that is corrected",
    OLDER: "a message (MSH-7) later than the one that stands: nothing was changed",
}
_UNDATED = datetime.min.replace(tzinfo=UTC)
FIELDS = {REUSED: "ORC-3", OF_ANOTHER: "ORC-3", NOTHING_DELETED: "RXA-21", OLDER: "MSH-7", BEFORE_BIRTH: "RXA-3"}


class Named(NamedTuple):
    """The report under the key of what it speaks of, and what was odd about its number."""

    report: Report
    note: str | None = None


def named(said: Report, action: str, ledger: Ledger) -> Named:
    """A statement that is to be added or to correct (A, U). Under U the patient's report of that number is corrected.
    Under A it is restated, if day and vaccine agree or nothing of it lives; else the number was used again."""
    same = _same_number(said, ledger)
    if not same:
        return Named(said)
    best = _nearest(said, same, ledger)
    if action == "U" or _is_alike(said, best, ledger):
        return Named(said._replace(event_key=best.event_key, is_corrected=action == "U"))
    if all(report.is_retracted for report in same) or (best.is_corrected and is_older(said, best)):
        return Named(said._replace(event_key=best.event_key))
    key = "\x1f".join((said.event_key, said.cvx, said.administered_on.isoformat()))
    return Named(said._replace(event_key=key), REUSED)


def to_delete(said: Report, ledger: Ledger, *, is_given: bool) -> list[Report]:
    """The reports that a deletion speaks of, taken back or not: the patient's one of that number; else what the same
    sender has said of the patient's dose of that day and vaccine. A number without a vaccine is about itself only, and
    so is what was never given."""
    if same := _same_number(said, ledger):
        alike = [report for report in same if _is_alike(said, report, ledger)]
        return alike if len(same) > 1 else same
    if not is_given:
        known = ledger.reports.get(said.event_key)
        return [known] if known else []
    if said.event_id and not said.cvx:
        return []
    return ledger.alike(said) or _waiting_alike(said, ledger)


def deleted_unnumbered(said: Report, ledger: Ledger) -> Report | None:
    """The sender's later deletion, without a number, of what it says of that patient, day and vaccine (if one was
    said): that counts for what comes late under a number, too."""
    tokens = dict.fromkeys((said.member_token, None))
    gone = (
        deletion for member_token in tokens for deletion in ledger.gone_unnumbered(member_token, said.administered_on)
    )
    return next(
        (
            deletion
            for deletion in gone
            if is_of_dose(deletion) and is_older(said, deletion) and _is_same(said, deletion, ledger)
        ),
        None,
    )


def _is_same(said: Report, known: Report, ledger: Ledger) -> bool:
    is_one = not said.cvx or not known.cvx or ledger.is_same(said.cvx, known.cvx)
    same_day = said.administered_on == known.administered_on
    return is_one and same_day and is_of_source(said, known) and is_same_patient(said, known)


def take_back(ledger: Ledger, linked: Iterable[Report]) -> None:
    """Deletions without a number hold for what turns out to be of the same person once both have found him."""
    for report in linked:
        if not report.is_retracted and (gone := deleted_unnumbered(report, ledger)) is not None:
            ledger.take(as_deletion(gone, report))
        elif report.is_retracted and not report.event_id and is_of_dose(report):
            for known in ledger.alike(report):
                ledger.take(as_deletion(report, known))


def fold(ledger: Ledger, survivor: UUID) -> None:
    """After a merge: of two reports with one registry number keep the newest, so that a later correction finds one."""
    of_row = defaultdict[str, list[Report]](list)
    for report in ledger.reports.values():
        if report.member_token == survivor and report.event_id:
            of_row[key_of_row(report)].append(report)
    for reports in of_row.values():
        first, *further = sorted(reports, key=lambda report: (is_copy(report), report.event_key))
        if further:
            newest = max(further, key=lambda report: (report.stated_at or _UNDATED, not report.is_retracted))
            if (newest.stated_at or _UNDATED) > (first.stated_at or _UNDATED):
                ledger.take(newest._replace(event_key=first.event_key))
            for other in further:
                ledger.take(other._replace(is_retracted=True))


def as_deletion(deletion: Report, known: Report) -> Report:
    """The deletion as said of a report that it hits."""
    return deletion._replace(event_key=known.event_key, event_id=known.event_id, member_token=known.member_token)


def of_another(said: Report, ledger: Ledger) -> bool:
    """Whether the same sender has given this number to somebody else's vaccination. Of one patient who is two plans'
    member it is one number."""
    known = ledger.of_event(said.event_id) if said.event_id else []
    whose = said._replace(member_token=None)
    others = (report for report in known if is_of_source(said, report) and not is_same_patient(said, report))
    return any(not is_same_patient(whose, report) for report in others)


def is_same_patient(said: Report, known: Report) -> bool:
    """Whom they were linked to decides; where one of them waits, a shared number with the birth date or the whole name,
    or the whole match key."""
    if said.member_token is not None and known.member_token is not None:
        return said.member_token == known.member_token
    if said.subject is None or known.subject is None:
        return False
    subject, other = subject_of_document(said.subject), subject_of_document(known.subject)
    if subject.key and subject.key == other.key:
        return True
    if set(subject.personal).isdisjoint(other.personal):
        return False
    return subject.birth_on == other.birth_on or (subject.bears_name and _whole_name(subject) == _whole_name(other))


def _whole_name(subject: Subject) -> tuple[str, str]:
    return normal(subject.family), normal(subject.given)


def _same_number(said: Report, ledger: Ledger) -> list[Report]:
    known = ledger.of_event(said.event_id) if said.event_id else []
    return [report for report in known if is_of_source(said, report) and is_same_patient(said, report)]


def _is_alike(said: Report, known: Report, ledger: Ledger) -> bool:
    same_day = said.administered_on == known.administered_on
    return same_day and (not said.cvx or not known.cvx or ledger.overlap(said.cvx, known.cvx))


def _nearest(said: Report, same: Sequence[Report], ledger: Ledger) -> Report:
    """Of several with one number the one that agrees most; living ones before those taken back, the newest at last."""

    def agreement(one: Report) -> tuple[bool, bool, bool, bool]:
        is_live, overlaps = not one.is_retracted, ledger.overlap(said.cvx, one.cvx)
        same_day = said.administered_on == one.administered_on
        return same_day and overlaps, is_live, overlaps, same_day

    return max(same, key=lambda report: (*agreement(report), report.report_id))


def _waiting_alike(said: Report, ledger: Ledger) -> list[Report]:
    waiting: Iterable[Report] = (
        report for report in ledger.reports.values() if report.member_token is None and not report.is_retracted
    )
    return [report for report in waiting if _is_same(said, report, ledger)]
