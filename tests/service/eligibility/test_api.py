"""The front door over HTTP: who may come in, what is answered, and that looks at members are recorded."""

from collections import Counter
from datetime import date
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from services.eligibility.app import build
from services.eligibility.decisions.api import days as days_api
from services.eligibility.decisions.api import members as members_api
from services.eligibility.intake.api import files as files_api
from services.kit.http import create_app, unguarded
from tests.service.eligibility.conftest import FIRST_DAY, Office
from tests.service.eligibility.door import acting, door
from tests.service.eligibility.messages import Row, Shot, roster, vxu

pytestmark = pytest.mark.postgres


@pytest.fixture
def app(office: Office) -> FastAPI:
    return door(office.database, files_api.routes, days_api.routes, members_api.routes)


async def send(client: httpx.AsyncClient, content: str, **params: str) -> httpx.Response:
    return await client.post("/feed-files", content=content.encode(), params=params)


async def test_a_file_comes_in_by_http(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """Accepted with 201, read in the background, told with counts and rejects; again it is 200 and nothing new."""
    acting(app, "integration")
    content = roster(Row("LS1"), "INS*Y*18*999*28*A*C**FT", Row("LS2", born="19401332"))
    answer = await send(client, content)
    assert (answer.status_code, answer.json()["state"], answer.json()["is_repeat"]) == (201, "received", False)
    again = await send(client, content)
    assert (again.status_code, again.json()["file_id"], again.json()["is_repeat"]) == (
        200, answer.json()["file_id"], True,
    )  # fmt: skip
    await office.work()
    file = (await client.get(f"/feed-files/{answer.json()['file_id']}")).json()
    assert (file["state"], file["rows_read"], file["rejections"]) == ("processed", 3, {"date": 1, "maintenance": 1})
    page = (await client.get(f"/feed-files/{file['file_id']}/rejects", params={"limit": 1})).json()
    assert ([one["row"] for one in page["rejects"]], page["next_after"]) == ([2], 2)
    page = (await client.get(f"/feed-files/{file['file_id']}/rejects", params={"limit": 9, "after": 2})).json()
    assert [(one["row"], one["field"]) for one in page["rejects"]] == [(3, "DMG-02")]
    assert page["next_after"] is None


async def test_unlinked_doses_are_counted_as_they_stand(
    app: FastAPI, client: httpx.AsyncClient, office: Office
) -> None:
    """A file says how many doses were unlinked when it was read, and how many still are."""
    acting(app, "integration")
    file_id = (await send(client, vxu(Shot("E-1"), Shot("E-2", given="Opa", ids=("C-2^^^CAIR^SR",))))).json()["file_id"]
    await office.work()
    await office.read(roster(Row("LS1")))
    file = (await client.get(f"/feed-files/{file_id}")).json()
    assert (file["rows_unlinked"], file["rows_still_unlinked"]) == (2, 1)


async def test_doses_that_wait_are_counted_anew_once_the_file_is_worked_through(
    app: FastAPI, client: httpx.AsyncClient, office: Office
) -> None:
    """Who polls a file that is still read is told what was unlinked when read, without a count over all its doses."""
    acting(app, "integration")
    file_id = (await send(client, vxu(Shot("E-1")))).json()["file_id"]
    await office.work()
    await office.read(roster(Row("LS1")))
    for state, waiting in (("processing", 1), ("processed", 0)):
        await office.fetch("update feed_file set state = $2 where file_id = $1", UUID(file_id), state)
        assert (await client.get(f"/feed-files/{file_id}")).json()["rows_still_unlinked"] == waiting


@pytest.mark.parametrize(
    ("content", "params", "code"), [("", {}, "feed-file-empty"), ("ISA", {"profile": "nobody"}, "unknown-profile")]
)
async def test_what_is_no_file_is_refused(
    app: FastAPI, client: httpx.AsyncClient, content: str, params: dict[str, str], code: str
) -> None:
    """An empty body and an unknown profile are refused with a problem document."""
    acting(app, "integration")
    answer = await send(client, content, **params)
    assert (answer.status_code, answer.json()["type"]) == (422, f"urn:vcc:problem:{code}")


async def test_a_file_may_be_too_large(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """More bytes than the front door takes are refused before they are read, and nothing is registered."""
    acting(app, "integration")
    headers = {"Content-Length": str(files_api.MAX_FILE_BYTES + 1)}
    answer = await client.post("/feed-files", content=b"ISA", headers=headers)
    assert answer.status_code == 413
    headers = {"Content-Length": str(files_api.MAX_FILE_BYTES)}
    assert (await client.post("/feed-files", content=b"ISA", headers=headers)).status_code == 201
    assert len(await office.fetch("select * from feed_file")) == 1


async def test_roles_are_kept_apart(app: FastAPI, client: httpx.AsyncClient) -> None:
    """A coordinator brings in no file, a feed looks at no member, and only an operator opens a day."""
    key = {"Idempotency-Key": "key-12345678"}
    acting(app, "coordinator", "lakeshore")
    assert (await send(client, "ISA")).status_code == 403
    assert (await client.post("/business-days", json={"business_on": "2021-03-02"}, headers=key)).status_code == 403
    acting(app, "integration")
    assert (await client.get("/members", params={"member_id": "LS1"})).status_code == 403


@pytest.mark.parametrize("role", ["coordinator", "chw"])
async def test_why_somebody_is_not_eligible(app: FastAPI, client: httpx.AsyncClient, office: Office, role: str) -> None:
    """A coordinator, or a health worker who visits her, sees answer, reasons, versions, place and doses of her own
    plan's member; the look is recorded."""
    await office.read(roster(Row("LS1")))
    await office.read(vxu(Shot("E-1")))
    acting(app, role, "lakeshore")
    [member] = (await client.get("/members", params={"member_id": "LS1"})).json()
    [answer] = member["answers"]
    assert (answer["status"], [one["code"] for one in answer["reasons"]]) == ("ineligible", ["already-vaccinated"])
    assert (answer["programme_version"], answer["svi"]["level"], answer["svi"]["release"]) == (1, "tract", "SVI 2018")
    assert [dose["administered_on"] for dose in member["doses"]] == ["2021-02-15"]
    same = (await client.get(f"/members/{member['member_token']}")).json()
    assert same == member
    audit = await office.fetch("select action, kind, subjects, tenant_id from audit where action = 'read'")
    assert (
        audit
        == [{"action": "read", "kind": "member", "subjects": [member["member_token"]], "tenant_id": "lakeshore"}] * 2
    )


async def test_what_registries_say_beside_doses_is_shown(
    app: FastAPI, client: httpx.AsyncClient, office: Office
) -> None:
    """A refusal, and evidence of immunity with what CDC's logic takes it for, and who says it; to the member's own plan
    alone. Of a combination vaccine every group is named."""
    await office.read(roster(Row("LS1")))
    immune = "OBX|1|CE|59784-9^x^LN|1|38907003^Varicella^SCT||||||F|||20210101\r"
    await office.read(vxu(Shot("E-1", cvx="104"), Shot("R-1", completion="RE")) + immune)
    acting(app, "coordinator", "lakeshore")
    [member] = (await client.get("/members", params={"member_id": "LS1"})).json()
    assert [dose["vaccine_groups"] for dose in member["doses"]] == [["hepa", "hepb"]]
    assert [(one["kind"], one["code"], one["source"], one["observations"]) for one in member["remarks"]] == [
        ("immunity", "38907003", "CAIR", ["024"]), ("refusal", "03", "CAIR", []),
    ]  # fmt: skip
    acting(app, "coordinator", "prairie")
    assert (await client.get(f"/members/{member['member_token']}")).status_code == 404


async def test_what_took_effect_oddly_is_among_the_notices(
    app: FastAPI, client: httpx.AsyncClient, office: Office
) -> None:
    """A row that deleted nothing says so where the sender looks."""
    file = await office.read(vxu(Shot("E-7", action="D")))
    acting(app, "integration")
    [notice] = (await client.get(f"/feed-files/{file.file_id}/notices")).json()
    assert (notice["row"], notice["field"], notice["code"]) == (1, "RXA-21", "nothing-deleted")


async def test_the_notices_of_a_file_go_on_page_by_page(
    app: FastAPI, client: httpx.AsyncClient, office: Office
) -> None:
    """A full page says where the next one begins."""
    file = await office.read(vxu(*(Shot(f"E-{n}", action="D") for n in range(3))))
    acting(app, "integration")
    path = f"/feed-files/{file.file_id}/notices"
    first = await client.get(f"{path}?limit=2")
    assert ([one["row"] for one in first.json()], first.headers["Link"]) == (
        [1, 2], f'<{path}?limit=2&after=2_1_0>; rel="next"'
    )  # fmt: skip
    rest = await client.get(first.links["next"]["url"])
    assert ([one["row"] for one in rest.json()], "Link" in rest.headers) == ([3], False)


async def test_the_files_go_on_page_by_page(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """The newest first; a full page says where the next one begins."""
    files = [str((await office.read(vxu(Shot(f"E-{n}")))).file_id) for n in range(3)]
    acting(app, "integration")
    first = await client.get("/feed-files?limit=2")
    assert ([one["file_id"] for one in first.json()], first.headers["Link"]) == (
        [files[2], files[1]], f'</feed-files?limit=2&before={files[1]}>; rel="next"'
    )  # fmt: skip
    rest = await client.get(first.links["next"]["url"])
    assert ([one["file_id"] for one in rest.json()], "Link" in rest.headers) == ([files[0]], False)


async def test_the_bearers_of_a_number_go_on_page_by_page(
    app: FastAPI, client: httpx.AsyncClient, office: Office
) -> None:
    """A number that passed on, or that two plans gave: nobody is left out in silence, and only the first page counts
    as a look-up."""
    await office.read(roster(Row("LS1")))
    await office.read(roster(Row("LS1", family="Hopper", given="Grace"), plan="PRAIRIE"))
    acting(app, "supervisor", "*")
    first = await client.get("/members", params={"member_id": "LS1", "limit": 1})
    rest = await client.get(first.links["next"]["url"])
    last = await client.get(rest.links["next"]["url"])
    tokens = [member["member_token"] for page in (first, rest) for member in page.json()]
    whole = await client.get("/members", params={"member_id": "LS1"})
    assert (tokens, "Link" in whole.headers) == ([member["member_token"] for member in whole.json()], False)
    assert (len(set(tokens)), last.json(), "Link" in last.headers) == (2, [], False)


@pytest.mark.parametrize(
    ("numbers", "asked", "found"),
    [
        (["AB12"], "ab12", ["AB12"]), (["ab12"], "AB12", ["ab12"]), (["AB12"], "Ab12", ["AB12"]),
        (["AB12", "ab12"], "ab12", ["ab12"]), (["AB12", "ab12"], "aB12", ["AB12", "ab12"]), (["AB12"], "ab13", []),
    ],
)  # fmt: skip
async def test_a_number_is_found_in_other_letters(
    app: FastAPI, client: httpx.AsyncClient, office: Office, numbers: list[str], asked: str, found: list[str]
) -> None:
    """If nobody bears it just so: whoever types it from a letter finds its bearer, and chooses where there are two."""
    people = [("Lovelace", "Ada"), ("Hopper", "Grace")]
    rows = [Row(number, family=family, given=given) for number, (family, given) in zip(numbers, people, strict=False)]
    await office.read(roster(*rows))
    acting(app, "coordinator", "lakeshore")
    members = (await client.get("/members", params={"member_id": asked})).json()
    tokens = await office.fetch("select member_token::text, member_id from enrolment")
    known = {row["member_token"]: row["member_id"] for row in tokens}
    assert sorted(known[member["member_token"]] for member in members) == found


async def test_a_number_that_cannot_be(app: FastAPI, client: httpx.AsyncClient) -> None:
    """A NUL, which no text in the database can hold, is refused as the request's fault."""
    acting(app, "coordinator", "lakeshore")
    assert (await client.get("/members", params={"member_id": "LS\0"})).status_code == 422


async def test_another_plans_member_is_nobody(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """By number nobody is found, by token 404; the attempts are recorded too."""
    await office.read(roster(Row("LS1")))
    [row] = await office.fetch("select member_token::text from person")
    acting(app, "supervisor", "prairie")
    assert (await client.get("/members", params={"member_id": "LS1"})).json() == []
    assert (await client.get(f"/members/{row['member_token']}")).status_code == 404
    assert len(await office.fetch("select * from audit where action = 'read'")) == 2


async def test_numbers_cant_be_guessed(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """Of 300 numbers tried in a row a dozen are answered, each with its row in the trail; then even a good one must
    wait (v5.0.0-2.4.1)."""
    await office.read(roster(Row("LS1")))
    acting(app, "coordinator", "lakeshore")
    answers = [await client.get("/members", params={"member_id": f"LS{number}"}) for number in range(2, 302)]
    assert Counter(one.status_code for one in answers)[200] in range(12, 20)
    answered = Counter(one.status_code for one in answers)[200]
    assert len(await office.fetch("select from audit where action = 'read'")) == answered
    good = await client.get("/members", params={"member_id": "LS1"})
    assert (good.status_code, good.json()["type"]) == (429, "urn:vcc:problem:too-many-look-ups")
    assert int(good.headers["retry-after"]) >= 1


async def test_a_plan_does_not_see_another_plans_file(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """A file is seen by its sender and by the plan it is about."""
    file = await office.read(roster(Row("LS1")))
    seen: dict[str, tuple[int, int]] = {}
    for tenant in ("lakeshore", "prairie"):
        acting(app, "supervisor", tenant)
        one, many = await client.get(f"/feed-files/{file.file_id}"), await client.get("/feed-files")
        seen[tenant] = one.status_code, len(many.json())
    assert seen == {"lakeshore": (200, 1), "prairie": (404, 0)}


async def test_a_day_is_opened_by_http(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """The answer comes when everybody has his new answer; a past day is refused, a repetition replayed."""
    await office.read(roster(Row("LS1", born="19560310")))
    acting(app, "operator")
    headers = {"Idempotency-Key": "open-20210310"}
    for _ in range(2):
        answer = await client.post("/business-days", json={"business_on": "2021-03-10"}, headers=headers)
        assert (answer.status_code, answer.json()["business_on"]) == (201, "2021-03-10")
    assert (await office.last_facts())["LS1"]["status"] == "eligible"
    past = {"Idempotency-Key": "open-20210309"}
    answer = await client.post("/business-days", json={"business_on": "2021-03-09"}, headers=past)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:vcc:problem:business-day-past")
    assert (await client.get("/business-days/current")).json()["business_on"] == "2021-03-10"


async def test_a_plans_operator_opens_no_day(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """The day is everybody's: one who acts for one plan is refused."""
    acting(app, "operator", "lakeshore")
    key = {"Idempotency-Key": "open-20210302"}
    answer = await client.post("/business-days", json={"business_on": "2021-03-02"}, headers=key)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:vcc:problem:all-tenants-needed")
    assert await office.fetch("select business_on from clock") == [{"business_on": FIRST_DAY}]


@pytest.mark.parametrize(("day", "status"), [("2021-04-01", 201), ("2021-04-02", 422), ("9999-12-31", 422)])
async def test_a_day_is_no_leap(app: FastAPI, client: httpx.AsyncClient, office: Office, day: str, status: int) -> None:
    """Thirty-one days on from the open one at most; what is refused opens nothing."""
    acting(app, "operator")
    headers = {"Idempotency-Key": f"open-{day}"}
    assert (await client.post("/business-days", json={"business_on": day}, headers=headers)).status_code == status
    [clock] = await office.fetch("select business_on from clock")
    assert clock["business_on"] == (date(2021, 4, 1) if status == 201 else FIRST_DAY)


async def test_a_row_beyond_all_rows(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """A page behind what a file can have is the request's fault."""
    file = await office.read(roster(Row("LS1")))
    acting(app, "supervisor", "lakeshore")
    for after, status in (("2147483647", 200), ("2147483648", 422)):
        answer = await client.get(f"/feed-files/{file.file_id}/rejects", params={"after": after})
        assert answer.status_code == status


def test_every_route_is_guarded() -> None:
    """Each operation needs a token, and each write a key: but the front door, where the bytes are the key, and
    questions that write nothing."""
    app = create_app("Eligibility", "1")
    for router in build().routers:
        app.include_router(router)
    assert unguarded(app) == [
        "POST /feed-files: needs no idempotency key",
        "POST /forecasts: needs no idempotency key",
        "POST /$immds-forecast: needs no idempotency key",
        "POST /programmes/dry-runs: needs no idempotency key",
    ]
