"""The page and the text, for reports with much and with nothing to show."""

from dataclasses import replace
from datetime import date

import pytest

from services.reporting.figures.report import (
    WATERMARK,
    WHY_INTERNAL,
    Funnel,
    Headline,
    Quality,
    Report,
    Row,
    Stage,
    Week,
    ZipRow,
)
from services.reporting.figures.rules import disparity
from services.reporting.pages import maps, tables, terminal
from services.reporting.pages.charts import Series, columns, coverage_dots
from services.reporting.pages.page import headline, render
from services.reporting.pages.words import points, say
from services.reporting.population.rules import HIDDEN, cover
from services.reporting.population.shares import Counts
from services.reporting.targets.rules import TargetZip

EMPTY = Report(
    watermark=WATERMARK, why_internal=WHY_INTERNAL, programme_id="connectors-65", programme_version=1,
    title="Connectors <65 & older>", vaccine_group="covid-19", doses_needed=1, time_zone="America/Chicago", plan=None,
    as_of=date(2021, 3, 28), known_on=date(2021, 3, 28), threshold=11, svi_releases=(),
    headline=Headline(HIDDEN, 0, HIDDEN), disparity=None, funnels=(), by_plan=(), by_svi=(), by_age=(), by_arm=(),
    by_race_ethnicity=(), by_zip=(), weeks=(), refusals=(), barriers=(), slots=(), targets_week_on=None, targets=(),
    quality=Quality((), (), 0, 0, None),
)  # fmt: skip
MOST, LEAST = Counts(400, 120), Counts(300, 150)
FULL: Report = replace(
    EMPTY,
    headline=Headline(cover(Counts(400, 120)), 25, cover(Counts(700, 270))),
    disparity=disparity([Row("tract:4", cover(MOST)), Row("tract:1", cover(LEAST))]),
    by_svi=(Row("tract:1", cover(LEAST)), Row("tract:4", cover(MOST)), Row("unknown", HIDDEN)),
    by_zip=(
        ZipRow("60623", cover(MOST), listed=True),
        ZipRow("61101", HIDDEN, listed=False),
        ZipRow("99999", HIDDEN, listed=False),
    ),
    funnels=(Funnel(None, (Stage("enrolled", 700, None), Stage("ever-eligible", 400, 0.57),
                           Stage("case-opened", 300, 0.75), Stage("dose-after-outreach", None, None)),
                    {"no-dose": 280}),),
    weeks=(Week(date(2021, 3, 22), {"booked": 40, "no-answer": None}, 40, None, 0, None, 0,
                {"iis": 30}, {"tract:4": 30}),),
)  # fmt: skip


@pytest.mark.parametrize("report", [EMPTY, FULL])
def test_the_page_holds_with_little_and_with_much(report: Report) -> None:
    """Nothing that a title holds gets through as markup; the watermark stands at the top, behind and at the end."""
    page = render(report)
    assert "<65" not in page
    assert "Connectors &lt;65 &amp; older&gt;" in page
    assert page.count(WATERMARK) >= 3


def test_the_headline_says_what_matters() -> None:
    """How many of how many, how many lately, and how far the most vulnerable trail."""
    assert headline(FULL) == (
        "120 of 400 members in the target group are vaccinated (30 %), 25 of them in the last 7 days. The most "
        "vulnerable quarter of areas trails the least vulnerable by 20 points (95 % CI 13 to 27)."
    )
    assert headline(EMPTY) == (
        "A hidden number of members is in the target group; how many of them are vaccinated is hidden."
    )


def test_hidden_figures_are_marked_everywhere() -> None:
    """A hidden count is a word on the page and in the text, a dashed mark in a plot, and an empty field in a file."""
    dots = coverage_dots("By area", [("Nowhere", HIDDEN)])
    assert ">hidden<" in dots
    plot = columns("Visits", [date(2021, 3, 22)], [Series("kept", [None]), Series("missed", [40])])
    assert "hiddenbar" in plot
    assert ">40+<" in plot
    assert "+hidden" not in render(EMPTY)
    assert ">hidden</text>" not in columns("Visits", [date(2021, 3, 22)], [Series("kept", [None])])
    said = "\n".join(terminal.lines(FULL))
    assert "hidden" in said
    assert "<11" not in said
    assert "&lt;11" not in render(FULL)
    text = tables.to_csv(tables.rows_of(FULL)["funnel"], "# heading")
    assert "all,dose-after-outreach,," in text.splitlines()


def test_a_listed_zip_is_hidden_and_not_small() -> None:
    """A target whose figures would give another ZIP away is listed without them, never as one of few people."""
    report = replace(FULL, targets=(TargetZip("60623", 1, 330, None, None),))
    assert "1  60623   hidden unvaccinated of 330" in "\n".join(terminal.lines(report))
    assert "<td>330</td><td>hidden</td><td>hidden</td>" in render(report).replace(' class="n"', "")


def test_levels_of_area_stay_apart() -> None:
    """Tracts and counties never share a plot."""
    mixed = replace(FULL, by_svi=(*FULL.by_svi, Row("county:4", cover(MOST))))
    page = render(mixed)
    assert page.count("Coverage by the member&#x27;s census tract") == 2
    assert page.count("Coverage by county (coarse)") == 2


def test_the_map_shows_known_zips_and_rings_the_targets() -> None:
    """Known ZIPs are drawn in their state, hidden ones dashed, listed ones ringed with their rank."""
    whole, close = maps.draw(FULL.by_zip, {"60623": 1})
    assert "2 ZIPs, 1 of them targets" in whole
    assert 'class="suppressed"' in whole
    assert 'class="ring"' in close
    assert ">1</text>" in close
    assert maps.draw((ZipRow("99999", HIDDEN, listed=False),), {}) == ("", "")


def test_words() -> None:
    """A code that is new here is said as it is; an interval around zero keeps its signs."""
    assert (say("tract:4"), say("brand-new-code"), say("70-74")) == ("4 - most vulnerable", "Brand new code", "70-74")
    gap = disparity([Row("tract:4", cover(Counts(100, 50))), Row("tract:1", cover(Counts(100, 52)))])
    assert gap is not None
    assert points(gap.difference) == "-2 points (95 % CI -16 to +12)"
