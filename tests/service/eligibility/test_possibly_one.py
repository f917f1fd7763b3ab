"""Two plans' members who agree exactly are possibly one: a pair that a person for all plans decides, and no plan sees.
ASVS v5.0.0-8.2.2, v5.0.0-8.2.3."""

import argparse
import json
from datetime import date
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from services.eligibility.decisions.api import members as members_api
from services.eligibility.intake.api import files as files_api
from services.eligibility.intake.api import possibly_one as pairs_api
from services.eligibility.intake.cli.possibly_one import add_pairs, run_decide_pair, run_pair, run_pairs
from services.eligibility.people.store import possibly_one as pair_store
from services.eligibility.people.store.members import NAMES_IN_TRAIL
from services.kit.audit_search import names_of
from services.kit.postgres import transaction
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.door import acting, door
from tests.service.eligibility.messages import Row, Shot, roster, vxu

pytestmark = pytest.mark.postgres
HERS, COPIED = Row("LS1"), Row("P9")
NEXT = date(2021, 3, 2)
REASON = "both plans confirm one Medicare number"


@pytest.fixture
def app(office: Office) -> FastAPI:
    app = door(office.database, files_api.routes, pairs_api.routes, members_api.routes)
    acting(app, "operator")
    return app


async def pairs(client: httpx.AsyncClient, state: str = "waiting") -> list[dict[str, Any]]:
    answer = await client.get("/possibly-one", params={"state": state})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["pairs"]
    return found


async def decide(client: httpx.AsyncClient, pair: dict[str, Any], decision: str, name: str = "one") -> httpx.Response:
    return await client.post(
        f"/possibly-one/{pair['pair_id']}/decision",
        json={"decision": decision, "reason": REASON},
        headers={"Idempotency-Key": f"key-{name}-12345678"},
    )


async def both_listed(office: Office) -> None:
    await office.read(roster(HERS))
    await office.read(roster(COPIED, plan="PRAIRIE"))


async def tokens(office: Office) -> dict[str, str]:
    rows = await office.fetch("select member_id, member_token from enrolment where not is_retired order by 1")
    return {row["member_id"]: str(row["member_token"]) for row in rows}


async def doses(office: Office) -> list[tuple[str, date]]:
    rows = await office.fetch("select member_token, administered_on from dose where not is_retracted order by 2, 1")
    return [(str(row["member_token"]), row["administered_on"]) for row in rows]


async def merges(office: Office) -> list[dict[str, Any]]:
    return [event for event in await office.events("member-eligibility") if "retired_token" in event]


async def test_who_agrees_exactly_across_plans_is_a_pair(client: httpx.AsyncClient, office: Office) -> None:
    """Name, birth date and ZIP agree: the pair waits, told by tokens alone, once however often both are listed."""
    await both_listed(office)
    await office.read(roster(Row("P9", action="001", race="W"), plan="PRAIRIE", day=NEXT))
    [pair] = await pairs(client)
    assert sorted(pair["members"]) == sorted((await tokens(office)).values())
    assert not any(word in str(pair) for word in ("Sesame", "Oma", "LS1", "P9"))


@pytest.mark.parametrize(
    ("edge", "rows"),
    [
        ("another ZIP", (Row("P9", zip5="94301", tract=""),)),
        ("another birth date", (Row("P9", born="19400502"),)),
        ("another given name", (Row("P9", given="Ona"),)),
        ("no birth date", (Row("P9", born=""),)),
        ("one who was so by mistake", (COPIED, Row("P9", action="001", born="19550607", was=("P9", "Sesame", "Oma")))),
    ],
)
async def test_who_agrees_in_part_is_none(
    client: httpx.AsyncClient, office: Office, edge: str, rows: tuple[Row, ...]
) -> None:
    """A pair needs name, birth date and ZIP; it waits no more once name or birth date is put right."""
    await office.read(roster(HERS))
    for no, row in enumerate(rows, 1):
        await office.read(roster(row, plan="PRAIRIE", day=date(2021, 3, no)))
    assert await pairs(client) == [], edge


async def test_who_comes_to_agree_is_a_pair_then(client: httpx.AsyncClient, office: Office) -> None:
    """A correction by which both come to agree makes the pair, in the file that brings it."""
    await office.read(roster(HERS))
    await office.read(roster(Row("P9", zip5="94301", tract=""), plan="PRAIRIE"))
    assert await pairs(client) == []
    await office.read(roster(Row("P9", action="001"), plan="PRAIRIE", day=NEXT))
    assert len(await pairs(client)) == 1


async def test_two_members_of_one_plan_are_no_pair(client: httpx.AsyncClient, office: Office) -> None:
    """Whom one plan lists as two are two by its word: there is nothing to decide across plans."""
    await office.read(roster(HERS, Row("LS2", zip5="94301", tract="")))
    await office.read(roster(Row("LS2", action="001"), day=NEXT))
    assert await pairs(client) == []
    assert await office.fetch("select * from possibly_one") == []


async def test_one_person_has_what_both_had(client: httpx.AsyncClient, office: Office) -> None:
    """Joined by a person, both enrolments are the older token's, the registry's dose counts once, everybody is told."""
    await both_listed(office)
    await office.read(vxu(Shot("E-1")))
    [pair] = await pairs(client)
    answer = await decide(client, pair, "one-person")
    assert (answer.status_code, answer.json()["state"]) == (200, "one-person")
    survivor, retired = sorted(pair["members"])
    assert set((await tokens(office)).values()) == {survivor}
    assert [member_token for member_token, _ in await doses(office)] == [survivor]
    [merged] = await merges(office)
    assert (merged["surviving_token"], merged["retired_token"]) == (survivor, retired)
    events = await office.events("member-eligibility")
    facts = [event for event in events if event.get("member_token") == survivor]
    assert {fact["tenant_id"] for fact in facts} == {"lakeshore", "prairie"}
    assert await pairs(client) == []


@pytest.mark.parametrize("gone", [False, True])
async def test_a_joined_persons_dose_is_corrected_as_one(client: httpx.AsyncClient, office: Office, gone: bool) -> None:
    """What a registry corrects or takes back after both were joined leaves no second report of the dose behind."""
    await both_listed(office)
    await office.read(vxu(Shot("E-1")))
    [pair] = await pairs(client)
    await decide(client, pair, "one-person")
    [(survivor, day)] = await doses(office)
    corrected, sent = date(2021, 1, 5), "20210302060000"
    gone_or_moved = Shot("E-1", action="D", sent=sent) if gone else Shot("E-1", action="U", sent=sent, on="20210105")
    await office.read(vxu(gone_or_moved))
    assert await doses(office) == ([] if gone else [(survivor, corrected)])
    assert day != corrected


async def test_one_plan_s_death_must_be_checked_by_the_other(client: httpx.AsyncClient, office: Office) -> None:
    """Before, one plan's death says nothing of the other's member; joined, it is a report that somebody must check."""
    await both_listed(office)
    await office.read(roster(Row("LS1", died="20210227"), day=NEXT))
    assert "death-reported" not in (await office.last_facts())["P9"]["reasons"]
    [pair] = await pairs(client)
    [compared] = (await client.get(f"/possibly-one/{pair['pair_id']}")).json()["comparisons"]
    deaths = {compared[side]["plan"]: compared[side]["death"] for side in ("one", "other")}
    assert deaths == {"lakeshore": "declared", "prairie": None}
    await decide(client, pair, "one-person")
    facts = await office.last_facts()
    assert (facts["LS1"]["reasons"], "death-reported" in facts["P9"]["reasons"]) == (["deceased"], True)


async def test_two_persons_stay_two(client: httpx.AsyncClient, office: Office) -> None:
    """Found to be two, they wait no more, whatever is listed again, until that is withdrawn."""
    await both_listed(office)
    [pair] = await pairs(client)
    assert (await decide(client, pair, "two-persons")).json()["state"] == "two-persons"
    await office.read(roster(Row("P9", action="001", race="W"), plan="PRAIRIE", day=NEXT))
    assert (await pairs(client), len(set((await tokens(office)).values()))) == ([], 2)
    assert (await decide(client, pair, "one-person", "two")).json()["type"] == "urn:vcc:problem:pair-closed"
    assert (await decide(client, pair, "withdraw", "three")).json()["state"] == "waiting"
    assert [one["pair_id"] for one in await pairs(client)] == [pair["pair_id"]]


async def test_a_decision_is_taken_once(client: httpx.AsyncClient, office: Office) -> None:
    """The same word again is answered alike and does nothing; the opposite is refused before the first is withdrawn;
    what is unknown is not found."""
    await both_listed(office)
    [pair] = await pairs(client)
    first = await decide(client, pair, "one-person")
    again = await decide(client, pair, "one-person", "again")
    assert again.json() == first.json()
    assert len(await merges(office)) == 1
    assert (await decide(client, pair, "two-persons", "other")).json()["type"] == "urn:vcc:problem:pair-closed"
    unknown = {"pair_id": "00000000-0000-0000-0000-000000000001"}
    assert (await decide(client, unknown, "one-person", "unknown")).status_code == 404


async def test_who_is_put_right_is_not_joined(client: httpx.AsyncClient, office: Office) -> None:
    """Once a plan has put the birth date right, a decision on what was shown before is refused and writes nothing."""
    await both_listed(office)
    [pair] = await pairs(client)
    right = Row("P9", action="001", born="19550607", was=("P9", "Sesame", "Oma"))
    await office.read(roster(right, plan="PRAIRIE", day=NEXT))
    answer = await decide(client, pair, "one-person")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:vcc:problem:pair-not-alike")
    assert len(set((await tokens(office)).values())) == 2
    [state] = await office.fetch("select state, closed_by from possibly_one")
    assert (state["state"], state["closed_by"]) == ("waiting", None)


async def test_no_plan_row_joins_or_parts_whom_a_person_joined(client: httpx.AsyncClient, office: Office) -> None:
    """After the decision each plan goes on to tell of its own member by its own number, of the one person."""
    await both_listed(office)
    [pair] = await pairs(client)
    await decide(client, pair, "one-person")
    file = await office.read(roster(Row("P9", action="001", race="W"), plan="PRAIRIE", day=NEXT))
    assert (file.rows_rejected, len(set((await tokens(office)).values()))) == (0, 1)


async def test_no_plan_joins_two_others_members(client: httpx.AsyncClient, office: Office) -> None:
    """Each of a plan's two members is, by a person's word, another plan's too: the plan's correction that both are one
    would make those two plans' members one, so it joins nobody and waits."""
    omi = Row("LS2", given="Omi")
    await both_listed(office)
    await office.read(roster(omi, day=NEXT))
    await office.read(roster(Row("T2", given="Omi"), plan="THIRD"))
    for no, pair in enumerate(await pairs(client)):
        await decide(client, pair, "one-person", str(no))
    before = await tokens(office)
    assert (before["LS1"], before["LS2"]) == (before["P9"], before["T2"])
    right = Row("LS2", action="001", was=("LS2", "Sesame", "Omi"))
    file = await office.read(roster(right, day=date(2021, 3, 3)))
    assert (file.rows_rejected, await tokens(office)) == (1, before)


@pytest.mark.parametrize(("role", "tenant"), [("supervisor", "lakeshore"), ("operator", "lakeshore"), ("state", "*")])
async def test_no_plan_sees_a_pair(
    client: httpx.AsyncClient, app: FastAPI, office: Office, role: str, tenant: str
) -> None:
    """List, look and decision are refused to whoever is bound to a plan, and to other roles of all plans."""
    await both_listed(office)
    [pair] = await pairs(client)
    acting(app, role, tenant)
    answers = [
        await client.get("/possibly-one"),
        await client.get(f"/possibly-one/{pair['pair_id']}"),
        await decide(client, pair, "one-person"),
    ]
    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert len(set((await tokens(office)).values())) == 2


async def test_a_plans_transaction_sees_no_pair(client: httpx.AsyncClient, office: Office) -> None:
    """The database itself gives a plan's transaction no row of the table."""
    await both_listed(office)
    assert len(await pairs(client)) == 1
    async with transaction(office.database.pool, "lakeshore") as connection:
        assert await connection.fetch("select * from possibly_one") == []
        assert await pair_store.load_page(connection, pairs_api.NOTHING, None, 10) == []


async def test_each_look_and_decision_is_audited(client: httpx.AsyncClient, office: Office) -> None:
    """Who looked at both, and who said what, stands in the trail of all tenants, with the pair and both tokens."""
    await both_listed(office)
    [pair] = await pairs(client)
    await client.get(f"/possibly-one/{pair['pair_id']}")
    await decide(client, pair, "two-persons")
    await decide(client, pair, "withdraw", "two")
    await decide(client, pair, "one-person", "three")
    rows = await office.fetch(
        "select tenant_id, action, kind, subjects from audit where kind = 'possibly-one' order by audit_id"
    )
    assert [row["action"] for row in rows] == ["read", "another-person", "withdrawn", "same-person"]
    for row in rows:
        assert (row["tenant_id"], row["kind"], row["subjects"]) == (
            "*",
            "possibly-one",
            [pair["pair_id"], *pair["members"]],
        )


async def test_an_auditor_finds_a_pair_by_either_member(client: httpx.AsyncClient, office: Office) -> None:
    """Also a refusal that names the pair alone; an auditor of one plan does not learn that there is such a pair."""
    await both_listed(office)
    [pair] = await pairs(client)
    known = await tokens(office)
    for member_id, plan in (("LS1", "lakeshore"), ("P9", "prairie")):
        for tenant, is_found in (("*", True), (plan, False)):
            async with transaction(office.database.pool, tenant) as connection:
                names = await names_of(connection, NAMES_IN_TRAIL, UUID(known[member_id]))
            assert (pair["pair_id"] in names, known[member_id] in names) == (is_found, True)


def test_the_command_lists_every_page(capsys: pytest.CaptureFixture[str]) -> None:
    """`vcc feeds pairs` shows what waits beyond the first page too, and says what went wrong on the way."""
    ids = [f"00000000-0000-0000-0000-00000000000{no}" for no in range(1, 4)]
    after = dict(zip([None, *ids], ids, strict=False))

    def answer(request: httpx.Request) -> httpx.Response:
        asked = request.url.params.get("after")
        if asked == "fails":
            return httpx.Response(503, json={"title": "away"})
        pair = {"pair_id": after[asked], "state": "waiting", "opened_at": "2021-03-01", "members": ["a", "b"]}
        return httpx.Response(
            200, json={"pairs": [pair], "next_after": pair["pair_id"] if after[asked] != ids[-1] else last}
        )

    parser = argparse.ArgumentParser()
    add_pairs(parser.add_subparsers())
    for last, code in ((None, 0), ("fails", 3)):
        with httpx.Client(transport=httpx.MockTransport(answer), base_url="http://door") as door_client:
            assert run_pairs(parser.parse_args(["pairs"]), door_client) == code
        printed = capsys.readouterr()
        assert [line.split()[0] for line in printed.out.splitlines()] == (ids if last is None else [])
    assert "away" in printed.err


async def test_a_pair_follows_who_is_merged(client: httpx.AsyncClient, office: Office) -> None:
    """A plan's correction merges two of its entries: the pair of who goes is then of who stays."""
    await office.read(roster(Row("LS0", given="Omi")))
    await both_listed(office)
    [pair] = await pairs(client)
    right = Row("LS0", action="001", was=("LS0", "Sesame", "Omi"))
    await office.read(roster(right, day=NEXT))
    known = await tokens(office)
    [now] = await pairs(client)
    assert len({known["LS0"], known["P9"]} - {None}) == 2
    assert (now["pair_id"], sorted(now["members"])) == (pair["pair_id"], sorted({known["LS0"], known["P9"]}))


async def test_the_commands_show_and_decide(
    client: httpx.AsyncClient, office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    """What `vcc feeds pairs`, `pair` and `decide-pair` print of the service's answers."""
    await both_listed(office)
    [pair] = await pairs(client)
    path = f"/possibly-one/{pair['pair_id']}"
    answers = {"page": await client.get("/possibly-one"), "one": await client.get(path)}
    answers["decided"] = await decide(client, pair, "one-person")
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        kind = "decided" if request.method == "POST" else "one" if pair["pair_id"] in request.url.path else "page"
        return httpx.Response(200, json=answers[kind].json())

    parser = argparse.ArgumentParser()
    add_pairs(parser.add_subparsers())
    with httpx.Client(transport=httpx.MockTransport(answer), base_url="http://door") as door_client:
        for run, words in (
            (run_pairs, ["pairs"]),
            (run_pair, ["pair", pair["pair_id"]]),
            (run_decide_pair, ["decide-pair", pair["pair_id"], "one", "--reason", REASON]),
        ):
            assert run(parser.parse_args(words), door_client) == 0
    printed = capsys.readouterr().out
    both = " and ".join(pair["members"])
    assert f"{pair['pair_id']}  waiting, since {pair['opened_at']}, members {both}" in printed
    assert "given-name      OMA                      OMA                      agrees" in printed
    assert f"{pair['pair_id']}: one-person, members {both}" in printed
    assert json.loads(asked[-1].content) == {"decision": "one-person", "reason": REASON}
