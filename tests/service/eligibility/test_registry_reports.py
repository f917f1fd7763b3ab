"""Whom and what a registry's messages speak of: numbers, deletions, hours, combinations, remarks."""

from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.eligibility.decisions.flow import days
from services.eligibility.doses.store import doses as dose_store
from services.eligibility.programmes import store as programme_store
from services.kit.postgres import ALL_TENANTS, transaction
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.messages import Row, Shot, roster, vxu

pytestmark = pytest.mark.postgres
CASES = Path(__file__).parents[2] / "data/cases"
LATER = date(2025, 6, 2)
DOSES = """
select given, cvx, administered_on::text as on, vaccine_group, vaccine_groups
from dose join enrolment using (member_token)
where not dose.is_retracted order by given, administered_on, cvx
"""
ROWS = "select row, outcome, code from feed_row where file_id = $1 order by row"
REMARKS = (
    "select kind, system, code, cvx, sender from registry_remark where not is_retracted order by kind, code, sender"
)


async def send(office: Office, name: str) -> list[tuple[str, str | None]]:
    """Submit a case; each row's outcome and what was said of it."""
    file = await office.read((CASES / name).read_bytes())
    return [(row["outcome"], row["code"]) for row in await office.fetch(ROWS, file.file_id)]


async def outcomes(office: Office, *shots: Shot) -> list[tuple[str, str | None]]:
    file = await office.read(vxu(*shots))
    return [(row["outcome"], row["code"]) for row in await office.fetch(ROWS, file.file_id)]


async def held(office: Office) -> list[tuple[str, str, str]]:
    return [(row["given"], row["cvx"], row["on"]) for row in await office.fetch(DOSES)]


# -- numbers


@pytest.mark.parametrize(
    ("query", "given"),
    [
        (dose_store.LOAD_OF_NUMBER, (["NUMBER"], ["SENDER"])),
        (dose_store.FIND_OF_ANOTHER, (["NUMBER"], ["SENDER"], [str(UUID(int=1))])),
    ],
)
async def test_reports_of_a_number_are_found_by_its_index(office: Office, query: str, given: tuple[Any, ...]) -> None:
    """What is asked for every row of a registry's file does not read all reports that there are."""
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        await connection.execute("set local enable_seqscan = off")
        plan = "\n".join(row[0] for row in await connection.fetch(f"explain {query}", *given))
    assert "dose_report_by_event" in plan, plan


async def test_one_number_of_two_patients_is_two_vaccinations(office: Office) -> None:
    """A clinic that numbers each patient's doses from one, or writes a zero, moves nobody's dose to somebody else."""
    await office.open_day(LATER)
    await send(office, "s20.834")
    assert [outcome for outcome, _ in await send(office, "s20a.hl7")] == ["accepted"] * 2
    assert [outcome for outcome, _ in await send(office, "s20b.hl7")] == ["accepted"] * 2
    assert await held(office) == [
        ("ANA", "208", "2025-05-01"), ("BEA", "208", "2025-05-02"), ("CEE", "208", "2025-05-01"),
        ("DOT", "208", "2025-05-02"),
    ]  # fmt: skip
    assert Counter(fact["action"] for fact in await office.events("dose-administered")) == {"new": 4}


async def test_a_number_of_somebody_else_is_told(office: Office) -> None:
    """The row is taken as this patient's own vaccination, also under U, and says so; so do the file's notices."""
    await office.read(roster(Row("LS1"), Row("LS2", given="Opa", sex="M")))
    await office.read(vxu(Shot("1")))
    opa: dict[str, Any] = {"given": "Opa", "sex": "M", "ids": ("C-2^^^CAIR^SR",), "on": "20210216"}
    assert await outcomes(office, Shot("1", action="U", **opa)) == [("accepted", "number-of-another")]
    assert await held(office) == [("OMA", "208", "2021-02-15"), ("OPA", "208", "2021-02-16")]


async def test_a_number_used_again_loses_no_dose(office: Office) -> None:
    """Under A with another day or vaccine the number is another vaccination, and flagged; under U it corrects."""
    await office.read(roster(Row("LS1")))
    again = [Shot("1"), Shot("1", on="20210110"), Shot("1", cvx="187")]
    assert await outcomes(office, *again) == [
        ("accepted", None), ("accepted", "number-reused"), ("accepted", "number-reused"),
    ]  # fmt: skip
    assert len(await held(office)) == 3
    later = [replace(one, sent="20210301070000") for one in again]
    assert await outcomes(office, *later) == [("unchanged", None)] * 3
    corrected = Shot("1", cvx="187", on="20210216", action="U", sent="20210302060000")
    assert await outcomes(office, corrected) == [("accepted", None)]
    assert await held(office) == [
        ("OMA", "208", "2021-01-10"),
        ("OMA", "208", "2021-02-15"),
        ("OMA", "187", "2021-02-16"),
    ]


async def test_a_correction_before_its_member_is_known(office: Office) -> None:
    """A number is found again by the patient it came with, linked or not."""
    await office.read(vxu(Shot("1"), Shot("1", given="Opa", sex="M", ids=("C-2^^^CAIR^SR",), on="20210216")))
    await office.read(vxu(Shot("1", on="20210217", action="U", sent="20210302060000")))
    await office.read(roster(Row("LS1"), Row("LS2", given="Opa", sex="M")))
    assert await held(office) == [("OMA", "208", "2021-02-17"), ("OPA", "208", "2021-02-16")]


async def test_a_report_that_changes_while_it_waits_is_linked(office: Office) -> None:
    """Of one file an older message adds a word to a report that waits, and another ties the number by which its member
    is found: the report finds him at once."""
    await office.read(vxu(Shot("1", given="Omma", ids=("C-1^^^CAIR^SR", "C-5^^^CAIR^SR"), zip5="")))
    await office.read(roster(Row("LS1")))
    assert await held(office) == []
    older = Shot("1", given="Omma", zip5="", protected="N", sent="20210228060000")
    await office.read(vxu(older, Shot("2", ids=("C-5^^^CAIR^SR",), on="20210110")))
    assert await held(office) == [("OMA", "208", "2021-01-10"), ("OMA", "208", "2021-02-15")]


async def test_reports_of_before_are_found_by_their_number(office: Office) -> None:
    """What was stored when a number alone named a vaccination is corrected and deleted as ever."""
    await office.read(roster(Row("LS1")))
    await office.read(vxu(Shot("E-1")))
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        query = "update dose_report set event_key = 'event' || chr(31) || event_id, sender = ''"
        await connection.execute(query)
    await office.read(vxu(Shot("E-1", on="20210216", action="U", sent="20210302060000")))
    assert await held(office) == [("OMA", "208", "2021-02-16")]
    assert await outcomes(office, Shot("E-1", on="20210216", action="D", sent="20210303060000")) == [("accepted", None)]
    assert await held(office) == []


# -- deletions


async def test_deletions_find_their_dose_or_say_so(office: Office) -> None:
    """By number, by another number, by none, by the product's code: found by what is said, within the sender; of
    another day nothing is deleted, and the row says so."""
    await send(office, "s19.834")
    await send(office, "s19a.hl7")
    assert len(await held(office)) == 5
    assert await send(office, "s19d.hl7") == [
        *[("accepted", None)] * 3, ("unchanged", "nothing-deleted"), ("accepted", None),
    ]  # fmt: skip
    assert await held(office) == [("WRONGDAY", "208", "2025-05-01")]


async def test_another_senders_dose_is_not_deleted(office: Office) -> None:
    """A deletion under a new number, or without one, reaches what its own sender said."""
    await office.read(roster(Row("LS1")))
    await office.read(vxu(Shot("E-1")))
    foreign = vxu(Shot("X-9", action="D", sent="20210303060000")).replace("|REG|CAIR|", "|EHR|CLINIC|")
    file = await office.read(foreign)
    [row] = await office.fetch(ROWS, file.file_id)
    assert (row["outcome"], row["code"]) == ("unchanged", "nothing-deleted")
    assert len(await held(office)) == 1


@pytest.mark.parametrize(
    ("deleted", "left"), [("08", ["110"]), ("110", ["08"]), ("45", ["110"]), ("20", ["08", "110"])]
)
@pytest.mark.parametrize(("number", "is_first"), [("", True), ("", False), ("Z-9", False)])
@pytest.mark.parametrize("is_known", [True, False], ids=["known member", "member comes last"])
async def test_a_deletion_by_content_takes_no_combination_with_it(
    office: Office, number: str, deleted: str, left: list[str], is_first: bool, is_known: bool
) -> None:
    """Of a HepB (08) and a DTaP-HepB-polio (110) of one day it deletes what has the very same groups as the code that
    it names, which may be unspecified (45); DTaP alone (20) was not reported."""
    await office.open_day(LATER)
    member, said = roster(Row("LS1")), vxu(Shot("E-1", cvx="110"), Shot("E-2", cvx="08"))
    deletion = vxu(Shot(number, cvx=deleted, action="D", sent="20210303060000"))
    messages = [deletion, said] if is_first else [said, deletion]
    for content in [member, *messages] if is_known else [*messages, member]:
        await office.read(content)
    query = "select cvx from dose_report where not is_retracted and event_id <> '' order by 1"
    assert [row["cvx"] for row in await office.fetch(query)] == left


async def test_a_deletion_reaches_what_waits(office: Office) -> None:
    """A dose whose member nobody knows yet is deleted under another number, too."""
    await office.read(vxu(Shot("E-1")))
    assert await outcomes(office, Shot("E-7", action="D", sent="20210303060000")) == [("accepted", None)]
    await office.read(roster(Row("LS1")))
    assert await held(office) == []


@pytest.mark.parametrize(
    ("sent", "outcome"),
    [
        ("20250601140000", ("accepted", None)),
        ("20250601", ("accepted", None)),
        ("20250602", ("accepted", None)),
        ("20250601103000-0600", ("accepted", None)),
        ("", ("accepted", None)),
        ("20250601090000-0600", ("unchanged", "older-message")),
        ("20250531", ("unchanged", "older-message")),
    ],
)
async def test_a_deletions_hour_is_its_senders(office: Office, sent: str, outcome: tuple[str, str | None]) -> None:
    """Without a zone MSH-7 is read by the sender's clock, a day alone as its end; what is older says so."""
    await office.read(roster(Row("UT", family="UPD", given="TZ", born="19500101", zip5="60601", tract="")))
    await send(office, "s22a.hl7")
    deletion = (CASES / "s22b.hl7").read_text().replace("|20250601140000|", f"|{sent}|")
    file = await office.read(deletion)
    [row] = await office.fetch(ROWS, file.file_id)
    assert (row["outcome"], row["code"]) == outcome
    assert len(await held(office)) == (outcome[0] == "unchanged")


async def test_what_took_effect_oddly_stands_among_the_notices(office: Office) -> None:
    """With the field and what was expected, beside what the reader found odd."""
    await office.read(roster(Row("LS1")))
    file = await office.read(vxu(Shot("E-7", action="D")))
    query = "select field, code, expected from feed_row where file_id = $1"
    [row] = await office.fetch(query, file.file_id)
    assert (row["field"], row["code"]) == ("RXA-21", "nothing-deleted")
    assert row["expected"].endswith("nothing was deleted")


# -- combinations


async def test_a_combination_counts_for_each_of_its_groups(office: Office) -> None:
    """Groups of CDC's table; a globulin, or another vaccine of a disease, beside a vaccine is a dose of its own."""
    await office.open_day(LATER)
    await send(office, "s25.834")
    await send(office, "s25.hl7")
    rows = await office.fetch(DOSES)
    found = {(row["given"], row["cvx"]): row["vaccine_groups"] or [row["vaccine_group"]] for row in rows}
    assert found[("PEDIARIX", "110")] == ["dtap", "hepb", "polio"]
    assert found[("DTAPPED", "110")] == ["dtap", "hepb", "polio"]
    per_person = Counter(given for given, _ in found)
    assert per_person == {
        "PEDIARIX": 1, "HBIG": 2, "PCVPPSV": 2, "MENS": 2, "PROQUAD": 2, "DTAPPED": 1, "RSV": 1,
    }  # fmt: skip
    told = {fact["cvx"]: fact for fact in await office.events("dose-administered")}
    assert told["110"]["vaccine_group"] == "dtap"
    assert told["110"]["vaccine_groups"] == ["dtap", "hepb", "polio"]
    assert told["33"]["vaccine_groups"] == []


async def test_combinations_of_before_are_told_once(office: Office) -> None:
    """What was stored before groups were known is told again with them, and then never again."""
    await office.read(roster(Row("LS1", born="19400501")))
    await office.read(vxu(Shot("E-1", cvx="104"), Shot("E-2", cvx="187")))
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        await connection.execute("update dose set vaccine_groups = '{}'")
        await connection.execute("delete from release_in_use where name = $1", days.COMBINED)
    assert await days.tell_groups(office.database.pool) == 1
    assert await days.tell_groups(office.database.pool) == 0
    facts = [fact for fact in await office.events("dose-administered") if fact["cvx"] == "104"]
    assert [(fact["version"], fact["vaccine_groups"]) for fact in facts] == [
        (1, ["hepa", "hepb"]),
        (2, ["hepa", "hepb"]),
    ]
    assert len(await office.events("dose-administered")) == 3


# -- beside doses


async def remarks(office: Office) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in await office.fetch(REMARKS)]


async def test_immunity_is_kept_and_looked_at(office: Office) -> None:
    """A history of varicella sent with no vaccine at all is CDC's observation 024 in every plan of the member."""
    await office.read(roster(Row("W1", family="Garcia", given="Luz", born="19500102", zip5="60601", tract="")))
    assert await send(office, "v36_refusal_obx.hl7") == [("accepted", "not-administered")]
    assert await remarks(office) == [("immunity", "snomed", "38907003", "998", "IIS")]
    [row] = await office.fetch("select member_token, tenant_id from enrolment")
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        found = await programme_store.load_observations(connection, [row["member_token"]])
    assert [(one.system, one.code) for one in found[row["member_token"], row["tenant_id"]]] == [("cdsi", "024")]


CONTRAINDICATED = "OBX|1|CE|30945-0^x^LN|1|VXC18^yeast^CDCPHINVS||||||F|||20210101"


async def test_what_is_said_beside_doses_is_taken_back(office: Office) -> None:
    """By a deletion under its number or by what it says, and by an update that says otherwise; a missed appointment is
    no refusal."""
    await office.read(roster(Row("LS1")))
    refusal = Shot("R-1", completion="RE")
    await office.read(vxu(refusal))
    missed = vxu(Shot("R-2", completion="RE", on="20210216")).replace("03^Patient decision", "02^Missed Appointment")
    await office.read(missed)
    assert await remarks(office) == [("refusal", "nip002", "03", "208", "CAIR")]
    await office.read(vxu(Shot("R-1", completion="CP", action="U", sent="20210302060000")))
    assert (await remarks(office), len(await held(office))) == ([], 1)
    keyless = vxu(Shot("9999", cvx="998", completion="NA")) + CONTRAINDICATED + "\r"
    await office.read(keyless)
    assert await remarks(office) == [("contraindication", "cdcphinvs", "VXC18", "998", "CAIR")]
    gone = vxu(Shot("9999", cvx="998", completion="NA", action="D", sent="20210303060000"))
    file = await office.read(gone)
    assert [row["outcome"] for row in await office.fetch(ROWS, file.file_id)] == ["accepted"]
    assert (await remarks(office), len(await held(office))) == ([], 1)


async def test_a_refusal_without_a_number_deletes_no_dose(office: Office) -> None:
    """Somebody refused and was vaccinated on one day: the dose stands, whatever came first."""
    await office.read(roster(Row("LS1")))
    await office.read(vxu(Shot("9999")))
    await office.read(vxu(Shot("9999", completion="RE", sent="20210302060000")))
    await office.read(vxu(Shot("9999", completion="RE", action="D", sent="20210303060000")))
    assert (len(await held(office)), await remarks(office)) == (1, [])


async def test_what_is_said_beside_doses_waits_for_its_member(office: Office) -> None:
    """As doses do; the sender's deletion holds whatever came first."""
    await office.read(vxu(Shot("R-1", completion="RE"), Shot("R-2", completion="RE", on="20210217")))
    await office.read(vxu(Shot("R-2", completion="RE", on="20210217", action="D", sent="20210303060000")))
    await office.read(roster(Row("LS1")))
    assert await remarks(office) == [("refusal", "nip002", "03", "208", "CAIR")]


async def test_a_merge_takes_along_what_is_said(office: Office) -> None:
    """The survivor has what was said of both."""
    await office.read(roster(Row("LS1", family="Sesam"), Row("LS2")))
    await office.read(vxu(Shot("R-1", family="Sesam", completion="RE")))
    await office.read(roster(Row("LS2", action="001", was=("LS1", "Sesam", "Oma")), day=date(2021, 3, 2)))
    query = "select count(*) as held from registry_remark join person using (member_token) where merged_into is null"
    assert [row["held"] for row in await office.fetch(query)] == [1]


# -- places


async def test_a_bad_zip_wipes_no_good_one(office: Office) -> None:
    """A roster's row with a malformed ZIP keeps the one that is known."""
    await send(office, "s16a.834")
    await send(office, "s16b.834")
    [row] = await office.fetch("select zip5, city, street from enrolment")
    assert (row["zip5"], row["city"]) == ("60601", "CHICAGO")


@pytest.mark.parametrize(
    ("name", "person"),
    [
        ("v32_pid11_bdl_first.hl7", Row("W1", family="Garcia", given="Luz", born="19500102", zip5="60601", tract="")),
        ("v09_pid5_alias_first.hl7", Row("W1", family="Garcia", given="Luz", born="19500102", zip5="60601", tract="")),
        ("v24_rsp_z32.hl7", Row("W1", family="Garcia", given="Luz", born="19500102", zip5="60601", tract="")),
        ("v37_vxu_zipped.zip", Row("W1", family="Garcia", given="Luz", born="19500102", zip5="60601", tract="")),
    ],
)
async def test_a_person_is_known_by_the_right_name_and_place(office: Office, name: str, person: Row) -> None:
    """Of several names the legal one, of several addresses the home; an answer and a packed message bring doses too."""
    await office.read(roster(person))
    await send(office, name)
    assert len(await held(office)) == 1
