"""Test data stay out of a production deployment, each interchange and message by itself."""

import pytest

from services.eligibility.feeds import profiles
from services.eligibility.settings import read_own_settings
from tests.service.eligibility.cases import an_834, case, member
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.messages import Row, Shot, roster, vxu

pytestmark = pytest.mark.postgres
LUZ = member("W100", "GARCIA*LUZ", "19500102")
ANA = member("W200", "LOPEZ*ANA", "19510102")


async def refused(office: Office) -> list[tuple[int, str, str]]:
    rows = await office.fetch("select row, field, code from feed_row where outcome = 'rejected' order by file_id, row")
    return [(one["row"], one["field"], one["code"]) for one in rows]


async def test_a_test_roster_changes_nothing(office: Office) -> None:
    """ISA15 = T: the file is refused, each row told, nobody enrolled and no payer learnt."""
    file = await office.read(case("x12_test_indicator.834"))
    assert (file.state, file.rows_accepted, file.rows_rejected, file.plan) == ("refused", 0, 1, None)
    assert await refused(office) == [(1, "ISA-15", "test-data")]
    for table in ("enrolment", "payer"):
        assert await office.fetch(f"select from {table}") == []


@pytest.mark.parametrize(("marker", "taken"), [("P", 1), ("T", 0), ("D", 0), ("T^A", 0), ("P^R", 1)])
async def test_a_test_message_changes_nothing(office: Office, marker: str, taken: int) -> None:
    """MSH-11 T (training) and D (debugging) bring no dose; the processing mode behind it says nothing of that."""
    await office.read(roster(Row("LS1")))
    file = await office.read(vxu(Shot("E-1")).replace("|P|2.5.1", f"|{marker}|2.5.1"))
    assert (file.rows_accepted, len(await office.fetch("select from dose"))) == (taken, taken)
    assert await refused(office) == ([] if taken else [(1, "MSH-11", "test-data")])


async def test_the_published_test_message_is_refused(office: Office) -> None:
    """A file of one training message is refused as a whole, with its reason."""
    file = await office.read(case("v35_test_processing.hl7"))
    assert (file.state, await refused(office)) == ("refused", [(1, "MSH-11", "test-data")])


@pytest.mark.parametrize("test_first", [True, False])
async def test_interchanges_and_messages_are_asked_one_by_one(office: Office, test_first: bool) -> None:
    """In a mixed file the production rows are taken, and the others told, in every order."""
    parts = [an_834(LUZ, usage="T"), an_834(ANA, control=2)]
    file = await office.read("".join(parts if test_first else parts[::-1]))
    assert (file.state, file.rows_accepted, file.rows_rejected) == ("processed", 1, 1)
    assert [one["given"] for one in await office.fetch("select given from enrolment")] == ["ANA"]
    messages = [vxu(Shot("E-1")).replace("|P|2.5.1", "|T|2.5.1"), vxu(Shot("E-2", on="20210216"))]
    file = await office.read("".join(messages if test_first else messages[::-1]))
    assert (file.state, file.rows_accepted, file.rows_rejected) == ("processed", 1, 1)


async def test_a_full_test_file_ends_nobodys_coverage(office: Office) -> None:
    """Who is missing from a test file has not left, and who stands in it is not listed by that."""
    await office.read(roster(Row("P1"), Row("P2", given="Bert"), plan="PRAIRIE", full=True))
    test = roster(Row("P1"), plan="PRAIRIE", full=True).replace("*0*P*:", "*0*T*:")
    file = await office.read(test)
    assert (file.state, file.absence, file.absent_ended) == ("refused", None, 0)
    assert {one["seen_file_no"] for one in await office.fetch("select seen_file_no from enrolment")} == {1}


@pytest.mark.parametrize(
    ("edge", "named", "taken"), [("the sender", "testplan", 1), ("everybody", "*", 1), ("another", "otherplan", 0)]
)
async def test_a_deployment_may_take_a_senders_test_data(office: Office, edge: str, named: str, taken: int) -> None:
    """The setting names senders whose test data count here."""
    own = read_own_settings({"VCC_TEST_DATA_FROM": f"nobody, {named.upper()}"})
    office.intake = office.worker(test_data_from=own.test_data_from)
    file = await office.read(case("x12_test_indicator.834"))
    assert file.rows_accepted == taken, edge


async def test_a_profile_may_take_its_senders_test_data(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sender's profile with takes_test_data lets its test interchanges in."""
    text = (profiles.PROFILES / "lakeshore.yaml").read_text(encoding="utf-8") + "takes_test_data: true\n"
    known = {**profiles.profiles(), "lakeshore": profiles.parse_profile(text)}
    monkeypatch.setattr("services.eligibility.intake.admission.profiles", lambda: known)
    file = await office.read(an_834(LUZ, sender="LAKESHORE", usage="T"))
    assert (file.state, file.rows_accepted) == ("processed", 1)
