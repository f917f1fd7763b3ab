"""What registries say of how to reach a plan's member: behind what the plan says, and never of whom they protect."""

from datetime import date

import httpx
import pytest
from fastapi import FastAPI

from schemas.member_contact_v1 import AddressKind, ContactDetails, ContactSource
from services.eligibility.intake.flow.roster import settle_book
from services.eligibility.people.flow import load_persons_book
from services.eligibility.people.store.erasures import erase
from services.kit.unit_of_work import working
from tests.service.eligibility.cases import join_namesakes
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.contacts import PERSONAL, last_told, opened, row, told
from tests.service.eligibility.messages import Shot, roster, vxu
from tests.service.eligibility.test_possibly_one import decide, pairs
from tests.service.eligibility.two_again import app

pytestmark = pytest.mark.postgres
__all__ = ["app"]
MOTHER = "NK1|1|Montoya^Maria^^^^^L|MTH^Mother^HL70063||^PRN^CP^^^213^5550133"
ROSTER, REGISTRY = ContactSource.ROSTER, ContactSource.REGISTRY


def message(
    number: str = "5550177", sent: str = "20210302060000", protected: str = "", more: str = MOTHER, **said: str
) -> str:
    """One message with a telephone, an e-mail address, a nickname, a mailing address and a relative."""
    shot = Shot("E1", zip5="90011", sent=sent, protected=protected, ids=("LS1^^^LAKESHORE^MB",), **said)  # type: ignore[arg-type]
    lines = vxu(shot).split("\r")
    fields = lines[1].split("|")
    fields[5] += "~Sesame^Nana^^^^^N"
    fields[11] += "~PO Box 9^^Los Angeles^CA^90099^USA^M"
    fields += ["", f"^PRN^PH^^^213^{number}~^NET^X.400^nana@reg.example"]
    lines[1] = "|".join(fields)
    return "\r".join([*lines[:2], more, *lines[2:]])


def phones(details: ContactDetails | None) -> list[tuple[str, ContactSource, date | None]]:
    assert details is not None
    return [(phone.number, phone.source, phone.stated_on) for phone in details.telephones]


async def test_a_registry_stands_behind_the_plan(office: Office) -> None:
    """Its telephone and e-mail come behind the roster's, with the day of its message; its mailing address, nickname and
    relative fill what the plan leaves open; its home and its name do not take the place of the plan's."""
    await office.read(roster(row()))
    await office.read(message())
    details = await last_told(office)
    first, second = date(2021, 3, 1), date(2021, 3, 2)
    assert phones(details) == [
        ("2135550101", ROSTER, first), ("2135550102", ROSTER, first), ("2135550177", REGISTRY, second),
    ]  # fmt: skip
    assert details is not None
    assert details.name is not None
    assert (details.name.given, details.name.preferred) == ("OMA", "Nana")
    assert [(email.address, email.source) for email in details.emails] == [
        ("oma@sesame.example", ROSTER), ("nana@reg.example", REGISTRY),
    ]  # fmt: skip
    assert [(one.kind, one.street, one.source) for one in details.addresses] == [
        (AddressKind.RESIDENCE, "123 SESAME ST", ROSTER), (AddressKind.MAILING, "PO Box 9", REGISTRY),
    ]  # fmt: skip
    [mother] = details.representatives
    assert (mother.relation, mother.name.family, mother.telephones[0].number) == ("parent", "Montoya", "2135550133")


async def test_a_number_of_both_is_the_plans(office: Office) -> None:
    """A registry that says the roster's number adds nothing."""
    await office.read(roster(row()))
    await office.read(message(number="5550101"))
    assert [source for _, source, _ in phones(await last_told(office))] == [ROSTER, ROSTER]


async def test_of_each_registry_the_newest_message(office: Office) -> None:
    """In whatever order they come; one that repeats what is known is no news."""
    await office.read(roster(row(personal="")))
    await office.read(message(sent="20210304060000"))
    await office.read(message(number="5550178", sent="20210303060000"))
    await office.read(message(sent="20210305060000"))
    assert [version for version, _ in await told(office)] == [1, 2]
    assert [number for number, *_ in phones(await last_told(office))] == ["2135550177"]


async def test_whom_a_registry_protects_it_tells_nobody_of(office: Office) -> None:
    """PD1-12 = Y in the very message: nothing of it is told, and what was told before is withdrawn."""
    await office.read(roster(row(personal=PERSONAL)))
    await office.read(message(protected="Y"))
    assert [details is None for _, details in await told(office)] == [False, True]


async def test_what_came_by_one_plans_token_is_said_of_its_members(office: Office) -> None:
    """Of somebody who is two plans' member, a registry's message by one plan's token is told to that plan; one by a
    token for all to both."""
    await office.read(roster(row()))
    await office.read(roster(row(), plan="PRAIRIE"))
    await join_namesakes(office)
    await office.read(message(), tenant="prairie")
    assert [kept["tenant_id"] for kept in await office.fetch("select tenant_id from registry_contact")] == ["prairie"]
    await office.read(message(sent="20210303060000"))
    plans = await office.fetch("select tenant_id from registry_contact where source not like '%@%' order by 1")
    assert [kept["tenant_id"] for kept in plans] == ["lakeshore", "prairie"]


async def test_two_who_are_one_keep_what_each_plan_says(
    app: FastAPI, client: httpx.AsyncClient, office: Office
) -> None:
    """Joined and parted again, each plan's enrolment has its own plan's details, under the versions that they had; what
    registries said is forgotten for both, until they say it again."""
    await office.read(roster(row("HERS1")))
    await office.read(roster(row("HERS2", personal="PER*IP**HP*2135550144"), plan="PRAIRIE"))
    await office.read(message())
    assert len(await office.fetch("select from registry_contact")) == 2
    [pair] = await pairs(client)
    before = await office.events("member-contact")
    assert (await decide(client, pair, "one-person", "join")).status_code == 200
    assert await office.events("member-contact") == before
    assert (await decide(client, pair, "withdraw", "back")).status_code == 200
    assert await office.fetch("select from registry_contact") == []
    newest = {body["tenant_id"]: opened(body) for body in await office.events("member-contact")}
    assert {plan: phones(details)[0][0] for plan, details in newest.items()} == {
        "lakeshore": "2135550101", "prairie": "2135550144",
    }  # fmt: skip


async def test_what_a_registry_says_is_sealed(office: Office) -> None:
    """The table holds neither a number nor a name of it in clear."""
    await office.read(roster(row()))
    await office.read(message())
    [kept] = await office.fetch("select sealed_said from registry_contact")
    for canary in (b"5550177", b"Montoya", b"nana"):
        assert canary not in kept["sealed_said"]


async def test_who_is_joined_with_an_erased_entry_is_erased(office: Office) -> None:
    """Two entries of one plan become one of which nothing is kept or told; parted again, neither has anything."""
    await office.read(roster(row("LS1"), row("LS2", personal="PER*IP**HP*2135550144", born="19400502")))
    rows = await office.fetch("select enrolment_id, member_token from enrolment order by member_token")
    (known, one), (gone, other) = ((row["enrolment_id"], row["member_token"]) for row in rows)
    async with working(office.database.pool) as work:
        await erase(work.connection, {gone: "lakeshore"}, "member-request", "olga")
    async with working(office.database.pool) as work:
        book = await load_persons_book(work.connection, {one, other})
        before = book.enrolments[one, "lakeshore"]
        book.join(one, other)
        [joined] = book.joins
        await settle_book(work, book, 0, date(2021, 3, 1))
    assert before.phones
    assert {kept["enrolment_id"] for kept in await office.fetch("select enrolment_id from contact_erasure")} == {
        known, gone,
    }  # fmt: skip
    last = [fact for fact in await office.events("member-contact") if fact["enrolment_id"] == str(known)][-1]
    assert (last.get("sealed"), last["is_erased"]) == (None, True)
    async with working(office.database.pool) as work:
        book = await load_persons_book(work.connection, {one, other})
        book.part(joined, [before])
        assert {entry.street for entry in book.changed_enrolments.values()} == {""}
        assert {entry.phones for entry in book.changed_enrolments.values()} == {()}
        await settle_book(work, book, 0, date(2021, 3, 1))
    left = await office.fetch("select from enrolment where street <> '' or phones <> '{}' or email <> '' or city <> ''")
    assert left == []
