"""Rows of which it is doubtful whom they mean wait for a person: what each decision does, once, and what needs none."""

import argparse
import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from services.eligibility.intake.api import doubtful_rows as doubtful_api
from services.eligibility.intake.api import files as files_api
from services.eligibility.intake.cli import doubtful as doubtful_cli
from services.eligibility.intake.cli.doubtful import run_compare, run_decide, run_doubtful
from services.eligibility.people.store import doubtful as doubtful_store
from tests.service.eligibility.cases import DAY, a_south_file, an_834, case, enrolled, join_namesakes, member
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.door import acting, door

pytestmark = pytest.mark.postgres
CHANGED, ENDED = "Y*18*001*25", "Y*18*024*07"
DORA = member("M1", "FIX*DORA", "19500101")
THEA = member("M1", "ROE*THEA", "19620202", ins=CHANGED, zip5="60609")
"""Another name and another birth date under Dora's number, and no NM1*70."""
PLAN = "north-test-plan"
ENDED_BY_DEATH = "~".join(
    one + "***D8*20250520" if one.startswith("INS") else one
    for one in member("M1", "FIX*DORA", "19500101", ins="Y*18*024*03", end="20250520").split("~")
)


def a_death(on: str, indicator: str) -> str:
    """A registry's message about Dora: PID-29 and PID-30."""
    pid = "PID|1||C-1^^^CAIR^SR||Fix^Dora^^^^^L||19500101|F|||1 Elm St^^Chicago^IL^60601^USA^H"
    head = f"MSH|^~\\&|REG|CAIR|VCC|VCC|20250601060000+0000||VXU^V04^VXU_V04|M-{on}-{indicator}|P|2.5.1"
    return "\r".join((head, f"{pid}{'|' * 18}{on}|{indicator}")) + "\r"


@pytest.fixture
def app(office: Office) -> FastAPI:
    app = door(office.database, files_api.routes, doubtful_api.routes)
    acting(app, "supervisor", PLAN)
    return app


def key(name: str) -> dict[str, str]:
    return {"Idempotency-Key": f"key-{name}-12345678"}


async def waiting(client: httpx.AsyncClient, state: str = "waiting") -> list[dict[str, Any]]:
    answer = await client.get("/doubtful-rows", params={"state": state})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["rows"]
    return found


async def decide(
    client: httpx.AsyncClient, row: dict[str, Any], decision: str, member_token: str | None = None, name: str = "one"
) -> httpx.Response:
    body = {"decision": decision, "reason": "the plan says so"} | (
        {"member_token": member_token} if member_token else {}
    )
    return await client.post(f"/doubtful-rows/{row['doubtful_id']}/decision", json=body, headers=key(name))


async def people(office: Office) -> list[tuple[str, str, str]]:
    query = """
    select member_id, given || ' ' || family as name, birth_on::text as born from enrolment where not is_retired
    order by birth_on
    """
    return [(one["member_id"], one["name"], one["born"]) for one in await office.fetch(query)]


async def test_a_doubtful_row_waits_by_its_place_alone(client: httpx.AsyncClient, office: Office) -> None:
    """The list says where it stands, why, and whom it may mean by token; nothing that it holds; and the reject report
    says how it is decided."""
    await office.read(an_834(DORA))
    file = await office.read(an_834(THEA, control=2))
    [dora] = await office.fetch("select member_token from enrolment")
    [one] = await waiting(client)
    assert (one["file_id"], one["row"], one["segment"], one["field"]) == (str(file.file_id), 1, 7, "NM1-03")
    assert (one["code"], one["may_be"], one["plan"]) == ("not-the-holder", [str(dora["member_token"])], PLAN)
    assert not any(word in str(one) for word in ("THEA", "ROE", "1962"))
    [reject] = (await client.get(f"/feed-files/{file.file_id}/rejects")).json()["rejects"]
    assert (reject["row"], reject["code"]) == (1, "doubtful-identity")
    assert reject["expected"].endswith("or a person's decision (./vcc feeds doubtful)")
    assert reject["doubtful_id"] == one["doubtful_id"]


async def test_both_sides_are_seen_side_by_side(client: httpx.AsyncClient, office: Office) -> None:
    """Field by field: what the row says, what the member is known by, and whether they agree; the look is audited."""
    await office.read(an_834(DORA))
    await office.read(an_834(THEA, control=2))
    [one] = await waiting(client)
    detail = (await client.get(f"/doubtful-rows/{one['doubtful_id']}")).json()
    assert (detail["maintenance"], detail["coverages"][0]["insurance_line"]) == ("change", "HLT")
    [candidate] = detail["candidates"]
    fields = {each["field"]: (each["row"], each["member"], each["how"]) for each in candidate["fields"]}
    assert fields["given-name"] == ("THEA", "DORA", "differs")
    assert fields["birth-date"] == ("1962-02-02", "1950-01-01", "differs")
    assert fields["member-number"] == ("M1", "M1", "agrees")
    assert fields["street"] == ("1 ELM ST", "1 ELM ST", "agrees")
    assert fields["zip"] == ("60609", "60601", "differs")
    assert fields["middle-name"] == ("", "", "unsaid")
    [look] = await office.fetch("select action, kind, subjects from audit where kind = 'doubtful-row'")
    assert (look["action"], look["kind"]) == ("read", "doubtful-row")
    assert look["subjects"] == [one["doubtful_id"], candidate["member_token"]]


BACK = member("M1", "ROE*THEA", "19620202", ins="Y*18*025*41")


@pytest.mark.parametrize(
    ("edge", "death", "row", "told"),
    [
        ("by the plan", ("834", ENDED_BY_DEATH), THEA, ("declared", "plan", "deceased", None)),
        ("by the plan, and the row revives", ("834", ENDED_BY_DEATH), BACK, ("declared", "plan", "deceased", "alive")),
        ("by a registry", ("vxu", "Y"), THEA, ("declared", "registry", "deceased", None)),
        ("in doubt by a registry", ("vxu", "N"), THEA, ("reported", "registry", "possible", None)),
        ("by the row alone", None, member("M1", "ROE*THEA", "19620202", ins="Y*18*024*03", end="20250531"),
         (None, None, None, "deceased")),
    ],
)  # fmt: skip
async def test_a_death_is_seen_beside_the_row(
    client: httpx.AsyncClient, office: Office, edge: str, death: tuple[str, str] | None, row: str,
    told: tuple[str | None, ...],
) -> None:  # fmt: skip
    """A candidate's death, declared or reported, with who says so and of which day, and what the row would make of
    it."""
    await office.read(an_834(DORA))
    if death is not None and death[0] == "834":
        await office.read(an_834(death[1], control=2))
    elif death is not None:
        await office.read(a_death("20250520", death[1]))
    await office.read(an_834(row, control=3, day="20250602"))
    [one] = await waiting(client)
    [candidate] = (await client.get(f"/doubtful-rows/{one['doubtful_id']}")).json()["candidates"]
    said = candidate["death_said"][0] if candidate["death_said"] else {"by": None, "word": None}
    assert (candidate["death"], said["by"], said["word"], candidate["death_by_row"]) == told, edge
    if said["word"] == "deceased":
        assert (said["said_at"] is not None, said["death_on"]) == (True, "2025-05-20")


async def test_another_plans_word_of_a_death_is_only_told_as_one(client: httpx.AsyncClient, office: Office) -> None:
    """A person who decided, for all, is named as a person; another plan's word has neither day nor author."""
    await office.read(an_834(DORA))
    await office.read(a_south_file(DORA, control=7))
    await join_namesakes(office)
    await office.read(a_south_file(ENDED_BY_DEATH, control=8, day="20250602"))
    await office.read(an_834(THEA, control=3, day="20250603"))
    [one] = await waiting(client)
    [candidate] = (await client.get(f"/doubtful-rows/{one['doubtful_id']}")).json()["candidates"]
    unsaid = {"word": None, "said_at": None, "death_on": None}
    assert (candidate["death"], candidate["death_said"]) == ("reported", [{"by": "another-plan", **unsaid}])


async def test_the_same_person_is_changed_as_the_row_says(client: httpx.AsyncClient, office: Office) -> None:
    """Decided to be the holder, the row corrects her name and birth date, keeps her token, and announces her facts in
    the decision's own transaction; the same request is answered the same; what the row held is gone."""
    await office.read(an_834(DORA))
    await office.read(an_834(THEA, control=2))
    before = await office.fetch("select member_token, enrolment_id from enrolment")
    [one] = await waiting(client)
    answer = await decide(client, one, "same-person", one["may_be"][0])
    assert (answer.status_code, answer.json()["state"]) == (200, "same-person"), answer.text
    assert answer.json()["changes"] == ["moved", "renamed"]
    assert (await decide(client, one, "same-person", one["may_be"][0])).json() == answer.json()
    assert (await decide(client, one, "same-person", one["may_be"][0], "two")).json() == answer.json()
    assert (await decide(client, one, "another-person", name="three")).status_code == 409
    assert await people(office) == [("M1", "THEA ROE", "1962-02-02")]
    assert await office.fetch("select member_token, enrolment_id from enrolment") == before
    [reject] = (await client.get(f"/feed-files/{one['file_id']}/rejects")).json()["rejects"]
    assert reject["doubtful_state"] == "same-person"
    assert reject["expected"].endswith("; decided by a person: it means a member whom it might mean")
    assert (await office.events("member-eligibility"))[-1]["zip5"] == "60609"
    [kept] = await office.fetch("select document, sealed_document, state, closed_by, reason from doubtful_row")
    assert kept == {
        "document": None,
        "sealed_document": None,
        "state": "same",
        "closed_by": "grover",
        "reason": "the plan says so",
    }
    audit = await office.fetch("select action, subjects from audit where kind = 'doubtful-row'")
    assert audit == [{"action": "same-person", "subjects": [one["doubtful_id"], one["may_be"][0]]}]
    assert await waiting(client) == []


async def test_another_person_comes_and_has_the_number(client: httpx.AsyncClient, office: Office) -> None:
    """Decided to be somebody else, the row makes a new member who holds the number; the old holder keeps coverage and
    doses and is known under it no more."""
    await office.open_day(DAY)
    await office.read(an_834(DORA))
    await office.read(an_834(THEA, control=2))
    [one] = await waiting(client)
    answer = await decide(client, one, "another-person")
    assert (answer.status_code, answer.json()["changes"]) == (200, ["added"]), answer.text
    assert await people(office) == [("", "DORA FIX", "1950-01-01"), ("M1", "THEA ROE", "1962-02-02")]
    tokens = {
        row["given"]: str(row["member_token"])
        for row in await office.fetch("select given, member_token from enrolment")
    }
    assert answer.json()["member_token"] == tokens["THEA"] != tokens["DORA"]
    assert await enrolled(office) == {"DORA": True, "THEA": True}


async def test_a_refused_row_changes_nobody_and_comes_no_more(client: httpx.AsyncClient, office: Office) -> None:
    """A later row that says the same is rejected as refused, waits for nobody, and keeps nobody in the plan."""
    await office.read(an_834(DORA))
    await office.read(an_834(THEA, control=2))
    [one] = await waiting(client)
    answer = await decide(client, one, "refuse")
    assert (answer.status_code, answer.json()["member_token"]) == (200, None)
    [reject] = (await client.get(f"/feed-files/{one['file_id']}/rejects")).json()["rejects"]
    assert reject["expected"].endswith("; refused by a person: it changed nobody")
    file = await office.read(an_834(THEA, control=3, day="20250602"))
    [row] = await office.fetch("select code from feed_row where file_id = $1", file.file_id)
    assert row["code"] == "identity-refused"
    assert await waiting(client) == []
    assert await people(office) == [("M1", "DORA FIX", "1950-01-01")]
    [seen] = await office.fetch("select seen_file_no from enrolment")
    assert seen["seen_file_no"] == file.file_no - 1
    [audit] = await office.fetch("select action from audit where kind = 'doubtful-row'")
    assert audit["action"] == "discarded"


async def test_what_was_said_since_stands(client: httpx.AsyncClient, office: Office) -> None:
    """A row decided late does not undo a newer end: it changes nothing and says so."""
    await office.read(an_834(DORA))
    await office.read(an_834(THEA, control=2, day="20250602"))
    ended = member("M1", "FIX*DORA", "19500101", ins=ENDED, end="20250531")
    await office.read(an_834(ended, control=3, day="20250603"))
    [one] = await waiting(client)
    answer = await decide(client, one, "same-person", one["may_be"][0])
    assert answer.json()["changes"] == ["stale"]
    assert await people(office) == [("M1", "DORA FIX", "1950-01-01")]
    [row] = await office.fetch("select spans->0->>2 as ended from enrolment")
    assert row["ended"] == "2025-05-31"


SAME_NAME = member("M1", "FIX*DORA", "19710909")
"""Dora's name and number, added with another birth date."""


async def test_a_later_row_goes_by_the_decision(client: httpx.AsyncClient, office: Office) -> None:
    """What a person decided of a row counts for the same statement in a later file, although what stands would make it
    doubtful again; with somebody new in question it waits anew."""
    await office.read(an_834(DORA))
    await office.read(an_834(SAME_NAME, control=2, day="20250602"))
    newer = member("M1", "FIX*DORA", "19500101", ins=CHANGED, zip5="60605")
    [one] = await waiting(client)
    await decide(client, one, "same-person", one["may_be"][0])
    assert await people(office) == [("M1", "DORA FIX", "1971-09-09")]
    file = await office.read(an_834(newer, control=3, day="20250603"))  # a change may correct a birth date
    assert (file.rows_rejected, await people(office)) == (0, [("M1", "DORA FIX", "1950-01-01")])
    file = await office.read(an_834(SAME_NAME, control=4, day="20250604"))
    assert (file.rows_rejected, await people(office)) == (0, [("M1", "DORA FIX", "1971-09-09")])
    assert await waiting(client) == []
    assert len(await office.fetch("select from person")) == 1


async def test_a_decision_holds_no_longer_when_somebody_new_may_be_meant(
    client: httpx.AsyncClient, office: Office
) -> None:
    """The number has passed to another member since: the same statement may mean her too, and waits."""
    await office.read(an_834(DORA))
    await office.read(an_834(THEA, control=2, day="20250602"))
    [one] = await waiting(client)
    await decide(client, one, "refuse")
    await office.read(an_834(member("M1", "ZED*ZOE", "19800303"), control=3, day="20250603"))
    await office.read(an_834(THEA, control=4, day="20250604"))
    [again] = await waiting(client)
    assert set(one["may_be"]) < set(again["may_be"])


@pytest.mark.parametrize(
    ("edge", "doubtful", "clear", "left"),
    [
        ("the sender corrects it", THEA, member("M1", "ROE*THEA", "19620202", ins=CHANGED, was="FIX*DORA*19500101"), 0),
        ("the sender adds the person", THEA, member("M1", "ROE*THEA", "19620202"), 0),
        ("the slip is mended", SAME_NAME, DORA, 0),
        ("the holder's own row", THEA, DORA, 1),
        ("a row of another number", THEA, member("M2", "ROE*THEA", "19620202"), 1),
    ],
)
async def test_a_newer_clear_row_closes_it(
    client: httpx.AsyncClient, office: Office, edge: str, doubtful: str, clear: str, left: int
) -> None:
    """A newer row that is clear, and about the enrolment that the doubtful one speaks of, needs no decision any more; a
    row of who evidently is somebody else leaves it, and so does an older one."""
    await office.read(an_834(DORA, day="20250520"))
    await office.read(an_834(doubtful, control=2, day="20250602"))
    assert len(await waiting(client)) == 1
    await office.read(an_834(clear, control=3, day="20250525"))
    assert len(await waiting(client)) == 1, f"{edge}, older"
    await office.read(an_834(clear, control=4, day="20250604"))
    assert len(await waiting(client)) == left, edge
    assert len(await waiting(client, "superseded")) == 1 - left
    assert await office.fetch("select from doubtful_row where (sealed_document is null) <> (state <> 'waiting')") == []


async def test_of_several_that_say_the_same_the_newest_waits(client: httpx.AsyncClient, office: Office) -> None:
    """A file a day brings one row to decide, not one a day; an older file brings none."""
    await office.read(an_834(DORA))
    for control, day in ((2, "20250602"), (3, "20250604"), (4, "20250603")):
        await office.read(an_834(THEA, control=control, day=day))
    [one] = await waiting(client)
    assert one["file_id"] == str((await office.fetch("select file_id from feed_file where file_no = 3"))[0]["file_id"])
    assert len(await waiting(client, "superseded")) == 2


async def test_a_merged_candidate_is_the_survivor(client: httpx.AsyncClient, office: Office) -> None:
    """Whom a row may mean follows a merge, and the decision finds the survivor."""
    await office.read(an_834(member("M0", "OLD*DORA", "19400404"), DORA))
    await office.read(an_834(THEA, control=2, day="20250602"))
    merged = member("M1", "FIX*DORA", "19500101", ins=CHANGED, prior="M0", was="OLD*DORA*19400404")
    await office.read(an_834(merged, control=3, day="20250603"))
    [survivor] = await office.fetch("select member_token from person where merged_into is null")
    [one] = await waiting(client)
    assert one["may_be"] == [str(survivor["member_token"])]
    assert (await decide(client, one, "same-person", one["may_be"][0])).status_code == 200


@pytest.mark.expects_error_log("dependency unavailable")
async def test_a_decision_is_all_or_nothing(
    client: httpx.AsyncClient, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The decision, what it changes and what it announces are one transaction: if it can't be kept nothing happened,
    and it can be said again."""
    await office.read(an_834(DORA))
    await office.read(an_834(THEA, control=2))
    [one], before = await waiting(client), await office.counts()
    save = doubtful_store.save_decision

    async def fail(*_: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(doubtful_store, "save_decision", fail)
    assert (await decide(client, one, "another-person")).status_code == 503
    assert (await people(office), await office.counts()) == ([("M1", "DORA FIX", "1950-01-01")], before)
    monkeypatch.setattr(doubtful_store, "save_decision", save)
    assert (await decide(client, one, "another-person")).status_code == 200
    assert len(await people(office)) == 2


async def test_the_commands_list_compare_and_decide(
    app: FastAPI, client: httpx.AsyncClient, office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    """What each command prints of the service's answers."""
    acting(app, "operator")
    await office.read(an_834(DORA))
    await office.read(a_death("20250520", "Y"))
    await office.read(an_834(THEA, control=2))
    [one] = await waiting(client)
    path = f"/doubtful-rows/{one['doubtful_id']}"
    answers = {"page": await client.get("/doubtful-rows"), "one": await client.get(path)}
    answers["decided"] = await decide(client, one, "same-person", one["may_be"][0])
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        kind = "decided" if request.method == "POST" else "one" if one["doubtful_id"] in request.url.path else "page"
        return httpx.Response(200, json=answers[kind].json())

    parser = argparse.ArgumentParser()
    doubtful_cli.add_doubtful(parser.add_subparsers())
    with httpx.Client(transport=httpx.MockTransport(answer), base_url="http://door") as door_client:
        for words in (
            ["doubtful"], ["compare", one["doubtful_id"]],
            ["decide", one["doubtful_id"], "same", "--member", one["may_be"][0], "--reason", "as the plan says"],
        ):  # fmt: skip
            args = parser.parse_args(words)
            run = {"doubtful": run_doubtful, "compare": run_compare, "decide": run_decide}[words[0]]
            assert run(args, door_client) == 0
    printed = capsys.readouterr().out
    assert f"{one['doubtful_id']}  waiting, not-the-holder, plan {PLAN}" in printed
    assert "given-name      THEA                     DORA                     differs" in printed
    assert "death           declared; the row says: nothing of it" in printed
    assert "registry: deceased, of 2025-05-20, said 2025-06-01T" in printed
    assert f"{one['doubtful_id']}: same-person, member {one['may_be'][0]}, changed moved, renamed" in printed
    body = json.loads(asked[-1].content)
    assert body == {"decision": "same-person", "member_token": one["may_be"][0], "reason": "as the plan says"}
    assert asked[-1].headers["Idempotency-Key"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"decision": "same-person"}, 422), ({"decision": "refuse", "reason": ""}, 422),
        ({"decision": "another-person", "member_token": "01930000-0000-7000-8000-000000000001"}, 422),
        ({"decision": "same-person", "member_token": "01930000-0000-7000-8000-000000000001"}, 422),
        ({"decision": "perhaps"}, 422),
    ],
)  # fmt: skip
async def test_a_decision_says_whom_and_why(
    client: httpx.AsyncClient, office: Office, body: dict[str, str], status: int
) -> None:
    """The same person needs one of the tokens that the row may mean, the others none, and each a reason."""
    await office.read(an_834(DORA))
    await office.read(an_834(THEA, control=2))
    [one] = await waiting(client)
    path = f"/doubtful-rows/{one['doubtful_id']}/decision"
    answer = await client.post(path, json={"reason": "as the plan says", **body}, headers=key("one"))
    assert answer.status_code == status
    assert len(await waiting(client)) == 1


@pytest.mark.parametrize(
    ("role", "tenant", "status"),
    [("operator", "*", 200), ("coordinator", PLAN, 200), ("supervisor", PLAN, 200), ("integration", "*", 403),
     ("integration", PLAN, 403), ("chw", PLAN, 403), ("supervisor", "prairie", 404)],
)  # fmt: skip
async def test_who_may_look_and_decide(
    app: FastAPI, client: httpx.AsyncClient, office: Office, role: str, tenant: str, status: int
) -> None:
    """The plan's own people and operators; not who sent the file, and nobody of another plan."""
    await office.read(an_834(DORA))
    await office.read(an_834(THEA, control=2))
    [one] = await waiting(client)
    acting(app, role, tenant)
    assert (await client.get(f"/doubtful-rows/{one['doubtful_id']}")).status_code == status
    assert (await decide(client, one, "refuse")).status_code == status
    if tenant == "prairie":
        assert await waiting(client) == []


async def test_the_published_case_is_decided(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """INS 001*25 with another name and birth date: decided to be another person it is no more two under one number, and
    the next file that says it again is clear."""
    acting(app, "operator")
    await office.read(case("s14a.834"))
    await office.read(case("s14b.834"))
    [one] = await waiting(client)
    assert (await decide(client, one, "another-person")).status_code == 200
    numbers = [
        one["member_id"] for one in await office.fetch("select member_id from enrolment where role = 'subscriber'")
    ]
    assert sorted(numbers) == ["", "M1"]
    again = case("s14b.834").replace(b"250602", b"250603")
    file = await office.read(again)
    assert (file.rows_rejected, await waiting(client)) == (0, [])
