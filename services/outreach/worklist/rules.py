"""From rows to what a worker sees: cards, files with the answer to "why am I calling?", counts."""

from collections.abc import Iterator, Sequence

import asyncpg

from services.outreach.cases import appointments as visits
from services.outreach.cases.channels import barred_channels, invalid_channels, stopped_channels
from services.outreach.cases.evidence import Flag, Paused
from services.outreach.policy import POLICY
from services.outreach.worklist.shapes import (
    AppointmentRecord,
    AttemptRecord,
    CaseCard,
    CaseFile,
    DoseRecord,
    OtherCase,
    ProgrammeSummary,
    RankParts,
    WorkSummary,
)
from services.outreach.worklist.store import History


def card(row: asyncpg.Record) -> CaseCard:
    """The card of a case row."""
    return CaseCard.model_validate(_card_values(row))


def _card_values(row: asyncpg.Record) -> dict[str, object]:
    values = {name: row[name] for name in CaseCard.model_fields if name != "rank_parts"}
    parts = _parts(row)
    live = row["lease_until"] is not None and row["lease_until"] > row["asked_at"]
    if not live:
        values["claimed_by"] = values["lease_until"] = None
    values["flags"] = tuple(row["flags"] or ())
    return {**values, "rank": row["rank"] + parts.callback_due, "rank_parts": parts}


def _parts(row: asyncpg.Record) -> RankParts:
    is_due = row["callback_at"] is not None and row["callback_at"] <= row["asked_at"]
    return RankParts(
        priority=row["priority"],
        target_zip=row["zip_bonus"],
        no_show=row["noshow_bonus"],
        lost_appointment=row["lost_bonus"],
        attempts=row["attempt_penalty"],
        skips=row["skip_penalty"],
        callback_due=POLICY.rank.callback_due if is_due else 0,
    )


def case_file(row: asyncpg.Record, history: History) -> CaseFile:
    """The case with its history."""
    situation, enrolment = history.situation, history.situation.enrolment
    return CaseFile.model_validate(
        {
            **_card_values(row),
            "why": tuple(_why(row, history)),
            "eligible": enrolment.eligible,
            "vaccinated": enrolment.vaccinated,
            "contact_protected": enrolment.contact_protected,
            "eligibility_reasons": enrolment.reasons,
            "history": [AttemptRecord.model_validate(dict(one)) for one in history.attempts],
            "appointments": [AppointmentRecord.model_validate(dict(one)) for one in history.appointments],
            "doses": [DoseRecord.model_validate(dict(one)) for one in history.doses],
            "stopped_channels": sorted(stopped_channels(situation.statements, enrolment.tenant_id)),
            "invalid_channels": sorted(invalid_channels(situation)),
            "barred_channels": sorted(barred_channels(enrolment)),
            "other_cases": [OtherCase.model_validate(dict(one)) for one in history.other_cases],
        }
    )


_PAUSED = {
    Paused.DEATH_REPORTED: "the member is reported to have died, and that is being checked",
    Paused.REFUSAL: "the member refused this vaccine",
    Paused.SELF_REPORT: "the member says that the dose was given",
    Paused.RECENT_DOSE: "a dose was given lately",
}
_FLAGS = {
    Flag.APPOINTMENT_LOST: "Telephone: the appointment is off, not by the member's wish, and nobody has told him",
    Flag.APPOINTMENT_MISSED: "The last appointment was missed",
    Flag.OUTCOME_OVERDUE: "An appointment is past without an outcome: ask the site",
}


def _why(row: asyncpg.Record, history: History) -> Iterator[str]:
    yield _standing(row)
    yield from _flagged(row, history)
    parts = _parts(row)
    yield f"{parts.priority:+d}: priority from eligibility."
    for points, sentence in (
        (parts.target_zip, "lives in one of the week's target ZIPs."),
        (parts.no_show, "missed the last appointment, which is no refusal."),
        (parts.lost_appointment, "the appointment was taken away, and the member must hear of it."),
        (parts.callback_due, "asked to be called again, and the time has come."),
        (parts.attempts, f"attempts made: {row['attempts']}."),
        (parts.skips, f"given back untouched: {row['skips']}."),
    ):
        if points:
            yield f"{points:+d}: {sentence}"
    standing = [one for one in history.attempts if one["retracted_on"] is None]
    if standing:
        last = standing[-1]
        yield f"Last attempt: {last['attempted_on']}, {last['channel']}, {last['disposition']}."
    if row["needs_language"]:
        yield f"Wants to be spoken to in: {row['language']}."


def _standing(row: asyncpg.Record) -> str:
    if row["status"] == "closed":
        return f"Nobody is to call: the case is closed as {row['closed_reason']}."
    if row["status"] == "paused":
        because = _PAUSED[Paused(row["paused_by"])] if row["paused_by"] else "it is paused"
        until = f" before {row['paused_until_on']}" if row["paused_until_on"] else ""
        return f"Nobody is to call{until}: {because}."
    if row["held_by"] is not None:
        return f"Off the call list until {row['held_until_on']}: {row['held_by']}."
    return f"Eligible and not vaccinated as far as is known, since {row['opened_on']}."


def _flagged(row: asyncpg.Record, history: History) -> Iterator[str]:
    gone = visits.lost(history.situation, POLICY)
    reason = gone.appointment.cancellation_reason if gone is not None else None
    for flag in row["flags"] or ():
        if flag in _FLAGS:
            because = f" ({reason})" if flag == Flag.APPOINTMENT_LOST and reason else ""
            yield f"{_FLAGS[flag]}{because}."


def summary(programmes: Sequence[asyncpg.Record], closed: Sequence[asyncpg.Record]) -> WorkSummary:
    """Counts by programme."""
    reasons: dict[str, dict[str, int]] = {}
    for row in closed:
        reasons.setdefault(row["programme_id"], {})[row["closed_reason"]] = row["cases"]
    return WorkSummary(
        programmes=tuple(
            ProgrammeSummary.model_validate({**row, "closed_by_reason": reasons.get(row["programme_id"], {})})
            for row in programmes
        )
    )
