"""Forecasts over HTTP: the same answer for both forms of a history, and refusals without values."""

from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from services.eligibility.forecast.api import forecasts as forecast_api
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.door import acting, door

pytestmark = pytest.mark.postgres
ONE_DAY = timedelta(days=1)
ON = {"assessment_on": "2025-11-20"}
CVX = "http://hl7.org/fhir/sid/cvx"
DIABETES = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "E11.9"}]}
JSON = {"birth_on": "1990-05-01", "gender": "female", "observations": [{"code": "014"}],
        "doses": [{"administered_on": "2024-03-01", "cvx": "33"}]}  # fmt: skip
BUNDLE: dict[str, Any] = {"resourceType": "Bundle", "entry": [
    {"resource": {"resourceType": "Patient", "id": "oma", "birthDate": "1990-05-01", "gender": "female"}},
    {"resource": {"resourceType": "Immunization", "status": "completed", "occurrenceDateTime": "2024-03-01",
                  "vaccineCode": {"coding": [{"system": CVX, "code": "33"}]}}},
    {"resource": {"resourceType": "Condition", "code": DIABETES}},
]}  # fmt: skip


@pytest.fixture
def app(office: Office) -> FastAPI:
    app = door(office.database, forecast_api.routes)
    acting(app, "chw")
    return app


def of_group(answer: dict[str, Any], group: str) -> dict[str, Any]:
    found = next(one for one in answer["forecasts"] if one["vaccine_group"] == group)
    return {**found, "evaluations": [{**one, "dose": ""} for one in found["evaluations"]]}


async def test_both_forms_of_a_history_give_one_answer(client: httpx.AsyncClient) -> None:
    """A diabetic of 35 with PPSV23 alone is due for a conjugate vaccine, whichever way it is told."""
    plain = (await client.post("/forecasts", json=JSON, params=ON)).json()
    fhir = (await client.post("/forecasts", json=BUNDLE, params=ON)).json()
    ours = of_group(plain, "Pneumococcal")
    assert ours == of_group(fhir, "Pneumococcal")
    assert (ours["series_type"], ours["status"], ours["recommended_on"]) == ("Risk", "due", "2025-03-01")
    assert fhir["observations"] == [{"where": "entry.2", "code": "014", "title": "Diabetes"}]
    assert any(line.startswith("  Why: ") for line in ours["explanation"])


async def test_the_recommendation_is_fhir(client: httpx.AsyncClient) -> None:
    """LOINC dates, CVX products and the status stand where FHIR has them; the narrative is the explanation."""
    answer = await client.post("/forecasts", json=BUNDLE, params={**ON, "_format": "application/fhir+json"})
    resource = answer.json()
    assert answer.headers["content-type"].startswith("application/fhir+json")
    assert (resource["resourceType"], resource["patient"]) == (
        "ImmunizationRecommendation", {"reference": "Patient/oma"},
    )  # fmt: skip
    one = next(each for each in resource["recommendation"] if each["vaccineCode"][0]["text"] == "Pneumococcal")
    assert one["forecastStatus"]["coding"][0]["code"] == "due"
    assert {each["code"]["coding"][0]["code"]: each["value"] for each in one["dateCriterion"]}["30980-7"] == (
        "2025-03-01"
    )
    assert "216" in {each["coding"][0]["code"] for each in one["vaccineCode"][1:]}
    assert "Pneumococcal (risk)" in resource["text"]["div"]


async def test_what_the_recommendation_refers_to_is_in_it(client: httpx.AsyncClient) -> None:
    """Each dose that counts is contained under the id that is referred to, in both forms, and no other is."""
    for body in (JSON, BUNDLE):
        resource = (await client.post("/forecasts", json=body, params=ON)).json()["recommendation"]
        referred = {
            each["reference"] for one in resource["recommendation"] for each in one.get("supportingImmunization", ())
        }
        assert referred == {f"#{one['id']}" for one in resource["contained"]} != set()
        [dose] = resource["contained"]
        assert (dose["resourceType"], dose["occurrenceDateTime"], dose["patient"]) == (
            "Immunization", "2024-03-01", resource["patient"],
        )  # fmt: skip
        assert dose["vaccineCode"]["coding"][0]["code"] == "33"


async def test_overdue_begins_on_the_day_after_the_past_due_date(client: httpx.AsyncClient) -> None:
    """On the past-due date the dose is due; a day later it is overdue since that very day."""
    body = {"birth_on": "1960-05-01", "doses": [{"administered_on": "2025-01-01", "cvx": "187"}]}
    first = of_group((await client.post("/forecasts", json=body, params=ON)).json(), "Zoster")
    last = date.fromisoformat(first["past_due_on"])
    for day, status, told in (
        (last, "due", f"overdue after {last}"), (last + ONE_DAY, "overdue", f"overdue since {last + ONE_DAY}"),
    ):  # fmt: skip
        answer = await client.post("/forecasts", json=body, params={"assessment_on": str(day)})
        found = of_group(answer.json(), "Zoster")
        assert (found["status"], told in found["explanation"][0]) == (status, True)


async def test_without_a_day_the_open_business_day_is_taken(client: httpx.AsyncClient) -> None:
    """Which lies before the release here, and the answer says so."""
    answer = (await client.post("/forecasts", json=JSON)).json()
    assert (answer["assessment_on"], answer["is_covered"]) == ("2021-03-01", False)


@pytest.mark.parametrize("day", ["1900-01-01", "2999-12-31"])
async def test_the_first_and_the_last_day_of_cdcs_logic(client: httpx.AsyncClient, day: str) -> None:
    """At both edges there is an answer."""
    body = {"birth_on": "1900-01-01", "doses": [{"administered_on": day, "cvx": "187"}]}
    assert (await client.post("/forecasts", json=body, params={"assessment_on": day})).status_code == 200


async def test_a_shot_on_no_day_of_cdcs_logic_is_told(client: httpx.AsyncClient) -> None:
    """In a Bundle it is left out, by its place."""
    entries = [BUNDLE["entry"][0], {"resource": {**BUNDLE["entry"][1]["resource"], "occurrenceDateTime": "9999-12-31"}}]
    answer = (await client.post("/forecasts", json={**BUNDLE, "entry": entries}, params=ON)).json()
    assert [(one["where"], one["code"]) for one in answer["not_used"]] == [("entry.1", "no-day")]


@pytest.mark.parametrize(
    ("body", "params", "status", "code"),
    [
        (JSON, {"release": "9.99"}, 422, "unknown-release"),
        ({"resourceType": "Bundle", "entry": []}, {}, 422, "one-patient"),
        ({"birth_on": "2031-01-01"}, ON, 422, "not-born"),
        ({"birth_on": "1990-13-01"}, ON, 422, "invalid-request"),
        ({"birth_on": "0001-01-01"}, ON, 422, "invalid-request"),
        ({**JSON, "doses": [{"administered_on": "9999-12-31", "cvx": "187"}]}, ON, 422, "invalid-request"),
        ({**JSON, "observations": [{"code": "014", "observed_on": "0001-01-01"}]}, ON, 422, "invalid-request"),
        (JSON, {"assessment_on": "9999-12-31"}, 422, "invalid-request"),
        ({"doses": []}, ON, 422, "invalid-request"),
        ({"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient"}}]}, ON, 422, "invalid-request"),
    ],
)
async def test_refusals_name_no_value(
    client: httpx.AsyncClient, body: Any, params: dict[str, str], status: int, code: str
) -> None:
    """A wrong request is told what was expected, and hears nothing of what it sent."""
    answer = await client.post("/forecasts", json=body, params=params)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:vcc:problem:{code}")
    assert not {"1990", "2031", "9.99"} & set(answer.text.replace("-", '"').split('"'))
