"""Who counts as vaccinated where a programme is after something else than a number of doses, and from which day."""

from datetime import timedelta
from typing import Any

import pytest

from schemas.envelope import Event
from services.reporting.figures.report import Report
from tests.facts import DAY, a_day, a_dose, a_fact, a_programme
from tests.service.reporting.builders import VACCINATED, Reporting

pytestmark = pytest.mark.postgres
COMPLETE: dict[str, Any] = {**VACCINATED, "rule": "forecast"}
Figures = tuple[int | None, int | None]


def figures(report: Report) -> Figures:
    """Members in scope and vaccinated, among persons."""
    return report.headline.in_scope.members, report.headline.in_scope.vaccinated


async def cells(reporting: Reporting) -> list[tuple[Any, ...]]:
    return await reporting.fetch("select sum(members)::int, sum(vaccinated)::int from coverage_cell")


def people(name: str, number: int, **changes: Any) -> list[Event]:
    return [a_fact(f"{name}-{n}", **changes) for n in range(number)]


async def test_forecast_says_who_is_vaccinated(reporting: Reporting) -> None:
    """A first dose of two is no coverage under a programme by forecast; complete and immune members are, also without a
    dose that anybody heard of, from the day on which eligibility said so."""
    await reporting.hear(a_programme(rule="forecast"), a_day(3))
    await reporting.hear(
        *people("half", 20, rule="forecast", doses_valid=1),
        *people("due-later", 12, rule="forecast", status="ineligible", reasons=("not-yet-due",), doses_valid=1),
        *people("immune", 15, rule="forecast", status="ineligible", reasons=("immune",), vaccinated=True),
        *people("barred", 13, rule="forecast", status="ineligible", reasons=("contraindicated",)),
        *(a_dose(f"half-{n}", days=-400) for n in range(20)),
    )
    await reporting.hear(*(a_fact(f"half-{n}", version=2, days=2, **COMPLETE) for n in range(11)))
    assert figures(await reporting.report(1)) == (47, 15)
    assert figures(await reporting.report(3)) == (47, 26)
    assert await cells(reporting) == [(47, 26)]


async def test_last_dose_by_then_dates_the_vaccination(reporting: Reporting) -> None:
    """Of somebody whom the forecast calls complete, the vaccination is of the day of the last dose by then; of somebody
    who no longer is and then is again, the later one counts."""
    later = a_dose(days=4, dose_id=a_dose("second").dose_id)
    await reporting.hear(a_programme(rule="forecast"), a_day(9), a_dose(days=-300), later)
    await reporting.hear(a_fact(version=1, **COMPLETE), a_fact(version=2, days=1, rule="forecast"))
    await reporting.hear(a_fact(version=3, days=5, **COMPLETE))
    query = "select vaccinated_on from population"
    assert await reporting.asked(9, query) == [(DAY + timedelta(days=4),)]
    assert await reporting.asked(3, query) == [(None,)]


@pytest.mark.capability("A10")
async def test_service_says_who_has_had_it(reporting: Reporting) -> None:
    """Who has had the service is in scope and counts as done, with no vaccine in the world."""
    received = {"rule": "service", "status": "ineligible", "reasons": ("service-received",), "vaccinated": True}
    await reporting.hear(a_programme(rule="service", vaccine_group="colorectal-screening"), a_day())
    await reporting.hear(*people("waiting", 20, rule="service"), *people("done", 30, **received))
    assert figures(await reporting.report(0)) == (50, 30)
    assert await cells(reporting) == [(50, 30)]


@pytest.mark.capability("D13")
async def test_control_arm_is_counted_and_told_apart(reporting: Reporting) -> None:
    """Whom the programme draws for the control arm, or ranks below its cap, stays in coverage; the report has a row
    for each arm, and none where nothing is drawn."""
    control = {"status": "ineligible", "reasons": ("control-arm",), "arm": "control"}
    await reporting.hear(a_programme(arms=("control", "outreach")), a_day())
    await reporting.hear(*people("below", 14, status="ineligible", reasons=("below-cap",)))
    assert (await reporting.report(0)).by_arm == ()
    await reporting.hear(*people("control", 40, **control), *people("outreach", 41, arm="outreach"))
    await reporting.hear(*(a_dose(f"{name}-{n}") for name in ("control", "outreach", "below") for n in range(12)))
    report = await reporting.report(0)
    assert {row.group: row.coverage.members for row in report.by_arm} == {"control": 40, "none": 14, "outreach": 41}
    assert {row.group: row.coverage.vaccinated for row in report.by_arm}["outreach"] == 12
    assert figures(report) == (95, 36)


async def test_partial_dose_is_no_coverage(reporting: Reporting) -> None:
    """A dose that was administered in part counts for nobody; given whole after all, it does."""
    await reporting.hear(a_programme(), a_day(), *people("ada", 30))
    await reporting.hear(*(a_dose(f"ada-{n}", is_partial=n >= 12) for n in range(30)))
    assert figures(await reporting.report(0)) == (30, 12)
    await reporting.hear(*(a_dose(f"ada-{n}", version=2) for n in range(12, 15)))
    assert (figures(await reporting.report(0)), await cells(reporting)) == ((30, 15), [(30, 15)])


async def test_version_holds_from_its_day_on(reporting: Reporting) -> None:
    """A version that asks for two doses from next week on changes no figure before that day opens."""
    await reporting.hear(a_programme(), a_day(), *people("ada", 30), *(a_dose(f"ada-{n}") for n in range(15)))
    await reporting.hear(a_programme(version=2, doses_needed=2, effective_on=DAY + timedelta(days=7)))
    before = await reporting.report(0)
    assert (before.programme_version, figures(before), await cells(reporting)) == (1, (30, 15), [(30, 15)])
    await reporting.hear(a_day(7))
    after = await reporting.report(7)
    assert (after.programme_version, figures(after), await cells(reporting)) == (2, (30, None), [(30, 0)])
