"""Rules of counting, against published values and against somebody who subtracts."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reporting.domain import (
    HIDDEN,
    THRESHOLD,
    Counts,
    Coverage,
    can_show,
    cover,
    cover_table,
    difference,
    disparity,
    monday_of,
    rank_targets,
    ratio,
    shown,
    wilson,
)

tables = st.lists(
    st.integers(1, 60).flatmap(lambda members: st.builds(Counts, st.just(members), st.integers(0, members))),
    min_size=1,
    max_size=7,
)


@pytest.mark.parametrize(
    ("some", "of", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson(some: int, of: int, low: float, high: float) -> None:
    """The intervals are those of Newcombe 1998 (Stat Med 17:857), table I, method 3."""
    interval = wilson(some, of)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_difference(first: tuple[int, int], second: tuple[int, int], low: float, high: float) -> None:
    """The intervals are those of Newcombe 1998 (Stat Med 17:873), table II, method 10."""
    interval = difference(Counts(first[1], first[0]), Counts(second[1], second[0]))
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=6e-5)


def test_ratio() -> None:
    """Heart attacks under placebo and aspirin: 1.82 (1.43 to 2.30), as in Agresti, Categorical Data Analysis, 2.2."""
    interval = ratio(Counts(11034, 189), Counts(11037, 104))
    assert (interval.value, interval.low, interval.high) == pytest.approx((1.82, 1.43, 2.30), abs=0.01)


@pytest.mark.parametrize(("people", "may"), [(0, 0), (1, None), (10, None), (11, 11)])
def test_threshold(people: int, may: int | None) -> None:
    """One to ten people are hidden, eleven are not."""
    assert shown(people) == may


@pytest.mark.parametrize(
    ("counts", "seen"),
    [
        (Counts(10, 5), HIDDEN),
        (Counts(100, 10), Coverage(100, None, None)),
        (Counts(100, 90), Coverage(100, None, None)),
        (Counts(100, 0), Coverage(100, None, None)),
        (Counts(100, 100), Coverage(100, None, None)),
        (Counts(22, 11), Coverage(22, 11, wilson(11, 22))),
    ],
)
def test_cover(counts: Counts, seen: Coverage) -> None:
    """Small counts, a small rest, nobody and everybody hide the vaccinated and the share with them."""
    assert cover(counts) == seen


@given(tables)
def test_nothing_comes_out_by_subtracting(rows: list[Counts]) -> None:
    """Whoever takes the shown rows from the shown total learns of the hidden ones only a sum that could be shown
    itself, of two rows at least."""
    seen = cover_table(rows)
    total = cover(Counts(sum(row.members for row in rows), sum(row.vaccinated for row in rows)))
    hidden = [i for i, row in enumerate(seen) if row.members is None]
    if total.members is not None and hidden:
        assert sum(rows[i].members for i in hidden) >= THRESHOLD
        assert len(hidden) > 1 or len(rows) == 1
    hidden = [i for i, row in enumerate(seen) if row.vaccinated is None]
    if total.vaccinated is not None and hidden:
        assert can_show(Counts(sum(rows[i].members for i in hidden), sum(rows[i].vaccinated for i in hidden)))
        assert len(hidden) > 1
    for row, exact in zip(seen, rows, strict=True):
        assert row.vaccinated is None or (row.vaccinated == exact.vaccinated and can_show(exact))
        assert row.members is None or row.members == exact.members >= THRESHOLD
        assert (row.share is None) == (row.vaccinated is None)


def test_disparity_never_mixes_levels() -> None:
    """Quarters of tracts are compared with quarters of tracts; without both there is no figure."""
    most, least = Counts(200, 60), Counts(200, 100)
    found = disparity({"tract:4": most, "tract:1": least, "county:1": Counts(900, 100)})
    assert found is not None
    assert (found.level, round(found.difference.value, 2), round(found.ratio.value, 2)) == ("tract", -0.2, 0.6)
    assert disparity({"tract:4": most, "county:1": least}) is None
    assert disparity({"tract:4": most, "tract:1": Counts(200, 3)}) is None


@pytest.mark.parametrize(
    ("day", "monday"),
    [
        (date(2021, 3, 1), date(2021, 3, 1)),
        (date(2021, 3, 7), date(2021, 3, 1)),
        (date(2020, 3, 1), date(2020, 2, 24)),
        (date(2021, 1, 1), date(2020, 12, 28)),
    ],
)
def test_weeks_begin_on_mondays(day: date, monday: date) -> None:
    """Also across a leap day and the turn of the year."""
    assert monday_of(day) == monday


def test_target_zips() -> None:
    """The ZIPs with the most unvaccinated come first, ties by ZIP; those below the least, of unknown place or beyond
    the limit are left out; a coverage that shows a small count is left out."""
    zips = {
        "60623": Counts(300, 100), "60624": Counts(200, 5), "60608": Counts(50, 10), "60621": Counts(300, 100),
        "unknown": Counts(900, 0), "60699": Counts(12, 2),
    }  # fmt: skip
    targets = rank_targets(zips, 30, 3)
    assert [(one.zip5, one.rank, one.unvaccinated) for one in targets] == [
        ("60621", 1, 200), ("60623", 2, 200), ("60624", 3, 195),
    ]  # fmt: skip
    assert [one.coverage for one in targets] == [0.3333, 0.3333, None]
    assert "60699" not in {one.zip5 for one in rank_targets(zips, 1, 99)}
