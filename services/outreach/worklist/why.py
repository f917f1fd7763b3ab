"""Why the member of a case is, or is not, to be called: sentences for the worker. Pure."""

from collections.abc import Iterator

from schemas.eligibility_v1 import InterpreterNeeded
from services.outreach.cases import appointments
from services.outreach.cases.evidence import Flag, Paused
from services.outreach.policy import POLICY
from services.outreach.worklist.rules import History, ListedCase

_PAUSED = {
    Paused.DEATH_REPORTED: "the member is reported to have died, and that is being checked",
    Paused.REFUSAL: "the member refused this vaccine",
    Paused.SELF_REPORT: "the member says that the dose was given",
    Paused.RECENT_DOSE: "a dose was given lately",
}
_FLAGS = {
    Flag.APPOINTMENT_LOST: "Telephone: the appointment is off, not by the member's wish, and nobody has told him",
    Flag.LOST_NO_CALL: "The appointment is off, and the member is to hear of it without a call (GET /lost-bookings)",
    Flag.APPOINTMENT_MISSED: "The last appointment was missed",
    Flag.OUTCOME_OVERDUE: "An appointment is past without an outcome: ask the site",
}
_INTERPRETER = {
    InterpreterNeeded.YES: "An interpreter is needed.",
    InterpreterNeeded.POSSIBLE: "An interpreter may be needed: the roster names no English among the languages spoken.",
}


def reasons(case: ListedCase, history: History) -> Iterator[str]:
    """The state of the case, its flags, each part of its rank, the last attempt that stands, language and
    interpreter."""
    yield _of_status(case)
    yield from _of_flags(case, history)
    yield from _of_rank(case)
    last = next((attempt for attempt in reversed(history.attempts) if attempt.retracted_on is None), None)
    if last is not None:
        yield f"Last attempt: {last.attempted_on}, {last.channel}, {last.disposition}."
    if case.needs_language:
        yield f"Wants to be spoken to in: {case.language}."
    if case.interpreter_needed in _INTERPRETER:
        yield _INTERPRETER[case.interpreter_needed]


def _of_status(case: ListedCase) -> str:
    if case.status == "closed":
        return f"Nobody is to call: the case is closed as {case.closed_reason}."
    if case.status == "paused":
        because = _PAUSED[Paused(case.paused_by)] if case.paused_by else "it is paused"
        until = f" before {case.paused_until_on}" if case.paused_until_on else ""
        return f"Nobody is to call{until}: {because}."
    if case.held_by is not None:
        return f"Off the call list until {case.held_until_on}: {case.held_by}."
    return f"Eligible and not vaccinated as far as is known, since {case.opened_on}."


def _of_flags(case: ListedCase, history: History) -> Iterator[str]:
    lost = appointments.lost(history.evidence, POLICY)
    reason = lost.appointment.cancellation_reason if lost is not None else None
    for flag in case.flags:
        if flag in _FLAGS:
            because = f" ({reason})" if flag in {Flag.APPOINTMENT_LOST, Flag.LOST_NO_CALL} and reason else ""
            yield f"{_FLAGS[Flag(flag)]}{because}."


def _of_rank(case: ListedCase) -> Iterator[str]:
    parts = case.rank_parts(POLICY)
    yield f"{parts.priority:+d}: priority from eligibility."
    for points, sentence in (
        (parts.target_zip, "lives in one of the week's target ZIPs."),
        (parts.no_show, "missed the last appointment, which is no refusal."),
        (parts.lost_appointment, "the appointment was taken away, and the member must hear of it."),
        (parts.callback_due, "asked to be called again, and the time has come."),
        (parts.attempts, f"attempts made: {case.attempts}."),
        (parts.skips, f"given back untouched: {case.skips}."),
    ):
        if points:
            yield f"{points:+d}: {sentence}"
