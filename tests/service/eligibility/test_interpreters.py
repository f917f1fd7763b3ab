"""Whether a member needs an interpreter: what rosters let expect, and what members, workers and plans tell."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.service.eligibility.cases import join_namesakes
from tests.service.eligibility.conftest import FIRST_DAY, Office
from tests.service.eligibility.door import acting
from tests.service.eligibility.messages import Row, roster
from tests.service.eligibility.test_api_programmes import app, said, tell

pytestmark = pytest.mark.postgres
__all__ = ["app"]
QUESTION = "interpreter-needed"
SPANISH = Row("LS1", languages=("LD*SPA**7",))


async def needed(office: Office, member_id: str = "LS1") -> str:
    return str((await office.last_facts())[member_id]["interpreter_needed"])


async def answer(client: httpx.AsyncClient, word: str, on: str, key: str, **who: Any) -> httpx.Response:
    row = {**said("LS1", QUESTION, answer=word, observed_on=on), **who}
    if "member_token" in who:
        del row["member_id"]
    return await tell(client, row, key=f"answer-{key}")


async def test_a_roster_lets_expect(office: Office) -> None:
    """A spoken language that is not English makes an interpreter possible; English, or a language that is only read,
    leaves it unknown. A row that names no language changes nothing."""
    english, reader = (
        Row("LS2", given="Ana", languages=("LE*ENG**7",)),
        Row("LS3", given="Ida", languages=("LE*SPA**5",)),
    )
    await office.read(roster(SPANISH, english, reader))
    assert [await needed(office, f"LS{n}") for n in (1, 2, 3)] == ["possible", "unknown", "unknown"]
    await office.read(roster(Row("LS1", action="001", zip5="90012")))
    assert await needed(office) == "possible"


async def test_what_is_told_counts(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """The newest answer by its own day, in whatever order they come, `unknown` among them; no roster outweighs it."""
    await office.read(roster(SPANISH))
    acting(app, "integration", "lakeshore")
    heard = []
    for number, (word, on) in enumerate(
        [("yes", "2021-02-10"), ("no", "2021-02-01"), ("unknown", "2021-02-11"), ("no", "2021-02-12")]
    ):
        assert (await answer(client, word, on, str(number))).json()["accepted"] == 1
        heard.append(await needed(office))
    assert heard == ["yes", "yes", "unknown", "no"]
    await office.read(roster(Row("LS1", action="001", languages=("LD*VIE**7",))))
    assert await needed(office) == "no"


async def test_no_news_is_told_once(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """An answer that says the same again, or an older one, brings no fact."""
    await office.read(roster(SPANISH))
    acting(app, "integration", "lakeshore")
    await answer(client, "yes", "2021-02-10", "1")
    facts = (await office.counts())["member-eligibility"]
    again = await answer(client, "yes", "2021-02-10", "2")
    older = await answer(client, "no", "2021-02-09", "3")
    assert ([again.json()["members_changed"], older.json()["members_changed"]]) == [0, 1]
    assert (await office.counts())["member-eligibility"] == facts


@pytest.mark.parametrize("role", ["coordinator", "chw", "supervisor"])
async def test_a_worker_tells_by_token(app: FastAPI, client: httpx.AsyncClient, office: Office, role: str) -> None:
    """As cases name members, for his own plan only; it is audited, and another plan's decision does not see it."""
    await office.read(roster(SPANISH))
    await office.read(roster(Row("PR1"), plan="PRAIRIE"))
    await join_namesakes(office)
    [person] = await office.fetch("select member_token from person where merged_into is null")
    member_token = str(person["member_token"])
    acting(app, role, "lakeshore")
    assert (await answer(client, "yes", "2021-02-10", "1", member_token=member_token)).json()["rejected"] == []
    assert [await needed(office, member) for member in ("LS1", "PR1")] == ["yes", "unknown"]
    [audited] = await office.fetch("select subjects from audit where action = 'told'")
    assert audited["subjects"] == [member_token]
    read = (await client.get(f"/members/{member_token}")).json()
    assert {one["member_id"]: one["interpreter_needed"] for one in read["answers"]}["LS1"] == "yes"
    acting(app, role, "riverbank")
    body = {
        "plan": "riverbank",
        "observations": [said("", QUESTION, answer="no", member_token=member_token) | {"member_id": None}],
    }
    other = await client.post("/member-observations", json=body, headers={"Idempotency-Key": "answer-other"})
    assert [one["code"] for one in other.json()["rejected"]] == ["member-unknown"]


async def test_a_merged_member_is_found_by_the_old_token(
    app: FastAPI, client: httpx.AsyncClient, office: Office
) -> None:
    """What was answered under a token that was merged away counts for the survivor, and so does what is told of it."""
    await office.read(roster(SPANISH, Row("LS2", given="Omi")))
    acting(app, "integration", "lakeshore")
    await tell(client, said("LS2", QUESTION, answer="yes"), key="before-the-merge")
    [gone] = await office.fetch("select member_token from enrolment where member_id = 'LS2'")
    await office.read(roster(Row("LS2", action="001", was=("LS2", "Sesame", "Omi"))))
    assert (await office.fetch("select count(*) from person where merged_into is not null"))[0]["count"] == 1
    facts = await office.last_facts()
    assert {fact["interpreter_needed"] for fact in facts.values()} == {"yes"}
    acting(app, "chw", "lakeshore")
    await answer(client, "no", "2021-02-20", "after", member_token=str(gone["member_token"]))
    assert {fact["interpreter_needed"] for fact in (await office.last_facts()).values()} == {"no"}


async def test_what_is_refused(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """A question takes one of its answers, no value and no end; what is no question takes no answer; and a worker tells
    of nothing but questions."""
    await office.read(roster(SPANISH))
    rows = (
        said("LS1", QUESTION), said("LS1", QUESTION, answer="maybe"), said("LS1", QUESTION, answer="yes", value=1),
        said("LS1", QUESTION, answer="yes", ended_on="2021-02-20"), said("LS1", "homebound", answer="yes"),
        said("LS1", QUESTION, answer="yes", observed_on="2021-03-02"), said("LS9", QUESTION, answer="yes"),
    )  # fmt: skip
    acting(app, "integration", "lakeshore")
    told = (await tell(client, *rows, key="from-a-system")).json()
    assert [one["code"] for one in told["rejected"]] == [
        "answer-missing", "answer-missing", "value-unexpected", "end-unexpected", "answer-unexpected", "dates",
        "member-unknown",
    ]  # fmt: skip
    acting(app, "chw", "lakeshore")
    told = (
        await tell(client, said("LS1", "homebound"), said("LS1", QUESTION, answer="no"), key="from-a-worker")
    ).json()
    assert ([one["code"] for one in told["rejected"]], told["accepted"]) == (["code-not-yours"], 1)
    both = said("LS1", QUESTION, answer="no", member_token="00000000-0000-0000-0000-000000000001")
    assert (await tell(client, both, key="two-names")).status_code == 422


async def test_a_need_says_so_too(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """A plan that tells the need `language-access` says yes from its day on and no from its end; until then yes."""
    await office.read(roster(SPANISH))
    acting(app, "integration", "lakeshore")
    await tell(client, said("LS1", "language-access", ended_on="2021-03-05"), key="a-need-ends")
    assert await needed(office) == "yes"
    for day in (2, 3, 4, 5):
        await office.open_day(FIRST_DAY.replace(day=day))
    assert await needed(office) == "no"


async def test_workers_cant_guess_numbers(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """A worker's answers by member number are look-ups, of which few find nobody; a plan's system is not held up."""
    await office.read(roster(SPANISH))
    rows = [said(f"LS{number}", QUESTION, answer="yes", observed_on="2021-02-10") for number in range(2, 32)]
    body = {"plan": "lakeshore", "observations": rows}
    statuses: list[int] = []
    for role in ("integration", "coordinator", "coordinator"):
        acting(app, role, "lakeshore")
        headers = {"Idempotency-Key": f"guesses-{len(statuses)}"}
        statuses.append((await client.post("/member-observations", json=body, headers=headers)).status_code)
    assert statuses == [200, 200, 429]
