"""A referral as FHIR R4 for whoever has software: ServiceRequest, Task, Consent and what may be seen of the Patient, as
Gravity's SDOH Clinical Care profiles have them. Pure."""

from typing import Any

from schemas.referral_v1 import ReferralStatus
from services.outreach.referrals.rules import Referral
from services.outreach.referrals.shown import Shown
from services.outreach.sharing.rules import SharingConsent

Json = dict[str, Any]
SDOHCC = "http://hl7.org/fhir/us/sdoh-clinicalcare"
CATEGORY = f"{SDOHCC}/CodeSystem/SDOHCC-CodeSystemTemporaryCodes"
REQUEST_STATUS = {
    ReferralStatus.COMPLETED: "completed", ReferralStatus.REJECTED: "revoked", ReferralStatus.CANCELLED: "revoked",
    ReferralStatus.FAILED: "revoked", ReferralStatus.ON_HOLD: "on-hold",
}  # fmt: skip
"""Of the ServiceRequest, by the Task's; any other: active."""


def bundle(referral: Referral, shown: Shown, consent: SharingConsent) -> Json:
    """All four, which refer to each other by the referral's id: no token of the member is in it."""
    patient, request = (f"urn:vcc:{name}:{referral.referral_id}" for name in ("patient", "service-request"))
    resources = {
        patient: _patient(shown),
        request: _service_request(referral, shown, patient),
        f"urn:vcc:task:{referral.referral_id}": _task(referral, patient, request),
        f"urn:vcc:consent:{consent.consent_id}": _consent(referral, consent, patient),
    }
    entries = [{"fullUrl": url, "resource": resource} for url, resource in resources.items()]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def _patient(shown: Shown) -> Json:
    name = {"family": shown.family, "given": [shown.given] if shown.given else None}
    telecom = [{"system": "phone", "value": one} for one in shown.telephones]
    telecom += [{"system": "email", "value": one} for one in shown.emails]
    address = shown.address
    lines = [] if address is None else [line for line in (address.street, address.unit) if line]
    return _said({
        "resourceType": "Patient",
        "name": [_said(name)] if shown.family else None,
        "telecom": telecom,
        "address": None if address is None else [
            _said({"line": lines, "city": address.city, "state": address.state, "postalCode": address.zip5})
        ],
        "communication": [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": shown.language}]}}]
        if shown.language else None,
    })  # fmt: skip


def _service_request(referral: Referral, shown: Shown, patient: str) -> Json:
    demand = referral.demand
    category = [{"coding": [{"system": CATEGORY, "code": shown.need}]}] if shown.need else None
    return _said({
        "resourceType": "ServiceRequest",
        "meta": {"profile": [f"{SDOHCC}/StructureDefinition/SDOHCC-ServiceRequest"]},
        "status": REQUEST_STATUS.get(referral.status, "active"),
        "intent": "order",
        "category": category,
        "code": {"text": demand.support or demand.kind.value},
        "subject": {"reference": patient},
        "authoredOn": referral.requested_on.isoformat(),
        "requester": {"identifier": {"value": referral.tenant_id}},
        "performer": [{"identifier": {"value": demand.partner_id}}],
    })  # fmt: skip


def _task(referral: Referral, patient: str, request: str) -> Json:
    end = {} if referral.due_on is None else {"end": referral.due_on.isoformat()}
    return _said({
        "resourceType": "Task",
        "meta": {"profile": [f"{SDOHCC}/StructureDefinition/SDOHCC-TaskForReferralManagement"]},
        "status": referral.status.value,
        "statusReason": None if referral.status_reason is None else {"text": referral.status_reason},
        "intent": "order",
        "code": {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]},
        "focus": {"reference": request},
        "for": {"reference": patient},
        "authoredOn": referral.requested_on.isoformat(),
        "lastModified": referral.status_on.isoformat(),
        "requester": {"identifier": {"value": referral.tenant_id}},
        "owner": {"identifier": {"value": referral.demand.partner_id}},
        "restriction": {"period": end} if end else None,
    })  # fmt: skip


def _consent(referral: Referral, consent: SharingConsent, patient: str) -> Json:
    period = {"start": consent.given_on.isoformat()}
    period |= {} if consent.until_on is None else {"end": consent.until_on.isoformat()}
    return {
        "resourceType": "Consent",
        "status": "active",
        "scope": {"coding": [
            {"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}
        ]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": patient},
        "dateTime": consent.given_on.isoformat(),
        "organization": [{"identifier": {"value": referral.tenant_id}}],
        "policyRule": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "OPTIN"}]},
        "provision": {
            "type": "permit",
            "period": period,
            "actor": [{
                "role": {"coding": [{
                    "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP"
                }]},
                "reference": {"identifier": {"value": consent.partner_id}},
            }],
        },
    }  # fmt: skip


def _said(resource: Json) -> Json:
    """Without what nothing is said of: FHIR has no empty values."""
    return {name: value for name, value in resource.items() if value not in (None, "", [], {})}
