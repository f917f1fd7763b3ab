"""Whom a site expects on a day, and by which name: what scheduling keeps of who members are."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.kit.sealed import MARK
from services.kit.unit_of_work import working
from services.scheduling.desk import store
from services.scheduling.desk.screening import Question
from tests.service.scheduling.contacts import BORN_ON, a_contact, details, withdrawn
from tests.service.scheduling.world import MONDAY, World, a_business_day, a_given_dose, a_site

pytestmark = pytest.mark.postgres

WEDNESDAY = MONDAY + timedelta(days=2)
CLERK = "vaccinator@*/united-center"


async def day(world: World, *, who: str = CLERK, site: str = "united-center", on: Any = WEDNESDAY) -> list[Any]:
    answer = await world.get(f"/sites/{site}/day?on={on}", who=who)
    assert answer.status_code == 200, answer.text
    found: list[Any] = answer.json()
    return found


async def names(world: World, **asked: Any) -> list[str | None]:
    return [one["name"] for one in await day(world, **asked)]


async def kept(world: World, enrolment: UUID) -> bytes | None:
    async with world.everything() as connection:
        found: bytes | None = await connection.fetchval(
            "select sealed_details from member_contact where enrolment_id = $1", enrolment
        )
    return found


async def test_the_day_list_says_who_is_expected_when_and_for_what(world: World) -> None:
    """Each appointment of the day with its hour, vaccine, product, the end of its code, and a name where one is
    known."""
    [slot] = await world.open_block()
    ada, nameless = await world.enrol(), await world.enrol()
    await world.hear(a_contact(ada))
    booked = (await world.book(ada, slot)).json()
    await world.booked(nameless, slot)
    await world.hear(a_business_day(WEDNESDAY))
    one, other = await day(world)
    assert (one["name"], one["vaccine_group"], one["cvx"], one["status"]) == (
        "Sesame, Ada",
        "covid-19",
        "208",
        "booked",
    )
    assert (one["start_at"], one["code_ends"]) == (booked["start_at"], booked["booking_code"][5:])
    assert (other["name"], other["dose"]) == (None, None)


async def test_who_was_told_after_the_booking_is_named_as_well(world: World) -> None:
    """In whichever order booking and contact details are heard, the list has the newest name."""
    [slot] = await world.open_block()
    ada = await world.enrol()
    await world.booked(ada, slot)
    await world.hear(a_business_day(WEDNESDAY), a_contact(ada), a_contact(ada, 3, details("Augusta")))
    await world.hear(a_contact(ada, 2))
    assert await names(world) == ["Sesame, Augusta"]


async def test_a_name_is_shown_on_its_day_alone(world: World) -> None:
    """The list of a day to come, or of one that is over, has codes and no names."""
    [slot] = await world.open_block()
    ada = await world.enrol()
    await world.hear(a_contact(ada))
    await world.booked(ada, slot)
    assert await names(world) == [None]
    await world.hear(a_business_day(WEDNESDAY))
    assert await names(world) == ["Sesame, Ada"]
    await world.hear(a_business_day(WEDNESDAY + timedelta(days=1)))
    assert await names(world) == [None]


async def test_whose_booking_is_off_is_not_named(world: World) -> None:
    """A cancelled booking stays on the list without a name; who got the dose keeps his."""
    [slot] = await world.open_block()
    members = [await world.enrol(), await world.enrol()]
    off, given = [await world.booked(one, slot) for one in members]
    await world.hear(*map(a_contact, members), a_business_day(WEDNESDAY))
    await world.post(f"/appointments/{off}/cancel", {"reason": "pat-lt"})
    answer = await world.post(f"/appointments/{given}/fulfil", {"dose": a_given_dose(on=WEDNESDAY)}, who=CLERK)
    assert answer.status_code == 200, answer.text
    listed = {one["status"]: (one["name"], (one["dose"] or {}).get("lot")) for one in await day(world)}
    assert listed == {"cancelled": (None, None), "fulfilled": ("Sesame, Ada", "EN6201")}


async def test_each_desk_sees_its_own_site_and_plan(world: World) -> None:
    """A clerk of another site sees nobody, a clerk of one plan that plan's members, and the State no list of names."""
    await world.post("/sites", a_site(site_id="navy-pier"), who="state@*")
    [slot] = await world.open_block(plan=None)
    ada, ben = await world.enrol(), await world.enrol("blue")
    await world.hear(a_contact(ada), a_contact(ben, 1, details("Ben"), "blue"))
    await world.booked(ada, slot)
    await world.booked(ben, slot, tenant="blue")
    await world.hear(a_business_day(WEDNESDAY))
    assert set(await names(world)) == {"Sesame, Ada", "Sesame, Ben"}
    assert await names(world, who="site@blue/united-center") == ["Sesame, Ben"]
    assert await names(world, who="vaccinator@*/navy-pier") == []
    assert (await world.get(f"/sites/united-center/day?on={WEDNESDAY}", who="state@*")).status_code == 403


@pytest.mark.parametrize(
    ("tenant", "site", "rows"),
    [("*", "united-center", 2), ("*", "navy-pier", 0), ("acme", "united-center", 2), ("blue", "united-center", 0)],
)
async def test_the_rows_themselves_are_closed_to_others(world: World, tenant: str, site: str, rows: int) -> None:
    """Details and screenings are seen by who sees an appointment of their member, whatever a route would ask."""
    await world.post("/sites", a_site(site_id="navy-pier"), who="state@*")
    [slot] = await world.open_block()
    ada = await world.enrol()
    booked = await world.booked(ada, slot)
    await world.hear(a_contact(ada), a_contact(uuid4()), a_business_day(WEDNESDAY))
    await world.post(f"/appointments/{booked}/check-in", who=CLERK)
    answers = {"answers": {question.value: "no" for question in Question}}
    assert (await world.post(f"/appointments/{booked}/screening", answers, who=CLERK)).status_code == 200
    seen = "select (select count(*) from member_contact) + (select count(*) from screening)"
    async with working(world.pool, tenant, sites=frozenset({site})) as work:
        assert await work.connection.fetchval(seen) == rows


async def test_each_look_at_the_list_is_in_the_trail(world: World) -> None:
    """Who saw the day list is told with the appointments that were on it."""
    [slot] = await world.open_block()
    booked = await world.booked(await world.enrol(), slot)
    await day(world)
    async with world.everything() as connection:
        rows = await connection.fetch("select principal, subjects from audit where action = 'read'")
    assert [(row["principal"], row["subjects"]) for row in rows] == [("vaccinator-1", [booked])]


async def test_somebody_is_found_by_name_and_birth_date_on_his_day(world: World) -> None:
    """Without capitals and accents, by the given name or what he likes to be called; with another birth date, another
    given name, or on another day, nobody."""
    [slot] = await world.open_block()
    zoe = await world.enrol()
    await world.hear(a_contact(zoe, 1, details("Zoë", "O'Neil-Íñigo")))
    booked = await world.booked(zoe, slot)

    async def found(given: str, born_on: Any = BORN_ON, family: str = "oneil inigo") -> list[str]:
        asked = f"family={family}&given={given}&born_on={born_on}"
        answer = await world.get(f"/sites/united-center/appointments?{asked}", who=CLERK)
        return [one["appointment_id"] for one in answer.json()]

    assert await found("zoe") == []
    await world.hear(a_business_day(WEDNESDAY))
    assert await found("zoe") == [booked]
    assert await found("zoe", BORN_ON + timedelta(days=1)) == []
    assert await found("ada") == []
    assert await found("zoe", family="oneil") == []


async def test_the_desk_asks_by_code_or_by_name(world: World) -> None:
    """Nothing, half a name, or both together are refused, and cost nobody a look-up."""
    for asked in ("", "?family=Sesame", "?family=Sesame&given=Ada", "?code=00000000&family=Sesame"):
        answer = await world.get(f"/sites/united-center/appointments{asked}", who=CLERK)
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:vcc:problem:whom"), asked


async def test_what_is_kept_is_sealed_and_is_no_more_than_a_desk_needs(world: World) -> None:
    """Name, birth date and home address, sealed: no telephone number and no other address."""
    ada = uuid4()
    await world.hear(a_contact(ada))
    sealed = await kept(world, ada)
    assert sealed is not None
    assert sealed.startswith(MARK)
    async with world.everything() as connection:
        known = (await store.load_details(connection, [ada]))[ada]
    assert (known.birth_on, [one.street for one in known.addresses]) == (BORN_ON, ["123 Sesame St"])
    assert (known.telephones, known.emails) == ((), ())


@pytest.mark.parametrize("is_erased", [False, True])
async def test_what_is_withdrawn_or_erased_is_deleted_for_good(world: World, is_erased: bool) -> None:
    """Nothing of it stays, the list goes on without the name, and an old record that comes again revives nothing."""
    [slot] = await world.open_block()
    ada = await world.enrol()
    await world.booked(ada, slot)
    await world.hear(a_contact(ada), a_business_day(WEDNESDAY))
    assert await names(world) == ["Sesame, Ada"]
    await world.hear(withdrawn(ada, is_erased=is_erased))
    await world.hear(a_contact(ada))
    assert (await kept(world, ada), await names(world)) == (None, [None])
