"""The figures of the report, on a few people whose story is known and on a season of some hundred."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest

from schemas.eligibility_v1 import DoseSource, SviLevel
from schemas.envelope import Event
from schemas.outreach_v1 import BesdDomain, Disposition
from schemas.scheduling_v1 import AppointmentStatus
from services.kit import slices as slicing
from services.kit.postgres import transaction
from services.replicas.days.store import load_day
from services.reporting.population.rules import Question
from services.reporting.population.store.tables import prepare
from tests.facts import (
    DAY,
    PROGRAMME,
    a_day,
    a_dose,
    a_fact,
    a_merge,
    a_programme,
    a_tract,
    an_appointment,
    member_token,
)
from tests.service.reporting.builders import Reporting, a_case, a_file, a_pool, a_retraction, an_attempt
from tests.service.reporting.world import LAST_DAY, a_season

pytestmark = pytest.mark.postgres
DOZEN = range(12)  # enough to be shown
FULFILLED, NOSHOW = AppointmentStatus.FULFILLED, AppointmentStatus.NOSHOW
OWN: dict[str, Any] = {"sources": (DoseSource.APPOINTMENT,)}


def _stories(n: int) -> Iterator[Event]:
    """Ten people, each of whom gets one step further than the one before, or another way."""
    yield a_fact(f"under-age-{n}", status="ineligible", reasons=("area-not-vulnerable",))
    for name in (
        "nobody-came",
        "no-call",
        "no-answer",
        "refused",
        "missed",
        "came",
        "elsewhere",
        "before",
        "walked-in",
    ):
        yield a_fact(f"{name}-{n}")
    for name in ("no-call", "no-answer", "refused", "missed", "came", "elsewhere", "before", "walked-in"):
        yield a_case(f"{name}-{n}")
    yield an_attempt(f"no-answer-{n}", 1, disposition=Disposition.NO_ANSWER)
    yield an_attempt(f"refused-{n}", 1, disposition=Disposition.INITIAL_REFUSAL,
                     refusal_domain=BesdDomain.MOTIVATION, barriers=("language-access",))  # fmt: skip
    for name, status in (("missed", NOSHOW), ("came", FULFILLED)):
        yield an_attempt(f"{name}-{n}", 1, disposition=Disposition.BOOKED)
        yield an_appointment(f"{name}-{n}", 1, days=8, changed=1)
        yield an_appointment(f"{name}-{n}", 2, days=8, changed=8, status=status)
    yield a_dose(f"came-{n}", days=8, **OWN)
    yield a_dose(f"elsewhere-{n}", days=3)
    yield a_dose(f"before-{n}", days=-30, known_on=DAY + timedelta(days=4))
    yield an_appointment(f"walked-in-{n}", days=5, changed=5, status=FULFILLED, walk_in=True)
    yield a_dose(f"walked-in-{n}", days=5, **OWN)


async def _tell(reporting: Reporting) -> None:
    stories = [event for n in DOZEN for event in _stories(n)]
    await reporting.hear(a_programme(), *sorted(stories, key=lambda event: type(event).__name__), a_day(13))


@pytest.mark.capability("B9")
async def test_the_funnel_follows_every_story(reporting: Reporting) -> None:
    """Each step counts those who took it after all the steps before; the outcomes part those with a case."""
    await _tell(reporting)
    report = await reporting.report(13)
    total = report.funnels[0]
    assert total.plan is None
    assert {one.stage: one.people for one in total.stages} == {
        "enrolled": 120, "ever-eligible": 108, "case-opened": 96, "attempted": 48, "reached": 36, "booked": 24,
        "dose-after-outreach": 12,
    }  # fmt: skip
    assert total.outcomes == {
        "dose-after-outreach": 12, "dose-at-own-site-otherwise": 12, "dose-elsewhere": 12, "dose-before-the-case": 12,
        "no-dose": 48,
    }  # fmt: skip
    assert [one.of_previous for one in total.stages][1] == pytest.approx(0.9)
    assert [(one.plan, one.stages) for one in report.funnels[1:]] == [("lakeshore", total.stages)]


async def test_what_happened_by_week(reporting: Reporting) -> None:
    """Attempts by day, bookings by the day they were made, visits by the day they were for, doses by the day they
    were given."""
    await _tell(reporting)
    first, second = (await reporting.report(13)).weeks[-2:]
    assert (first.week_on, second.week_on) == (DAY, DAY + timedelta(weeks=1))
    assert first.attempts == {"no-answer": 12, "initial-refusal": 12, "booked": 24}
    assert (first.bookings, first.walk_ins, first.fulfilled, first.noshows) == (24, 12, 0, 0)
    assert (second.bookings, second.walk_ins, second.fulfilled, second.noshows) == (0, 0, 12, 12)
    assert (first.doses_by_source, second.doses_by_source) == ({"iis": 12, "appointment": 12}, {"appointment": 12})
    assert second.doses_by_svi == {"tract:4": 12}


@pytest.mark.capability("A4")
async def test_reasons_count_people(reporting: Reporting) -> None:
    """Barriers and refusals count people and not attempts."""
    await _tell(reporting)
    again = [an_attempt(f"refused-{n}", 2, refusal_domain=BesdDomain.MOTIVATION, barriers=("language-access",))
             for n in DOZEN]  # fmt: skip
    await reporting.hear(*again)
    report = await reporting.report(13)
    assert [(one.code, one.people) for one in report.refusals] == [("motivation", 12)]
    assert [(one.code, one.people) for one in report.barriers] == [("language-access", 12)]


async def test_a_past_day(reporting: Reporting) -> None:
    """As of a past day only what had happened counts, with what is known by now or with what was known then."""
    await _tell(reporting)
    others = [a_fact(f"other-{n}", status="ineligible", reasons=("area-not-vulnerable",)) for n in DOZEN]
    await reporting.hear(*others, *(a_dose(f"other-{n}") for n in DOZEN))
    for as_of, known, vaccinated in ((3, 3, 12), (3, 13, 24), (5, 5, 36), (13, 13, 48)):
        target = (await reporting.report(as_of, known)).headline.target
        assert (target.members, target.vaccinated) == (108, vaccinated)
    moved = [a_fact(f"no-call-{n}", 2, days=6, zip5="60624") for n in DOZEN]
    await reporting.hear(*moved)
    assert [row.zip5 for row in (await reporting.report(5)).by_zip] == ["60623"]
    assert [row.zip5 for row in (await reporting.report(6)).by_zip] == ["60623", "60624"]


async def test_retracted_attempts_count_no_longer(reporting: Reporting) -> None:
    """What was entered in error counts until the day on which that was said: in the funnel, the weeks and the reasons;
    whether it was heard before the attempt or after."""
    attempts = [
        an_attempt(f"refused-{n}", 1, disposition=Disposition.INITIAL_REFUSAL, refusal_domain=BesdDomain.MOTIVATION,
                   barriers=("language-access",)) for n in DOZEN
    ]  # fmt: skip
    taken = [a_retraction(one, 3) for one in attempts]
    known = [event for n in DOZEN for event in (a_fact(f"refused-{n}"), a_case(f"refused-{n}"))]
    await reporting.hear(a_programme(), a_day(4), *known, *taken[:6])
    await reporting.hear(*attempts, *taken)
    for as_of, people in ((2, 12), (3, 0), (4, 0)):
        report = await reporting.report(as_of)
        assert {one.stage: one.people for one in report.funnels[0].stages}["attempted"] == people
        assert sum(week.attempts.get("initial-refusal") or 0 for week in report.weeks) == people
        told = [reason.people for reasons in (report.refusals, report.barriers) for reason in reasons]
        assert told == ([12, 12] if people else [])


async def test_two_plans_one_person(reporting: Reporting) -> None:
    """Somebody in two plans counts in each of them, and once in the totals."""
    both = [a_fact(f"both-{n}", tenant_id=plan) for n in DOZEN for plan in ("lakeshore", "prairie")]
    await reporting.hear(a_programme(), a_day(), *both)
    report = await reporting.report(0)
    assert report.headline.in_scope.members == 12
    assert [(row.group, row.coverage.members) for row in report.by_plan] == [("lakeshore", 12), ("prairie", 12)]
    assert [one.stages[0].people for one in report.funnels] == [12, 12, 12]


async def test_merged_members_are_one_person(reporting: Reporting) -> None:
    """What was tried under a retired token was tried with the survivor, also after another merge."""
    events: list[Event] = [a_programme(), a_day(3)]
    for n in DOZEN:
        events += [a_fact(f"old-{n}"), a_fact(f"mid-{n}"), a_fact(f"new-{n}")]
    for n in DOZEN:
        events += [a_case(f"new-{n}")]
    events += [an_attempt(f"old-{n}", 1) for n in DOZEN]
    await reporting.hear(*events)
    before = await reporting.report(1)
    assert {one.stage: one.people for one in before.funnels[0].stages}["attempted"] == 0
    retired: dict[str, Any] = {"enrolled": False, "status": "ineligible", "reasons": ("merged",)}
    for n in DOZEN:
        for old, new in (("old", "mid"), ("mid", "new")):
            await reporting.hear(
                a_merge(f"{old}-{n}", f"{new}-{n}", 2),
                a_fact(f"{old}-{n}", 2, 2, merged_into=member_token(f"{new}-{n}"), **retired),
            )
    after = await reporting.report(2)
    assert {one.stage: one.people for one in after.funnels[0].stages}["attempted"] == 12
    assert after.headline.in_scope.members == 12


async def test_two_again_are_counted_as_two(reporting: Reporting) -> None:
    """Two plans' members who were one from the second day, and are two from the fourth: as known then they are one
    person, later two, each with the attempts, bookings and doses of his own enrolment, whichever token they named."""
    events: list[Event] = [a_programme(), a_day(9)]
    for n in DOZEN:
        one, other, plan = f"one-{n}", f"other-{n}", "prairie"
        token = member_token(one)
        events += [
            a_fact(one), a_fact(other, tenant_id=plan), a_case(other, tenant_id=plan),
            a_merge(other, one, 2, version=1), a_fact(other, 2, 2, tenant_id=plan, member_token=token),
            an_attempt(other, 3, tenant_id=plan, member_token=token), a_dose(other, days=3, member_token=token),
            a_merge(other, one, 4, version=2, is_split=True), a_fact(other, 3, 4, tenant_id=plan),
            a_dose(other, 2, days=3, known_on=DAY + timedelta(days=4)),
        ]  # fmt: skip
    await reporting.hear(*events)
    as_one, as_two = await reporting.report(3), await reporting.report(4)
    assert (as_one.headline.in_scope.members, as_two.headline.in_scope.members) == (12, 24)
    assert as_two.headline.in_scope.vaccinated == 12
    cells = await reporting.fetch("select tenant_id, sum(members), sum(vaccinated) from coverage_cell group by 1")
    assert sorted(map(tuple, cells)) == [("lakeshore", 12, 0), ("prairie", 12, 12)]
    [prairie] = [one for one in as_two.funnels if one.plan == "prairie"]
    assert {one.stage: one.people for one in prairie.stages}["attempted"] == 12


async def test_the_programme_says_which_doses_count(reporting: Reporting) -> None:
    """Two doses on one day are one, too early ones and uncounted products none."""
    await reporting.hear(*(a_fact(f"m-{n}") for n in range(30)), a_day(9))
    rules: dict[str, Any] = {"doses_needed": 2, "doses_since_on": DAY, "cvx_not_counted": ("213",)}
    await reporting.hear(a_programme(**rules))
    for n in range(12):
        await reporting.hear(a_dose(f"m-{n}", days=1), a_dose(f"m-{n}-b", days=4, member_token=member_token(f"m-{n}")))
    await reporting.hear(
        a_dose("m-20", days=1), a_dose("m-20-b", days=1, member_token=member_token("m-20")),
        a_dose("m-21", days=1), a_dose("m-21-b", days=-1, member_token=member_token("m-21")),
        a_dose("m-22", days=1), a_dose("m-22-b", days=2, member_token=member_token("m-22"), cvx="213"),
    )  # fmt: skip
    assert (await reporting.report(9)).headline.target.vaccinated == 12
    assert await reporting.fetch("select vaccinated from coverage_cell") == [(12,)]


async def test_a_combination_counts_under_each_of_its_groups(reporting: Reporting) -> None:
    """A combination vaccine counts for a programme of any of its groups, in the report and in the cells; one that names
    no further group counts for its own alone."""
    combined: dict[str, Any] = {"cvx": "104", "vaccine_group": "hepa", "vaccine_groups": ("hepa", "hepb")}
    await reporting.hear(*(a_fact(f"m-{n}") for n in range(30)), a_day(9), a_programme(vaccine_group="hepb"))
    await reporting.hear(*(a_dose(f"m-{n}", days=1, **combined) for n in range(12)))
    await reporting.hear(*(a_dose(f"m-{n}", days=1, cvx="83", vaccine_group="hepa") for n in range(12, 20)))
    assert (await reporting.report(9)).headline.target.vaccinated == 12
    assert await reporting.fetch("select vaccinated from coverage_cell") == [(12,)]


async def test_places_and_feeds(reporting: Reporting) -> None:
    """Slots are the newest word on each block, feeds the sums of their files; rows are no people and stay shown."""
    await reporting.hear(
        a_programme(), a_day(1), a_pool(0, 1, booked=12), a_pool(0, 2, 1, booked=25, fulfilled=3),
        a_pool(0, 3, 4, booked=30), a_file("one"), a_file("two", 1), a_file("late", 2),
    )  # fmt: skip
    report = await reporting.report(1)
    [slots] = report.slots
    assert (slots.site_id, slots.plan, slots.capacity, slots.booked, slots.used) == (
        "united-center", "lakeshore", 40, 25, None,
    )  # fmt: skip
    [feed] = report.quality.feeds
    assert (feed.files, feed.rows_read, feed.rows_accepted, feed.rows_rejected) == (2, 200, 194, 6)
    assert [(one.reason, one.rows) for one in report.quality.rejections] == [("birth-date-missing", 6)]


PEOPLE = {"members", "vaccinated", "people", "booked", "used", "bookings", "fulfilled", "walk_ins", "noshows",
          "cancellations", "vaccinated_last_7_days", "unvaccinated", "attempts", "doses_by_source", "doses_by_svi",
          "outcomes"}  # fmt: skip


def _counts(node: Any, name: str = "") -> Iterator[tuple[str, int]]:
    if isinstance(node, dict):
        for key, each in node.items():
            yield from _counts(each, name if name in PEOPLE else key)
    elif isinstance(node, list | tuple):
        for each in node:
            yield from _counts(each, name)
    elif isinstance(node, int) and not isinstance(node, bool) and name in PEOPLE:
        yield name, node


@pytest.mark.capability("B9")
async def test_a_season_shows_no_small_count(reporting: Reporting) -> None:
    """Nowhere in the report is there a count of 1 to 10 people, though there are many in the tables; where somebody is
    counted as vaccinated, ten others are not."""
    await _hear_season(reporting, 600)
    report = await reporting.report(LAST_DAY)
    counts = list(_counts(asdict(report)))
    assert {name for name, _ in counts} >= {"members", "vaccinated", "people", "attempts", "doses_by_svi", "outcomes"}
    assert [one for one in counts if 0 < one[1] < 11] == []
    assert any(row.coverage.vaccinated is None for row in report.by_zip)
    rows = (*report.by_age, *report.by_svi, *report.by_race_ethnicity, *report.by_plan)
    for one in [row.coverage for row in rows] + [row.coverage for row in report.by_zip]:
        assert one.vaccinated is None or 11 <= one.vaccinated <= (one.members or 0) - 11


async def test_a_season_by_cells_and_by_persons(reporting: Reporting) -> None:
    """As of today, the cells kept by every batch and the population counted on demand are the same."""
    await _hear_season(reporting, 600)
    today = DAY + timedelta(days=LAST_DAY)
    async with transaction(reporting.database.pool, "*") as connection:
        await prepare(connection, Question(PROGRAMME, today, today))
        counted = await connection.fetch(
            "select tenant_id, zip5, age_band, race_ethnicity, svi_group, count(*), count(vaccinated_on) "
            "from population group by 1, 2, 3, 4, 5"
        )
        kept = await connection.fetch(
            "select tenant_id, zip5, age_band, race_ethnicity, svi_group, members, vaccinated from coverage_cell"
        )
    assert len(kept) > 400
    assert {tuple(row) for row in counted} == {tuple(row) for row in kept}


async def test_a_report_is_the_same_in_slices(reporting: Reporting, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few rows a statement takes, each person, dose and deed is in one slice and in no other: the tables and
    all figures are those of a single slice, for everybody and for one plan."""
    await _hear_season(reporting, 300)
    query = "select * from population order by person, tenant_id, zip5"
    reports = [await reporting.report(LAST_DAY, tenant=tenant) for tenant in ("*", "lakeshore")]
    people = await reporting.asked(LAST_DAY, query)
    monkeypatch.setattr(slicing, "SLICE_ROWS", 40)
    assert await reporting.asked(LAST_DAY, query) == people
    assert [await reporting.report(LAST_DAY, tenant=tenant) for tenant in ("*", "lakeshore")] == reports
    assert reports[0].funnels
    assert any(week.attempts for week in reports[0].weeks)


@pytest.mark.capability("B16")
async def test_the_gap_between_quarters(reporting: Reporting) -> None:
    """Coverage of the most vulnerable quarter of tracts against the least; other levels stay out of it."""
    facts: list[Event] = [a_programme(), a_day()]
    doses: list[Event] = []
    for n in range(40):
        facts += [a_fact(f"most-{n}"), a_fact(f"least-{n}", svi=a_tract(0.1), status="ineligible",
                                              reasons=("area-not-vulnerable",))]  # fmt: skip
        facts += [a_fact(f"county-{n}", svi=a_tract(0.1, SviLevel.COUNTY))]
        doses += [a_dose(f"county-{n}")] if n < 29 else []
        doses += [a_dose(f"least-{n}")] if n < 24 else []
        doses += [a_dose(f"most-{n}")] if n < 12 else []
    await reporting.hear(*facts, *doses)
    gap = (await reporting.report(0)).disparity
    assert gap is not None
    assert (gap.most.vaccinated, gap.least.vaccinated) == (12, 24)
    assert gap.difference.value == pytest.approx(-0.3)
    assert gap.ratio.value == pytest.approx(0.5)


async def _hear_season(reporting: Reporting, members: int) -> None:
    await reporting.hear(*a_season(members))


async def test_newest_day_is_the_day_of_every_programme(reporting: Reporting) -> None:
    """A programme in the zone that the clock had before does not stand still."""
    await reporting.hear(a_programme(), a_day(2), a_day(4, "America/Los_Angeles"))
    async with reporting.database.pool.acquire() as connection:
        assert await load_day(connection) == DAY + timedelta(days=4)
