"""Every criterion of a decision with its named edges: the day before, the day itself, the day after."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from services.eligibility.decisions.decision import REASONS, Decision, Member
from services.eligibility.decisions.rules import decide
from services.eligibility.doses.counted import CountedDose
from services.eligibility.people.ages import age_band, age_on, birthday
from services.eligibility.people.enrolment import Enrolment, Person, Span
from services.eligibility.people.race import roll_up
from services.eligibility.people.statement import Statement
from services.eligibility.places.rules import Level, Placement, VulnerabilityRule
from services.eligibility.programmes.programme import Phase, PriorityRule, Programme
from services.eligibility.vital.rules import UNHEARD, Vital

TODAY = date(2021, 3, 1)
TOKEN = UUID(int=7)
RULE = VulnerabilityRule(tract_cut_off=0.75, zip_share=0.5)
OMA = Person(TOKEN)
POOR = Placement(Level.TRACT, "90011", "06037228410", "06037", 0.97, "SVI 2018")


def a_programme(*phases: Phase, **changes: Any) -> Programme:
    programme = Programme(
        programme_id="sesame-street",
        version=1,
        title="Everybody on the street",
        effective_on=date(2021, 1, 1),
        time_zone="America/Chicago",
        vaccine_group="covid-19",
        doses_needed=1,
        doses_since_on=None,
        cvx_not_counted=frozenset({"500"}),
        plans=frozenset({"lakeshore"}),
        area=RULE,
        phases=phases or (Phase("all", date(2021, 1, 1)),),
        priority=PriorityRule(100, {"tract": 500, "zip": 400}, {"70-74": 100, "85+": 400}),
    )
    return replace(programme, **changes)


def a_member(
    placement: Placement = POOR,
    person: Person = OMA,
    statements: tuple[Statement, ...] = (),
    vital: Vital = UNHEARD,
    *,
    is_protected: bool = False,
    **changes: Any,
) -> Member:
    enrolment = Enrolment(
        UUID(int=1), TOKEN, "lakeshore", "LS1", birth_on=date(1950, 5, 1), zip5="90011", spans=(Span("medicare"),)
    )
    enrolment = enrolment._replace(**changes)
    return Member(enrolment, person, placement, statements, vital, is_protected)


def a_dose(
    on: date = date(2021, 2, 1), cvx: str = "208", group: str = "covid-19", partial: bool = False
) -> CountedDose:
    return CountedDose(group, cvx, on, partial)


def decided(
    member: Member | None = None,
    doses: Sequence[CountedDose] = (),
    programme: Programme | None = None,
    on: date = TODAY,
) -> Decision:
    return decide(member or a_member(), doses, programme or a_programme(), on)


def test_nothing_fails_for_the_eligible() -> None:
    """A member who meets every criterion is eligible without a reason."""
    answer = decided()
    assert (answer.is_eligible, answer.reasons, answer.is_enrolled, answer.is_vaccinated) == (True, (), True, False)


@pytest.mark.parametrize(
    ("edge", "birth_on", "on", "is_eligible"),
    [
        ("the day before the 65th birthday", date(1956, 3, 2), TODAY, False),
        ("the 65th birthday", date(1956, 3, 1), TODAY, True),
        ("the day after", date(1956, 2, 29), TODAY, True),
        ("born on 29 February, on 28 February", date(1956, 2, 29), date(2021, 2, 28), False),
        ("born on 29 February, in a leap year", date(1952, 2, 29), date(2024, 2, 29), True),
        ("birth date unknown", None, TODAY, False),
    ],
)
def test_age(edge: str, birth_on: date | None, on: date, is_eligible: bool) -> None:
    """Somebody born on 29 February comes of age on 1 March."""
    assert decided(a_member(birth_on=birth_on), on=on).is_eligible is is_eligible, edge


@pytest.mark.parametrize(
    ("edge", "spans", "reason", "recheck_on"),
    [
        ("the last day", (Span("medicare", last_on=TODAY),), None, date(2021, 3, 2)),
        ("the day after the last", (Span("medicare", last_on=date(2021, 2, 28)),), "not-enrolled", None),
        ("the first day", (Span("medicare", begin_on=TODAY),), None, None),
        ("the day before the first", (Span("medicare", begin_on=date(2021, 3, 2)),), "enrolment-not-begun",
         date(2021, 3, 2)),
        ("a gap", (Span("m", last_on=date(2021, 2, 1)), Span("m", date(2021, 4, 1))), "enrolment-not-begun",
         date(2021, 4, 1)),
        ("never", (), "not-enrolled", None),
        ("one of two", (Span("a", last_on=date(2020, 1, 1)), Span("b")), None, None),
    ],
)  # fmt: skip
def test_coverage(edge: str, spans: tuple[Span, ...], reason: str | None, recheck_on: date | None) -> None:
    """The last day counts, and the next day on which a span begins or ends is remembered."""
    answer = decided(a_member(spans=spans, birth_on=date(1930, 1, 1)))
    assert answer.reasons == ((reason,) if reason else ()), edge
    assert answer.recheck_on == recheck_on, edge


@pytest.mark.parametrize(
    ("edge", "dose", "counts"),
    [
        ("today", a_dose(TODAY), True),
        ("tomorrow", a_dose(date(2021, 3, 2)), False),
        ("another vaccine", a_dose(group="zoster"), False),
        ("partly given", a_dose(partial=True), False),
        ("a product that the programme doesn't count", a_dose(cvx="500"), False),
        ("before the birth", a_dose(date(1950, 4, 30)), False),
    ],
)
def test_doses(edge: str, dose: CountedDose, counts: bool) -> None:
    """Only a whole, known dose of the programme's vaccine, not ahead of the day, counts."""
    answer = decided(doses=[dose])
    assert (answer.doses_valid, answer.is_vaccinated) == (int(counts), counts), edge
    assert answer.reasons == (("already-vaccinated",) if counts else ()), edge


@pytest.mark.parametrize(("groups", "counts"), [(("hepa", "covid-19"), True), (("hepa", "hepb"), False), ((), False)])
def test_a_combination_counts_for_each_of_its_groups(groups: tuple[str, ...], counts: bool) -> None:
    """A dose whose first group is another one counts if the programme's is among its groups."""
    dose = a_dose(group="hepa")._replace(vaccine_groups=groups)
    assert decided(doses=[dose]).is_vaccinated is counts


def test_a_seasonal_programme_counts_from_a_day_on() -> None:
    """A dose of last season leaves the question open."""
    season = a_programme(doses_since_on=date(2021, 2, 2))
    assert decided(doses=[a_dose(date(2021, 2, 1))], programme=season).is_eligible
    assert not decided(doses=[a_dose(date(2021, 2, 2))], programme=season).is_eligible


def test_two_doses_of_one_day_are_one() -> None:
    """Where two are needed, the same day twice is not enough."""
    both = a_programme(doses_needed=2)
    assert decided(doses=[a_dose(), a_dose()], programme=both).is_eligible
    assert not decided(doses=[a_dose(), a_dose(TODAY)], programme=both).is_eligible


PHASES = (Phase("first", date(2021, 2, 1), date(2021, 2, 28), 75), Phase("second", date(2021, 3, 8), date(2021, 3, 31)))


@pytest.mark.capability("B2")
@pytest.mark.parametrize(
    ("on", "phase", "reasons", "recheck_on"),
    [
        (date(2021, 1, 31), None, ("programme-not-begun",), date(2021, 2, 1)),
        (date(2021, 2, 1), "first", ("under-age",), date(2021, 3, 1)),
        (date(2021, 3, 1), None, ("between-phases",), date(2021, 3, 8)),
        (date(2021, 3, 8), "second", (), date(2021, 4, 1)),
        (date(2021, 4, 1), None, ("programme-ended",), date(2021, 5, 1)),
    ],
)
def test_phases(on: date, phase: str | None, reasons: tuple[str, ...], recheck_on: date) -> None:
    """A phase has its own age and days; between and outside of them nobody is eligible."""
    answer = decided(a_member(birth_on=date(1951, 5, 1)), programme=a_programme(*PHASES), on=on)
    assert (answer.phase, answer.reasons, answer.recheck_on) == (phase, reasons, recheck_on)


ZIP = Placement(Level.ZIP, "90011", release="SVI 2018", residents_by_svi=((0.9, 50.0), (0.1, 50.0)))
COUNTY = Placement(Level.COUNTY, "60601", county_fips="17031", svi=0.99, release="SVI 2022")


@pytest.mark.parametrize(
    ("edge", "placement", "rule", "reason"),
    [
        ("at the cut-off", replace(POOR, svi=0.75), RULE, None),
        ("below it", replace(POOR, svi=0.7499), RULE, "area-not-vulnerable"),
        ("half of the ZIP", ZIP, RULE, None),
        ("less than the share asked for", ZIP, replace(RULE, zip_share=0.51), "area-not-vulnerable"),
        ("a county is too coarse", COUNTY, RULE, "area-unknown"),
        ("unless the programme takes it", COUNTY, replace(RULE, county_cut_off=0.8), None),
        ("nowhere", Placement(Level.UNKNOWN), RULE, "area-unknown"),
    ],
)
def test_area(edge: str, placement: Placement, rule: VulnerabilityRule, reason: str | None) -> None:
    """Each level is held against its own cut-off."""
    assert decided(a_member(placement), programme=a_programme(area=rule)).reasons == ((reason,) if reason else ()), edge


def test_every_failing_criterion_is_named() -> None:
    """Not only the first: age, coverage, plan, area, dose and phase each have their word."""
    member = a_member(
        replace(POOR, svi=0.1),
        vital=Vital(is_deceased=True),
        tenant_id="prairie",
        birth_on=date(2000, 1, 1),
        spans=(),
    )
    answer = decided(member, [a_dose()], a_programme(Phase("later", date(2022, 1, 1))))
    assert answer.reasons == (
        "deceased", "not-enrolled", "plan-not-participating", "under-age", "area-not-vulnerable",
        "already-vaccinated", "programme-not-begun",
    )  # fmt: skip
    assert set(answer.reasons) <= set(REASONS)


def test_the_merged_and_the_dead_are_not_looked_at_again() -> None:
    """No birthday brings them back; the merged have one reason only."""
    merged = decided(a_member(person=Person(TOKEN, merged_into=UUID(int=8)), is_retired=True, spans=()))
    dead = decided(a_member(vital=Vital(is_deceased=True)))
    assert (merged.reasons, merged.recheck_on, merged.is_enrolled) == (("merged",), None, False)
    assert (dead.reasons, dead.recheck_on, dead.is_enrolled) == (("deceased",), None, False)


def test_whose_death_is_reported_is_let_alone_and_looked_at_again() -> None:
    """A report makes nobody eligible and nobody dead: he stays enrolled, and his birthdays count."""
    answer = decided(a_member(vital=Vital(is_reported=True)))
    assert (answer.is_eligible, answer.reasons, answer.is_enrolled) == (False, ("death-reported",), True)
    assert answer.recheck_on == decided().recheck_on is not None


@pytest.mark.parametrize(
    ("placement", "birth_on", "points"),
    [
        (POOR, date(1950, 5, 1), 100 + 485 + 100),
        (POOR, date(1930, 5, 1), 985),
        (replace(POOR, svi=1.0), date(1930, 5, 1), 1000),
        (ZIP, date(1955, 5, 1), 300),
        (replace(POOR, svi=0.1), date(1950, 5, 1), 0),
    ],
)
def test_priority(placement: Placement, birth_on: date, points: int) -> None:
    """Points by the index at its level and by age, cut at 1000; none for who is not eligible."""
    assert decided(a_member(placement, birth_on=birth_on)).priority == points


def test_protection_comes_from_plan_or_registry() -> None:
    """Either of them may bar contact; eligibility itself is another question."""
    by_registry = decided(a_member(is_protected=True))
    assert (by_registry.is_protected, by_registry.is_eligible) == (True, True)
    assert decided(a_member(is_restricted=True)).is_protected
    assert not decided().is_protected


@pytest.mark.parametrize(
    ("races", "ethnicity", "said", "expected"),
    [
        (("2106-3",), "2186-5", (), "white"),
        (("2106-3",), "2135-2", (), "hispanic"),
        (("2106-3", "2028-9"), None, (), "multiracial"),
        ((), None, (), "unknown"),
        ((), "2186-5", (), "unknown"),
        (("2106-3",), None, (("self", ("2054-5",), None),), "black-or-african-american"),
        (("2106-3",), None, (("registry", ("2054-5",), None),), "white"),
        ((), None, (("registry", ("1002-5",), None),), "american-indian-or-alaska-native"),
        (("2106-3",), None, (("registry", (), "2135-2"),), "hispanic"),
        (("2106-3",), "2135-2", (("self", (), "2186-5"),), "white"),
    ],
)
def test_race_and_ethnicity(
    races: tuple[str, ...],
    ethnicity: str | None,
    said: tuple[tuple[str, tuple[str, ...], str | None], ...],
    expected: str,
) -> None:
    """Hispanic of any race first; each of race and ethnicity from the best source that says it, oneself before all."""
    enrolment = a_member(races=races, ethnicity=ethnicity).enrolment
    assert roll_up(enrolment, [Statement(TOKEN, source, r, e) for source, r, e in said]) == expected


@pytest.mark.capability("B17")
@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("medicare-advantage",), "medicare"),
        (("medicaid",), "medicaid"),
        (("medicaid", "medicare"), "dual"),
        (("exchange",), "commercial"),
        ((), "unknown"),
    ],
)
def test_line_of_business(lines: tuple[str, ...], expected: str) -> None:
    """The coverages in force make the segment; both Medicare and Medicaid are dual."""
    assert decided(a_member(spans=tuple(map(Span, lines)))).line_of_business == expected


def test_ages() -> None:
    """Bands change on birthdays; nobody is of an age before birth."""
    assert birthday(date(1956, 2, 29), 65) == date(2021, 3, 1)
    assert age_on(date(1956, 2, 29), date(2021, 2, 28)) == 64
    ages = [age_on(date(1956, 3, 1), date(year, 3, 1)) for year in (2020, 2021, 2026, 2041, 1950)]
    assert [age_band(one) for one in ages] == [
        "0-64", "65-69", "70-74", "85+", None,
    ]  # fmt: skip


def test_time_alone_changes_an_answer_only_on_the_day_foreseen() -> None:
    """Between the decision and its day of recheck no day gives another answer: no day is missed."""
    member = a_member(birth_on=date(1956, 2, 29), spans=(Span("m", date(2020, 1, 1), last_on=date(2021, 6, 30)),))
    programme = a_programme(*PHASES)
    start = decided(member, programme=programme, on=date(2021, 1, 1))
    for ordinal in range(date(2021, 1, 2).toordinal(), date(2021, 9, 1).toordinal()):
        on = date.fromordinal(ordinal)
        answer = decided(member, programme=programme, on=on)
        if start.recheck_on is not None and on >= start.recheck_on:
            start = answer
        assert answer._replace(recheck_on=None) == start._replace(recheck_on=None), on
