"""Disposition → effect, as a table. What an effect does to a case `domain` decides, from the attempts on record."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from schemas.outreach_v1 import Disposition


class Standing(StrEnum):
    """What the attempt leaves standing until a later attempt leaves something else."""

    REFUSAL = "refusal"
    SELF_REPORT = "self-report"
    CALLBACK = "callback"
    BOOKED = "booked"


@dataclass(frozen=True, slots=True)
class Effect:
    """`standing` is the case's; the other marks are the member's, in every programme of the plan. `keeps_lease`: the
    worker goes on at once (by the next channel, say). `rests`: the case is offered to nobody else on the same day."""

    standing: Standing | None = None
    invalidates_channel: bool = False
    opts_out: bool = False
    deceased: bool = False
    moved: bool = False
    needs_language: bool = False
    keeps_lease: bool = True
    rests: bool = True


D = Disposition
EFFECTS: Final[Mapping[Disposition, Effect]] = {
    D.COMPLETE: Effect(),
    D.NO_ANSWER: Effect(),
    D.BUSY: Effect(),
    D.ANSWERING_MACHINE: Effect(),
    D.LEFT_MESSAGE: Effect(),
    D.THIRD_PARTY: Effect(),
    D.FAX: Effect(invalidates_channel=True, rests=False),  # a machine answers: no person is reached by this number
    D.DISCONNECTED: Effect(invalidates_channel=True, rests=False),
    D.WRONG_NUMBER: Effect(invalidates_channel=True, rests=False),
    D.LANGUAGE_BARRIER: Effect(needs_language=True, keeps_lease=False, rests=False),
    D.INITIAL_REFUSAL: Effect(Standing.REFUSAL, keeps_lease=False),
    D.ALREADY_VACCINATED: Effect(Standing.SELF_REPORT, keeps_lease=False),
    D.CALLBACK_SCHEDULED: Effect(Standing.CALLBACK, keeps_lease=False, rests=False),
    D.BOOKED: Effect(Standing.BOOKED, keeps_lease=False),
    D.DO_NOT_CALL: Effect(opts_out=True, keeps_lease=False),
    D.DECEASED: Effect(deceased=True, keeps_lease=False),
    D.MOVED: Effect(moved=True, keeps_lease=False),
}
