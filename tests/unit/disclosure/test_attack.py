"""The attack finds each kind of leak: small tables by hand, as reports once showed them."""

from typing import Any

import pytest

from tests.disclosure import figures, pages
from tests.disclosure.files import read_cross
from tests.disclosure.intervals import members_of, wilson
from tests.disclosure.system import Found, System


def coverage(members: int | None, vaccinated: int | None = None) -> dict[str, Any]:
    if members is None or vaccinated is None:
        return {"members": members, "vaccinated": None, "share": None}
    low, high = wilson(vaccinated / members, members)
    return {"members": members, "vaccinated": vaccinated,
            "share": {"value": vaccinated / members, "low": low, "high": high}}  # fmt: skip


def row(group: str, members: int | None, vaccinated: int | None = None) -> dict[str, Any]:
    return {"group": group, "zip5": group, "coverage": coverage(members, vaccinated)}


def a_week(**changes: Any) -> dict[str, Any]:
    said = {"week_on": "2021-03-01", "attempts": {}, "bookings": 0, "fulfilled": 0, "walk_ins": 0, "noshows": 0,
            "cancellations": 0, "doses_by_source": {}, "doses_by_svi": {}}  # fmt: skip
    return said | changes


def a_funnel(plan: str | None, people: list[int | None], outcomes: list[int | None]) -> dict[str, Any]:
    stages = [{"stage": one, "people": count, "of_previous": None}
              for one, count in zip(figures.STAGES, people, strict=True)]  # fmt: skip
    return {"plan": plan, "stages": stages, "outcomes": dict(zip(OUTCOMES, outcomes, strict=True))}


OUTCOMES = ("dose-after-outreach", "dose-at-own-site-otherwise", "dose-elsewhere", "dose-before-the-case", "no-dose")
NOTHING: dict[str, Any] = {
    "as_of": "2021-03-07", "headline": {"target": coverage(None), "vaccinated_last_7_days": None,
                                        "in_scope": coverage(None)},
    "by_plan": [], "by_svi": [], "by_age": [], "by_race_ethnicity": [], "by_arm": [], "by_zip": [], "disparity": None,
    "targets": [], "funnels": [], "weeks": [], "refusals": [], "barriers": [], "slots": [],
}  # fmt: skip


def found(**report: Any) -> dict[str, tuple[int, int]]:
    system = System()
    figures.read(system, NOTHING | report)
    return _named(system.solve())


def _named(leaks: list[Found]) -> dict[str, tuple[int, int]]:
    return {one.name: (one.low, one.high) for one in leaks}


def _head(in_scope: dict[str, Any], target: dict[str, Any], lately: int | None = None) -> dict[str, Any]:
    return {"in_scope": in_scope, "target": target, "vaccinated_last_7_days": lately}


def test_nothing_told_is_nothing_found() -> None:
    """A report that hides all of it gives nobody away."""
    assert found() == {}


def test_headline_against_target_group() -> None:
    """Everybody in scope less the target group are three people."""
    leaks = found(headline=_head(coverage(403, 150), coverage(400, 148)))
    assert (leaks["O members"], leaks["O vaccinated"]) == ((3, 3), (2, 2))


def test_those_vaccinated_before() -> None:
    """Of fifty vaccinated forty-eight are of the last seven days."""
    leaks = found(headline=_head(coverage(None), coverage(200, 50), 48))
    assert leaks == {"vaccinated before the last seven days": (2, 2)}


def test_a_row_hidden_to_protect_another_is_printed() -> None:
    """The gap prints the row of the most vulnerable quarter, which was hidden because it gives the third one away."""
    rows = [row("tract:1", 100, 50), row("tract:3", 60), row("tract:4", 200)]
    head = _head(coverage(360, 140), coverage(None))
    assert found(headline=head, by_svi=rows) == {}
    gap = {"level": "tract", "most": coverage(200, 85), "least": coverage(100, 50)}
    assert found(headline=head, by_svi=rows, disparity=gap)["svi:tract:3 vaccinated"] == (5, 5)
    system = System()
    figures.read(system, NOTHING | {"headline": head, "by_svi": rows})
    pages.read_sentences(system, "Of members in the most vulnerable quarter of census tracts 42 % are vaccinated, in "
                                 "the least vulnerable 50 %: a difference of")  # fmt: skip
    assert "svi:tract:3 vaccinated" in _named(system.solve())


def test_two_tables_with_one_total() -> None:
    """The doses by place are the doses by source: the hidden one comes out."""
    week = a_week(doses_by_source={"iis": 60}, doses_by_svi={"tract:1": 12, "tract:4": 44, "zip:2": None})
    assert found(weeks=[week]) == {"2021-03-01 doses_by_svi zip:2": (4, 4)}


def test_stages_that_differ_by_two() -> None:
    """Of sixty who were booked fifty-eight had their dose."""
    funnel = a_funnel(None, [500, 400, 300, 200, 100, 60, 58], [58, 42, 50, 50, 100])
    assert found(funnels=[funnel]) == {"funnel all lost from booked to dose-after-outreach": (2, 2)}


def test_an_outcome_comes_out_of_the_others() -> None:
    """Those with a case less the outcomes that are shown are the hidden one."""
    funnel = a_funnel(None, [500, 400, 300, 200, 100, 60, 40], [40, 57, None, 50, 150])
    assert found(funnels=[funnel]) == {"funnel all outcome dose-elsewhere": (3, 3)}


def test_people_in_two_plans() -> None:
    """The plans added up less everybody are those who are in both."""
    plans = [row("lakeshore", 300, 150), row("prairie", 205, 100)]
    assert found(headline=_head(coverage(500, 247), coverage(None)), by_plan=plans)["in two plans members"] == (5, 5)


def test_eleven_rows_of_one() -> None:
    """That a row stands there says that somebody is in it: eleven hidden rows of eleven people are one each."""
    rows = [row(f"606{n:02}", None) for n in range(11)]
    assert found(headline=_head(coverage(11), coverage(None)), by_zip=rows)["zip:60600 members"] == (1, 1)


def test_target_group_by_zip() -> None:
    """Everybody in a ZIP less its target group are the others there."""
    target = {"zip5": "60623", "members": 100, "unvaccinated": 60, "coverage": 0.4}
    leaks = found(by_zip=[row("60623", 104, 43), row("60624", 90, 40)], targets=[target])
    assert (leaks["O:60623 members"], leaks["O:60623 vaccinated"]) == ((4, 4), (3, 3))


def test_marks_of_few_beside_a_sum() -> None:
    """Of thirty bookings twenty were kept: the hidden ones that were missed or cancelled are ten together at most."""
    week = a_week(bookings=30, fulfilled=20, cancellations=None, noshows=None)
    leaks = found(weeks=[week, a_week(week_on="2021-03-08")], as_of="2021-03-14")
    assert leaks["2021-03-01 noshows"] == (1, 9)
    assert found(weeks=[a_week(bookings=30, fulfilled=27)]) == {"bookings that are open": (3, 3)}


def test_order_of_hidden_rows() -> None:
    """Ten hidden reasons in an order that is not that of their codes are ten different counts."""
    rows = [{"code": code, "people": None} for code in "jihgfedcba"]
    assert found(refusals=rows)["refusals j"] == (10, 10)
    assert found(refusals=rows[::-1]) == {}


def test_everything_at_once_beside_the_tables() -> None:
    """The row of an age less the listed cells is a cell that is not listed."""
    cell = {"tenant_id": "lakeshore", "zip5": "60623", "age_band": "65-69", "race_ethnicity": "white",
            "svi_group": "tract:4", "members": "95", "vaccinated": "46", "coverage": "0.4842"}  # fmt: skip
    report = NOTHING | {"headline": _head(coverage(98, 48), coverage(None)), "by_plan": [row("lakeshore", 98, 48)]}
    system = System()
    figures.read(system, report)
    read_cross(system, [cell], report)
    assert _named(system.solve())["plan:lakeshore not listed members"] == (3, 3)


@pytest.mark.parametrize(("some", "of"), [(11, 22), (40, 93), (4647, 12403)])
def test_an_interval_tells_how_many(some: int, of: int) -> None:
    """The exact ends of an interval are of one number of people, rounded ends of a few."""
    low, high = wilson(some / of, of)
    assert members_of(some / of, low, high, 0) == (of, of)
    fewest, most = members_of(some / of, low, high, 0.005)
    assert fewest < of < most


def test_a_place_in_a_plot_is_a_figure() -> None:
    """Where a dot stands tells the share, though its row in the table is hidden."""
    page = ('<svg role="img" viewBox="0 0 1 1" aria-label="Coverage by age. 65-69: 3 %; 70-74: hidden."><title></title>'
            '<line x1="110.0" y1="18.0" x2="110.0" y2="9" class="grid"/>'
            '<line x1="438.0" y1="18.0" x2="438.0" y2="9" class="grid"/>'
            '<line x1="113.4" y1="39.0" x2="137.7" y2="39.0" class="whisker"/><circle cx="119.8" cy="39.0" r="6.5"/>'
            "</svg>")  # fmt: skip
    report = NOTHING | {"by_age": [row("65-69", 100), row("70-74", 300)]}
    system = System()
    figures.read(system, report)
    assert system.solve() == []
    pages.read(system, page, report, same_day=True)
    assert _named(system.solve())["age:65-69 vaccinated"] == (3, 3)
