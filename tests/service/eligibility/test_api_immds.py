"""`$immds-forecast` over HTTP, and what the answer says beside the forecasts."""

from typing import Any

import httpx
import pytest

from services.eligibility.forecast import overlay_documents
from tests.service.eligibility.test_api_forecasts import CVX, JSON, ON, app
from tests.unit.eligibility.forecast.test_overlay import DOCUMENT

pytestmark = pytest.mark.postgres
__all__ = ["app"]
FHIR = "application/fhir+json"


def a_shot(cvx: str, on: str, **more: str) -> dict[str, Any]:
    return {"name": "immunization", "resource": {
        "resourceType": "Immunization", "status": "completed", "occurrenceDateTime": on,
        "vaccineCode": {"coding": [{"system": CVX, "code": cvx}]}, **more,
    }}  # fmt: skip


def parameters(*more: dict[str, Any], on: str = "2025-11-20", gender: str = "female") -> dict[str, Any]:
    patient = {"resourceType": "Patient", "id": "oma", "birthDate": "1950-05-01", "gender": gender}
    return {"resourceType": "Parameters", "parameter": [
        {"name": "assessmentDate", "valueDate": on}, {"name": "patient", "resource": patient}, *more,
    ]}  # fmt: skip


async def asked(client: httpx.AsyncClient, body: dict[str, Any], **params: str) -> dict[str, list[dict[str, Any]]]:
    answer = await client.post("/$immds-forecast", json=body, params=params, headers={"content-type": FHIR})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith(FHIR)
    found: dict[str, list[dict[str, Any]]] = {}
    for one in answer.json()["parameter"]:
        found.setdefault(one["name"], []).append(one["resource"])
    return found


async def test_parameters_go_in_and_out(client: httpx.AsyncClient) -> None:
    """One evaluation per dose and antigen, and one recommendation in which each vaccine group stands once, by CVX."""
    answer = await asked(client, parameters(a_shot("187", "2024-02-01", id="z1"), a_shot("187", "2024-02-10")))
    (recommendation,) = answer["recommendation"]
    first, second = answer["evaluation"]
    assert (first["immunizationEvent"], first["targetDisease"]) == (
        {"reference": "Immunization/z1"},
        {"text": "Zoster"},
    )
    assert [each["doseStatus"]["coding"][0]["code"] for each in (first, second)] == ["valid", "notvalid"]
    assert second["doseStatusReason"] == [{"text": "Interval: Too Soon"}]
    assert first["patient"] == recommendation["patient"] == {"reference": "Patient/oma"}
    codes = [one["vaccineCode"][0]["coding"][0] for one in recommendation["recommendation"]]
    assert all(code["system"] == CVX and code["code"].isdigit() for code in codes)
    texts = [one["vaccineCode"][0]["text"] for one in recommendation["recommendation"]]
    assert len(texts) == len(set(texts)) > 10
    zoster = recommendation["recommendation"][texts.index("Zoster")]
    assert zoster["vaccineCode"][0]["coding"][0]["code"] == "188"
    assert zoster["doseNumberPositiveInt"] == 2
    assert "outcome" not in answer


async def test_nothing_that_was_sent_vanishes(client: httpx.AsyncClient) -> None:
    """A vaccine that nobody knows, a dose after the day, a dose not given: each is named by its place."""
    body = parameters(
        a_shot("999", "2024-02-01"), a_shot("187", "2025-12-01"),
        {"name": "immunization", "resource": {**a_shot("187", "2024-02-01")["resource"], "status": "not-done"}},
    )  # fmt: skip
    (outcome,) = (await asked(client, body))["outcome"]
    assert [(one["expression"][0], one["diagnostics"]) for one in outcome["issue"]] == [
        ("Parameters.parameter[4]", "The vaccine was not given, or its record was entered in error."),
        ("Parameters.parameter[2]", "This release does not know the vaccine's CVX code."),
        ("Parameters.parameter[3]", "The dose lies after the day of the assessment."),
    ]


async def test_a_contraindication_is_the_reason(client: httpx.AsyncClient) -> None:
    """CDC's own text stands first among the reasons; a gender that FHIR calls other is asked as unknown."""
    allergy = {"coding": [{"system": "http://snomed.info/sct", "code": "293104008"}]}
    reaction = {"name": "condition", "resource": {"resourceType": "AllergyIntolerance", "code": allergy}}
    answer = await asked(client, parameters(reaction, gender="other"))
    (recommendation,) = answer["recommendation"]
    barred = [one for one in recommendation["recommendation"] if one["forecastStatus"]["text"] == "Contraindicated"]
    assert barred
    assert all(one["forecastReason"][0]["text"].startswith("Do not vaccinate if the patient") for one in barred)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name": "assessmentDate"}, "assessment-date"),
        ({"name": "assessmentDate", "valueDate": "1949-01-01"}, "not-born"),
    ],
)
async def test_what_is_missing_is_refused(client: httpx.AsyncClient, change: dict[str, str], code: str) -> None:
    """Without a day, or with one before the birth, nothing is forecast; nor without exactly one patient."""
    body = parameters()
    body["parameter"][0] = change
    answer = await client.post("/$immds-forecast", json=body)
    assert (answer.status_code, answer.json()["type"]) == (422, f"urn:vcc:problem:{code}")
    alone = {**body, "parameter": [{"name": "assessmentDate", "valueDate": "2025-01-01"}]}
    assert (await client.post("/$immds-forecast", json=alone)).json()["type"] == "urn:vcc:problem:one-patient"


async def test_a_day_beyond_the_release_s_seasons_is_warned_of(client: httpx.AsyncClient) -> None:
    """In November 2026 release 4.64 has no influenza season any more; in November 2025 it has all of its seasons."""
    answer = (await client.post("/forecasts", json=JSON, params={"assessment_on": "2026-11-20"})).json()
    assert {(one["vaccine_group"], one["season_ended_on"]) for one in answer["warnings"]} == {
        ("COVID-19", "2026-08-26"), ("Influenza", "2026-06-30"), ("RSV", "2026-03-31"),
    }  # fmt: skip
    assert (await client.post("/forecasts", json=JSON, params=ON)).json()["warnings"] == []
    outcome = (await asked(client, parameters(on="2026-11-20")))["outcome"][0]
    assert [one["severity"] for one in outcome["issue"]] == ["warning"] * 3


async def test_what_was_not_used_is_told_by_its_place(client: httpx.AsyncClient) -> None:
    """In our own form too: doses and observations of which no rule makes anything."""
    given = (("2024-03-01", "999"), ("2025-12-24", "33"), ("1989-01-01", "33"), ("2024-03-01", "33"))
    doses = [{"administered_on": on, "cvx": cvx} for on, cvx in given]
    observations = [{"code": "999"}, {"code": "014", "observed_on": "2026-01-01"}]
    body = {"birth_on": "1990-05-01", "observations": observations, "doses": doses}
    answer = (await client.post("/forecasts", json=body, params=ON)).json()
    assert [(one["where"], one["code"]) for one in answer["not_used"]] == [
        ("doses.0", "cvx-unknown"), ("doses.1", "after-the-day"), ("doses.2", "before-birth"),
        ("observations.0", "observation-unknown"), ("observations.1", "observed-after-the-day"),
    ]  # fmt: skip


async def test_one_headline_of_each_vaccine_group(client: httpx.AsyncClient) -> None:
    """Somebody at risk has two forecasts of a group: one is the headline, and FHIR's recommendation is of it."""
    body = {"birth_on": "1961-08-10", "gender": "female", "observations": [{"code": "143"}]}
    answer = (await client.post("/forecasts", json=body, params=ON)).json()
    polio = [one for one in answer["forecasts"] if one["vaccine_group"] == "Polio"]
    assert [(one["series_type"], one["is_headline"]) for one in polio] == [("Standard", False), ("Risk", True)]
    groups = [one["vaccine_group"] for one in answer["forecasts"]]
    assert sum(one["is_headline"] for one in answer["forecasts"]) == len(set(groups))
    (told,) = (one for one in answer["recommendation"]["recommendation"] if one["vaccineCode"][0]["text"] == "Polio")
    assert told["forecastStatus"]["coding"][0]["code"] == "due"
    assert "Also (standard): too old for it" in told["description"]


async def test_a_state_s_recommendations_are_asked_by_name(
    client: httpx.AsyncClient, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The overlay of an invented state answers otherwise than CDC, and says whose word that is; an unknown one is
    refused."""
    (tmp_path / "zenith.yaml").write_text(DOCUMENT, "utf-8")
    monkeypatch.setenv(overlay_documents.OVERLAYS, str(tmp_path))
    overlay_documents.overlay_paths.cache_clear()
    try:
        body = {"birth_on": "1964-01-01", "gender": "male"}
        answer = (await client.post("/forecasts", json=body, params={**ON, "jurisdiction": "US-ZZ"})).json()
        unknown = await client.post("/forecasts", json=body, params={**ON, "jurisdiction": "US-CA"})
        fhir = await asked(client, parameters(), jurisdiction="US-ZZ")
    finally:
        overlay_documents.overlay_paths.cache_clear()
    assert answer["release"] == "4.64+US-ZZ"
    changes = {one["code"]: one for one in answer["overlay"]}
    assert changes["rsv-from-60"]["vaccine_groups"] == ["RSV"]
    assert changes["rsv-from-60"]["source"] == "Department of Health of Zenith, letter 7 (invented)"
    adults = [one for one in answer["forecasts"] if one["vaccine_group"] == "RSV" and one["is_headline"]]
    assert [one["recommended_on"] for one in adults] == ["2024-01-01"]
    assert (unknown.status_code, unknown.json()["type"]) == (422, "urn:vcc:problem:unknown-overlay")
    assert "US-ZZ laid over it" in fhir["recommendation"][0]["authority"]["display"]
