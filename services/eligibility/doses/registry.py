"""From a registry's rows to statements: whom they are about, what they say of the person, and of the dose."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import Any, Literal
from uuid import UUID

from services.eligibility.doses.remarks import Remark, remarks_of
from services.eligibility.doses.reports import REGISTRY, Report
from services.eligibility.doses.rules import Codes
from services.eligibility.feeds.codes import UNSPECIFIED, vaccines
from services.eligibility.feeds.records import DoseOutcome, DoseRecord, PatientRecord, StatedPerson
from services.eligibility.payers.rules import code_of
from services.eligibility.payers.tenants import EVERY_TENANT, speaker
from services.eligibility.people.linkage import (
    IdKey,
    Subject,
    is_within,
    normal,
    subject_of_document,
    within,
)
from services.eligibility.people.statement import Statement
from services.eligibility.vital.registry import PersonStatements, as_document, of_document, person_statements

SEP = "\x1f"
DOSE, TENANT = "dose", "tenant"
"""What begins the key of a vaccination without a number, and of whatever only one tenant's sender says."""
COPY = "of"
"""What stands in a report's key before the further person of whom it is, who has a report of his own."""
_OF_FURTHER = re.compile(f"{SEP}{COPY}{SEP}[0-9a-f-]{{36}}")
GIVEN = frozenset({DoseOutcome.ADMINISTERED, DoseOutcome.PARTIAL})


@cache
def groups_of(cvx: str) -> tuple[str, ...]:
    """The vaccine groups that a CVX code counts for, the first one its own; a code of no group is one by itself."""
    vaccine = vaccines().get(cvx)
    groups = tuple(dict.fromkeys(map(code_of, vaccine.groups))) if vaccine else ()
    return groups or (f"cvx-{cvx or 'unknown'}",)


@cache
def is_specific(cvx: str) -> bool:
    """Whether the code names a product and not only a disease."""
    vaccine = vaccines().get(cvx)
    return vaccine is not None and vaccine.kind != UNSPECIFIED


CODES = Codes(groups_of, is_specific)


@cache
def combined_vaccines() -> tuple[str, ...]:
    """The codes of vaccines that count for several groups."""
    return tuple(sorted(cvx for cvx in vaccines() if len(groups_of(cvx)) > 1))


@dataclass(frozen=True, slots=True)
class RegistryRow:
    """One row of a registry: about whom, what it says of the person, and its report. `row` is its ordinal."""

    row: int
    subject: Subject
    said: Statement
    report: Report
    person: PersonStatements
    note: str | None = None
    action: Literal["A", "U", "D"] = "A"
    outcome: DoseOutcome = DoseOutcome.ADMINISTERED
    is_patient: bool = False
    remarks: tuple[Remark, ...] = ()

    @property
    def is_given(self) -> bool:
        return self.outcome in GIVEN

    def report_of(self, member_token: UUID | None) -> Report:
        """Its report of whoever was found; while that is nobody, it carries what the row says of the person, too."""
        if member_token is not None:
            return self.report._replace(member_token=member_token)
        return self.report._replace(subject={**(self.report.subject or {}), **as_document(self.person)})

    @property
    def keys(self) -> set[str]:
        """The keys under which this row's report may be kept: today's, and that of before senders were kept."""
        keys = {self.report.event_key}
        before = _of_tenant(self.report.tenant_id, f"event{SEP}{self.report.event_id}")
        return keys | {before} if self.report.event_id else keys


def registry_row(
    record: DoseRecord | PatientRecord, file_id: UUID, report_id: UUID, tenant: str = EVERY_TENANT
) -> RegistryRow:
    """What a row says. A patient without a dose, and a dose that was not given, say something of the person only. Who
    may speak for one tenant only is a sender of his own, and has event keys and identifiers of his own, so that he
    can't take back, or tie to his members, what others reported."""
    subject, said = subject_of(record.person), _statement(record.person)
    person = person_statements(record, tenant)
    remarks = remarks_of(record) if isinstance(record, DoseRecord) else ()
    if tenant != EVERY_TENANT:
        own = tuple(within(tenant, identifier) for identifier in subject.personal)
        subject = subject._replace(identifiers=(*subject.identifiers, *own))
    base = Report(
        report_id=report_id,
        source=REGISTRY,
        event_key="",
        subject=_document(subject, said) | _more(record, remarks),
        file_id=file_id,
        row=record.position.row,
        stated_at=record.message_at,
        administered_on=record.recorded_on or date.min,
        is_retracted=True,
        tenant_id=tenant,
        sender=speaker(record.sender, tenant),
    )
    if isinstance(record, PatientRecord):
        sent_at = record.message_at.isoformat() if record.message_at else ""
        message = record.message_control_id, sent_at  # what waits is heard of each message
        key = SEP.join(("patient", record.sender, *_whose(subject), *message))
        report = base._replace(event_key=_of_tenant(tenant, key))
        return RegistryRow(record.position.row, subject, said, report, person, "patient", is_patient=True)
    is_given = record.outcome in GIVEN
    report = base._replace(
        event_key=_of_tenant(tenant, _event_key(record, subject)),
        event_id=SEP.join((record.event.assigner, record.event.value)) if record.event else "",
        cvx=record.cvx,
        mvx=record.mvx,
        lot=record.lot[:32],
        administered_on=record.administered_on,
        is_historical=record.is_historical,
        is_partial=record.outcome is DoseOutcome.PARTIAL,
        is_retracted=record.action == "D" or not is_given,
    )
    note = None if is_given else record.outcome.value
    return RegistryRow(
        record.position.row, subject, said, report, person, note, record.action, record.outcome, remarks=remarks,
    )  # fmt: skip


def for_person(row: RegistryRow, member_token: UUID, report_id: UUID) -> RegistryRow:
    """The same row as a report of a further person whom it is about, who is another plan's member."""
    key = SEP.join((row.report.event_key, COPY, str(member_token)))
    return replace(row, report=row.report._replace(report_id=report_id, event_key=key, member_token=None, dose_id=None))


def is_copy(report: Report) -> bool:
    """Whether it is a further person's report of a row that was heard of somebody else."""
    return _OF_FURTHER.search(report.event_key) is not None


def key_of_row(report: Report) -> str:
    """The row's own key, whichever person's report it is."""
    return _OF_FURTHER.sub("", report.event_key)


def subject_of(person: StatedPerson) -> Subject:
    name, address = person.name, person.address
    return Subject(
        identifiers=person.identifiers,
        family=name.family if name else "",
        given=name.given if name else "",
        birth_on=person.birth_on,
        zip5=address.zip5 if address else "",
        sex=person.sex,
    )


def patients_of(rows: Iterable[RegistryRow], tenant: str) -> dict[IdKey, tuple[date, str]]:
    """Birth date and sex by number, from rows that are about a patient and not about a dose."""
    return {
        identifier: (row.subject.birth_on, row.subject.sex)
        for row in rows
        if row.is_patient and row.subject.birth_on is not None
        for identifier in row.subject.personal
        if tenant == EVERY_TENANT or is_within(tenant, identifier)
    }


def completed(subject: Subject, patients: Mapping[IdKey, tuple[date, str]]) -> Subject:
    """A number alone, with the birth date and sex that the registry's patient file gives for it."""
    about = (
        {patients[identifier] for identifier in subject.personal if identifier in patients}
        if subject.is_number_only
        else set()
    )
    if len(about) != 1:
        return subject
    birth_on, sex = about.pop()
    return subject._replace(birth_on=birth_on, sex=sex)


def _event_key(record: DoseRecord, subject: Subject) -> str:
    """The sender's own name of the patient's vaccination; where it has none, who, what and when. What was not given is
    no dose of that day."""
    whose = _whose(subject)
    if record.event is not None:
        return SEP.join(("event", record.sender, record.event.assigner, record.event.value, *whose))
    kind = DOSE if record.outcome in GIVEN else record.outcome.value
    return SEP.join((kind, record.sender, *whose, record.cvx, record.administered_on.isoformat()))


def is_of_dose(report: Report) -> bool:
    """Whether a report is of a vaccination without a number, and not of a person or of what was not given."""
    kind, _, more = report.event_key.partition(SEP)
    return (more.split(SEP)[1] if kind == TENANT else kind) == DOSE


def _of_tenant(tenant: str, event_key: str) -> str:
    return event_key if tenant == EVERY_TENANT else SEP.join((TENANT, tenant, event_key))


def _whose(subject: Subject) -> Iterable[str]:
    first = subject.personal[0] if subject.personal else ("", "", "")
    birth_on = subject.birth_on.isoformat() if subject.birth_on else ""
    names = normal(subject.family), normal(subject.given)
    return (*first, birth_on, *names, "" if subject.personal else subject.zip5)


def _statement(person: StatedPerson) -> Statement:
    address = person.address
    return Statement(
        member_token=UUID(int=0),
        source="registry",
        races=person.races,
        ethnicity=person.ethnicity,
        zip5=address.zip5 if address else "",
        tract=address.tract if address else "",
    )


def combined(known: Statement | None, said: Statement, member_token: UUID) -> Statement:
    """What is known after a statement; what it leaves empty stays."""
    if known is None:
        return said._replace(member_token=member_token)
    place = said if said.tract and said.zip5 else known  # a tract without its ZIP places nobody
    return Statement(
        member_token=member_token,
        source=known.source,
        races=said.races or known.races,
        ethnicity=said.ethnicity or known.ethnicity,
        zip5=place.zip5,
        tract=place.tract,
        is_protected=known.is_protected if said.is_protected is None else said.is_protected,
    )


def _document(subject: Subject, said: Statement) -> dict[str, object]:
    return {
        "identifiers": [list(identifier) for identifier in subject.identifiers],
        "family": subject.family,
        "given": subject.given,
        "birth_on": subject.birth_on.isoformat() if subject.birth_on else None,
        "zip5": subject.zip5,
        "sex": subject.sex,
        "races": list(said.races),
        "ethnicity": said.ethnicity,
        "tract": said.tract,
    }


def _more(record: DoseRecord | PatientRecord, remarks: Iterable[Remark]) -> dict[str, object]:
    """What is left to say once the person is known: of rows that bring no dose, too."""
    if isinstance(record, PatientRecord) or (not (remarks := tuple(remarks)) and record.action == "A"):
        return {}
    return {
        "remarks": [remark.document() for remark in remarks],
        "action": record.action,
        "outcome": record.outcome.value,
    }


def waiting_row(report: Report) -> RegistryRow:
    """A report that waited, as it was heard."""
    document: dict[str, Any] = dict(report.subject or {})
    said = Statement(
        UUID(int=0), "registry", tuple(document["races"]), document["ethnicity"], document["zip5"], document["tract"],
        document.get("is_protected"),  # as it was kept before each registry's own word was
    )  # fmt: skip
    remarks = tuple(Remark.of_document(remark) for remark in document.get("remarks", ()))
    outcome = DoseOutcome(document.get("outcome", DoseOutcome.ADMINISTERED.value))
    return RegistryRow(
        report.row or 0, subject_of_document(document), said, report, of_document(document),
        action=document.get("action", "A"), outcome=outcome, remarks=remarks,
    )  # fmt: skip
