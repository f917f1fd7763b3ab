"""Caps and arms at work: ranked, drawn once, and the same for everybody of a household and in every plan."""

from datetime import date, timedelta
from typing import Any

import pytest

from services.eligibility.decisions.flow import days
from services.eligibility.decisions.store import decisions as decision_store
from services.eligibility.programmes.arms import arm_of
from services.eligibility.programmes.documents import parse_programme
from services.kit.postgres import ALL_TENANTS, transaction
from tests.service.eligibility.cases import join_namesakes
from tests.service.eligibility.conftest import FIRST_DAY, Office
from tests.service.eligibility.messages import Row, Shot, roster, vxu
from tests.service.eligibility.programmes import ARMS, HOMEBOUND, TOP_HALF, eight, facts, publish

pytestmark = pytest.mark.postgres


# -- caps


async def ranked(office: Office) -> dict[str, int]:
    rows = await office.fetch(
        "select member_id, cap_rank from decision join enrolment using (enrolment_id) where cap_rank is not null"
    )
    return {row["member_id"]: row["cap_rank"] for row in rows}


def admitted(found: dict[str, dict[str, Any]]) -> set[str]:
    return {name for name, fact in found.items() if fact["status"] == "eligible"}


@pytest.mark.capability("D1")
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
    first = {row["member_token"] for row in await office.fetch("select member_token from arm")}
    later = QUARTER.replace("effective_on: 2021-01-01", "effective_on: 2021-03-05")
    await publish(office, later + offered)
    await office.open_day(date(2021, 3, 5))
    facts_of_2 = [one for one in await office.events("member-eligibility") if one["programme_id"] == "street-top"
                  and one["programme_version"] == 2]  # fmt: skip
    eligible = {one["member_token"] for one in facts_of_2 if one["status"] == "eligible"}
    assert len(eligible) == 2
    assert {tuple(one["reasons"]) for one in facts_of_2[:8]} == {("cap-not-drawn",)}
    arms = {str(row["member_token"]) for row in await office.fetch("select member_token from arm")}
    assert arms == eligible | {str(member_token) for member_token in first}


async def test_a_version_whose_groups_are_empty_draws_them_when_the_next_day_opens(office: Office) -> None:
    """Published the same day on a street where nobody lives: who comes is told to wait, and is drawn a day later."""
    await publish(office, TOP_HALF)
    await publish(office, QUARTER)
    await office.read(roster(*eight()))
    assert {tuple(fact["reasons"]) for fact in (await facts(office, "street-top")).values()} == {("cap-not-drawn",)}
    await office.open_day(FIRST_DAY + timedelta(days=1))
    assert len(admitted(await facts(office, "street-top"))) == 2


# -- arms


@pytest.mark.capability("D13")
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
    await join_namesakes(office)
    await office.fetch("update enrolment set street = member_id || ' Elm St'")
    await publish(office, ARMS.replace("[lakeshore]", "[lakeshore, prairie]"))
    arms: dict[str, set[str]] = {}
    for fact in (await facts(office, "street-trial")).values():
        arms.setdefault(fact["member_token"], set()).add(fact["arm"])
    stored = {str(row["member_token"]): {row["arm"]} for row in await office.fetch("select member_token, arm from arm")}
    assert len(arms) == 12
    assert arms == stored
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        await decision_store.ask_everybody(connection)
    assert await days.redecide_due(office.database.pool) == 0


async def test_an_arm_that_one_plan_draws_holds_in_the_other(office: Office) -> None:
    """Only one of two enrolments is admitted: the other is told the arm in the same batch, and never anew."""
    await office.read(roster(Row("LS1", begin="20200101", end="20200601")))
    await office.read(roster(Row("PR1"), plan="PRAIRIE"))
    await join_namesakes(office)
    await publish(office, ARMS.replace("[lakeshore]", "[lakeshore, prairie]"))
    found = await facts(office, "street-trial")
    assert found["LS1"]["reasons"] == ["not-enrolled"]
    assert found["LS1"]["arm"] == found["PR1"]["arm"]
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        await decision_store.ask_everybody(connection)
    assert await days.redecide_due(office.database.pool) == 0


@pytest.mark.capability("D1")
async def test_a_rebuild_gives_the_same_decisions(office: Office) -> None:
    """Everybody asked again on the same day, with what is stored, is told nothing new."""
    await office.read(roster(*eight()))
    for text in (TOP_HALF, ARMS, HOMEBOUND):
        await publish(office, text)
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        await decision_store.ask_everybody(connection)
    assert await days.redecide_due(office.database.pool) == 0
