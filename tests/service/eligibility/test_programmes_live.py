"""Programmes at work: published, decided, drawn, and decided again for exactly those whom something concerns."""

from datetime import date, timedelta
from typing import Any

import pytest

from services.eligibility import days, situations, store_decisions, store_programmes
from services.eligibility.facts import redecide
from services.eligibility.forecast.model import History
from services.eligibility.forecast.schedule import SupportingData
from services.eligibility.programmes.arms import arm_of
from services.eligibility.programmes.documents import parse_programme
from services.eligibility.programmes.due import forecasted
from services.eligibility.programmes.needs import MemberObservation
from services.eligibility.programmes.target import Forecasted
from services.eligibility.risk.documents import models
from services.eligibility.risk.model import score
from services.kit.postgres import ALL_TENANTS, transaction
from services.kit.unit_of_work import UnitOfWork
from tests.service.eligibility.conftest import FIRST_DAY, Office
from tests.service.eligibility.messages import Row, Shot, roster, vxu
from tests.service.eligibility.programmes import ARMS, HOMEBOUND, SCREENING, TOP_HALF, ZOSTER

pytestmark = pytest.mark.postgres


async def publish(office: Office, text: str) -> int:
    """Publish a document and decide; how many facts that gave."""
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        assert await days.publish(UnitOfWork(connection), parse_programme(text))
    return await days.redecide_due(office.database.pool)


async def say(office: Office, member_id: str, *said: MemberObservation) -> int:
    """A plan tells something of a member; how many facts that gave."""
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        tokens = (await store_programmes.find_members(connection, "lakeshore", [member_id]))[member_id]
        changed = await store_programmes.save_observations(connection, "lakeshore", [(tokens[0], one) for one in said])
        today = (await store_decisions.share_clock(connection)).business_on
        return await redecide(UnitOfWork(connection), changed, today)


async def facts(office: Office, programme_id: str) -> dict[str, dict[str, Any]]:
    rows = await office.fetch(
        "select member_id, fact from decision join enrolment using (enrolment_id) where programme_id = $1", programme_id
    )
    return {row["member_id"]: row["fact"] for row in rows}


def need(code: str, on: date = FIRST_DAY, **more: Any) -> MemberObservation:
    return MemberObservation("vcc", code, on, **more)


# -- forecast


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

    monkeypatch.setattr("services.eligibility.situations.forecasted", counted)
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
    for module in (days, situations):
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
        await days.publish(UnitOfWork(connection), parse_programme(HOMEBOUND))
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

    monkeypatch.setattr("services.eligibility.days.redecide", failing_once)
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        await days.publish(UnitOfWork(connection), parse_programme(HOMEBOUND))
    with pytest.raises(OSError, match="away"):
        await days.redecide_due(office.database.pool)
    assert len(await facts(office, "street-visits")) == 6
    assert await days.redecide_due(office.database.pool) == 2


# -- segment and risk


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
    await publish(office, HOMEBOUND.replace("[lakeshore]", "[lakeshore, prairie]"))
    await say(office, "LS1", need("homebound"))
    found = await facts(office, "street-visits")
    assert (found["LS1"]["status"], found["PR1"]["reasons"]) == ("eligible", ["no-listed-condition"])
    assert found["LS1"]["member_token"] == found["PR1"]["member_token"]


async def test_members_of_a_dose_rule_cost_no_situation(office: Office) -> None:
    """With the programme of 65 and older alone nothing is scored, forecast or drawn."""
    await office.read(roster(Row("LS1")))
    for table in ("forecast", "risk_score", "arm", "cut_off"):
        assert await office.fetch(f"select from {table}") == []
    fact = (await office.last_facts())["LS1"]
    assert [fact.get(name) for name in ("rule", "release", "arm", "risk_tier")] == ["doses", None, None, None]


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


# -- caps


def eight() -> list[Row]:
    """Eight members, the older the higher their risk."""
    return [Row(f"LS{n}", given="Count" + "x" * n, born=f"{1930 + 8 * n}0501") for n in range(8)]


async def ranked(office: Office) -> dict[str, int]:
    rows = await office.fetch(
        "select member_id, cap_rank from decision join enrolment using (enrolment_id) where cap_rank is not null"
    )
    return {row["member_id"]: row["cap_rank"] for row in rows}


def admitted(found: dict[str, dict[str, Any]]) -> set[str]:
    return {name for name, fact in found.items() if fact["status"] == "eligible"}


async def test_a_cap_admits_the_highest_ranked_half(office: Office) -> None:
    """Four of eight, none of whom scores lower than one left out; the cut-off says of how many it was drawn."""
    await office.read(roster(*eight()))
    await publish(office, TOP_HALF)
    found = await facts(office, "street-top")
    inside = admitted(found)
    assert len(inside) == 4
    assert {tuple(found[name]["reasons"]) for name in found.keys() - inside} == {("below-cap",)}
    ranks = await ranked(office)
    assert min(ranks[name] for name in inside) > max(ranks[name] for name in ranks.keys() - inside)
    [drawn] = await office.fetch("select cap_group, population, admitted, rank from cut_off")
    assert drawn == {"cap_group": "lakeshore", "population": 8, "admitted": 4, "rank": min(ranks[n] for n in inside)}


async def test_who_comes_between_draws_is_compared_with_the_last_one(office: Office) -> None:
    """Newcomers move nobody until the month turns; then exactly those between the two cut-offs hear of it."""
    await office.read(roster(*eight()))
    await publish(office, TOP_HALF)
    before = admitted(await facts(office, "street-top"))
    newcomers = [Row(f"LT{n}", given="Zoe" + "x" * n, born="19250101") for n in range(4)]
    await office.read(roster(*newcomers))
    found = await facts(office, "street-top")
    assert {name for name, fact in found.items() if fact["status"] == "eligible"} == before | {
        "LT0",
        "LT1",
        "LT2",
        "LT3",
    }
    versions = {name: fact["version"] for name, fact in found.items()}
    await office.open_day(date(2021, 3, 31))
    assert {name: fact["version"] for name, fact in (await facts(office, "street-top")).items()} == versions
    await office.open_day(date(2021, 4, 1))
    after = await facts(office, "street-top")
    moved = {name for name, fact in after.items() if fact["version"] != versions[name]}
    assert len(moved) == 2
    assert sum(fact["status"] == "eligible" for fact in after.values()) == 6
    assert {tuple(after[name]["reasons"]) for name in moved} == {("below-cap",)}


async def test_a_cap_waits_for_the_next_day_to_be_drawn(office: Office) -> None:
    """Members of a group that was not drawn yet are told so, and drawn when a day opens."""
    await publish(office, TOP_HALF)
    await office.read(roster(*eight()[:2]))
    await days.redecide_due(office.database.pool)
    assert {tuple(fact["reasons"]) for fact in (await facts(office, "street-top")).values()} == {("cap-not-drawn",)}
    await office.open_day(FIRST_DAY + timedelta(days=1))
    statuses = sorted(fact["status"] for fact in (await facts(office, "street-top")).values())
    assert statuses == ["eligible", "ineligible"]


async def test_a_dose_moves_nobody_elses_place(office: Office) -> None:
    """Who was vaccinated keeps the place in the segment, so no other answer changes."""
    await office.read(roster(*eight()))
    await publish(office, TOP_HALF)
    before = await facts(office, "street-top")
    await office.read(vxu(Shot("a", given="Count", born="19300501", on="20210215")))
    await office.open_day(date(2021, 4, 1))
    after = await facts(office, "street-top")
    assert after["LS0"]["reasons"] == ["already-vaccinated"]
    changed = {name for name in after if after[name]["status"] != before[name]["status"]}
    assert changed == {"LS0"}


QUARTER = (
    TOP_HALF.replace("version: 1\n", "version: 2\n").replace("by: risk", "by: priority").replace("base: 0", "base: 100")
    .replace("share: 0.5", "share: 0.25").replace("redraw: monthly", "redraw: never")
)  # fmt: skip


async def test_another_version_draws_its_own_cut_off(office: Office) -> None:
    """Published on the day on which the first one was drawn, with points of another kind: it is drawn on that day too,
    and admits its own quarter."""
    await office.read(roster(*eight()))
    await publish(office, TOP_HALF)
    await publish(office, QUARTER)
    found = await facts(office, "street-top")
    assert len(admitted(found)) == 2
    assert {fact["programme_version"] for fact in found.values()} == {2}
    drawn = await office.fetch("select programme_version, population, admitted from cut_off order by drawn_on")
    assert drawn[-1] == {"programme_version": 2, "population": 8, "admitted": 2}


async def test_nobody_is_admitted_or_drawn_by_another_versions_cut_off(office: Office) -> None:
    """When the next version takes effect its cap is drawn before anybody gets an arm: none beyond whom it admits."""
    offered = "arms: {unit: person, seed: sesame-2021, shares: {offered: 0.9999999, control: 0.0000001}}\n"
    await office.read(roster(*eight()))
    await publish(office, TOP_HALF.replace("share: 0.5", "count: 1") + offered)
    first = {row["token"] for row in await office.fetch("select token from arm")}
    later = QUARTER.replace("effective_on: 2021-01-01", "effective_on: 2021-03-05")
    await publish(office, later + offered)
    await office.open_day(date(2021, 3, 5))
    facts_of_2 = [one for one in await office.events("member-eligibility") if one["programme_id"] == "street-top"
                  and one["programme_version"] == 2]  # fmt: skip
    eligible = {one["member_token"] for one in facts_of_2 if one["status"] == "eligible"}
    assert len(eligible) == 2
    assert {tuple(one["reasons"]) for one in facts_of_2[:8]} == {("cap-not-drawn",)}
    arms = {str(row["token"]) for row in await office.fetch("select token from arm")}
    assert arms == eligible | {str(token) for token in first}


async def test_a_version_whose_groups_are_empty_draws_them_when_the_next_day_opens(office: Office) -> None:
    """Published the same day on a street where nobody lives: who comes is told to wait, and is drawn a day later."""
    await publish(office, TOP_HALF)
    await publish(office, QUARTER)
    await office.read(roster(*eight()))
    assert {tuple(fact["reasons"]) for fact in (await facts(office, "street-top")).values()} == {("cap-not-drawn",)}
    await office.open_day(FIRST_DAY + timedelta(days=1))
    assert len(admitted(await facts(office, "street-top"))) == 2


# -- arms


async def test_arms_are_drawn_once_by_the_seed(office: Office) -> None:
    """Households are drawn by the seed; the control arm is offered nothing, and a dose or a move changes no arm."""
    await office.read(
        roster(*(Row(f"LS{n}", given="Count" + "x" * n, zip5=f"900{10 + n}", tract="") for n in range(9)))
    )
    await publish(office, ARMS)
    found = await facts(office, "street-trial")
    arms = parse_programme(ARMS).arms
    assert arms is not None
    assert {name: fact["arm"] for name, fact in found.items()} == {
        f"LS{n}": arm_of(arms, "", f"123sesamest  900{10 + n}") for n in range(9)
    }
    assert {(fact["arm"], fact["status"], tuple(fact["reasons"])) for fact in found.values()} == {
        ("offered", "eligible", ()), ("control", "ineligible", ("control-arm",)),
    }  # fmt: skip
    control = next(name for name, fact in found.items() if fact["arm"] == "control")
    number = int(control[2:])
    await office.read(roster(Row(control, given="Count" + "x" * number, zip5="90099", tract="", action="001")))
    await office.read(vxu(Shot("a", given="Count" + "x" * number, zip5="90099", on="20210215")))
    fact = (await facts(office, "street-trial"))[control]
    assert (fact["arm"], fact["reasons"]) == ("control", ["already-vaccinated"])


async def test_a_household_shares_its_arm(office: Office) -> None:
    """Ernie and Bert live at one address."""
    await office.read(roster(Row("LS1", given="Ernie"), Row("LS2", given="Bert", born="19450101")))
    await publish(office, ARMS)
    found = await facts(office, "street-trial")
    assert found["LS1"]["arm"] == found["LS2"]["arm"]
    assert len(await office.fetch("select from arm")) == 2


async def test_somebody_in_two_plans_has_one_arm(office: Office) -> None:
    """At two addresses, which by themselves fall into different arms: one draw holds for both, whoever told first, and
    nothing is told anew when everybody is asked again."""
    for n in range(12):
        await office.read(roster(Row(f"LS{n}", given="Oma" + "x" * n)))
        await office.read(roster(Row(f"PR{n}", given="Oma" + "x" * n), plan="PRAIRIE"))
    await office.fetch("update enrolment set street = member_id || ' Elm St'")
    await publish(office, ARMS.replace("[lakeshore]", "[lakeshore, prairie]"))
    arms: dict[str, set[str]] = {}
    for fact in (await facts(office, "street-trial")).values():
        arms.setdefault(fact["member_token"], set()).add(fact["arm"])
    stored = {str(row["token"]): {row["arm"]} for row in await office.fetch("select token, arm from arm")}
    assert len(arms) == 12
    assert arms == stored
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        await store_decisions.ask_everybody(connection)
    assert await days.redecide_due(office.database.pool) == 0


async def test_an_arm_that_one_plan_draws_holds_in_the_other(office: Office) -> None:
    """Only one of two enrolments is admitted: the other is told the arm in the same batch, and never anew."""
    await office.read(roster(Row("LS1", begin="20200101", end="20200601")))
    await office.read(roster(Row("PR1"), plan="PRAIRIE"))
    await publish(office, ARMS.replace("[lakeshore]", "[lakeshore, prairie]"))
    found = await facts(office, "street-trial")
    assert found["LS1"]["reasons"] == ["not-enrolled"]
    assert found["LS1"]["arm"] == found["PR1"]["arm"]
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        await store_decisions.ask_everybody(connection)
    assert await days.redecide_due(office.database.pool) == 0


async def test_a_rebuild_gives_the_same_decisions(office: Office) -> None:
    """Everybody asked again on the same day, with what is stored, is told nothing new."""
    await office.read(roster(*eight()))
    for text in (TOP_HALF, ARMS, HOMEBOUND):
        await publish(office, text)
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        await store_decisions.ask_everybody(connection)
    assert await days.redecide_due(office.database.pool) == 0
