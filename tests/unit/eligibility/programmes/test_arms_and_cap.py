"""Draws that anybody can repeat: arms by a seeded hash, caps by rank."""

from collections import Counter
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.eligibility.programmes.arms import Arms, arm_of, household_of
from services.eligibility.programmes.cap import TIE_BITS, Cap, draw, is_to_draw, places, rank_of, why_not

ARMS = Arms("person", "sesame-2021", {"offered": 0.7, "control": 0.3})


def test_shares_are_kept() -> None:
    """Of ten thousand people the shares come out within two points."""
    drawn = Counter(arm_of(ARMS, f"person {n}", "") for n in range(10_000))
    assert abs(drawn["control"] / 10_000 - 0.3) < 0.02
    assert set(drawn) == {"offered", "control"}


def test_a_draw_can_be_repeated() -> None:
    """It depends on seed and person alone; another seed is another draw. The value is fixed for good."""
    first = [arm_of(ARMS, f"person {n}", "") for n in range(200)]
    assert first == [arm_of(ARMS, f"person {n}", "here or there") for n in range(200)]
    assert first != [arm_of(Arms("person", "sesame-2022", ARMS.shares), f"person {n}", "") for n in range(200)]
    assert [arm_of(ARMS, name, "") for name in ("Ernie", "Bert", "Grover", "Elmo", "Oscar", "Rosita")] == [
        "offered",
        "offered",
        "offered",
        "offered",
        "control",
        "offered",
    ]


def test_a_household_is_drawn_together() -> None:
    """Two people of one address share an arm, however it is written; who has no address is drawn alone."""
    arms = Arms("household", "sesame-2021", {"offered": 0.5, "control": 0.5})
    for number in range(50):
        home = household_of(f"{number} Sesame St.", "Apt 2", "90011")
        same = household_of(f"{number} SESAME  ST", "APT. 2", "90011")
        assert home == same
        assert arm_of(arms, "Ernie", home) == arm_of(arms, "Bert", same)
    alone = {arm_of(arms, f"person {n}", household_of("", "", "90011")) for n in range(50)}
    assert alone == {"offered", "control"}


@pytest.mark.parametrize(
    ("cap", "population", "admitted"),
    [
        (Cap(share=0.15), 100, 15),
        (Cap(share=0.15), 101, 16),
        (Cap(share=0.15), 1, 1),
        (Cap(share=0.15), 0, 0),
        (Cap(share=0.07), 100, 7),
        (Cap(count=5), 3, 3),
        (Cap(count=5), 30, 5),
    ],
)
def test_places(cap: Cap, population: int, admitted: int) -> None:
    """A share is rounded up, also where floating point would add a hair."""
    assert places(cap, population) == admitted


@given(scores=st.lists(st.integers(0, 100), min_size=1, max_size=60), share=st.floats(0.01, 1))
def test_exactly_as_many_are_admitted_as_there_are_places(scores: list[int], share: float) -> None:
    """Ties are broken by the seed, and nobody admitted scores below somebody left out."""
    ranks = {f"p{n}": rank_of(score, "seed", f"p{n}") for n, score in enumerate(scores)}
    cap = Cap(share=share)
    cut_off = draw(cap, {"all": ranks.values()})["all"]
    inside = {one for one, rank in ranks.items() if not why_not(cut_off.rank, rank)}
    assert len(inside) == places(cap, len(scores)) == cut_off.admitted
    out = [ranks[one] >> TIE_BITS for one in ranks.keys() - inside]
    assert not out or max(out) <= min(ranks[one] >> TIE_BITS for one in inside)


def test_groups_are_drawn_apart() -> None:
    """The top of each county, not of all counties together; a group that was not drawn yet admits nobody."""
    found = draw(Cap(count=1), {"06013": [10, 20], "06037": [1, 2]})
    assert {group: one.rank for group, one in found.items()} == {"06013": 20, "06037": 2}
    assert why_not(None, 20) == ("cap-not-drawn",)
    assert why_not(20, 19) == ("below-cap",)


@pytest.mark.parametrize(
    ("edge", "redraw", "drawn_on", "day", "is_due"),
    [
        ("a new group or version", "never", None, date(2021, 3, 1), True),
        ("never again", "never", date(2021, 3, 1), date(2031, 3, 1), False),
        ("Sunday of the week", "weekly", date(2021, 3, 1), date(2021, 3, 7), False),
        ("Monday of the next", "weekly", date(2021, 3, 1), date(2021, 3, 8), True),
        ("a week over the new year", "weekly", date(2020, 12, 28), date(2021, 1, 3), False),
        ("the last of the month", "monthly", date(2021, 2, 1), date(2021, 2, 28), False),
        ("the first of the next", "monthly", date(2021, 2, 28), date(2021, 3, 1), True),
        ("the same month a year on", "monthly", date(2021, 3, 1), date(2022, 3, 1), True),
    ],
)
def test_when_a_cap_is_drawn(edge: str, redraw: str, drawn_on: date | None, day: date, is_due: bool) -> None:
    """Weeks are those of ISO 8601, from Monday to Sunday."""
    assert is_to_draw(Cap(share=0.5, redraw=redraw), drawn_on, day) is is_due, edge
