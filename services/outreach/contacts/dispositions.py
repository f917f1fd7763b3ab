"""Which effect each disposition has, as a table. What an effect does to a case `cases/rules.py` decides, from the
attempts on record."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from schemas.outreach_v1 import Disposition


class Stance(StrEnum):
    """What the attempt leaves standing until a later attempt leaves something else."""

    REFUSAL = "refusal"
    SELF_REPORT = "self-report"
    CALLBACK = "callback"
    BOOKED = "booked"


@dataclass(frozen=True, slots=True)
class Effect:
    """`stance` is the person's, for one vaccine; the other marks are his in every programme. `keeps_lease`: the
    worker goes on at once (by the next channel, say). `rests`: the person is offered to nobody else on the same day.
    `reaches`: somebody answered who belongs to the number or address."""

    stance: Stance | None = None
    invalidates_channel: bool = False
    opts_out: bool = False
    deceased: bool = False
    moved: bool = False
    needs_language: bool = False
    keeps_lease: bool = True
    rests: bool = True
    reaches: bool = True

    @property
    def is_news(self) -> bool:
        """Whether something became known that others must know."""
        marks = self.invalidates_channel, self.opts_out, self.deceased, self.moved, self.needs_language
        return self.stance is not None or any(marks)


D = Disposition
EFFECTS: Final[Mapping[Disposition, Effect]] = {
    D.COMPLETE: Effect(),
    D.NO_ANSWER: Effect(reaches=False),
    D.BUSY: Effect(reaches=False),
    D.ANSWERING_MACHINE: Effect(reaches=False),
    D.LEFT_MESSAGE: Effect(reaches=False),
    D.THIRD_PARTY: Effect(reaches=False),
    # A machine answers: no person is reached by this number.
    D.FAX: Effect(invalidates_channel=True, rests=False, reaches=False),
    D.DISCONNECTED: Effect(invalidates_channel=True, rests=False, reaches=False),
    D.WRONG_NUMBER: Effect(invalidates_channel=True, rests=False, reaches=False),
    D.LANGUAGE_BARRIER: Effect(needs_language=True, keeps_lease=False, rests=False, reaches=False),
    D.INITIAL_REFUSAL: Effect(Stance.REFUSAL, keeps_lease=False),
    D.ALREADY_VACCINATED: Effect(Stance.SELF_REPORT, keeps_lease=False),
    D.CALLBACK_SCHEDULED: Effect(Stance.CALLBACK, keeps_lease=False, rests=False),
    D.BOOKED: Effect(Stance.BOOKED, keeps_lease=False),
    D.DO_NOT_CALL: Effect(opts_out=True, keeps_lease=False),
    D.DECEASED: Effect(deceased=True, keeps_lease=False, reaches=False),
    D.MOVED: Effect(moved=True, keeps_lease=False, reaches=False),
}
