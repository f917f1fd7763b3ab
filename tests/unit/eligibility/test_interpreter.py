"""Whether a member needs an interpreter: the newest word by its own day, else what the roster lets expect."""

from datetime import date

import pytest

from schemas.eligibility_v1 import InterpreterNeeded
from services.eligibility.decisions.interpreter import Interpreter, interpreter_of
from services.eligibility.forecast.supporting_data import bundled
from services.eligibility.programmes.needs import MemberObservation, circumstances

TODAY = date(2021, 3, 10)


def answered(answer: str, day: int) -> MemberObservation:
    return MemberObservation("vcc", "interpreter-needed", date(2021, 3, day), answer=answer)


def a_need(day: int, ended: int | None = None) -> MemberObservation:
    return MemberObservation("vcc", "language-access", date(2021, 3, day), date(2021, 3, ended) if ended else None)


@pytest.mark.parametrize(
    ("spoken", "said", "needed"),
    [
        ((), [], "unknown"),
        (("en",), [], "unknown"),
        (("es",), [], "possible"),
        (("es", "en"), [], "unknown"),
        (("sgn",), [], "possible"),
        (("es",), [answered("no", 1)], "no"),
        (("en",), [answered("yes", 1)], "yes"),
        (("es",), [answered("yes", 1), answered("unknown", 2)], "unknown"),
        ((), [answered("no", 5), answered("yes", 4)], "no"),
        ((), [answered("yes", 4), answered("no", 5)], "no"),
        ((), [a_need(2)], "yes"),
        ((), [a_need(2, 6)], "no"),
        ((), [a_need(2, 6), answered("yes", 7)], "yes"),
        ((), [a_need(2), answered("no", 2)], "no"),
        ((), [a_need(3), answered("no", 2)], "yes"),
        (("es",), [MemberObservation("vcc", "homebound", date(2021, 3, 1))], "possible"),
    ],
)
def test_the_newest_word_counts(spoken: tuple[str, ...], said: list[MemberObservation], needed: str) -> None:
    """An answer of yes, no or unknown; a need that is told is a yes, its end a no; of one day the answer. Without any,
    a spoken language that is not English makes it possible, unless English is spoken too."""
    assert interpreter_of(spoken, said, TODAY).needed == needed
    assert interpreter_of(spoken, said[::-1], TODAY).needed == needed
    if said and needed != "possible":
        holds = "language-access" in circumstances(said, bundled(), TODAY).observations
        assert holds == (needed == "yes"), "programmes see the need as the fact does"


def test_time_ends_a_need() -> None:
    """An end that lies ahead changes nothing before its day, on which the member is looked at again."""
    said = [a_need(2, 20)]
    assert interpreter_of((), said, TODAY) == Interpreter(InterpreterNeeded.YES, (date(2021, 3, 20),))
    assert interpreter_of((), said, date(2021, 3, 20)) == Interpreter(InterpreterNeeded.NO)
    assert interpreter_of(("es",), [a_need(12)], TODAY) == Interpreter(InterpreterNeeded.POSSIBLE, (date(2021, 3, 12),))
