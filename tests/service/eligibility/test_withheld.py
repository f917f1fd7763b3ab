"""What a registry reported of whom it protects (PD1-12 = Y) is kept, and is shared at no door."""

from datetime import date
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from services.eligibility.decisions.api import members as members_api
from services.eligibility.decisions.flow import days
from services.kit.ids import new_id
from services.kit.postgres import ALL_TENANTS, transaction
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.deaths import message, said
from tests.service.eligibility.door import acting, door
from tests.service.eligibility.messages import Row, Shot, roster, vxu
from tests.service.eligibility.pairs import join
from tests.service.eligibility.test_doses import give

pytestmark = pytest.mark.postgres
IMMUNE = "OBX|1|CE|59784-9^^LN||38907003^^SCT||||||F"
SHARED, SHARED_LATER = "N", "20210304060000"


@pytest.fixture
def app(office: Office) -> FastAPI:
    return door(office.database, members_api.routes)


async def doses(office: Office) -> list[tuple[str, str, list[str]]]:
    """What stands in the log of each dose: its vaccine, the newest action, and who reported it."""
    newest: dict[str, dict[str, Any]] = {}
    for fact in await office.events("dose-administered"):
        if newest.get(fact["dose_id"], fact)["version"] <= fact["version"]:
            newest[fact["dose_id"]] = fact
    return sorted((fact["cvx"], fact["action"], fact["sources"]) for fact in newest.values())


async def lots(office: Office) -> list[str]:
    """The lots of the doses that stand, as this service keeps them for itself."""
    return [row["lot"] for row in await office.fetch("select lot from dose where not is_retracted order by lot")]


async def fact_of(office: Office) -> dict[str, Any]:
    return (await office.last_facts())["LS1"]


def of(shot: str, registry: str) -> str:
    return shot.replace("|REG|CAIR|", f"|REG|{registry}|")


async def test_a_protected_persons_dose_is_never_told(office: Office) -> None:
    """A dose that comes with PD1-12 = Y makes no event, counts for no programme, and nobody may call."""
    await office.read(roster(Row("LS1")))
    await office.read(vxu(Shot("E-1", protected="Y")))
    assert await doses(office) == []
    fact = await fact_of(office)
    assert (fact["vaccinated"], fact["doses_valid"], fact["contact_protected"]) == (False, 0, True)
    assert await office.fetch("select from dose") == []
    assert len(await office.fetch("select from dose_report")) == 1


async def test_protecting_takes_back_and_sharing_tells_again(office: Office) -> None:
    """Y takes back what was told before it, N tells it again under the same dose, and so on, as often as it is said."""
    await office.read(roster(Row("LS1")))
    await office.read(vxu(Shot("E-1")))
    found = [await doses(office)]
    for protected, sent in (("Y", "20210302060000"), ("N", "20210303060000"), ("Y", "20210304060000"),
                            ("", "20210305060000"), ("N", "20210306060000")):  # fmt: skip
        await office.read(message(p12=protected, sent=sent))
        found.append(await doses(office))
        counts = protected != "Y" and sent != "20210305060000"
        assert (await fact_of(office))["vaccinated"] is counts
    told = [[("208", action, ["iis"])] for action in ("new", "retract", "new", "retract", "retract", "new")]
    assert found == told
    assert len({fact["dose_id"] for fact in await office.events("dose-administered")}) == 1


async def test_a_corrected_dose_stays_withheld(office: Office) -> None:
    """What a protecting registry corrects, adds or deletes is kept for the day on which it shares again."""
    await office.read(roster(Row("LS1")))
    await office.read(vxu(Shot("E-1", protected="Y"), Shot("E-2", cvx="141", protected="Y")))
    await office.read(vxu(Shot("E-1", on="20210216", lot="X9", action="U", sent="20210302060000")))
    await office.read(vxu(Shot("E-2", cvx="141", action="D", sent="20210302060000")))
    assert await doses(office) == []
    await office.read(message(p12=SHARED, sent=SHARED_LATER))
    assert await doses(office) == [("208", "new", ["iis"])]
    [fact] = await office.events("dose-administered")
    assert fact["administered_on"] == "2021-02-16"
    assert await lots(office) == ["X9"]


async def test_what_others_report_of_the_dose_stays_theirs(office: Office) -> None:
    """A dose that another registry reports too is told as that one says it, and as nobody else's."""
    await office.read(roster(Row("LS1")))
    await office.read(of(vxu(Shot("E-7", cvx="213", lot="")), "I-CARE"))
    await office.read(vxu(Shot("E-1", lot="ZQ4711")))
    assert await lots(office) == ["ZQ4711"]
    await office.read(message(p12="Y", sent="20210302060000"))
    assert await doses(office) == [("213", "update", ["iis"])]
    assert await lots(office) == [""]


async def test_a_registry_of_several_names_is_one(office: Office) -> None:
    """What the registry sent under another of its names, such as that of its extract, is withheld too."""
    await office.read(roster(Row("LS1")))
    await office.read(of(vxu(Shot("E-7")), "CDPH"))
    await office.read(message(p12="Y", sent="20210302060000"))
    assert await doses(office) == [("208", "retract", ["iis"])]


async def test_a_withheld_report_joins_no_doses(office: Office) -> None:
    """Two vaccines that only a protecting registry's combination would make one dose stay two."""
    await office.read(roster(Row("LS1")))
    await office.read(of(vxu(Shot("E-7", cvx="03"), Shot("E-8", cvx="21")), "I-CARE"))
    await office.read(vxu(Shot("E-1", cvx="94", protected="Y")))
    assert await doses(office) == [("03", "new", ["iis"]), ("21", "new", ["iis"])]


async def test_what_a_site_gave_stays_told(office: Office) -> None:
    """The registry's echo of a site's own dose is withheld; the site's record of it is not the registry's."""
    await office.read(roster(Row("LS1")))
    await give(office, "LS1", new_id(), on=date(2021, 2, 15))
    await office.read(vxu(Shot("E-1", protected="Y")))
    assert await doses(office) == [("208", "new", ["appointment"])]


async def test_a_report_that_waited_is_withheld_once_linked(office: Office) -> None:
    """A protected dose that comes before its member is withheld on the day on which the member is found."""
    await office.read(vxu(Shot("E-1", protected="Y")))
    await office.read(roster(Row("LS1")))
    assert await doses(office) == []
    assert (await fact_of(office))["contact_protected"] is True


async def test_persons_who_are_merged_keep_their_protection(office: Office) -> None:
    """What the registry reported of the one is withheld of both who turn out to be one."""
    await office.read(roster(Row("LS1")))
    await office.read(vxu(Shot("E-1")))
    await office.read(roster(Row("P9", tract="", given="Omma", born="19400502"), plan="PRAIRIE"))
    await office.read(vxu(Shot("E-2", cvx="141", ids=("C-2^^^CAIR^SR",), protected="Y", given="Omma", born="19400502")))
    assert await doses(office) == [("208", "new", ["iis"])]
    fixed = Row("P9", tract="", was=("P9", "Sesame", "Omma"), action="001", reason="25")
    await office.read(roster(fixed, plan="PRAIRIE", day=date(2021, 3, 2)))
    await join(office)
    assert len(await office.fetch("select from person where merged_into is not null")) == 1
    assert [action for _, action, _ in await doses(office)] == ["retract"]


async def test_a_plans_sender_withholds_its_own_word_only(office: Office) -> None:
    """Y in a file that came by a plan's token withholds what came that way; the registry's report stays told."""
    await office.read(roster(Row("LS1")))
    await office.read(vxu(Shot("E-1")))
    await office.read(vxu(Shot("E-2", cvx="141", protected="Y")), tenant="lakeshore")
    assert await doses(office) == [("208", "new", ["iis"])]
    await office.read(message(p12="Y", sent="20210302060000"))
    assert await doses(office) == [("208", "retract", ["iis"])]


async def test_race_and_home_are_withheld(office: Office) -> None:
    """What a protecting registry says of race and tract is in no fact; sharing again brings it back. A death is told
    all the same, for it only stops others."""
    await office.read(roster(Row("LS1", tract="", race="")))
    await office.read(vxu(Shot("E-1", race="2106-3^White^CDCREC", tract="06037228410")))
    told = [await fact_of(office)]
    for protected, sent in (("Y", "20210302060000"), ("N", "20210303060000")):
        await office.read(message(p12=protected, sent=sent))
        told.append(await fact_of(office))
    assert [(fact["race_ethnicity"], fact["svi"]["level"]) for fact in told] == [
        ("white", "tract"), ("unknown", "zip"), ("white", "tract"),
    ]  # fmt: skip
    await office.read(message(pid30="Y", p12="Y", sent="20210304060000"))
    assert await said(office) == "deceased"


async def test_the_members_page_shows_nothing_of_it(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """Doses, remarks and benefits of the member's page say nothing that a protecting registry reported, and say so."""
    await office.read(roster(Row("LS1")))
    await office.read(vxu(Shot("E-1")) + f"{IMMUNE}\r")
    acting(app, "supervisor", "lakeshore")
    pages = []
    for protected, sent in (("", ""), ("Y", "20210302060000"), ("N", "20210303060000")):
        if protected:
            await office.read(message(p12=protected, sent=sent))
        [page] = (await client.get("/members", params={"member_id": "LS1"})).json()
        pages.append((protected, len(page["doses"]), len(page["remarks"]), page["is_history_withheld"]))
    assert pages == [("", 1, 1, False), ("Y", 0, 0, True), ("N", 1, 1, False)]


async def protected_before(office: Office, more: str = "") -> None:
    """Everybody is protected by what was stored before protection withheld anything."""
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        await connection.execute("""
            insert into registry_consent (member_token, source, tenant_id, is_protected, protected_on, protected_at,
                publicity)
            select member_token, 'cair', '*', true, '2021-03-01', '2021-03-01T06:00Z', '' from enrolment""")
        if more:
            await connection.execute(more)


async def test_what_was_told_before_this_was_a_rule_is_taken_back(office: Office) -> None:
    """A database from before withdraws, once, the doses of whom a registry protects."""
    await office.read(roster(Row("LS1")))
    await office.read(vxu(Shot("E-1")))
    await protected_before(office, "insert into withheld_since select member_token from enrolment")
    assert await days.withhold_told(office.database.pool) == 1
    assert await days.withhold_told(office.database.pool) == 0
    assert await doses(office) == [("208", "retract", ["iis"])]
    assert (await fact_of(office))["vaccinated"] is False


async def test_who_was_protected_during_the_rollout_is_withheld_too(office: Office) -> None:
    """Whom an older worker heard to be protected after the tables were made ready is asked of by the first worker that
    withholds, once; a worker that is told to stop leaves the rest to the next one."""
    await office.read(roster(Row("LS1")))
    await office.read(vxu(Shot("E-1")))
    await protected_before(office)
    assert await days.withhold_told(office.database.pool, lambda: True) == 0
    assert await days.withhold_told(office.database.pool) == 1
    assert await doses(office) == [("208", "retract", ["iis"])]
    assert await days.withhold_told(office.database.pool) == 0
