"""No dose counts that lies before the birth date that a plan states, and none is lost by a wrong birth date."""

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest

from schemas.scheduling_v1 import AppointmentChangedV1
from services.eligibility.decisions.flow import days
from services.eligibility.decisions.flow.appointments import on_appointments
from services.eligibility.doses.store import doses as dose_store
from services.kit.postgres import ALL_TENANTS, transaction
from services.kit.unit_of_work import working
from tests.service.eligibility.cases import join_namesakes
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.messages import Row, Shot, roster, vxu
from tests.service.eligibility.test_doses import extract

pytestmark = pytest.mark.postgres

LATER = date(2021, 3, 2)
REBORN = Row("M-1", action="001", born="20210220", reason="25")
"""The plan states another birth date: after the dose of 15 February."""


async def counted(office: Office) -> list[tuple[str, str, bool]]:
    rows = await office.fetch("select cvx, administered_on::text as day, is_retracted from dose order by day")
    return [(row["cvx"], row["day"], row["is_retracted"]) for row in rows]


async def outcome(office: Office, file_id: UUID) -> list[tuple[Any, ...]]:
    rows = await office.fetch("select outcome, code, field from feed_row where file_id = $1 order by row", file_id)
    return [tuple(row.values()) for row in rows]


async def told(office: Office) -> list[str]:
    return [event["action"] for event in await office.events("dose-administered")]


async def test_a_dose_ends_with_a_birth_after_it_and_comes_back_with_the_right_one(office: Office) -> None:
    """What was linked is kept, and is no dose while the plan states a later birth; once that is corrected, it is again,
    and the member is vaccinated as before."""
    await office.read(roster(Row("M-1")))
    await office.read(vxu(Shot("D-1")))
    assert await told(office) == ["new"]
    await office.read(roster(REBORN, day=LATER))
    assert await counted(office) == [("208", "2021-02-15", True)]
    assert await told(office) == ["new", "retract"]
    await office.read(roster(Row("M-1", action="001", reason="25"), day=LATER, hour="0900"))
    assert await counted(office) == [("208", "2021-02-15", False)]
    assert await told(office) == ["new", "retract", "new"]


async def test_a_report_of_before_the_plans_birth_date_waits_and_says_why(office: Office) -> None:
    """A message that still has the former birth date finds its member by that; its dose is unlinked as `before-birth`
    and is still counted among those that wait, until the plan's birth date allows it."""
    await office.read(roster(Row("M-1")))
    await office.read(roster(REBORN, day=LATER))
    file = await office.read(vxu(Shot("D-1"), Shot("D-2", on="20210222")))
    assert await outcome(office, file.file_id) == [("unlinked", "before-birth", "RXA-3"), ("accepted", None, None)]
    assert await counted(office) == [("208", "2021-02-22", False)]
    assert await still_unlinked(office, file.file_id) == 1
    await office.read(roster(Row("M-1", action="001", reason="25"), day=LATER, hour="0900"))
    assert await counted(office) == [("208", "2021-02-15", False), ("208", "2021-02-22", False)]
    assert await still_unlinked(office, file.file_id) == 0


async def still_unlinked(office: Office, file_id: UUID) -> int:
    async with working(office.database.pool) as work:
        return await dose_store.count_unlinked(work.connection, file_id)


async def test_a_second_plans_birth_date_is_enough(office: Office) -> None:
    """Of two plans' words on one person the one counts that allows the dose; when that is corrected too, none does."""
    await office.read(roster(Row("M-1")))
    await office.read(vxu(Shot("D-1")))
    await office.read(roster(Row("H-1"), plan="HARBOR"))
    await join_namesakes(office)
    await office.read(roster(REBORN, day=LATER))
    assert [gone for _, _, gone in await counted(office) if not gone] == [False]
    await office.read(roster(replace(REBORN, member_id="H-1"), plan="HARBOR", day=LATER))
    assert [gone for _, _, gone in await counted(office) if not gone] == []


@pytest.mark.parametrize(("born", "rejected"), [("2021-02-21", 1), ("2021-02-20", 0)])
async def test_an_extracts_dose_of_before_its_patients_birth_is_rejected(
    office: Office, born: str, rejected: int
) -> None:
    """The extract contradicts itself: its patient file says a birth date (DOB) after the day of the dose."""
    file = await office.read(extract(born))
    assert (file.rows_read, file.rows_rejected) == (2, rejected)
    [*_, dose] = await outcome(office, file.file_id)
    assert dose == (("rejected", "order", "VAXDATE") if rejected else ("unlinked", "no-candidate", None))


BY_NUMBER = Shot("D-1", family="", born="", zip5="")
"""A message that says nothing of the patient but the registry's number, which the extract's patient file has too."""


async def test_a_deletion_by_number_takes_back_a_dose_of_before_a_corrected_birth(office: Office) -> None:
    """The patient file says by then that the patient was born after it: that is why it is deleted."""
    await office.read(extract())
    await office.read(vxu(BY_NUMBER))
    await office.read(extract("2021-02-18"))
    file = await office.read(vxu(replace(BY_NUMBER, action="D", sent="20210302060000")))
    assert file.rows_rejected == 0
    assert await office.fetch("select is_retracted from dose_report where event_id <> ''") == [{"is_retracted": True}]


async def test_a_message_of_before_its_patients_birth_is_rejected_at_its_own_field(office: Office) -> None:
    """The birth date is the patient file's; the field is the one of the message."""
    await office.read(extract("2021-02-18"))
    file = await office.read(vxu(BY_NUMBER))
    assert await outcome(office, file.file_id) == [("rejected", "order", "RXA-3")]


async def test_what_was_counted_before_this_was_a_rule_is_taken_back_once(office: Office) -> None:
    """A database from before retracts a dose that lies before the birth date that it has already."""
    await office.read(roster(Row("M-1")))
    await office.read(vxu(Shot("D-1"), Shot("D-2", on="20210222")))
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        await connection.execute("update enrolment set birth_on = '2021-02-20'")
    assert await days.withhold_told(office.database.pool) == 1
    assert await counted(office) == [("208", "2021-02-15", True), ("208", "2021-02-22", False)]
    assert await told(office) == ["new", "new", "retract"]
    assert await days.withhold_told(office.database.pool) == 0


async def test_a_later_patient_file_does_not_reach_back(office: Office) -> None:
    """Only what the extract's patient file says when the dose is read rejects it: a corrected DOB lets it in again."""
    assert (await office.read(extract("2021-02-21"))).rows_rejected == 1
    assert (await office.read(extract("1940-05-01"))).rows_rejected == 0


async def test_a_sites_dose_of_before_birth_is_kept_and_is_none(office: Office) -> None:
    """A clerk who takes the mother for the child: the visit stands where it was recorded, and vaccinates nobody until
    a birth date is corrected."""
    await office.read(roster(Row("M-1", born="20210220")))
    [member] = await office.fetch("select member_token, enrolment_id from enrolment")
    appointment = AppointmentChangedV1.model_validate({
        "occurred_at": "2021-02-16T12:00:00Z", "appointment_id": uuid4(), "version": 1, "status": "fulfilled",
        **member, "tenant_id": "lakeshore", "programme_id": "p", "site_id": "s", "slot_id": None, "block_id": None,
        "start_at": "2021-02-15T18:00:00Z", "start_on": "2021-02-15", "walk_in": True, "cancellation_reason": None,
        "dose": {"cvx": "208", "lot": "EN6201", "administered_on": "2021-02-15"}, "changed_on": "2021-03-01",
    })  # fmt: skip
    async with working(office.database.pool) as work:
        await on_appointments(work, [appointment])
    assert await told(office) == []
    await office.read(roster(Row("M-1", action="001", born="19400501", reason="25"), day=LATER))
    assert await told(office) == ["new"]
