"""How members can be reached: read from rosters, told sealed on the restricted topic, withdrawn with the right to."""

from base64 import b64decode
from datetime import date
from uuid import UUID

import pytest

from schemas.member_contact_v1 import AddressKind, MemberContactChangedV1, TelephoneKind, bound_to
from services.kit.sealed import KeyRing, SealError
from tests.keys import RING
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.contacts import (
    DROP_OFF,
    GUARDIAN,
    MAILING,
    PERSONAL,
    last_told,
    row,
    told,
)
from tests.service.eligibility.messages import Shot, roster, vxu

pytestmark = pytest.mark.postgres


async def test_a_roster_says_how_to_reach_its_member(office: Office) -> None:
    """Names, telephones by their kind and order, e-mail, home, mailing and drop-off address, language, and who answers
    for the member, each with the day of the roster that brought it."""
    await office.read(roster(row("LS1", "OMA", MAILING, DROP_OFF, GUARDIAN), full=True))
    [(version, details)] = await told(office)
    assert details is not None
    assert details.name is not None
    assert (version, details.name.family, details.name.given, details.language) == (1, "SESAME", "OMA", "es")
    phones = [(phone.number, phone.kind, phone.stated_on) for phone in details.telephones]
    day = date(2021, 3, 1)
    assert phones == [("2135550101", TelephoneKind.HOME, day), ("2135550102", TelephoneKind.MOBILE, day)]
    assert [(email.address, email.stated_on) for email in details.emails] == [("oma@sesame.example", day)]
    places = {one.kind: (one.street, one.unit, one.city, one.zip5) for one in details.addresses}
    assert places == {
        AddressKind.RESIDENCE: ("123 SESAME ST", "APT 4", "LOS ANGELES", "90011"),
        AddressKind.MAILING: ("PO BOX 77", "SUITE 3", "PASADENA", "91101"),
        AddressKind.ALTERNATE: ("9 SHELTER WAY", "", "BURBANK", "91502"),
    }
    [guardian] = details.representatives
    assert (guardian.relation, guardian.name.given, guardian.telephones[0].number) == (
        "guardian",
        "OSCAR",
        "2135550109",
    )


async def test_what_says_nothing_new_tells_nothing(office: Office) -> None:
    """The same roster of a later day, a row that leaves everything out, a dose and a new day bring no fact; another
    number brings one, in which the address keeps its day."""
    await office.read(roster(row("LS1", "OMA", MAILING), full=True))
    await office.read(roster(row("LS1", "OMA", MAILING), full=True, day=date(2021, 3, 2)))
    await office.read(roster(row(personal="", action="001"), day=date(2021, 3, 3)))
    await office.read(vxu(Shot("E1", zip5="90011", ids=("LS1^^^LAKESHORE^MB",))))
    await office.open_day(date(2021, 3, 4))
    assert [version for version, _ in await told(office)] == [1]
    await office.read(roster(row(personal="PER*IP**HP*2135550188", action="001"), day=date(2021, 3, 4)))
    [_, (version, details)] = await told(office)
    assert details is not None
    assert version == 2
    assert [(phone.number, phone.stated_on) for phone in details.telephones] == [("2135550188", date(2021, 3, 4))]
    assert {one.kind: one.stated_on for one in details.addresses} == {
        AddressKind.RESIDENCE: date(2021, 3, 1),
        AddressKind.MAILING: date(2021, 3, 1),
    }


async def test_another_mailing_address_alone_is_news(office: Office) -> None:
    """A row that differs from what is known in nothing but the mailing address is a change, and is told."""
    await office.read(roster(row("LS1", "OMA", MAILING)))
    file = await office.read(roster(row("LS1", "OMA", DROP_OFF.replace("*45*", "*31*")), day=date(2021, 3, 2)))
    [outcome] = await office.fetch("select outcome, changes from feed_row where file_id = $1", file.file_id)
    assert (outcome["outcome"], outcome["changes"]) == ("accepted", "changed")
    details = await last_told(office)
    assert details is not None
    assert {one.kind: one.street for one in details.addresses}[AddressKind.MAILING] == "9 SHELTER WAY"


async def test_an_older_roster_changes_nothing(office: Office) -> None:
    """What was said earlier than what stands is not told, whenever it comes."""
    await office.read(roster(row(), day=date(2021, 3, 5)))
    await office.read(roster(row("LS1", "OMA", MAILING, personal="PER*IP**HP*2135550188"), day=date(2021, 3, 4)))
    [(_, details)] = await told(office)
    assert details is not None
    assert [phone.number for phone in details.telephones] == ["2135550101", "2135550102"]


@pytest.mark.parametrize(
    ("later", "why"),
    [
        (row(action="024", end="20210228"), "the cover has ended"),
        (row(action="001", restriction="R"), "the plan restricts access"),
    ],
    ids=["ended", "restricted"],
)
async def test_details_go_with_the_right_to_contact(office: Office, later: str, why: str) -> None:
    """Nobody may be contacted whose cover has ended or whom his plan restricts: the details are withdrawn by a fact
    with the next version, and nothing of what was told stays in the table."""
    await office.read(roster(row("LS1", "OMA", MAILING)))
    await office.read(roster(later, day=date(2021, 3, 2)))
    assert [(version, details is None) for version, details in await told(office)] == [(1, False), (2, True)], why
    [kept] = await office.fetch("select version, digest, sealed_told from member_contact")
    assert kept == {"version": 2, "digest": None, "sealed_told": None}


async def test_an_end_that_lies_ahead_withdraws_on_its_day(office: Office) -> None:
    """Cover that ends on the tenth gives the right until then; the day after has it withdrawn, without any file."""
    await office.read(roster(row(end="20210310")))
    await office.open_day(date(2021, 3, 10))
    assert [details is None for _, details in await told(office)] == [False]
    await office.open_day(date(2021, 3, 11))
    assert [details is None for _, details in await told(office)] == [False, True]


async def test_a_registry_that_protects_withdraws(office: Office) -> None:
    """PD1-12 = Y bars contact, and so the details go; N brings them again under a higher version."""
    await office.read(roster(row(personal=PERSONAL)))
    shot = Shot("E1", zip5="90011", protected="Y", ids=("LS1^^^LAKESHORE^MB",))
    await office.read(vxu(shot))
    await office.read(vxu(Shot("E1", zip5="90011", protected="N", ids=shot.ids, sent="20210302060000")))
    assert [(version, details is None) for version, details in await told(office)] == [
        (1, False), (2, True), (3, False),
    ]  # fmt: skip


async def test_a_household_is_one_subscribers_family(office: Office) -> None:
    """Whom the plan lists under one subscriber's number have one household id, which is no number of anybody's; another
    family has another."""
    await office.read(
        roster(
            row("LS1", "OMA"),
            row("LS1", "IDA", role="N*19", born="20100101"),
            row("LS9", "ANA", born="19500101"),
            plan="ELSEWHERE",
        )
    )
    households = {
        details.name.given: details.household_id
        for _, details in await told(office)
        if details is not None and details.name is not None
    }
    assert households["OMA"] == households["IDA"] != households["ANA"]
    assert None not in households.values()


async def test_nothing_of_it_stands_in_clear(office: Office) -> None:
    """Neither the outbox nor the table holds a telephone, a name or an address of it in clear, and the topic is keyed
    by the enrolment."""
    await office.read(roster(row("LS1", "OMA", MAILING, GUARDIAN)))
    query = "select aggregateid, payload from outbox where aggregatetype = 'vcc.member-contact.v1'"
    [said] = await office.fetch(query)
    [kept] = await office.fetch("select * from member_contact")
    everything = bytes(said["payload"]) + kept["sealed_told"] + kept["sealed_stated"] + kept["digest"]
    for canary in (b"2135550101", b"SESAME", b"PASADENA", b"GROUCH", b"oma@"):
        assert canary not in everything
    assert said["aggregateid"] == str(kept["enrolment_id"])


async def test_a_fact_opens_for_its_enrolment_and_version_alone(office: Office) -> None:
    """Sealed details that are moved to another enrolment, or to a higher version, open for nobody."""
    await office.read(roster(row()))
    [body] = await office.events("member-contact")
    fact = MemberContactChangedV1.model_validate(body)
    assert fact.sealed is not None
    ring, sealed = KeyRing.parse(RING), b64decode(fact.sealed)
    for bound in (bound_to(UUID(int=7), 1), bound_to(fact.enrolment_id, 2)):
        with pytest.raises(SealError):
            ring.open([sealed], [bound])


async def test_endless_names_and_numbers_fit_into_a_record(office: Office) -> None:
    """Names, streets and telephones without end are told as far as anybody could read them, and keep nobody waiting."""
    long, numbers = "X" * 30_000, "".join(f"*HP*213555{number:04d}" for number in range(900))
    guardians = [f"NM1*GD*1*{long}*{long}" for _ in range(13)]
    loops = (f"NM1*31*1~N3*{long}*{long}", *guardians, f"PER*RP*{numbers}")
    await office.read(
        roster(row("LS1", "OMA", *loops, personal=f"PER*IP*{numbers}"), row("LS2", "IDA", born="19500101"))
    )
    found = {details.name.given: details for _, details in await told(office) if details and details.name}
    assert set(found) == {"OMA", "IDA"}
    assert len(found["OMA"].telephones) == len(found["OMA"].representatives[-1].telephones) == 20
    assert len(found["OMA"].representatives[0].name.family) == 200
    [payload] = await office.fetch("select max(octet_length(payload)) as most from outbox")
    assert payload["most"] < 100_000
