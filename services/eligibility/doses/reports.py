"""What one source says of one vaccination, and which of two statements of it holds. Pure."""

from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID

from services.eligibility.payers.tenants import EVERY_TENANT
from services.eligibility.vital.registry import with_words

APPOINTMENT, REGISTRY, PLAN = "appointment", "iis", "plan"
ONE_DAY = timedelta(days=1)
DAYS_END = time(23, 59, 59, 999_999)
"""When a statement counts as made that names its day only; the fraction of the second marks it."""
BESIDE = ("remarks", "action", "outcome")
"""What a report keeps of a row that is no part of the dose, for whoever is found later: the last word on it holds."""


class Report(NamedTuple):
    """One source's statement about one dose. `event_key` is the sender's own name of the vaccination, or what stands
    for it; `event_id` is a registry's number for it, which others' vaccinations may bear too. `sender` is the registry
    that says so ("": told before senders were kept), `tenant_id` for whom it may speak, `*` for everybody.
    `is_corrected`: not as it was told first. The fields are the columns of its table, in their order."""

    report_id: UUID
    source: str
    event_key: str
    member_token: UUID | None = None
    dose_id: UUID | None = None
    cvx: str = ""
    mvx: str = ""
    lot: str = ""
    administered_on: date = date.min
    is_historical: bool = False
    is_partial: bool = False
    is_retracted: bool = False
    stated_at: datetime | None = None
    appointment_id: UUID | None = None
    appointment_version: int = 0
    subject: dict[str, object] | None = None
    file_id: UUID | None = None
    row: int | None = None
    tenant_id: str = EVERY_TENANT
    event_id: str = ""
    sender: str = ""
    is_corrected: bool = False


def over(known: Report, said: Report) -> Report:
    """Replace a known report by a newer one. A retraction may leave out the dose's data: then those that are known
    stay."""
    if said.is_retracted:
        stated_at, version = said.stated_at or known.stated_at, said.appointment_version
        subject = known.subject
        if subject is not None and said.subject is not None:
            subject = {**subject, **{name: said.subject[name] for name in BESIDE if name in said.subject}}
        return known._replace(is_retracted=True, stated_at=stated_at, appointment_version=version, subject=subject)
    is_moved = said.member_token not in {None, known.member_token}  # its dose stays the other person's
    return said._replace(
        report_id=known.report_id,
        dose_id=None if is_moved else known.dose_id,
        member_token=said.member_token or known.member_token,
        is_corrected=said.is_corrected or known.is_corrected,
    )


def with_words_of(report: Report, other: Report) -> Report:
    """A report of whom nobody is found yet, with what the other one says of the person, too."""
    if report.member_token is not None or report.subject is None:
        return report
    return report._replace(subject=with_words(report.subject, other.subject))


def is_of_source(said: Report, known: Report) -> bool:
    """Whether both come from the same place; what was told before senders were kept may be of any registry."""
    is_same = (said.source, said.tenant_id) == (known.source, known.tenant_id)
    return is_same and (said.sender == known.sender or "" in {said.sender, known.sender})


def is_older(said: Report, known: Report) -> bool:
    """Whether a statement was made before the one that is known. A day without its hour stands for its end; against one
    a deletion counts as older only if it is of an earlier day, for which came first is not known."""
    if said.source == APPOINTMENT:
        return said.appointment_version <= known.appointment_version
    if said.stated_at is None or known.stated_at is None:
        return False
    begun_at = known.stated_at
    if said.is_retracted and begun_at.microsecond == DAYS_END.microsecond:
        begun_at -= ONE_DAY
    return said.stated_at < begun_at


def says_the_same(said: Report, known: Report) -> bool:
    """Whether it brings nothing but another time or place of being said."""
    about = known.subject if known.member_token else said.subject
    as_known = said._replace(stated_at=known.stated_at, file_id=known.file_id, row=known.row, subject=about,
                       appointment_version=known.appointment_version, event_id=known.event_id, sender=known.sender,
                       is_corrected=known.is_corrected)  # fmt: skip
    return as_known == known
