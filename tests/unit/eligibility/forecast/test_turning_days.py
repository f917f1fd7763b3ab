"""Until when a forecast stands: never shorter than it really does."""

import dataclasses
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.eligibility.forecast.model import Dose, History, Observation
from services.eligibility.forecast.schedule import SupportingData
from services.eligibility.forecast.supporting_data import bundled
from services.eligibility.forecast.turning_days import next_turn
from services.eligibility.programmes.aim import Forecasted
from services.eligibility.programmes.due import forecasted, group_named

RELEASED = date(2025, 11, 10)
GROUPS = ["Zoster", "Pneumococcal", "Influenza", "COVID-19", "RSV", "HepB", "DTaP/Tdap/Td", "MMR"]
CODES = ["187", "121", "33", "133", "216", "215", "140", "309", "312", "303", "43", "189", "115", "113", "03", "21"]
CONDITIONS = ["007", "014", "016", "042", "154", "158", "160", "161", "186"]


@st.composite
def adults(draw: st.DrawFn) -> History:
    birth_on = RELEASED - timedelta(days=draw(st.integers(18 * 365, 95 * 365)))
    lived = (RELEASED - birth_on).days
    days = draw(st.lists(st.integers(lived - 4000, lived + 200) | st.integers(0, lived), max_size=5))
    doses = tuple(Dose(birth_on + timedelta(days=max(0, d)), draw(st.sampled_from(CODES))) for d in days)
    known = st.tuples(st.sampled_from(CONDITIONS), st.integers(-2000, 300))
    observations = tuple(
        Observation(code, RELEASED + timedelta(days=shift)) for code, shift in draw(st.lists(known, max_size=2))
    )
    return History(birth_on, draw(st.sampled_from(["Female", "Male"])), doses, observations)


@settings(max_examples=250, deadline=None)
@given(history=adults(), group=st.sampled_from(GROUPS), after=st.integers(0, 700), share=st.floats(0, 1))
def test_an_answer_stands_until_the_day_that_is_named(history: History, group: str, after: int, share: float) -> None:
    """On any day before it the whole answer is the same."""
    supporting = bundled("4.64")
    on = RELEASED + timedelta(days=after)
    now = forecasted(history, group, supporting, on)
    assert now.stale_on is None or now.stale_on > on
    last = 4000 if now.stale_on is None else (now.stale_on - on).days - 1
    for days in {last, int(last * share)}:
        then = forecasted(history, group, supporting, on + timedelta(days=days))
        assert without_turn(then) == without_turn(now), days


def without_turn(answer: Forecasted) -> Forecasted:
    return dataclasses.replace(answer, stale_on=None)


@pytest.mark.parametrize(
    ("edge", "group", "history", "on", "turns_on"),
    [
        ("the 50th birthday", "Zoster", History(date(1976, 1, 15)), date(2026, 1, 14), date(2026, 1, 15)),
        ("born on 29 February", "Zoster", History(date(1976, 2, 29)), date(2026, 2, 28), date(2026, 3, 1)),
        ("four days before the minimum interval", "Zoster", History(date(1960, 6, 1), doses=(
            Dose(date(2026, 1, 1), "187"),)), date(2026, 1, 24), date(2026, 1, 25)),
        ("the season's last day", "Influenza", History(date(1960, 7, 1)), date(2026, 6, 29), date(2026, 6, 30)),
        ("the season is over", "Influenza", History(date(1960, 7, 2)), date(2026, 6, 30), date(2026, 7, 1)),
        ("a dose that lies ahead", "Zoster", History(date(1960, 6, 1), doses=(Dose(date(2026, 2, 3), "187"),)),
         date(2026, 2, 2), date(2026, 2, 3)),
    ],
)  # fmt: skip
def test_named_edges(
    supporting: SupportingData, edge: str, group: str, history: History, on: date, turns_on: date
) -> None:
    """Days that every reader expects are among the turning days."""
    assert next_turn(history, group_named(supporting, group), supporting, on) == turns_on, edge


def test_whom_no_series_concerns_is_recommended_nothing(supporting: SupportingData) -> None:
    """There is no forecast of a vaccine that is for travellers alone."""
    assert forecasted(History(date(1960, 1, 1)), "Yellow Fever", supporting, RELEASED).status == "Not Recommended"
