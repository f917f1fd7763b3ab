"""Consents: the gate permits what a member agreed to, as long as it holds."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.facts import a_fact
from tests.service.outreach.builders import Outreach, Worker, case_id
from tests.service.outreach.test_gate import NOON, at

AGREED = {"channel": "text", "kind": "autodialled", "source": "spoken"}


async def post(worker: Worker, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
    return await worker.client.post(path, json=body, headers=worker._headers())


async def may(outreach: Outreach, now: datetime = NOON, **changes: str) -> str | None:
    """Why the gate refuses a text that a machine sends; None where it permits it."""
    async with at(outreach, now) as worker:
        asked = {"channel": "text", "kind": "autodialled"} | changes
        told = (await worker.get(f"/cases/{case_id('ada')}/contact-permission", **asked)).json()
    reason: str | None = told["reason"]
    return reason


async def record(outreach: Outreach, **changes: str) -> httpx.Response:
    async with at(outreach, NOON) as worker:
        return await post(worker, f"/cases/{case_id('ada')}/consents", AGREED | changes)


async def test_a_consent_lets_a_machine_text(outreach: Outreach) -> None:
    """Without one the gate refuses, with one it permits that channel and kind, and no other."""
    await outreach.hear(a_fact("ada"), a_fact("bob"))
    assert await may(outreach) == "no-consent"
    assert (await record(outreach)).status_code == 201
    assert await may(outreach) is None
    assert await may(outreach, kind="prerecorded") == "no-consent"
    assert await may(outreach, channel="phone") == "no-consent"


async def test_a_withdrawn_consent_permits_nothing(outreach: Outreach) -> None:
    """It stays on record with who withdrew it; a second withdrawal changes nothing."""
    await outreach.hear(a_fact("ada"))
    consent_id = (await record(outreach)).json()["consent_id"]
    async with at(outreach, NOON) as worker:
        answers = [await post(worker, f"/consents/{consent_id}/withdraw") for _ in range(2)]
        other = Worker(worker.client, plan="prairie")
        theirs = await post(other, f"/consents/{consent_id}/withdraw")
        [kept] = (await worker.get(f"/cases/{case_id('ada')}/consents")).json()["consents"]
    assert [one.status_code for one in answers] == [204, 204]
    assert theirs.status_code == 404
    assert (kept["withdrawn_by"], datetime.fromisoformat(kept["withdrawn_at"])) == ("wanda", NOON)
    assert await may(outreach) == "no-consent"


async def test_a_consent_ends_on_its_day(outreach: Outreach) -> None:
    """It holds on the last day before the one on which it expires, and not on that."""
    await outreach.hear(a_fact("ada"))
    assert (await record(outreach, expires_on="2021-03-04")).status_code == 201
    assert await may(outreach, datetime(2021, 3, 3, 18, tzinfo=UTC)) is None
    assert await may(outreach, datetime(2021, 3, 4, 18, tzinfo=UTC)) == "no-consent"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"given_on": "2021-03-02"}, 422),  # the open day is the first
        ({"given_on": "2021-02-01", "expires_on": "2021-02-01"}, 422),
        ({"scope": "marketing"}, 201),
    ],
)
async def test_what_is_no_consent_to_this_permits_nothing(
    outreach: Outreach, changes: dict[str, str], status: int
) -> None:
    """One from the future or that ends before it begins is refused; one for another purpose is kept and permits
    nothing."""
    await outreach.hear(a_fact("ada"))
    assert (await record(outreach, **changes)).status_code == status
    assert await may(outreach) == "no-consent"


async def test_another_plan_is_not_told(outreach: Outreach) -> None:
    """What was agreed to with one plan permits the other one nothing."""
    await outreach.hear(a_fact("ada"), a_fact("ada", tenant_id="prairie"))
    await record(outreach)
    async with at(outreach, NOON) as worker:
        other = Worker(worker.client, plan="prairie")
        path = f"/cases/{case_id('ada', 'prairie')}/contact-permission"
        assert (await other.get(path, channel="text", kind="autodialled")).json()["reason"] == "no-consent"
