"""What files, workers and sites tell of a death, and what is believed of it."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from schemas.outreach_v1 import Channel, ContactAttemptLoggedV1, Disposition
from schemas.scheduling_v1 import AppointmentChangedV1
from services.eligibility.decisions.flow import appointments
from services.eligibility.decisions.flow import vital as vital_flow
from services.kit.ids import derived_id
from services.kit.postgres import ALL_TENANTS, transaction
from services.kit.unit_of_work import UnitOfWork
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.messages import Row

DIED = replace(Row("LS1"), action="024", reason="03", end="20210301")
BACK = replace(Row("LS1"), action="025", reason="41")
TOLD_AT = datetime(2021, 3, 1, 20, tzinfo=UTC)
WORDS = frozenset({"deceased", "death-reported"})


def on(day: int) -> date:
    return date(2021, 3, day)


async def said(office: Office, member: str = "LS1") -> str:
    """What the last fact says of the member's death."""
    fact = (await office.last_facts())[member]
    assert (fact["status"] == "ineligible") is bool(fact["reasons"])
    return " ".join(sorted(WORDS & set(fact["reasons"])))


async def until(office: Office, member: str = "LS1") -> datetime | None:
    text = (await office.last_facts())[member].get("death_reports_until")
    return datetime.fromisoformat(text) if text else None


def message(pid29: str = "", pid30: str = "", status: str = "", sent: str = "20210301060000", **pd1: str) -> str:
    """A message about the patient alone; `p11` to `p18` are fields of PD1."""
    fields = [pd1.get(f"p{number}", status if number == 16 else "") for number in range(1, 19)]
    pid = "PID|1||C-1^^^CAIR^SR||Sesame^Oma^^^^^L||19400501|F|||123 Sesame St^^Los Angeles^CA^90011^USA^H"
    head = f"MSH|^~\\&|REG|CAIR|VCC|VCC|{sent}+0000||VXU^V04^VXU_V04|M-{sent}-{pid29}{pid30}{status}{pd1}|P|2.5.1"
    return "\r".join((head, f"{pid}{'|' * 18}{pid29}|{pid30}", "PD1|" + "|".join(fields))) + "\r"


async def hear(office: Office, *events: Any) -> None:
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        work = UnitOfWork(connection)
        if isinstance(events[0], AppointmentChangedV1):
            await appointments.on_appointments(work, events)
        else:
            await vital_flow.on_attempts(work, events)


async def ids(office: Office, member: str = "LS1") -> dict[str, Any]:
    query = "select enrolment_id, member_token, tenant_id from enrolment where member_id = $1 and not is_retired"
    [row] = await office.fetch(query, member)
    return row | {"programme_id": "il-connectors"}


async def an_attempt(
    office: Office, name: str = "a", disposition: Disposition = Disposition.DECEASED, at: datetime = TOLD_AT
) -> ContactAttemptLoggedV1:
    return ContactAttemptLoggedV1(
        **await ids(office), occurred_at=at, attempt_id=derived_id("attempt", name), case_id=derived_id("case"),
        channel=Channel.PHONE, disposition=disposition, attempted_at=at, attempted_on=at.date(), worker_id="grover",
    )  # fmt: skip
