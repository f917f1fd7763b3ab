"""Partners, agreements and consents as tests of outreach describe them."""

from typing import Any

import httpx

from tests.service.outreach.builders import Outreach, Worker, case_id
from tests.service.outreach.test_wishes import post
from tests.service.outreach.test_workers import put

HARVEST: dict[str, Any] = {
    "name": "Harvest Food Bank",
    "kind": "food",
    "status": "current",
    "relation": "none",
    "needs": ["food-insecurity"],
    "counties": ["17031"],
    "asks": ["flyers in Spanish"],
    "offers": ["a weekly pantry"],
    "aim": "nobody comes hungry",
    "meets": "monthly",
    "contacts": [
        {
            "name": "Grace Hopper", "role": "intake", "telephone": "+13125550100", "email": "intake@harvest.example",
            "is_registered": True,
        }
    ],
    "contracts": [{"county": "17031", "services": ["medically-tailored-meals"], "from_on": "2021-01-01"}],
}  # fmt: skip
AGREED: dict[str, Any] = {
    "partner_id": "harvest",
    "kind": "data-sharing",
    "parties": [{"name": "Lakeshore", "role": "discloser"}, {"name": "Harvest", "role": "recipient"}],
    "purposes": ["referral"],
    "fields": ["language", "name", "need", "telephone"],
    "from_on": "2021-01-01",
    "signed_on": "2020-12-15",
    "document": "contracts 2021 17",
}
CONSENTED: dict[str, Any] = {"partner_id": "harvest", "needs": ["food-insecurity"], "given_on": "2021-03-01"}


async def is_partner(supervisor: Worker, partner_id: str = "harvest", **said: Any) -> None:
    """The plan knows this partner."""
    answer = await put(supervisor, f"/partners/{partner_id}", HARVEST | said)
    assert answer.status_code == 200, answer.text


async def is_agreed(supervisor: Worker, agreement_id: str = "harvest-2021", **said: Any) -> None:
    """It has an agreement with it."""
    answer = await put(supervisor, f"/agreements/{agreement_id}", AGREED | said)
    assert answer.status_code == 200, answer.text


async def consents(worker: Worker, name: str = "ada", **said: Any) -> str:
    """Somebody consents; gives the consent's id."""
    answer = await post(worker, f"/cases/{case_id(name, worker.plan)}/sharing-consents", CONSENTED | said)
    assert answer.status_code == 201, answer.text
    consent_id: str = answer.json()["consent_id"]
    return consent_id


REFERRED: dict[str, Any] = {"partner_id": "harvest", "kind": "social-service", "need": "food-insecurity"}


async def is_ready(supervisor: Worker, worker: Worker, **agreed: Any) -> None:
    """Partner, agreement and consent are there: nothing stands against a referral of Ada."""
    await is_partner(supervisor)
    await is_agreed(supervisor, **agreed)
    await consents(worker)


async def refer(worker: Worker, name: str = "ada", **said: Any) -> httpx.Response:
    """Somebody is referred."""
    return await post(worker, f"/cases/{case_id(name)}/referrals", REFERRED | said)


async def referred(worker: Worker, name: str = "ada", **said: Any) -> str:
    """Somebody is referred; gives the referral's id."""
    answer = await refer(worker, name, **said)
    assert answer.status_code == 201, answer.text
    referral_id: str = answer.json()["referral_id"]
    return referral_id


async def say(who: Worker, referral_id: str, answer: str, reason: str | None = None) -> httpx.Response:
    """The plan's or the partner's answer."""
    path = f"/{'partner-' if who.role == 'partner' else ''}referrals/{referral_id}/answers"
    return await who.client.post(path, json={"answer": answer, "reason": reason}, headers=who._headers())


async def steps(outreach: Outreach, referral_id: str) -> list[str]:
    """Through which statuses a referral went."""
    rows = await outreach.fetch("select status from referral_step where referral_id = $1 order by version", referral_id)
    return [row["status"] for row in rows]
