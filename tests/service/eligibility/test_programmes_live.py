"""Programmes at work: published, decided, drawn, and decided again for exactly those whom something concerns."""

from datetime import date, timedelta
from typing import Any

import pytest

from services.eligibility.decisions import basis
from services.eligibility.decisions.flow import days, publishing
from services.eligibility.decisions.flow.redecide import redecide
from services.eligibility.forecast.model import History
from services.eligibility.forecast.schedule import SupportingData
from services.eligibility.programmes.aim import Forecasted
from services.eligibility.programmes.documents import parse_programme
from services.eligibility.programmes.due import forecasted
from services.eligibility.programmes.needs import MemberObservation
from services.eligibility.programmes.risk.documents import models
from services.eligibility.programmes.risk.model import score
from services.kit.postgres import ALL_TENANTS, transaction
from services.kit.unit_of_work import UnitOfWork
from tests.service.eligibility.cases import join_namesakes
from tests.service.eligibility.conftest import FIRST_DAY, Office
from tests.service.eligibility.messages import Row, Shot, roster, vxu
from tests.service.eligibility.programmes import HOMEBOUND, SCREENING, ZOSTER, eight, facts, need, publish, say

pytestmark = pytest.mark.postgres


# -- forecast


@pytest.mark.capability("F11")
async def test_a_forecast_decides_and_time_moves_it(office: Office) -> None:
    """With one dose of two the second is due eight weeks later: until that very day she is not yet due."""
    await office.open_day(date(2025, 12, 1))
    await office.read(roster(Row("LS1", born="19600501", tract="")))
    await office.read(vxu(Shot("a", born="19600501", cvx="187", on="20251115")))
    await publish(office, ZOSTER)
    fact = (await facts(office, "street-zoster"))["LS1"]
    assert (fact["status"], fact["reasons"], fact["due_on"], fact["doses_valid"]) == (
        "ineligible", ["not-yet-due"], "2026-01-10", 1,
    )  # fmt: skip
    assert (fact["rule"], fact["release"], fact["programme_version"]) == ("forecast", "4.64", 1)
    assert await office.open_day(date(2026, 1, 9)) == 0
    assert await office.open_day(date(2026, 1, 10)) == 1
    assert (await facts(office, "street-zoster"))["LS1"]["status"] == "eligible"


@pytest.mark.capability("F11")
async def test_a_dose_completes_the_series(office: Office) -> None:
    """The second valid dose ends it; a third one tells nothing new."""
    await office.open_day(date(2025, 12, 1))
    await office.read(roster(Row("LS1", born="19600501")))
    await publish(office, ZOSTER)
    assert (await facts(office, "street-zoster"))["LS1"]["status"] == "eligible"
    await office.read(vxu(Shot("a", born="19600501", cvx="187", on="20250101")))
    await office.read(vxu(Shot("b", born="19600501", cvx="187", on="20250401")))
    fact = (await facts(office, "street-zoster"))["LS1"]
    assert (fact["reasons"], fact["vaccinated"], fact["doses_valid"]) == (["already-vaccinated"], True, 2)


@pytest.mark.parametrize(("second_on", "doses_valid"), [("20250125", 2), ("20250124", 1)])
async def test_the_minimum_interval_less_four_days(office: Office, second_on: str, doses_valid: int) -> None:
    """Twenty-four days after the first dose the second one is valid, one day earlier it is not and must be repeated."""
    await office.open_day(date(2025, 12, 1))
    await office.read(roster(Row("LS1", born="19600501")))
    await office.read(vxu(Shot("a", born="19600501", cvx="187", on="20250101")))
    await office.read(vxu(Shot("b", born="19600501", cvx="187", on=second_on)))
    await publish(office, ZOSTER)
    fact = (await facts(office, "street-zoster"))["LS1"]
    assert (fact["doses_valid"], fact["vaccinated"]) == (doses_valid, doses_valid == 2)


async def test_a_corrected_birth_date(office: Office) -> None:
    """The plan corrects the year: CDC's rules are asked about another age, and the answer turns."""
    await office.open_day(date(2025, 12, 1))
    await office.read(roster(Row("LS1", born="19600501")))
    await publish(office, ZOSTER.replace("age_from: 50", "age_from: 19"))
    assert (await facts(office, "street-zoster"))["LS1"]["status"] == "eligible"
    await office.read(roster(Row("LS1", born="19800501", action="001")))
    fact = (await facts(office, "street-zoster"))["LS1"]
    assert (fact["reasons"], fact["due_on"]) == (["not-yet-due"], "2030-05-01")


async def test_an_early_age_by_a_condition(office: Office) -> None:
    """At 19 to 49 zoster vaccine is for the immunocompromised: the condition makes her due, its end ends that."""
    await office.open_day(date(2025, 12, 1))
    await office.read(roster(Row("LS1", born="19900501")))
    await publish(office, ZOSTER.replace("age_from: 50", "age_from: 19"))
    assert (await facts(office, "street-zoster"))["LS1"]["reasons"] != []
    assert await say(office, "LS1", MemberObservation("cdsi", "158", date(2025, 1, 1), date(2026, 2, 1))) == 1
    assert (await facts(office, "street-zoster"))["LS1"]["status"] == "eligible"
    assert await office.open_day(date(2026, 1, 31)) == 0
    assert await office.open_day(date(2026, 2, 1)) == 1
    assert (await facts(office, "street-zoster"))["LS1"]["status"] == "ineligible"


async def test_a_season_ends(office: Office) -> None:
    """On its last day the dose is due; the day after, CDC's rules are asked again and recommend nothing."""
    await office.open_day(date(2026, 6, 1))
    await office.read(roster(Row("LS1", born="19600501")))
    await publish(office, ZOSTER.replace("zoster, cdsi_group: Zoster", "flu, cdsi_group: Influenza"))
    assert (await facts(office, "street-zoster"))["LS1"]["status"] == "eligible"
    assert await office.open_day(date(2026, 6, 30)) == 0
    assert await office.open_day(date(2026, 7, 1)) == 1
    assert (await facts(office, "street-zoster"))["LS1"]["reasons"] == ["not-recommended"]


async def test_a_forecast_is_kept_and_asked_again_only_when_it_may_change(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands is read from the store: deciding again with nothing new asks no rule of CDC's."""
    await office.open_day(date(2025, 12, 1))
    await office.read(roster(Row("LS1", born="19600501")))
    await publish(office, ZOSTER)
    asked: list[str] = []

    def counted(history: History, group: str, supporting: SupportingData, on: date) -> Forecasted:
        asked.append(group)
        return forecasted(history, group, supporting, on)

    monkeypatch.setattr("services.eligibility.decisions.basis.forecasted", counted)
    await say(office, "LS1", need("lives-alone"))
    assert asked == []
    await say(office, "LS1", MemberObservation("cdsi", "014", date(2025, 1, 1)))
    assert asked == ["Zoster"]


async def test_another_release_has_forecast_programmes_asked(office: Office) -> None:
    """A start with another release of CDC's rules asks everybody again, and tells nobody whose answer stands."""
    await office.open_day(date(2025, 12, 1))
    await office.read(roster(Row("LS1", born="19600501")))
    await publish(office, ZOSTER)
    await office.fetch("update release_in_use set value = '4.50' where name = 'cdsi'")
    await office.fetch("update forecast set release = '4.50'")
    await days.begin(office.database.pool, None)
    assert len(await office.fetch("select from sweep")) == 1
    assert await days.redecide_due(office.database.pool) == 0
    assert {row["release"] for row in await office.fetch("select release from forecast")} == {"4.50", "4.64"}


async def test_another_engine_has_forecast_programmes_asked(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start with an engine that answers otherwise makes every forecast anew; a start with the same one makes none."""
    await office.open_day(date(2025, 12, 1))
    await office.read(roster(Row("LS1", born="19600501")))
    await publish(office, ZOSTER)
    await days.begin(office.database.pool, None)
    assert await office.fetch("select from sweep") == []
    [before] = await office.fetch("select inputs from forecast")
    for module in (days, basis):
        monkeypatch.setattr(module, "ENGINE", 99)
    await days.begin(office.database.pool, None)
    assert await days.redecide_due(office.database.pool) == 0
    assert await office.fetch("select inputs from forecast") != [before]


async def test_another_edition_of_the_svi_has_everybody_asked(office: Office) -> None:
    """Whatever the programme is after; an answer that stands is not told again."""
    await office.read(roster(Row("LS1"), Row("LS2", given="Bert")))
    await office.fetch("update release_in_use set value = 'an older one' where name = 'svi'")
    await days.begin(office.database.pool, None)
    assert len(await office.fetch("select from sweep")) == 1
    assert await days.redecide_due(office.database.pool) == 0
    assert await office.fetch("select from sweep") == []


async def test_another_release_concerns_no_dose_rule(office: Office) -> None:
    """Where no programme asks CDC's rules, nobody is asked again."""
    await office.read(roster(Row("LS1")))
    await office.fetch("update release_in_use set value = '4.50' where name = 'cdsi'")
    await days.begin(office.database.pool, None)
    assert await office.fetch("select from sweep") == []


async def test_a_sweep_goes_on_where_it_was_stopped(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that ends in between has told some, and the next one tells the others, each once."""
    await office.read(roster(*eight()))
    monkeypatch.setattr(days, "PERSONS_PER_ROUND", 3)
    monkeypatch.setattr(days, "PERSONS_PER_BATCH", 2)
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        await publishing.publish(UnitOfWork(connection), parse_programme(HOMEBOUND))
    asked = iter((False, True))
    assert await days.redecide_due(office.database.pool, lambda: next(asked)) == 3
    assert await days.redecide_due(office.database.pool) == 5
    assert [fact["version"] for fact in (await facts(office, "street-visits")).values()] == [1] * 8


async def test_a_lane_that_fails_is_heard_of(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault in one batch propagates, undoes only that batch, and the next try ends the work."""
    await office.read(roster(*eight()))
    monkeypatch.setattr(days, "PERSONS_PER_BATCH", 2)
    faults = iter([OSError("away")])

    async def failing_once(*about: Any) -> int:
        if fault := next(faults, None):
            raise fault
        return await redecide(*about)

    monkeypatch.setattr("services.eligibility.decisions.flow.days.redecide", failing_once)
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        await publishing.publish(UnitOfWork(connection), parse_programme(HOMEBOUND))
    with pytest.raises(OSError, match="away"):
        await days.redecide_due(office.database.pool)
    assert len(await facts(office, "street-visits")) == 6
    assert await days.redecide_due(office.database.pool) == 2


# -- segment and risk


@pytest.mark.capability("A1", "D1", "D2")
async def test_a_need_opens_a_segment(office: Office) -> None:
    """Being homebound is what the programme asks for; the score's contributions can be added up, and made again."""
    await office.read(roster(Row("LS1"), Row("LS2", given="Bert")))
    await publish(office, HOMEBOUND)
    assert (await facts(office, "street-visits"))["LS1"]["reasons"] == ["no-listed-condition"]
    assert await say(office, "LS1", need("homebound"), need("missed-appointments", value=3)) == 1
    fact = (await facts(office, "street-visits"))["LS1"]
    assert (fact["status"], fact["risk_model"]) == ("eligible", "social-risk.1")
    stored = (await office.fetch(
        "select * from risk_score join enrolment using (enrolment_id) where member_id = 'LS1'"))[0]  # fmt: skip
    assert sum(one["points"] for one in stored["contributions"]) == stored["score"]
    assert score(models()["social-risk.1"], stored["inputs"]).score == stored["score"]
    assert {one["factor"]: one["points"] for one in stored["contributions"]}["no-shows"] == 6
    assert fact["priority"] == 100 + round(5 * stored["score"])
    assert (await facts(office, "street-visits"))["LS2"]["reasons"] == ["no-listed-condition"]


async def test_what_is_said_again_changes_nothing(office: Office) -> None:
    """The same observation is no news; its end is."""
    await office.read(roster(Row("LS1")))
    await publish(office, HOMEBOUND)
    assert await say(office, "LS1", need("homebound")) == 1
    assert await say(office, "LS1", need("homebound")) == 0
    assert await say(office, "LS1", need("homebound", ended_on=FIRST_DAY + timedelta(days=9))) == 0
    assert await office.open_day(FIRST_DAY + timedelta(days=9)) == 1
    assert (await facts(office, "street-visits"))["LS1"]["reasons"] == ["no-listed-condition"]


async def test_what_one_plan_says_another_does_not_use(office: Office) -> None:
    """A person in two plans is homebound in the one that says so."""
    await office.read(roster(Row("LS1")))
    await office.read(roster(Row("PR1"), plan="PRAIRIE"))
    await join_namesakes(office)
    await publish(office, HOMEBOUND.replace("[lakeshore]", "[lakeshore, prairie]"))
    await say(office, "LS1", need("homebound"))
    found = await facts(office, "street-visits")
    assert (found["LS1"]["status"], found["PR1"]["reasons"]) == ("eligible", ["no-listed-condition"])
    assert found["LS1"]["member_token"] == found["PR1"]["member_token"]


async def test_members_of_a_dose_rule_cost_no_basis(office: Office) -> None:
    """With the programme of 65 and older alone nothing is scored, forecast or drawn."""
    await office.read(roster(Row("LS1")))
    for table in ("forecast", "risk_score", "arm", "cut_off"):
        assert await office.fetch(f"select from {table}") == []
    fact = (await office.last_facts())["LS1"]
    assert [fact.get(name) for name in ("rule", "release", "arm", "risk_tier")] == ["doses", None, None, None]


@pytest.mark.capability("A10")
async def test_another_service_than_a_vaccine(office: Office) -> None:
    """A test holds for a year, to the day; then she is asked again. At 76 the programme is over for her."""
    await office.read(roster(Row("LS1", born="19460310"), Row("LS2", given="Bert", born="19450228")))
    await publish(office, SCREENING)
    found = await facts(office, "street-screening")
    assert (found["LS1"]["status"], found["LS1"]["rule"], found["LS2"]["reasons"]) == (
        "eligible",
        "service",
        ["over-age"],
    )
    assert await say(office, "LS1", need("fecal-immunochemical-test", date(2020, 3, 5))) == 1
    assert (await facts(office, "street-screening"))["LS1"]["reasons"] == ["service-received"]
    assert await office.open_day(date(2021, 3, 4)) == 0
    assert await office.open_day(date(2021, 3, 5)) == 1
    assert (await facts(office, "street-screening"))["LS1"]["status"] == "eligible"
    await office.open_day(date(2022, 3, 9))
    assert (await facts(office, "street-screening"))["LS1"]["status"] == "eligible"
    await office.open_day(date(2022, 3, 10))
    assert (await facts(office, "street-screening"))["LS1"]["reasons"] == ["over-age"]
