"""Who was joined can be two again: each has what is his, as if they had never been one. ASVS v5.0.0-8.2.2."""

import argparse
import json
from datetime import date
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from services.eligibility.intake.cli.joins import add_joins, run_joins, run_take_back
from services.kit.ids import new_id
from services.kit.postgres import transaction
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.deaths import WORDS, message
from tests.service.eligibility.door import acting
from tests.service.eligibility.messages import Row, Shot, roster, vxu
from tests.service.eligibility.test_possibly_one import COPIED, HERS, NEXT, both_listed, decide, doses, pairs, tokens
from tests.service.eligibility.two_again import (
    WITHDRAW,
    app,
    joined,
    joins,
    take_back,
    visit,
    withdraw,
)

pytestmark = pytest.mark.postgres
__all__ = ["app"]


async def test_two_again_are_as_they_were(client: httpx.AsyncClient, office: Office) -> None:
    """Withdrawn, both tokens stand for themselves, with enrolment, keys, numbers and the registry's dose of before; it
    is announced with a higher version, facts and doses are told anew, and the pair waits."""
    await both_listed(office)
    await office.read(vxu(Shot("E-1")))
    before = await tokens(office), await doses(office), await _found_by(office)
    assert len(before[1]) == 2
    [pair] = await pairs(client)
    await decide(client, pair, "one-person")
    assert (len(set((await tokens(office)).values())), len(await doses(office))) == (1, 1)
    await take_back(client, pair)
    assert (await tokens(office), await doses(office), await _found_by(office)) == before
    told = [event for event in await office.events("member-eligibility") if "retired_token" in event]
    assert [(event["version"], event["is_split"]) for event in told] == [(1, False), (2, True)]
    facts = [event for event in await office.events("member-eligibility") if "enrolment_id" in event]
    newest = {(fact["tenant_id"], fact["programme_id"]): fact for fact in facts}
    mine = {"lakeshore": before[0]["LS1"], "prairie": before[0]["P9"]}
    assert all(fact["member_token"] == mine[plan] for (plan, _), fact in newest.items())
    assert not any(fact.get("merged_into") for fact in newest.values())
    assert len({fact["enrolment_id"] for fact in facts}) == 2
    given = {event["dose_id"]: event for event in await office.events("dose-administered")}
    assert sorted(event["member_token"] for event in given.values()) == sorted(before[0].values())
    assert [one["pair_id"] for one in await pairs(client)] == [pair["pair_id"]]


async def _found_by(office: Office) -> list[tuple[object, ...]]:
    rows = await office.fetch(
        "select type, value, member_token from person_identifier union all"
        " select '', match_key, member_token from person_key order by 1, 2, 3"
    )
    return [tuple(row.values()) for row in rows]


@pytest.mark.parametrize("gone", [False, True])
async def test_what_a_registry_corrected_meanwhile_holds_for_both(
    client: httpx.AsyncClient, office: Office, gone: bool
) -> None:
    """A correction, or a deletion, that came while they were one is of each with whom the patient agrees."""
    await both_listed(office)
    await office.read(vxu(Shot("E-1")))
    [pair] = await pairs(client)
    await decide(client, pair, "one-person")
    sent = "20210302060000"
    await office.read(
        vxu(Shot("E-1", action="D", sent=sent) if gone else Shot("E-1", action="U", on="20210105", sent=sent))
    )
    await take_back(client, pair)
    known = sorted((await tokens(office)).values())
    assert await doses(office) == ([] if gone else [(one, date(2021, 1, 5)) for one in known])


async def test_what_a_registry_reported_meanwhile_is_of_both(client: httpx.AsyncClient, office: Office) -> None:
    """A dose that a registry reported first while they were one is of each with whom its patient agrees; a later
    correction meets both."""
    pair = await joined(client, office)
    await office.read(vxu(Shot("E-1")))
    assert len(await doses(office)) == 1
    await take_back(client, pair)
    assert sorted(one for one, _ in await doses(office)) == sorted((await tokens(office)).values())
    await office.read(vxu(Shot("E-1", action="D", sent="20210303060000")))
    assert await doses(office) == []


async def test_a_dose_given_meanwhile_is_of_whose_plan_booked_it(client: httpx.AsyncClient, office: Office) -> None:
    """A site's dose for the one plan's member goes with that enrolment, and so does a later word on the same visit
    under the token of the time when they were one."""
    pair = await joined(client, office)
    visit_id = new_id()
    await visit(office, "P9", "prairie", appointment_id=visit_id)
    survivor, _ = sorted(pair["members"])
    assert [one for one, _ in await doses(office)] == [survivor]
    await take_back(client, pair)
    known = await tokens(office)
    assert [one for one, _ in await doses(office)] == [known["P9"]]
    facts = await office.last_facts()
    assert (facts["LS1"]["vaccinated"], facts["P9"]["vaccinated"]) == (False, True)
    await visit(office, "P9", "prairie", appointment_id=visit_id, version=2, member_token=survivor)
    assert [one for one, _ in await doses(office)] == [known["P9"]]


async def test_what_a_plan_told_meanwhile_is_its_own_members(
    client: httpx.AsyncClient, app: FastAPI, office: Office
) -> None:
    """A home, a number and an answer that the one plan told while they were one are its own member's; it finds him by
    the number, and under both tokens while they are one."""
    await both_listed(office)
    mine = (await tokens(office))["P9"]
    [pair] = await pairs(client)
    await decide(client, pair, "one-person")
    hers = (await tokens(office))["LS1"]
    assert (min(pair["members"]), max(pair["members"])) == (hers, mine)
    assert [await _found_under(office, plan, mine) for plan in ("prairie", "lakeshore", "third")] == [hers, None, None]
    await office.read(roster(Row("P9", action="001", zip5="94301", tract=""), plan="PRAIRIE", day=NEXT))
    acting(app, "coordinator", "prairie")
    said = {"member_id": "P9", "system": "vcc", "code": "interpreter-needed", "answer": "yes"}
    told = await client.post(
        "/member-observations",
        json={"plan": "prairie", "observations": [said | {"observed_on": "2021-03-01"}]},
        headers={"Idempotency-Key": "tell-it-12345678"},
    )
    assert (told.status_code, told.json()["accepted"]) == (200, 1), told.text
    acting(app, "operator")
    await take_back(client, pair)
    facts = await office.last_facts()
    assert (facts["LS1"]["zip5"], facts["P9"]["zip5"]) == ("90011", "94301")
    assert (facts["P9"]["interpreter_needed"], facts["LS1"]["interpreter_needed"]) == ("yes", "unknown")
    file = await office.read(roster(Row("P9", action="001", race="W"), plan="PRAIRIE", day=date(2021, 3, 3)))
    assert (file.rows_rejected, (await tokens(office))["P9"]) == (0, mine)


async def _found_under(office: Office, plan: str, token: str) -> str | None:
    """Whom a plan finds under an old token."""
    async with transaction(office.database.pool, plan) as connection:
        found = await connection.fetchval("select merged_into from person where member_token = $1", UUID(token))
    return None if found is None else str(found)


@pytest.mark.parametrize(("mover", "plan", "other"), [("LS1", "LAKESHORE", "P9"), ("P9", "PRAIRIE", "LS1")])
async def test_a_registrys_patient_is_of_whom_he_agrees_with(
    client: httpx.AsyncClient, office: Office, mover: str, plan: str, other: str
) -> None:
    """While two were one, one moved, and a registry told of a dose and a death under the new address: afterwards both
    are his who lives there. The other one has neither address, number nor dose, and his death must be checked."""
    pair = await joined(client, office)
    await office.read(roster(Row(mover, action="001", zip5="94301", tract=""), plan=plan, day=NEXT))
    await office.read(vxu(Shot("E-1", zip5="94301")))
    await office.read(message(pid30="Y", sent="20210303060000"))
    assert all("deceased" in fact["reasons"] for fact in (await office.last_facts()).values())
    await take_back(client, pair)
    known, facts = await tokens(office), await office.last_facts()
    assert [one for one, _ in await doses(office)] == [known[mover]]
    assert [WORDS & set(facts[name]["reasons"]) for name in (mover, other)] == [{"deceased"}, {"death-reported"}]
    found = await office.fetch(
        "select member_token from person_identifier where value = 'C-1'"
        " union all select member_token from person_key where match_key like '%|94301'"
    )
    assert {str(row["member_token"]) for row in found} == {known[mover]}
    assert len(found) == 2


async def test_who_may_be_one_with_each_is_as_before(client: httpx.AsyncClient, office: Office) -> None:
    """A third plan's member who was told apart from the one is so again, and waits beside the other as before."""
    await both_listed(office)
    await office.read(roster(Row("T1"), plan="THIRD"))
    known = await tokens(office)
    of = {frozenset(pair["members"]): pair for pair in await pairs(client)}
    apart, one = (of[frozenset(map(known.__getitem__, names))] for names in (("P9", "T1"), ("LS1", "P9")))
    assert (await decide(client, apart, "two-persons", "two")).status_code == 200
    before = await _pairs(office)
    assert (await decide(client, one, "one-person", "join")).status_code == 200
    assert await _pairs(office) != before
    await take_back(client, one)
    assert await _pairs(office) == before
    assert sorted(state for _, _, state, _ in before) == ["two-persons", "waiting", "waiting"]


async def _pairs(office: Office) -> list[tuple[str, ...]]:
    rows = await office.fetch(
        "select member_token::text, other::text, state, case when closed_at is not null then reason end as reason"
        " from possibly_one order by 1, 2"
    )
    return [tuple(row.values()) for row in rows]


async def test_a_correction_taken_back_joins_nobody_after_the_next_join(
    client: httpx.AsyncClient, office: Office
) -> None:
    """That two are two goes with both into whomever they are joined with, and comes back with them."""
    await office.read(roster(COPIED, plan="PRAIRIE"))
    await office.read(roster(Row("LS1", family="Sesam"), Row("LS2")))
    wrong = Row("LS2", action="001", was=("LS1", "Sesam", "Oma"))
    await office.read(roster(wrong, day=NEXT))
    [join] = await joins(client)
    assert (await withdraw(client, join["join_id"])).status_code == 200
    [pair] = await pairs(client)
    assert (await decide(client, pair, "one-person", "next")).status_code == 200
    assert len(set((await tokens(office)).values())) == 2
    await office.read(roster(wrong, day=date(2021, 3, 4)))
    assert len(set((await tokens(office)).values())) == 2
    await take_back(client, pair)
    await office.read(roster(wrong, day=date(2021, 3, 5)))
    assert len(set((await tokens(office)).values())) == 3


async def test_two_joins_of_one_file_are_taken_back_each(client: httpx.AsyncClient, office: Office) -> None:
    """Two corrections of one file, of one person, are two joins: the newer one is taken back to what the older one had
    made, and that to what was before; what later rows of the file say is not taken for what the join made."""
    await office.read(roster(Row("LS1", family="Sesam"), Row("LS2"), Row("LS3", family="Sesami")))
    await office.read(vxu(Shot("E-1")))
    before, given, found = await _listed(office), await doses(office), await _found_by(office)
    first = Row("LS2", action="001", was=("LS1", "Sesam", "Oma"))
    second = Row("LS3", action="001", family="Sesami", was=("LS2", "Sesame", "Oma"))
    await office.read(roster(first, second, day=NEXT))
    older, newer = await joins(client)
    assert len(await _listed(office)) == 1
    assert (await withdraw(client, newer["join_id"], "newer")).status_code == 200
    assert (len(await _listed(office)), [one for one, _ in await doses(office)]) == (2, [older["members"][0]])
    assert (await withdraw(client, older["join_id"], "older")).status_code == 200
    assert (await _listed(office), await doses(office), await _found_by(office)) == (before, given, found)


async def test_protection_goes_back_with_the_one_who_had_it(client: httpx.AsyncClient, office: Office) -> None:
    """A registry's protection of the one, from before, protects both while they are one, and him alone afterwards."""
    await office.read(roster(HERS))
    await office.read(vxu(Shot("E-1", protected="Y")))
    await office.read(roster(Row("P9", zip5="94301", tract=""), plan="PRAIRIE"))
    await office.read(roster(COPIED, plan="PRAIRIE", day=NEXT))
    protected = {name: fact["contact_protected"] for name, fact in (await office.last_facts()).items()}
    [pair] = await pairs(client)
    await decide(client, pair, "one-person")
    assert all(fact["contact_protected"] for fact in (await office.last_facts()).values())
    await take_back(client, pair)
    assert {name: fact["contact_protected"] for name, fact in (await office.last_facts()).items()} == protected


async def test_joined_again_and_parted_again(client: httpx.AsyncClient, office: Office) -> None:
    """Each word of a person on the pair is another version, and ends where the last one says."""
    pair = await joined(client, office)
    before = None
    for no in range(2):
        await take_back(client, pair, f"back-{no}")
        assert before in {None, tuple(sorted((await tokens(office)).items()))}
        before = tuple(sorted((await tokens(office)).items()))
        await decide(client, pair, "one-person", f"again-{no}")
    told = [event for event in await office.events("member-eligibility") if "retired_token" in event]
    assert [(event["version"], event["is_split"]) for event in told] == [
        (no, no % 2 == 0) for no in range(1, 6)
    ]  # fmt: skip
    assert len(set((await tokens(office)).values())) == 1


async def test_the_newest_join_of_a_person_is_taken_back_first(client: httpx.AsyncClient, office: Office) -> None:
    """Of three who are one the two joined first can't be parted before the third is; then each is who he was."""
    await both_listed(office)
    await office.read(roster(Row("T1"), plan="THIRD"))
    before = await tokens(office)
    first, second = (await pairs(client))[:2]
    await decide(client, first, "one-person", "first")
    left = [pair for pair in await pairs(client) if pair["pair_id"] != first["pair_id"]]
    await decide(client, left[0], "one-person", "second")
    assert len(set((await tokens(office)).values())) == 1
    older, newer = await joins(client)
    refused = await withdraw(client, older["join_id"], "early")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:vcc:problem:joined-since")
    assert (await withdraw(client, newer["join_id"], "newer")).status_code == 200
    assert (await withdraw(client, older["join_id"], "older")).status_code == 200
    assert (await tokens(office), await joins(client)) == (before, [])
    assert second["pair_id"] != first["pair_id"]


async def test_what_was_not_kept_stays_one(client: httpx.AsyncClient, office: Office) -> None:
    """Who was joined before joins were kept can't be told apart: refused, and nothing happens."""
    pair = await joined(client, office)
    async with transaction(office.database.owner, "*") as connection:
        await connection.execute("delete from person_join")
    answer = await decide(client, pair, "withdraw", "late")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:vcc:problem:join-not-kept")
    assert len(set((await tokens(office)).values())) == 1


async def test_a_mistaken_renumbering_is_taken_back(client: httpx.AsyncClient, office: Office) -> None:
    """A plan's correction made two of its members one; taken back, both are listed as before, with doses of their own,
    and the same correction told again joins them no more."""
    await office.read(roster(Row("LS1", family="Sesam"), Row("LS2")))
    await office.read(vxu(Shot("E-1")))
    before, given = await _listed(office), await doses(office)
    wrong = Row("LS2", action="001", was=("LS1", "Sesam", "Oma"))
    await office.read(roster(wrong, day=NEXT))
    assert len(await _listed(office)) == 1
    [join] = await joins(client)
    assert (join["said_by"], join["plan"]) == ("plan", "lakeshore")
    assert (await withdraw(client, join["join_id"])).status_code == 200
    assert (await _listed(office), await doses(office)) == (before, given)
    await office.read(roster(wrong, day=date(2021, 3, 4)))
    assert len(await _listed(office)) == 2


async def _listed(office: Office) -> list[tuple[object, ...]]:
    rows = await office.fetch(
        "select member_id, family, given, zip5, member_token, spans from enrolment where not is_retired order by 1, 2"
    )
    return [tuple(row.values()) for row in rows]


async def test_taking_back_is_a_persons_for_all_plans(client: httpx.AsyncClient, app: FastAPI, office: Office) -> None:
    """List and withdrawal are refused to whoever is bound to a plan, whose transactions see no join; the deed stands in
    the trail with its reason; a second withdrawal changes nothing; what is unknown is not found."""
    await joined(client, office)
    [join] = await joins(client)
    acting(app, "supervisor", "lakeshore")
    answers = [await client.get("/joins"), await withdraw(client, join["join_id"])]
    assert [answer.status_code for answer in answers] == [403, 403]
    async with transaction(office.database.pool, "lakeshore") as connection:
        assert await connection.fetch("select * from person_join") == []
    acting(app, "operator")
    answers = [await withdraw(client, join["join_id"], name) for name in ("first", "again")]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert (await withdraw(client, str(new_id()), "unknown")).status_code == 404
    [row] = await office.fetch("select subjects, reason from audit where kind = 'join' order by audit_id limit 1")
    assert (row["subjects"], row["reason"]) == ([join["join_id"], *join["members"]], WITHDRAW["reason"])
    [kept] = await office.fetch("select kept, sealed_kept from person_join")
    assert (kept["kept"], kept["sealed_kept"]) == (None, None)


def test_the_commands_list_and_take_back(capsys: pytest.CaptureFixture[str]) -> None:
    """`vcc feeds joins` shows every page, by whose word each is, and `take-back` sends the reason."""
    ids = [f"00000000-0000-0000-0000-00000000000{no}" for no in (1, 2)]
    asked: list[httpx.Request] = []

    def join(no: int) -> dict[str, Any]:
        by = {"said_by": "plan", "plan": "lakeshore"} if no else {"said_by": "person", "plan": None}
        return {"join_id": ids[no], "joined_on": "2021-03-01", "members": ["a", "b"], "withdrawn_at": None} | by

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if request.method == "POST":
            return httpx.Response(200, json=join(1))
        no = int(request.url.params.get("after", 0))
        return httpx.Response(200, json={"joins": [join(no)], "next_after": 1 if no == 0 else None})

    parser = argparse.ArgumentParser()
    add_joins(parser.add_subparsers())
    with httpx.Client(transport=httpx.MockTransport(answer), base_url="http://door") as door_client:
        assert run_joins(parser.parse_args(["joins"]), door_client) == 0
        words = ["take-back", ids[1], "--reason", WITHDRAW["reason"]]
        assert run_take_back(parser.parse_args(words), door_client) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{ids[0]}  joined 2021-03-01 by a person, members a and b",
        f"{ids[1]}  joined 2021-03-01 by plan lakeshore, members a and b",
        f"{ids[1]}: taken back, members a and b",
    ]
    assert json.loads(asked[-1].content) == WITHDRAW
