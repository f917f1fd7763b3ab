"""Values that outreach's rules take, with sane defaults. The `days`-th day is counted from DAY."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from schemas.eligibility_v1 import InterpreterNeeded
from schemas.outreach_v1 import Channel, Direction, Disposition
from schemas.scheduling_v1 import AppointmentStatus
from services.outreach.cases.channels import place_of
from services.outreach.cases.evidence import Evidence
from services.outreach.contacts.dispositions import EFFECTS
from services.outreach.contacts.rules import Attempt, Statement
from services.outreach.members.rules import Appointment, Dose, Enrolment

DAY = date(2021, 3, 1)
NOON = datetime(2021, 3, 1, 18, tzinfo=UTC)
D = Disposition


def an_enrolment(**changes: Any) -> Enrolment:
    return replace(
        Enrolment(
            enrolment_id=UUID(int=1), programme_id="connectors-65", tenant_id="lakeshore", member_token=UUID(int=2),
            version=1, eligible=True, vaccinated=False, doses_valid=0, enrolled=True, contact_protected=False,
            merged_into=None, reasons=(), priority=500, zip5="60623", tract="17031843500", language="en",
            decided_on=DAY, death_reports_until=None, channels_barred=(), phone_version=0, address_version=0,
            email_version=0, interpreter_needed=InterpreterNeeded.UNKNOWN, eligible_on=DAY,
        ),
        **changes,
    )  # fmt: skip


def some_evidence(**changes: Any) -> Evidence:
    """An eligible member on 1 March; `enrolment` may be given as changes to the usual one. What the attempts leave
    for the person is said too, unless `statements` are given."""
    enrolment = an_enrolment(**changes.pop("enrolment", {}))
    said = [a_statement(one) for one in changes.get("attempts", ())]
    known = Evidence(enrolment=enrolment, today=DAY, vaccine_group="covid-19", statements=said)
    return replace(known, **changes)


def an_attempt(disposition: Disposition, days: int = 0, **changes: Any) -> Attempt:
    """Made `days` days from now."""
    callback = disposition is D.CALLBACK_SCHEDULED
    made = Attempt(
        attempt_id=UUID(int=days + 100), programme_id="connectors-65", enrolment_id=UUID(int=1), channel=Channel.PHONE,
        disposition=disposition, attempted_at=NOON + timedelta(days=days), counted_on=DAY + timedelta(days=days),
        worker_id="wanda", callback_at=NOON + timedelta(days=days + 2) if callback else None,
        callback_on=DAY + timedelta(days=days + 2) if callback else None, language=None,
        place=place_of(an_enrolment()), direction=Direction.OUTBOUND, reach=0,
    )  # fmt: skip
    return replace(made, **changes)


def a_statement(attempt: Attempt, **changes: Any) -> Statement:
    """What an attempt says for all the person's plans."""
    effect = EFFECTS[attempt.disposition]
    said = Statement(
        source_id=attempt.attempt_id, tenant_id="lakeshore", programme_id=attempt.programme_id,
        vaccine_group="covid-19", said_at=attempt.attempted_at, counted_on=attempt.counted_on,
        told_at=attempt.attempted_at, stance=effect.stance,
        stops=(Channel.PHONE, Channel.TEXT) if effect.opts_out else (), resumes=(), reports_death=effect.deceased,
    )  # fmt: skip
    return replace(said, **changes)


def a_dose(days_ago: int = 0, **changes: Any) -> Dose:
    dose = Dose(UUID(int=7), ("covid-19",), DAY - timedelta(days=days_ago), live=True, appointment_id=None)
    return replace(dose, **changes)


def an_appointment(days: int, status: AppointmentStatus = AppointmentStatus.BOOKED, **changes: Any) -> Appointment:
    at = NOON + timedelta(days=days)
    usual = Appointment(
        UUID(int=9), status, at, at.date(), DAY, None, cancellation_reason=None, by_rule=False, outcome_overdue=False,
        told_at=NOON,
    )  # fmt: skip
    return replace(usual, **changes)
