"""What programmes ask beyond age, area and doses: segment, aim, cap and arm, each alone and in their order."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.eligibility.decisions.decision import REASONS, Basis, Decision, Risk
from services.eligibility.decisions.rules import decide
from services.eligibility.doses.counted import CountedDose
from services.eligibility.places.rules import Level, Placement, VulnerabilityRule
from services.eligibility.programmes.aim import Forecasted, ForecastRule, ServiceRule
from services.eligibility.programmes.arms import Arms, arm_of
from services.eligibility.programmes.cap import TIE_BITS, Cap
from services.eligibility.programmes.needs import Circumstances
from services.eligibility.programmes.programme import Phase, Programme
from services.eligibility.programmes.segment import Segment
from tests.unit.eligibility.test_decide import RULE, TODAY, TOKEN, ZIP, a_dose, a_member, a_programme

RELEASES = (("4.64", date(2021, 1, 1)),)
ZOSTER = ("Zoster", "4.64")
DUE = Forecasted("4.64", "Not Complete", 1, TODAY, TODAY, None, None, 0, date(2021, 5, 1))
HIGH = Risk(60, "high", "street.1")
CAP = Cap(share=0.5, per="plan")
ARMS = Arms("person", "sesame-2021", {"offered": 0.5, "control": 0.5})


def decided(
    basis: Basis | None = None, doses: Sequence[CountedDose] = (), member: Any = None, **programme: object
) -> Decision:
    return decide(member or a_member(), doses, a_programme(**programme), TODAY, basis or Basis())


def test_an_area_may_be_left_out() -> None:
    """Without a cut-off every place is admitted, and none is called vulnerable."""
    nowhere = a_member(Placement(Level.UNKNOWN))
    assert decided(member=nowhere).reasons == ("area-unknown",)
    answer = decided(member=nowhere, area=None)
    assert (answer.reasons, answer.is_vulnerable, answer.svi_value) == ((), False, None)
    assert decided(area=None).svi_value == 0.97


@pytest.mark.parametrize(("area", "value"), [(RULE, 0.5), (replace(RULE, tract_cut_off=0.95), 0.0), (None, 0.5)])
def test_a_zips_share_is_told_whether_the_programme_asks_or_not(area: VulnerabilityRule | None, value: float) -> None:
    """Above the programme's cut-off; without one, above the most vulnerable quarter's."""
    assert decided(member=a_member(ZIP), area=area).svi_value == value


@pytest.mark.parametrize(
    ("edge", "birth_on", "reasons"),
    [
        ("the last day at 75", date(1945, 3, 2), ()),
        ("the 76th birthday", date(1945, 3, 1), ("over-age",)),
        ("born on 29 February, on 1 March", date(1944, 2, 29), ("over-age",)),
    ],
)
def test_an_upper_age(edge: str, birth_on: date, reasons: tuple[str, ...]) -> None:
    """`age_to` is the last age that counts, and its end is the next day to ask."""
    phase = Phase("all", date(2021, 1, 1), age_from=65, age_to=75)
    answer = decide(a_member(birth_on=birth_on), (), a_programme(phase), TODAY)
    assert answer.reasons == reasons, edge
    if not reasons:
        assert answer.recheck_on == date(2021, 3, 2)


def test_a_forecast_takes_the_place_of_counting() -> None:
    """Doses of the group count by CDC's rules only; the answer cites the release and the date due."""
    basis = Basis(forecasts={ZOSTER: DUE}, releases=RELEASES)
    answer = decided(basis, [a_dose()], aim=ForecastRule("Zoster"))
    assert (answer.reasons, answer.rule, answer.release, answer.due_on) == ((), "forecast", "4.64", TODAY)
    assert answer.recheck_on == date(2021, 5, 1)
    assert decided(Basis(releases=RELEASES), aim=ForecastRule("Zoster")).reasons == ("not-forecast",)
    assert decided(aim=ForecastRule("Zoster")).reasons == ("forecast-not-covered",)
    done = Basis(forecasts={ZOSTER: replace(DUE, status="Complete")}, releases=RELEASES)
    assert decided(done, aim=ForecastRule("Zoster")).is_vaccinated


def test_a_service_takes_the_place_of_doses() -> None:
    """What was received holds until its months are over."""
    known = Circumstances(services={"mammogram": date(2020, 6, 1)})
    answer = decided(Basis(known), [a_dose()], aim=ServiceRule({"mammogram": 24}))
    assert (answer.reasons, answer.is_vaccinated, answer.recheck_on) == (
        ("service-received",), True, date(2022, 6, 1),
    )  # fmt: skip
    assert decided(Basis(known), aim=ServiceRule({"mammogram": 9})).reasons == ()


def test_reasons_stand_in_their_order() -> None:
    """Who, what, when: a member outside in every way reads it in this order."""
    phase = Phase("later", date(2022, 1, 1), age_from=80)
    programme = a_programme(
        phase, segment=Segment(languages=frozenset({"es"})), plans=frozenset({"prairie"}), cap=CAP, arms=ARMS
    )
    answer = decide(a_member(spans=()), [a_dose()], programme, TODAY)
    assert answer.reasons == (
        "not-enrolled", "plan-not-participating", "under-age", "other-language", "already-vaccinated",
        "programme-not-begun",
    )  # fmt: skip
    assert (answer.cap_rank, answer.arm) == (None, None)


@pytest.mark.parametrize(("tier", "reasons"), [("high", ()), ("low", ("other-risk-tier",))])
def test_a_risk_tier(tier: str, reasons: tuple[str, ...]) -> None:
    """The model that the programme names gives the tier, and points of the priority."""
    basis = Basis(risks={"street.1": replace(HIGH, tier=tier)})
    segment = Segment(risk_tiers=frozenset({"high"}))
    rule = replace(a_programme().priority, base=0, svi={}, age={}, risk=500)
    answer = decided(basis, segment=segment, risk_model="street.1", priority=rule)
    assert (answer.reasons, answer.priority) == (reasons, 0 if reasons else 300)
    assert decided(basis, segment=segment).reasons == ("risk-unknown",)


@pytest.mark.parametrize(
    ("cut_off", "reasons"),
    [(60 << TIE_BITS, ()), (61 << TIE_BITS, ("below-cap",)), (None, ("cap-not-drawn",))],
)
def test_a_cap(cut_off: int | None, reasons: tuple[str, ...]) -> None:
    """Compared with the last draw of the member's own group under this version, and no other."""
    others = (("sesame-street", 1, "prairie"), ("another", 1, "lakeshore"), ("sesame-street", 2, "lakeshore"))
    cut_offs = dict.fromkeys(others, 0)
    if cut_off is not None:
        cut_offs["sesame-street", 1, "lakeshore"] = cut_off
    answer = decided(Basis(risks={"street.1": HIGH}, cut_offs=cut_offs), risk_model="street.1", cap=CAP)
    assert (answer.reasons, answer.cap_group) == (reasons, "lakeshore")
    assert answer.cap_rank is not None
    assert answer.cap_rank >> TIE_BITS == 60


def test_a_vaccinated_member_keeps_the_rank() -> None:
    """The aim doesn't move the place in the segment; being outside the segment gives it up."""
    basis = Basis(risks={"street.1": HIGH}, cut_offs={("sesame-street", 1, "lakeshore"): 0})
    before = decided(basis, risk_model="street.1", cap=CAP)
    after = decided(basis, [a_dose()], risk_model="street.1", cap=CAP)
    assert (before.cap_rank, before.reasons, after.reasons) == (after.cap_rank, (), ("already-vaccinated",))
    assert decided(basis, member=a_member(spans=()), risk_model="street.1", cap=CAP).cap_rank is None


def test_an_arm_is_drawn_when_nothing_else_fails_and_stays() -> None:
    """Not before; and what was drawn holds against another seed, a dose and the end of coverage."""
    assert decided(arms=ARMS, doses=[a_dose()]).arm is None
    drawn = decided(arms=ARMS)
    assert drawn.arm == arm_of(ARMS, str(TOKEN), "")
    assert drawn.reasons == (("control-arm",) if drawn.arm == "control" else ())
    for arm, reasons in (("control", ("control-arm",)), ("offered", ())):
        stored = Basis(arms={"sesame-street": arm})
        assert decided(stored, arms=ARMS).reasons == reasons
        assert decided(stored, [a_dose()], arms=ARMS).reasons == ("already-vaccinated",)
        assert decided(stored, member=a_member(spans=()), arms=ARMS).arm == arm


@given(
    birth_on=st.none() | st.dates(date(1920, 1, 1), date(2021, 12, 31)),
    share=st.floats(0.05, 0.95),
    forecasted=st.none() | st.builds(replace, st.just(DUE), status=st.sampled_from(
        ["Not Complete", "Complete", "Immune", "Contraindicated", "Aged Out", "Shared Clinical Decision"])),
    cut_off=st.none() | st.integers(0, 100),
    day=st.dates(date(2020, 12, 1), date(2022, 12, 31)),
)  # fmt: skip
def test_every_answer_has_a_reason_or_none(
    birth_on: date | None, share: float, forecasted: Forecasted | None, cut_off: int | None, day: date
) -> None:
    """Eligible is exactly without a reason; each reason is a sentence; the next day to ask lies ahead."""
    programme: Programme = a_programme(
        aim=ForecastRule("Zoster"), risk_model="street.1", cap=CAP,
        arms=Arms("person", "sesame-2021", {"offered": share, "control": 1 - share}),
    )  # fmt: skip
    basis = Basis(
        forecasts={ZOSTER: forecasted} if forecasted else {}, releases=RELEASES, risks={"street.1": HIGH},
        cut_offs={} if cut_off is None else {("sesame-street", 1, "lakeshore"): cut_off << TIE_BITS},
    )  # fmt: skip
    answer = decide(a_member(birth_on=birth_on), (), programme, day, basis)
    assert answer.is_eligible is not bool(answer.reasons)
    assert set(answer.reasons) <= REASONS.keys()
    assert answer.recheck_on is None or answer.recheck_on > day
    assert (answer.arm == "control") is ("control-arm" in answer.reasons)
    assert decide(a_member(birth_on=birth_on), (), programme, day, basis) == answer
