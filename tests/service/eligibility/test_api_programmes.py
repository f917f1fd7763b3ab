"""Programmes, dry runs and observations over HTTP."""

from datetime import date
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from services.eligibility.decisions.api import members as members_api
from services.eligibility.decisions.api import observations as observations_api
from services.eligibility.decisions.api import programmes as programmes_api
from services.eligibility.decisions.flow import days
from services.kit.auth import Principal, authenticate
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.door import acting, door
from tests.service.eligibility.messages import Row, Shot, roster, vxu
from tests.service.eligibility.programmes import ARMS, HOMEBOUND, TOP_HALF

pytestmark = pytest.mark.postgres
EVERYBODY = "\n".join(line for line in ARMS.splitlines() if not line.startswith("arms:"))

ALIASES = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9))
"""Each stands for nine of the one before it."""


@pytest.fixture
def app(office: Office) -> FastAPI:
    return door(office.database, programmes_api.routes, observations_api.routes, members_api.routes)


async def tried(client: httpx.AsyncClient, document: str, **params: Any) -> dict[str, Any]:
    answer = await client.post("/programmes/dry-runs", json={"document": document}, params=params)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def publish(app: FastAPI, client: httpx.AsyncClient, office: Office, document: str, key: str) -> httpx.Response:
    acting(app, "operator")
    headers = {"Idempotency-Key": f"publish-{key}"}
    answer = await client.post("/programmes", json={"document": document}, headers=headers)
    await days.redecide_due(office.database.pool)
    return answer


def said(member_id: str, code: str, system: str = "vcc", **more: Any) -> dict[str, Any]:
    return {"member_id": member_id, "system": system, "code": code, "observed_on": "2021-02-01", **more}


async def tell(client: httpx.AsyncClient, *rows: dict[str, Any], key: str = "observe-1") -> httpx.Response:
    body = {"plan": "lakeshore", "observations": rows}
    return await client.post("/member-observations", json=body, headers={"Idempotency-Key": key})


def four() -> str:
    return roster(*(Row(f"LS{n}", given="Count" + "x" * n, born=f"19{30 + n}0501") for n in range(4)))


async def test_a_document_is_tried_before_it_is_live(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """What the dry run foretells is what happens; it writes nothing, and plans that take no part are in no count."""
    await office.read(four())
    await office.read(roster(Row("PR1", given="Zoe"), plan="PRAIRIE"))
    acting(app, "operator")
    foretold = await tried(client, TOP_HALF)
    assert foretold["total"] == {"enter": 2, "leave": 0, "stay": 0, "out": 2}
    assert foretold["kept_out_by"] == {"below-cap": 2}
    assert [(one["group"], one["population"], one["admitted"]) for one in foretold["cut_offs"]] == [("lakeshore", 4, 2)]
    assert {one["programme_id"] for one in await office.fetch("select programme_id from decision")} == {
        "illinois-connectors-65",
    }  # fmt: skip
    assert await office.fetch("select from risk_score") == []
    assert (await publish(app, client, office, TOP_HALF, "1")).status_code == 201
    rows = await office.fetch("select fact->>'status' as status from decision join enrolment using (enrolment_id)"
                              " where programme_id = 'street-top' and tenant_id = 'lakeshore'")  # fmt: skip
    assert sorted(row["status"] for row in rows) == ["eligible", "eligible", "ineligible", "ineligible"]
    acting(app, "operator")
    assert (await tried(client, TOP_HALF))["total"] == {"enter": 0, "leave": 0, "stay": 2, "out": 2}


async def test_a_dry_run_draws_one_arm_for_somebody_in_two_plans(
    app: FastAPI, client: httpx.AsyncClient, office: Office
) -> None:
    """As the programme does when it is live: the arms that are foretold are those that are told."""
    for n in range(12):
        await office.read(roster(Row(f"LS{n}", given="Oma" + "x" * n)))
        await office.read(roster(Row(f"PR{n}", given="Oma" + "x" * n), plan="PRAIRIE"))
    await office.fetch("update enrolment set street = member_id || ' Elm St'")
    both = ARMS.replace("[lakeshore]", "[lakeshore, prairie]")
    acting(app, "operator")
    foretold = (await tried(client, both))["arms"]
    await publish(app, client, office, both, "1")
    told = await office.fetch("select fact->>'arm' as arm, count(*) from decision"
                              " where programme_id = 'street-trial' group by 1")  # fmt: skip
    assert foretold == {row["arm"]: row["count"] for row in told}


async def test_who_enters_and_leaves_is_named_on_demand(
    app: FastAPI, client: httpx.AsyncClient, office: Office
) -> None:
    """With the reasons, and the look is audited; without a sample nobody is named."""
    await office.read(four())
    await office.read(vxu(Shot("a", given="Count", born="19300501")))
    await publish(app, client, office, EVERYBODY, "1")
    acting(app, "supervisor", "lakeshore")
    older = EVERYBODY.replace("version: 1", "version: 2").replace("age_from: 18", "age_from: 89")
    found = await tried(client, older, sample=10)
    rows = await office.fetch("select enrolment_id, member_id from enrolment")
    names = {str(row["enrolment_id"]): row["member_id"] for row in rows}
    leaving = {names[one["enrolment_id"]]: one["reasons"] for one in found["leaving"]}
    assert leaving == {"LS2": ["under-age"], "LS3": ["under-age"]}
    assert (found["total"], found["left_by"]) == ({"enter": 0, "leave": 2, "stay": 1, "out": 1}, {"under-age": 2})
    assert found["kept_out_by"] == {"under-age": 2, "already-vaccinated": 1}
    [audited] = await office.fetch("select kind, subjects from audit where kind = 'enrolment'")
    assert (audited["kind"], {names[one] for one in audited["subjects"]}) == ("enrolment", {"LS2", "LS3"})
    assert (await tried(client, older))["leaving"] == []


@pytest.mark.parametrize("role", ["analyst", "state"])
async def test_who_may_not_see_members_gets_tens_and_no_names(
    app: FastAPI, client: httpx.AsyncClient, office: Office, role: str
) -> None:
    """One member more or less changes nothing that an analyst is told; fewer than 11 are told to him as nobody is
    (v5.0.0-8.2.3)."""
    crowd = [Row(f"LS{n}", given="Count" + "x" * n, born="19300501") for n in range(16)]
    await office.read(roster(*crowd[:15], Row("LT1", given="Elmo", born="19900501", race="C")))
    acting(app, role)
    older = EVERYBODY.replace("age_from: 18", "age_from: 65")
    with_one = await tried(client, EVERYBODY, sample=10)
    without = await tried(client, older, sample=10)
    assert [one["total"] for one in (with_one, without)] == [TENS, TENS]
    assert {**with_one, "sha256": ""} == {**without, "sha256": ""}
    assert (with_one["entering"], with_one["is_rounded"]) == ([], True)
    counts = [count for group in with_one["groups"] for count in (group["enter"], group["out"])]
    assert {count for count in counts if count is not None and count % 10} == set()


async def test_two_roles_of_one_person_do_not_add_up(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """Who may look members up as a coordinator, and tries documents as an analyst, is named nobody by a dry run
    (v5.0.0-8.2.3)."""
    await office.read(roster(*(Row(f"LS{n}", given="Count" + "x" * n, born="19300501") for n in range(15))))
    both = Principal("grover", frozenset({"analyst", "coordinator"}), frozenset({"lakeshore"}), "lakeshore")
    app.dependency_overrides[authenticate] = lambda: both
    found = await tried(client, EVERYBODY, sample=10)
    assert (found["total"], found["entering"], found["is_rounded"]) == (TENS, [], True)


TENS = {"enter": 20, "leave": None, "stay": None, "out": None}


async def test_dry_runs_are_counted_and_audited(
    app: FastAPI, client: httpx.AsyncClient, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client has one budget of 24 hours, for whichever tenant it acts and however often the service starts; every
    try is in the trail, also the refused one (v5.0.0-2.4.1)."""
    monkeypatch.setattr(programmes_api, "A_DAY_UNSEEING", 2)
    await office.read(four())
    for tenant in ("lakeshore", "prairie"):
        acting(app, "analyst", tenant)
        await tried(client, EVERYBODY)
    refused = await client.post("/programmes/dry-runs", json={"document": EVERYBODY})
    assert (refused.status_code, refused.json()["type"]) == (429, "urn:vcc:problem:too-many-dry-runs")
    assert "retry-after" in refused.headers
    rows = await office.fetch("select tenant_id, subjects[3] as outcome from audit where kind = 'dry-run'"
                              " order by audit_id")  # fmt: skip
    assert [tuple(row.values()) for row in rows] == [
        ("lakeshore", "tried"),
        ("prairie", "tried"),
        ("prairie", "refused"),
    ]
    await office.fetch("update dry_run set asked_at = asked_at - interval '25 hours'")
    await tried(client, EVERYBODY)


async def test_a_bias_is_seen_in_the_distribution(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """Scores and admissions by each group: who is left out more than others stands there before it acts."""
    old = (Row(f"LS{n}", given="Count" + "x" * n, born="19300501", race="B") for n in range(3))
    young = (Row(f"LT{n}", given="Elmo" + "x" * n, born="19800501", race="C") for n in range(3))
    await office.read(roster(*old, *young))
    acting(app, "operator")
    groups = {(one["dimension"], one["group"]): one for one in (await tried(client, TOP_HALF))["groups"]}
    black, white = groups["race_ethnicity", "black-or-african-american"], groups["race_ethnicity", "white"]
    assert (black["share_in"], black["impact"], white["share_in"], white["impact"]) == (1.0, 2.0, 0.0, 0.0)
    assert black["risk"]["mean"] > white["risk"]["mean"]
    assert sum(groups["all", "all"]["risk"]["tiers"].values()) == 6
    assert {dimension for dimension, _ in groups} == {
        "all", "plan", "county", "race_ethnicity", "language", "sex", "age_band", "line_of_business",
    }  # fmt: skip


async def test_a_plan_tries_a_document_on_its_own_members(
    app: FastAPI, client: httpx.AsyncClient, office: Office
) -> None:
    """Another plan's members are in no count of it."""
    await office.read(four())
    await office.read(roster(Row("PR1", given="Zoe"), plan="PRAIRIE"))
    both = ARMS.replace("[lakeshore]", "[lakeshore, prairie]")
    acting(app, "operator")
    assert sum((await tried(client, both))["total"].values()) == 5
    acting(app, "supervisor", "prairie")
    assert sum((await tried(client, both))["total"].values()) == 1


@pytest.mark.capability("A10")
async def test_publishing(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """Once; the same text again is no news, another under the same version is refused, a wrong one is told where."""
    await office.read(four())
    assert (await publish(app, client, office, ARMS, "1")).status_code == 201
    assert (await publish(app, client, office, ARMS, "2")).status_code == 200
    taken = await publish(app, client, office, ARMS.replace("A trial", "The trial"), "3")
    assert (taken.status_code, taken.json()["type"]) == (409, "urn:vcc:problem:programme-version-taken")
    wrong = await publish(app, client, office, ARMS.replace("unit: household", "unit: street"), "4")
    assert (wrong.status_code, wrong.json()["detail"]) == (
        422, "document:11: arms.unit: String should match pattern '^(person|household)$'",
    )  # fmt: skip
    listed = {one["programme_id"]: one["is_live"] for one in (await client.get("/programmes")).json()}
    assert (listed["street-trial"], listed["illinois-connectors-65"], listed["community-connect"]) == (
        True,
        True,
        False,
    )
    told = [fact for fact in await office.events("programme") if fact["programme_id"] == "street-trial"]
    assert [(fact["rule"], fact["arms"]) for fact in told] == [("doses", ["offered", "control"])]


async def test_a_plans_operator_publishes_nothing(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """A document decides for every plan that it names, be it the operator's own."""
    acting(app, "operator", "lakeshore")
    answer = await client.post("/programmes", json={"document": ARMS}, headers={"Idempotency-Key": "publish-1"})
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:vcc:problem:all-tenants-needed")
    assert len(await office.fetch("select from programme")) == 1


async def test_a_plan_sees_the_programmes_in_which_it_takes_part(
    app: FastAPI, client: httpx.AsyncClient, office: Office
) -> None:
    """Of those that are live and of those that wait; who acts for all sees all."""
    await publish(app, client, office, ARMS, "1")
    seen: dict[str, set[str]] = {}
    for tenant in ("lakeshore", "prairie", "*"):
        acting(app, "supervisor", tenant)
        seen[tenant] = {one["programme_id"] for one in (await client.get("/programmes")).json()}
    assert "street-trial" in seen["lakeshore"] & seen["*"]
    assert seen["prairie"] == {"illinois-connectors-65"}
    assert "community-connect" in seen["*"]


async def test_who_sees_all_plans_sees_what_cannot_be_read(
    app: FastAPI, client: httpx.AsyncClient, office: Office
) -> None:
    """A published version that this service can't read is listed with the line; a plan's staff see the others."""
    await publish(app, client, office, ARMS, "1")
    await office.fetch("update programme set document = replace(document, 'unit: household', 'unit: street')")
    acting(app, "supervisor", "lakeshore")
    assert "street-trial" not in {one["programme_id"] for one in (await client.get("/programmes")).json()}
    acting(app, "operator")
    first, *others = (await client.get("/programmes")).json()
    assert first == {
        "programme_id": "street-trial", "version": 1,
        "wrong": ["document:11: arms.unit: String should match pattern '^(person|household)$'"],
    }  # fmt: skip
    assert {one["programme_id"] for one in others if one["is_live"]} == {"illinois-connectors-65"}


@pytest.mark.parametrize(
    ("old", "new"),
    [("effective_on: 2021-01-01", "effective_on: 2021-02-30"), ("version: 1", "version: 99999999999"),
     ("offered: 0.5", "offered: .nan"), ("title: A trial", 'title: "A\\0trial"'), ("version: 1", "version: !!bool x"),
     ("version: 1", "version: 1\n" + ALIASES), ("title: A trial", f"title: {'[' * 5000}")],
)  # fmt: skip
async def test_a_document_that_cannot_be(
    app: FastAPI, client: httpx.AsyncClient, office: Office, old: str, new: str
) -> None:
    """Published or tried, it is refused with its line, and nothing is stored; so is one whose aliases would become
    millions of values, or that goes too deep (v5.0.0-1.5.2)."""
    acting(app, "operator")
    body, headers = {"document": ARMS.replace(old, new)}, {"Idempotency-Key": "publish-1"}
    for path in ("/programmes", "/programmes/dry-runs"):
        answer = await client.post(path, json=body, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:vcc:problem:programme-document-wrong")
        assert answer.json()["detail"].startswith("document:")
    assert len(await office.fetch("select from programme")) == 1


async def test_observations_come_in(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """Accepted rows decide at once; wrong ones are rejected by their position and what was expected."""
    await office.read(four())
    await publish(app, client, office, HOMEBOUND, "1")
    acting(app, "integration", "lakeshore")
    answer = await tell(
        client, said("LS0", "homebound"), said("LS1", "Z74.01", "icd10"), said("nobody", "homebound"),
        said("LS2", "sleepy"), said("LS2", "missed-appointments"), said("LS3", "homebound", ended_on="2021-02-01"),
    )  # fmt: skip
    out = answer.json()
    assert (answer.status_code, out["accepted"], out["members_changed"]) == (200, 2, 2)
    assert [(one["position"], one["code"]) for one in out["rejected"]] == [
        (2, "member-unknown"), (3, "code-unknown"), (4, "value-missing"), (5, "dates"),
    ]  # fmt: skip
    rows = await office.fetch("select member_id, fact from decision join enrolment using (enrolment_id)"
                              " where programme_id = 'street-visits'")  # fmt: skip
    assert {row["member_id"] for row in rows if row["fact"]["status"] == "eligible"} == {"LS0", "LS1"}
    again = await tell(client, said("LS0", "homebound"), key="observe-2")
    assert (again.json()["accepted"], again.json()["members_changed"]) == (1, 0)


async def test_a_plan_speaks_for_itself_only(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """Another plan's observations are refused as a whole."""
    await office.read(four())
    acting(app, "integration", "prairie")
    answer = await tell(client, said("LS0", "homebound"))
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:vcc:problem:other-plan")
    assert await office.fetch("select from member_observation") == []


@pytest.mark.capability("C3", "D1")
async def test_a_member_is_explained(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """Rule, risk with each factor's points and source, and the benefits that a need speaks for."""
    await office.read(four())
    await publish(app, client, office, HOMEBOUND, "1")
    await office.open_day(date(2022, 1, 3))
    acting(app, "integration", "lakeshore")
    await tell(client, said("LS0", "homebound"))
    acting(app, "coordinator", "lakeshore")
    [member] = (await client.get("/members", params={"member_id": "LS0"})).json()
    answer = next(one for one in member["answers"] if one["programme_id"] == "street-visits")
    assert (answer["rule"], answer["risk_model"], answer["status"]) == ("doses", "social-risk.1", "eligible")
    [risk] = member["risks"]
    assert sum(one["points"] for one in risk["contributions"]) == risk["score"]
    homebound = next(one for one in risk["contributions"] if one["factor"] == "homebound")
    assert (homebound["value"], homebound["points"], homebound["title"]) == (1.0, 8, "Does not leave home")
    ride = next(one for one in member["benefits"] if one["code"] == "medical-ride")
    assert (ride["is_indicated"], ride["because"], ride["missing"], ride["rule"]) == (
        False, ["homebound"], ["line-of-business"], "california.1",
    )  # fmt: skip


@pytest.mark.capability("B17", "C3", "E7")
async def test_benefits_end_with_the_coverage_and_with_the_life(
    app: FastAPI, client: httpx.AsyncClient, office: Office
) -> None:
    """Whose coverage has lapsed lacks it for every benefit; of the dead none is told."""
    await office.read(roster(*(Row(f"LS{n}", given="Count" + "x" * n) for n in (1, 2, 3))))
    for member_id, end in (("LS1", "2021-12-31"), ("LS2", None), ("LS3", None)):
        spans = [["medicaid", "2020-01-01", end, end]]
        await office.fetch("update enrolment set spans = $2 where member_id = $1", member_id, spans)
    await office.fetch("update person set is_deceased = true from enrolment e where"
                       " e.member_token = person.member_token and member_id = 'LS3'")  # fmt: skip
    await office.open_day(date(2022, 1, 3))
    acting(app, "integration", "lakeshore")
    await tell(client, *(said(f"LS{n}", "homelessness") for n in (1, 2, 3)))
    acting(app, "coordinator", "lakeshore")
    missing: dict[str, set[str]] = {}
    for name in ("LS1", "LS2", "LS3"):
        [member] = (await client.get("/members", params={"member_id": name})).json()
        missing[name] = {code for one in member["benefits"] for code in one["missing"]}
        if name != "LS3":
            ecm = next(one for one in member["benefits"] if one["code"] == "ecm")
            assert (ecm["is_indicated"], "coverage" in ecm["missing"]) == (name == "LS2", name == "LS1")
    assert ("coverage" in missing["LS1"], "coverage" in missing["LS2"], missing["LS3"]) == (True, False, set())
