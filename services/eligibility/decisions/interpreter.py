"""Whether an interpreter is needed to speak to a member in English. Pure."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from schemas.eligibility_v1 import InterpreterNeeded
from services.eligibility.programmes.needs import MemberObservation, about_question, answer_to, edges

QUESTION = "interpreter-needed"
ENGLISH = "en"


class Interpreter(NamedTuple):
    """What holds, and the later days on which time alone may change it."""

    needed: InterpreterNeeded = InterpreterNeeded.UNKNOWN
    turns_on: tuple[date, ...] = ()


def interpreter_of(spoken: Sequence[str], said: Sequence[MemberObservation], day: date) -> Interpreter:
    """What was answered last, whatever it is; else possible where the roster names spoken languages and English is none
    of them."""
    is_possible = bool(spoken) and ENGLISH not in spoken
    by_roster = InterpreterNeeded.POSSIBLE if is_possible else InterpreterNeeded.UNKNOWN
    about = about_question(QUESTION, said) if said else []
    if not about:
        return Interpreter(by_roster)
    answer = answer_to(QUESTION, about, day)
    needed = by_roster if answer is None else InterpreterNeeded(answer)
    return Interpreter(needed, tuple(edge for edge in edges(about) if edge > day))
