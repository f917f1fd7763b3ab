"""What registries and appointments do to doses, told by the facts that leave."""

import asyncio
import io
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from schemas.scheduling_v1 import AppointmentChangedV1, AppointmentStatus, DoseGiven
from services.eligibility.decisions.flow import appointments
from services.eligibility.people.store import members as people_store
from services.kit.ids import new_id
from services.kit.postgres import ALL_TENANTS, transaction
from services.kit.unit_of_work import UnitOfWork
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.messages import Row, Shot, roster, vxu

pytestmark = pytest.mark.postgres
MESSAGES = Path(__file__).parents[2] / "data/feeds/hl7v2"
COVID_1 = {path.name: path.read_bytes() for path in sorted(MESSAGES.glob("NIST_COVID_*"))}


async def told(office: Office) -> list[tuple[str, int, str]]:
    """What was said of doses: action, version, day."""
    facts = await office.events("dose-administered")
    return [(fact["action"], fact["version"], fact["administered_on"]) for fact in facts]


async def status(office: Office, member_id: str = "LS1") -> str:
    fact: dict[str, Any] = (await office.last_facts())[member_id]
    return str(fact["status"])


async def test_a_dose_closes_the_question(office: Office) -> None:
    """A linked dose is announced once, and whoever had it is eligible no more."""
    await office.read(roster(Row("LS1")))
    file = await office.read(vxu(Shot("E-1")))
    assert (file.rows_accepted, file.rows_unlinked) == (1, 0)
    [fact] = await office.events("dose-administered")
    assert (fact["action"], fact["vaccine_group"], fact["cvx"], fact["sources"]) == ("new", "covid-19", "208", ["iis"])
    last = (await office.last_facts())["LS1"]
    assert (last["reasons"], last["doses_valid"], last["vaccinated"]) == (["already-vaccinated"], 1, True)


async def test_a_dose_may_come_before_its_member(office: Office) -> None:
    """An unlinked dose is kept and counted, and found again when a roster names the person."""
    file = await office.read(vxu(Shot("E-1")))
    assert (file.rows_accepted, file.rows_unlinked) == (1, 1)
    assert await told(office) == []
    await office.read(roster(Row("LS1")))
    assert await told(office) == [("new", 1, "2021-02-15")]
    [fact] = await office.events("member-eligibility")
    assert (fact["reasons"], fact["version"]) == (["already-vaccinated"], 1)


async def test_a_nameless_dose_follows_an_identifier_that_was_tied(office: Office) -> None:
    """A dose with a registry's number only links once a message with a name has tied it, whatever came first."""
    await office.read(roster(Row("LS1")))
    nameless: dict[str, Any] = {"family": "", "zip5": "", "ids": ("C-7^^^CAIR^SR",)}
    await office.read(vxu(Shot("E-1", on="20210201", **nameless)))
    assert await told(office) == []
    await office.read(vxu(Shot("E-2", on="20210222", ids=("C-7^^^CAIR^SR",))))
    assert len(await told(office)) == 2
    await office.read(vxu(Shot("E-3", on="20210225", **nameless)))
    assert [day for _, _, day in await told(office)] == ["2021-02-22", "2021-02-01", "2021-02-25"]


@pytest.mark.parametrize(
    ("name", "shot"),
    [
        ("a typo in the name", Shot("E-1", given="Omma")),
        ("another ZIP", Shot("E-1", zip5="90012")),
        ("a twin", Shot("E-1", given="Opa")),
        ("another birth date", Shot("E-1", born="19400502")),
    ],
)
async def test_what_is_not_exact_stays_unlinked(office: Office, name: str, shot: Shot) -> None:
    """Without a known identifier, name, birth date and ZIP must all agree."""
    await office.read(roster(Row("LS1")))
    file = await office.read(vxu(shot))
    assert (file.rows_unlinked, await told(office)) == (1, []), name


async def test_a_reused_record_number_links_nobody_alone(office: Office) -> None:
    """NIST gives one MRN to three people: the number links only together with the birth date."""
    mrn = ("89778^^^NIST-MPI-1^MR",)
    await office.read(roster(Row("LS1", given="Wong"), Row("LS2", given="Peters", born="19440101", sex="M")))
    await office.read(
        vxu(Shot("E-1", given="Wong", ids=mrn), Shot("E-2", given="Peters", born="19440101", sex="M", ids=mrn))
    )
    third = await office.read(vxu(Shot("E-3", given="Benton", born="19500101", ids=mrn)))
    assert third.rows_unlinked == 1
    facts = await office.events("dose-administered")
    assert len({fact["member_token"] for fact in facts}) == len(facts) == 2


async def test_one_vaccination_reported_thrice_is_one_dose(office: Office) -> None:
    """Sent again, sent as historical under another event and product, reported by an appointment: one dose."""
    await office.read(roster(Row("LS1")))
    await office.read(vxu(Shot("E-1")))
    file = await office.read(vxu(Shot("E-1", sent="20210302060000")))
    assert file.rows_unchanged == 1
    await office.read(vxu(Shot("E-2", cvx="213", source="01", lot="")))
    assert await told(office) == [("new", 1, "2021-02-15")]
    await give(office, "LS1", new_id(), on=date(2021, 2, 15))
    facts = await office.events("dose-administered")
    assert len({fact["dose_id"] for fact in facts}) == 1
    assert (facts[-1]["action"], facts[-1]["sources"], facts[-1]["cvx"]) == ("update", ["appointment", "iis"], "208")


async def test_an_update_and_a_delete(office: Office) -> None:
    """U corrects the day of the same dose; D takes it back, and the member is eligible again."""
    await office.read(roster(Row("LS1")))
    await office.read(vxu(Shot("E-1")))
    await office.read(vxu(Shot("E-1", on="20210216", action="U", sent="20210302060000")))
    await office.read(vxu(Shot("E-1", on="20210216", action="D", sent="20210303060000")))
    assert await told(office) == [("new", 1, "2021-02-15"), ("update", 2, "2021-02-16"), ("retract", 3, "2021-02-16")]
    assert await status(office) == "eligible"


async def test_an_older_message_does_not_undo_a_newer_one(office: Office) -> None:
    """What was sent earlier and arrives later is history."""
    await office.read(roster(Row("LS1")))
    await office.read(vxu(Shot("E-1", action="D", sent="20210303060000")))
    await office.read(vxu(Shot("E-1", sent="20210302060000")))
    assert await told(office) == []


async def test_taking_back_one_report_leaves_what_the_other_says(office: Office) -> None:
    """A dose that two sources report stays when one of them deletes its report."""
    await office.read(roster(Row("LS1")))
    await office.read(vxu(Shot("E-1"), Shot("E-2", source="01")))
    await office.read(vxu(Shot("E-1", action="D", sent="20210303060000")))
    actions = [action for action, _, _ in await told(office)]
    assert (actions[0], "retract" in actions) == ("new", False)


async def test_a_refusal_is_no_dose(office: Office) -> None:
    """RXA-20 RE is taken and named, and nobody counts as vaccinated."""
    await office.read(roster(Row("LS1")))
    file = await office.read(vxu(Shot("E-1", completion="RE")))
    assert (file.rows_accepted, await told(office), await status(office)) == (1, [], "eligible")
    assert [
        row["code"] for row in await office.fetch("select code from feed_row where file_id = $1", file.file_id)
    ] == ["refused"]


async def test_a_partial_dose_is_announced_but_does_not_count(office: Office) -> None:
    """RXA-20 PA put something into an arm, but not a dose; everybody is told which it was."""
    await office.read(roster(Row("LS1")))
    await office.read(vxu(Shot("E-1", completion="PA")))
    assert await status(office) == "eligible"
    [fact] = await office.events("dose-administered")
    assert fact["is_partial"] is True


async def test_a_dose_of_tomorrow_is_invisible_until_then(office: Office) -> None:
    """What lies ahead of the open day is stored, but neither announced nor counted until its day opens."""
    await office.read(roster(Row("LS1")))
    await office.read(vxu(Shot("E-1", on="20210303", sent="20210304060000")))
    assert (await told(office), await status(office)) == ([], "eligible")
    await office.open_day(date(2021, 3, 2))
    assert (await told(office), await status(office)) == ([], "eligible")
    await office.open_day(date(2021, 3, 4))
    assert (await told(office), await status(office)) == ([("new", 1, "2021-03-03")], "ineligible")
    [fact] = await office.events("dose-administered")
    assert fact["known_on"] == "2021-03-04"


async def test_a_merge_moves_the_doses(office: Office) -> None:
    """The survivor has both records' doses; of one day it has one, and the other is taken back as superseded."""
    await office.read(roster(Row("LS1", family="Sesam"), Row("LS2")))
    await office.read(vxu(Shot("E-1", family="Sesam"), Shot("E-2", ids=("C-2^^^CAIR^SR",)),
                          Shot("E-3", family="Sesam", cvx="187", on="20210110")))  # fmt: skip
    await office.read(roster(Row("LS2", action="001", was=("LS1", "Sesam", "Oma")), day=date(2021, 3, 2)))
    merged = next(one for one in await office.events("member-eligibility") if "retired_token" in one)
    last = {fact["dose_id"]: fact for fact in await office.events("dose-administered")}
    alive = [fact for fact in last.values() if fact["action"] != "retract"]
    assert {fact["member_token"] for fact in last.values()} == {merged["surviving_token"]}
    assert sorted(fact["vaccine_group"] for fact in alive) == ["covid-19", "zoster"]
    [gone] = [fact for fact in last.values() if fact["action"] == "retract"]
    assert gone["dose_id"] in {fact.get("supersedes") for fact in alive}
    assert (await office.last_facts())["LS2"]["doses_valid"] == 1


async def test_protection_is_carried(office: Office) -> None:
    """PD1-12 = Y is carried with the fact, so that nobody calls."""
    await office.read(roster(Row("LS1")))
    await office.read(vxu(Shot("E-1", completion="RE", protected="Y")))
    assert (await office.last_facts())["LS1"]["contact_protected"] is True


async def test_the_registrys_tract_is_used_where_the_plan_has_none(office: Office) -> None:
    """A tract of the same ZIP places a member better than the ZIP."""
    await office.read(roster(Row("P1", tract=""), plan="PRAIRIE"))
    assert (await office.last_facts())["P1"]["svi"]["level"] == "zip"
    await office.read(vxu(Shot("E-1", completion="RE", tract="06037228410")))
    assert (await office.last_facts())["P1"]["svi"]["level"] == "tract"


async def test_real_messages_link_to_a_real_roster_row(office: Office) -> None:
    """NIST's COVID messages: doses of one patient under one MRN, a refusal, all with exactly one outcome."""
    await office.read(roster(Row("LS1", family="Wong", given="Elise", born="19880417", zip5="35203", tract="")))
    for raw in COVID_1.values():
        file = await office.read(raw)
        assert file.rows_rejected == 0
        assert file.rows_read > 0
    facts = await office.events("dose-administered")
    assert {fact["vaccine_group"] for fact in facts} == {"covid-19"}
    assert len({fact["member_token"] for fact in facts}) == 1


# -- appointments


async def give(
    office: Office, member_id: str, appointment_id: UUID, version: int = 2, on: date | None = date(2021, 3, 1),
    **said: str,
) -> None:  # fmt: skip
    """An appointment fulfilled; without a day, entered in error."""
    [row] = await office.fetch("select member_token, enrolment_id from enrolment where member_id = $1", member_id)
    await _fulfil(office, row, appointment_id, version, on, **said)


async def _fulfil(
    office: Office, row: dict[str, Any], appointment_id: UUID, version: int, on: date | None, **said: str
) -> None:
    product = {"cvx": "208", "mvx": "PFR", "lot": "EL9262"} | said
    dose = DoseGiven(**product, administered_on=on) if on else None
    event = AppointmentChangedV1(
        occurred_at=datetime(2021, 3, 1, 18, tzinfo=UTC),
        appointment_id=appointment_id,
        version=version,
        status=AppointmentStatus.FULFILLED if on else AppointmentStatus.ENTERED_IN_ERROR,
        enrolment_id=row["enrolment_id"],
        member_token=row["member_token"],
        tenant_id="lakeshore",
        programme_id="illinois-connectors-65",
        site_id="hooper-hall",
        start_at=datetime(2021, 3, 1, 17, tzinfo=UTC),
        start_on=date(2021, 3, 1),
        walk_in=True,
        dose=dose,
        changed_on=date(2021, 3, 1),
    )
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        await appointments.on_appointments(UnitOfWork(connection), [event])


async def test_a_dose_given_at_a_site(office: Office) -> None:
    """A fulfilled appointment is a dose; the same fact again changes nothing; entered in error takes it back."""
    await office.read(roster(Row("LS1")))
    visit = new_id()
    await give(office, "LS1", visit)
    await give(office, "LS1", visit)
    [fact] = await office.events("dose-administered")
    assert (fact["action"], fact["sources"], fact["appointment_id"]) == ("new", ["appointment"], str(visit))
    assert await status(office) == "ineligible"
    await give(office, "LS1", visit, version=3, on=None)
    assert ([one[0] for one in await told(office)], await status(office)) == (["new", "retract"], "eligible")
    await give(office, "LS1", visit, version=2)
    assert len(await told(office)) == 2


async def test_a_dose_that_its_site_corrects_is_one_dose(office: Office) -> None:
    """Another product, lot and day of the same appointment, of a higher version, take the place of what was recorded
    first: the same dose, told again; the older version that comes once more changes nothing."""
    await office.read(roster(Row("LS1")))
    visit = new_id()
    await give(office, "LS1", visit)
    await give(office, "LS1", visit, version=3, on=date(2021, 2, 28), cvx="207", mvx="MOD", lot="M1")
    await give(office, "LS1", visit)
    first, corrected = await office.events("dose-administered")
    assert (corrected["dose_id"], corrected["version"]) == (first["dose_id"], 2)
    assert (corrected["cvx"], corrected["administered_on"]) == ("207", "2021-02-28")
    [dose] = await office.fetch("select lot, mvx from dose where not is_retracted")
    assert (dose["lot"], dose["mvx"]) == ("M1", "MOD")
    assert (await office.last_facts())["LS1"]["doses_valid"] == 1


async def test_a_booking_is_no_report(office: Office) -> None:
    """An appointment without a dose leaves nothing behind."""
    await office.read(roster(Row("LS1")))
    await give(office, "LS1", new_id(), version=1, on=None)
    assert await office.fetch("select * from dose_report") == []


async def test_an_appointment_of_a_merged_member_is_the_survivors(office: Office) -> None:
    """A dose given under a retired token counts for the survivor."""
    await office.read(roster(Row("LS1", family="Sesam"), Row("LS2")))
    await office.read(roster(Row("LS2", action="001", was=("LS1", "Sesam", "Oma")), day=date(2021, 3, 2)))
    rows = await office.fetch("select member_token, enrolment_id, is_retired from enrolment order by is_retired")
    assert [row["is_retired"] for row in rows] == [False, True]
    await _fulfil(office, rows[1], new_id(), 2, date(2021, 3, 1))
    [fact] = await office.events("dose-administered")
    assert fact["member_token"] == str(rows[0]["member_token"])


async def test_an_appointment_waits_for_a_merge_under_way(office: Office) -> None:
    """A dose that arrives while its member is being merged goes to the survivor, not to the token that retires."""
    await office.read(roster(Row("LS1", family="Sesam"), Row("LS2")))
    leaving, staying = await office.fetch("select member_token, enrolment_id from enrolment order by member_id")
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        await people_store.lock_persons(connection, {leaving["member_token"], staying["member_token"]})
        query = "update person set merged_into = $2 where member_token = $1"
        await connection.execute(query, leaving["member_token"], staying["member_token"])
        arrival = asyncio.create_task(_fulfil(office, leaving, new_id(), 2, date(2021, 3, 1)))
        done, _ = await asyncio.wait([arrival], timeout=0.5)
        assert not done
    await arrival
    [fact] = await office.events("dose-administered")
    assert fact["member_token"] == str(staying["member_token"])


async def test_a_tie_finds_what_waited(office: Office) -> None:
    """A message with a name ties the number under which an earlier, misspelt report waited."""
    await office.read(roster(Row("LS1")))
    file = await office.read(vxu(Shot("E-1", family="Sesammmm", on="20210201")))
    assert file.rows_unlinked == 1
    await office.read(vxu(Shot("E-2", on="20210222")))
    assert sorted(day for _, _, day in await told(office)) == ["2021-02-01", "2021-02-22"]


PATIENTS = "\t".join((
    "GRANTEE", "FPCODE", "PATIENTID", "DOB", "DEMESTDATE", "RACE1", "RACE2", "RACE3", "RACE4", "RACE5", "RACE6",
    "ETHNICITY", "SEX", "STATUS", "VARICELLAIMMUNE", "P_ELIGIBILITY", "P_ELIGIBILITY_DATE",
))  # fmt: skip
DOSES = "\t".join((
    "PATIENTID", "VAXDATE", "MVX", "CVX", "TRADENAME", "LOTNUM1", "LOTNUM2", "LOTNUM3", "ROUTE", "SITE",
    "RECORDTYPE", "VAXCOMPLETE", "VAXREFUSAL", "IISVALIDITY", "V_ELIGIBILITY", "VAXENTDATE", "PROVCHAR",
))  # fmt: skip


def extract(born: str = "1940-05-01", sex: str = "F") -> bytes:
    """An extract of one patient with one dose: the dose row bears the registry's number only."""
    patient = "\t".join(("CAIR", "06037", "C-1", born, "2021-03-01", *[""] * 6, "", sex, "", "", "", ""))
    dose = "\t".join(
        ("C-1", "2021-02-20", "PFR", "208", "", "EL1", *[""] * 4, "00", "CP", "", "", "", "2021-02-21", "")
    )
    control = (
        "GRANTEECODE\tFILENAME\tFILETYPE\tRECORDCOUNT\tQUARTER\tSUBMISSIONDATE\nCAIR,X_D.txt,D,1,2021Q1,20210301\n"
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("X_C.txt", control + "CAIR,X_V1.txt,V,1,2021Q1,20210301\n")
        archive.writestr("X_D.txt", f"{PATIENTS}\n{patient}\n")
        archive.writestr("X_V1.txt", f"{DOSES}\n{dose}\n")
    return packed.getvalue()


@pytest.mark.parametrize(
    ("edge", "content", "days"),
    [
        ("birth date and sex agree", extract(), ["2021-02-15", "2021-02-20"]),
        ("another birth date", extract(born="1940-05-02"), ["2021-02-15"]),
        ("the other sex", extract(sex="M"), ["2021-02-15"]),
    ],
)
async def test_an_extracts_dose_links_by_its_patient(
    office: Office, edge: str, content: bytes, days: list[str]
) -> None:
    """The number must be tied to the member, and the extract's patient file must agree on birth date and sex."""
    await office.read(roster(Row("LS1")))
    await office.read(vxu(Shot("E-1")))
    file = await office.read(content)
    assert (file.rows_read, file.rows_rejected) == (2, 0)
    assert [day for _, _, day in await told(office)] == days, edge


async def test_an_extract_may_come_first(office: Office) -> None:
    """Its doses wait by number; the message that ties the number brings them."""
    await office.read(roster(Row("LS1")))
    assert (await office.read(extract())).rows_unlinked == 1
    await office.read(vxu(Shot("E-1")))
    assert sorted(day for _, _, day in await told(office)) == ["2021-02-15", "2021-02-20"]
