"""Loads everything that decisions about members need, and says which cases they change."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from operator import attrgetter
from typing import TypeVar
from uuid import UUID

import asyncpg

from schemas.outreach_v1 import CaseChangedV1, CaseClosedReason, CaseStatus, Channel, Direction, Disposition
from schemas.scheduling_v1 import AppointmentStatus
from services.kit.ids import derived_id
from services.kit.postgres import Connection
from services.outreach.cases.evidence import (
    Appointment,
    Attempt,
    CaseState,
    Dose,
    Enrolment,
    Flag,
    Held,
    Paused,
    Situation,
    Statement,
)
from services.outreach.contacts.dispositions import Standing

LOAD_ENROLMENTS = f"""
select {", ".join(f"e.{field.name}" for field in fields(Enrolment))}, p.vaccine_group,
    greatest((select max(business_on) from business_day), e.decided_on) as today, coalesce(t.listed, false) as listed,
    c.case_id, c.version as case_version, c.opened_on,
    {", ".join(f"c.{field.name} as case_{field.name}" for field in fields(CaseState))}
from enrolment e
left join outreach_case c using (enrolment_id, programme_id)
left join programme p using (programme_id)
left join target_zip t on t.programme_id = e.programme_id and t.zip5 = e.zip5
where e.member_token = any($1)
"""
LOAD_DOSES = """
select member_token, dose_id, coalesce(nullif(vaccine_groups, ''), vaccine_group) as vaccine_groups, administered_on,
    live and not is_partial as live, appointment_id
from dose where member_token = any($1)
"""
LOAD_APPOINTMENTS = """
select enrolment_id, programme_id, appointment_id, status, start_at, start_on, changed_on, dose_on,
    cancellation_reason, by_rule, outcome_overdue, coalesce(told_at, start_at) as told_at
from appointment where enrolment_id = any($1)
"""
LOAD_ATTEMPTS = """
select member_token, tenant_id, attempt_id, programme_id, enrolment_id, channel, disposition, attempted_at, counted_on,
    worker_id, callback_at, callback_on, language, place, direction, reach
from attempt
where member_token = any($1)
    and not exists (select from attempt_retraction as taken where taken.attempt_id = attempt.attempt_id)
order by attempted_at, attempt_id
"""
LOAD_STATEMENTS = """
select s.member_token, s.source_id, s.tenant_id, s.programme_id, p.vaccine_group, s.said_at, s.counted_on, s.told_at,
    s.standing, s.stops, s.resumes, s.reports_death
from statement as s left join programme as p using (programme_id)
where s.member_token = any($1)
order by s.said_at, s.source_id
"""


@dataclass(frozen=True, slots=True)
class KnownCase:
    """A situation with the case as it stands; no `state` while there is no case yet."""

    situation: Situation
    case_id: UUID
    version: int
    opened_on: date | None
    state: CaseState | None


@dataclass(frozen=True, slots=True)
class ChangedCase:
    """A case to be saved. `announced`: the change is one that others hear of."""

    case_id: UUID
    enrolment_id: UUID
    programme_id: str
    version: int
    opened_on: date
    changed_on: date
    state: CaseState
    announced: bool

    def event(self, at: datetime) -> CaseChangedV1:
        """The snapshot that others hear."""
        state = self.state
        return CaseChangedV1(
            occurred_at=at, case_id=self.case_id, version=self.version, enrolment_id=self.enrolment_id,
            member_token=state.member_token, tenant_id=state.tenant_id, programme_id=self.programme_id,
            status=state.status, closed_reason=state.closed_reason, priority=state.priority, attempts=state.attempts,
            opened_on=self.opened_on, changed_on=self.changed_on, paused_until_on=state.paused_until_on,
        )  # fmt: skip


_announced = attrgetter(
    "tenant_id", "member_token", "status", "closed_reason", "priority", "attempts", "paused_until_on"
)


def changed(known: KnownCase, state: CaseState) -> ChangedCase | None:
    """What this decision changes. A case is there from the first day on which outreach might be offered."""
    enrolment = known.situation.enrolment
    if enrolment.eligible_on is None or (state == known.state and enrolment.eligible_on == known.opened_on):
        return None
    announced = (
        known.state is None or enrolment.eligible_on != known.opened_on or _announced(state) != _announced(known.state)
    )
    return ChangedCase(
        case_id=known.case_id,
        enrolment_id=enrolment.enrolment_id,
        programme_id=enrolment.programme_id,
        version=known.version + announced,
        opened_on=enrolment.eligible_on,
        changed_on=known.situation.today,
        state=state,
        announced=announced,
    )


async def load_known(connection: Connection, persons: Mapping[UUID, UUID]) -> list[KnownCase]:
    """Every enrolment and programme of these persons, given as token → person with all their tokens, which the caller
    has locked if he is going to decide."""
    tokens = list(persons)
    enrolments = await connection.fetch(LOAD_ENROLMENTS, tokens)
    ids = [row["enrolment_id"] for row in enrolments]
    doses = _grouped(await connection.fetch(LOAD_DOSES, tokens), lambda row: persons[row["member_token"]], _dose)
    appointments = _grouped(
        await connection.fetch(LOAD_APPOINTMENTS, ids),
        lambda row: (row["enrolment_id"], row["programme_id"]),
        _appointment,
    )
    attempts = _grouped(
        await connection.fetch(LOAD_ATTEMPTS, tokens),
        lambda row: (persons[row["member_token"]], row["tenant_id"]),
        _attempt,
    )
    statements = _grouped(
        await connection.fetch(LOAD_STATEMENTS, tokens), lambda row: persons[row["member_token"]], _statement
    )
    known = []
    for row in enrolments:
        person = persons[row["member_token"]]
        situation = Situation(
            enrolment=_enrolment(row),
            today=row["today"],
            retired=person != row["member_token"],
            vaccine_group=row["vaccine_group"],
            target_zip=row["listed"],
            doses=doses.get(person, []),
            appointments=appointments.get((row["enrolment_id"], row["programme_id"]), []),
            attempts=attempts.get((person, row["tenant_id"]), []),
            statements=statements.get(person, []),
        )
        known.append(_known(row, situation))
    return known


def _known(row: asyncpg.Record, situation: Situation) -> KnownCase:
    if row["case_id"] is None:
        case_id = derived_id("case", row["enrolment_id"], row["programme_id"])
        return KnownCase(situation, case_id, 0, None, None)
    return KnownCase(situation, row["case_id"], row["case_version"], row["opened_on"], _state(row))


def _enrolment(row: asyncpg.Record) -> Enrolment:
    return Enrolment(
        enrolment_id=row["enrolment_id"],
        programme_id=row["programme_id"],
        tenant_id=row["tenant_id"],
        member_token=row["member_token"],
        version=row["version"],
        eligible=row["eligible"],
        vaccinated=row["vaccinated"],
        doses_valid=row["doses_valid"],
        enrolled=row["enrolled"],
        contact_protected=row["contact_protected"],
        merged_into=row["merged_into"],
        reasons=tuple(row["reasons"].split()),
        priority=row["priority"],
        zip5=row["zip5"],
        tract=row["tract"],
        language=row["language"],
        decided_on=row["decided_on"],
        death_reports_until=row["death_reports_until"],
        channels_barred=tuple(row["channels_barred"].split()),
        phone_version=row["phone_version"],
        address_version=row["address_version"],
        email_version=row["email_version"],
        eligible_on=row["eligible_on"],
    )


def _state(row: asyncpg.Record) -> CaseState:
    closed, held, channel = row["case_closed_reason"], row["case_held_by"], row["case_next_channel"]
    paused = row["case_paused_by"]
    return CaseState(
        tenant_id=row["case_tenant_id"],
        member_token=row["case_member_token"],
        status=CaseStatus(row["case_status"]),
        closed_reason=None if closed is None else CaseClosedReason(closed),
        paused_until_on=row["case_paused_until_on"],
        held_by=None if held is None else Held(held),
        held_until_on=row["case_held_until_on"],
        review_on=row["case_review_on"],
        priority=row["case_priority"],
        zip_bonus=row["case_zip_bonus"],
        noshow_bonus=row["case_noshow_bonus"],
        attempts=row["case_attempts"],
        attempt_penalty=row["case_attempt_penalty"],
        zip5=row["case_zip5"],
        language=row["case_language"],
        needs_language=row["case_needs_language"],
        callback_at=row["case_callback_at"],
        callback_worker=row["case_callback_worker"],
        next_channel=None if channel is None else Channel(channel),
        paused_by=None if paused is None else Paused(paused),
        lost_bonus=row["case_lost_bonus"],
        flags=tuple(map(Flag, row["case_flags"].split())),
    )


Key = TypeVar("Key")
Kind = TypeVar("Kind")


def _grouped(
    rows: Iterable[asyncpg.Record], key: Callable[[asyncpg.Record], Key], make: Callable[[asyncpg.Record], Kind]
) -> dict[Key, list[Kind]]:
    grouped: dict[Key, list[Kind]] = {}
    for row in rows:
        grouped.setdefault(key(row), []).append(make(row))
    return grouped


def _dose(row: asyncpg.Record) -> Dose:
    groups = tuple(row["vaccine_groups"].split())
    return Dose(row["dose_id"], groups, *tuple(row.values())[3:])


def _appointment(row: asyncpg.Record) -> Appointment:
    return Appointment(row["appointment_id"], AppointmentStatus(row["status"]), *tuple(row.values())[4:])


def _attempt(row: asyncpg.Record) -> Attempt:
    values = {name: value for name, value in row.items() if name not in {"member_token", "tenant_id"}}
    values["channel"], values["disposition"] = Channel(row["channel"]), Disposition(row["disposition"])
    values["direction"] = Direction(row["direction"])
    return Attempt(**values)


def _statement(row: asyncpg.Record) -> Statement:
    values = {name: value for name, value in row.items() if name != "member_token"}
    values["standing"] = None if row["standing"] is None else Standing(row["standing"])
    values["stops"], values["resumes"] = tuple(map(Channel, row["stops"])), tuple(map(Channel, row["resumes"]))
    return Statement(**values)
