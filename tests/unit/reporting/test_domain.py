"""Rules of counting, against published values and against somebody who subtracts."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.reporting.figures.report import Row
from services.reporting.figures.rules import disparity
from services.reporting.population.rules import (
    HIDDEN,
    THRESHOLD,
    Coverage,
    can_show,
    cover,
    cover_table,
    monday_of,
    shown,
)
from services.reporting.population.shares import Counts, difference, ratio, wilson
from services.reporting.targets.rules import cover_targets, rank_targets

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


@pytest.mark.capability("B16")
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


@pytest.mark.capability("B16")
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
    if not seen:
        assert sum(row.members for row in rows) < 10 + len(rows)
        return
    total = cover(Counts(sum(row.members for row in rows), sum(row.vaccinated for row in rows)))
    hidden = [i for i, row in enumerate(seen) if row.members is None]
    if total.members is not None and hidden:
        assert sum(rows[i].members for i in hidden) >= max(THRESHOLD, 9 + len(hidden))
        assert len(hidden) > 1
    hidden = [i for i, row in enumerate(seen) if row.vaccinated is None]
    if total.vaccinated is not None and hidden:
        assert can_show(Counts(sum(rows[i].members for i in hidden), sum(rows[i].vaccinated for i in hidden)))
        assert len(hidden) > 1
    for row, exact in zip(seen, rows, strict=True):
        assert row.vaccinated is None or (row.vaccinated == exact.vaccinated and can_show(exact))
        assert row.members is None or row.members == exact.members >= THRESHOLD
        assert (row.share is None) == (row.vaccinated is None)


@pytest.mark.capability("B16")
def test_disparity_never_mixes_levels() -> None:
    """Quarters of tracts are compared with quarters of tracts; without both there is no figure, nor where one of them
    is hidden to protect another row."""
    most, least = cover(Counts(200, 60)), cover(Counts(200, 100))
    found = disparity([Row("tract:4", most), Row("tract:1", least), Row("county:1", cover(Counts(900, 100)))])
    assert found is not None
    assert (found.level, round(found.difference.value, 2), round(found.ratio.value, 2)) == ("tract", -0.2, 0.6)
    assert disparity([Row("tract:4", most), Row("county:1", least)]) is None
    for hidden in (cover(Counts(200, 3)), cover(Counts(200, 100), hide=True)):
        assert disparity([Row("tract:4", most), Row("tract:1", hidden)]) is None


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
    the limit are left out."""
    zips = {
        "60623": Counts(300, 100), "60624": Counts(200, 25), "60608": Counts(50, 25), "60621": Counts(300, 100),
        "unknown": Counts(900, 100), "60699": Counts(27, 11),
    }  # fmt: skip
    targets = rank_targets(zips, zips, 30, 3)
    assert [(one.zip5, one.rank, one.members, one.unvaccinated, one.coverage) for one in targets] == [
        ("60621", 1, 300, 200, 0.3333), ("60623", 2, 300, 200, 0.3333), ("60624", 3, 200, 175, 0.125),
    ]  # fmt: skip
    assert "60699" not in {one.zip5 for one in rank_targets(zips, zips, 17, 99)}


def test_members_less_unvaccinated_give_no_small_count() -> None:
    """Three vaccinated among forty: the ZIP is listed, with its members alone, and so is the next one that would give
    it away."""
    zips = {"60623": Counts(40, 3), "60621": Counts(60, 25), "60624": Counts(300, 120)}
    targets = {one.zip5: one for one in rank_targets(zips, zips, 20, 9)}
    assert {zip5: (one.members, one.unvaccinated, one.coverage) for zip5, one in targets.items()} == {
        "60624": (300, 180, 0.4), "60621": (60, None, None), "60623": (40, None, None),
    }  # fmt: skip


def test_few_people_are_a_target_all_the_same() -> None:
    """Where nobody is vaccinated the ZIP is listed although that can't be said, however small it may be."""
    assert [one.zip5 for one in rank_targets({"60623": Counts(15, 0)}, {"60623": Counts(15, 0)}, 11, 9)] == ["60623"]
    assert rank_targets({"60623": Counts(10, 0)}, {"60623": Counts(10, 0)}, 1, 9) == []


splits = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 40), st.sampled_from([0, 0, 1, 12, 40]), st.integers(0, 40)).map(
        lambda n: (Counts(n[0] + 1, min(n[1], n[0] + 1)), Counts(n[2], min(n[2], n[3])))
    ),
    min_size=2,
    max_size=6,
)


@given(splits, st.integers(1, 10), st.integers(0, 9))
@settings(max_examples=150, deadline=None)
def test_place_in_the_list_tells_no_small_count(split: list[tuple[Counts, Counts]], first: int, second: int) -> None:
    """Of two ZIPs with few vaccinated, one more here and one less there changes nothing in the whole list."""
    zips = {f"6060{n}": target for n, (target, _) in enumerate(split)}
    one = zips | {"60623": Counts(50, first), "60624": Counts(52, second)}
    other = zips | {"60623": Counts(50, first - 1), "60624": Counts(52, second + 1)}
    assert rank_targets(one, one, 11, 99) == rank_targets(other, other, 11, 99)


def _solved(known: list[list[int]], wanted: int, width: int) -> bool:
    """Whether these sums of unknowns fix the wanted one."""
    return _rank(known) == _rank([*known, [int(n == wanted) for n in range(width)]])


def _rank(rows: list[list[int]]) -> int:
    left, rank = [[Fraction(cell) for cell in row] for row in rows], 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((row for row in left[rank:] if row[column]), None)
        if pivot is None:
            continue
        left.remove(pivot)
        left.insert(rank, pivot)
        for i, row in enumerate(left):
            if i != rank and row[column]:
                left[i] = [a - b * row[column] / pivot[column] for a, b in zip(row, pivot, strict=True)]
        rank += 1
    return rank


@given(splits)
@example([(Counts(1, 0), Counts(0, 0)), (Counts(1, 0), Counts(1, 0)), (Counts(20, 11), Counts(0, 0)),
          (Counts(22, 11), Counts(40, 11))])  # fmt: skip
@example([(Counts(1, 0), Counts(40, 11)), (Counts(22, 11), Counts(0, 0)), (Counts(22, 11), Counts(40, 11))])
@settings(max_examples=200, deadline=None)
def test_target_zips_give_nothing_away_beside_the_report(split: list[tuple[Counts, Counts]]) -> None:
    """Whoever has the report's totals and its table of ZIPs, and lays the target ZIPs beside them, can work out no
    small count of vaccinated, in the target group or outside of it, that he could not before."""
    target = {f"6060{n}": one for n, (one, _) in enumerate(split)}
    rest = {f"6060{n}": one for n, (_, one) in enumerate(split)}
    everybody = {zip5: _sum({"target": target[zip5], "rest": rest[zip5]}) for zip5 in target}
    n, width = len(target), 2 * len(target)
    report = [[int(i == n + z) for i in range(width)] for z, zip5 in enumerate(target) if rest[zip5].members == 0]
    whole = [cover_table(list(everybody.values())), [cover(_sum(everybody))], [cover(_sum(target))]]
    report += [[int(i % n == z) for i in range(width)] for z, one in enumerate(whole[0]) if one.vaccinated is not None]
    report += [[1] * width] if whole[1][0].vaccinated is not None else []
    report += [[int(i < n) for i in range(width)]] if whole[2][0].vaccinated is not None else []
    seen = list(cover_targets(everybody, target).values())
    listed = report + [[int(i == z) for i in range(width)] for z, one in enumerate(seen) if one.vaccinated is not None]
    for i, cell in enumerate([*target.values(), *rest.values()]):
        if cell.members and not can_show(cell):
            assert _solved(report, i, width) or not _solved(listed, i, width)


def _sum(table: dict[str, Counts]) -> Counts:
    return Counts(sum(one.members for one in table.values()), sum(one.vaccinated for one in table.values()))
