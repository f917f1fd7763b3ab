"""What nobody can mean is refused where it is said, and changes nothing."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.service.scheduling.world import COVID, MONDAY, World, a_given_dose, a_site, a_slot

pytestmark = pytest.mark.postgres

Json = dict[str, Any]
TUESDAY = str(MONDAY + timedelta(days=1))


def code(answer: httpx.Response) -> str:
    """The code of a refusal, else the status."""
    return answer.json()["type"].rpartition(":")[2] if answer.status_code >= 400 else str(answer.status_code)


def a_block(**more: Any) -> Json:
    return {"site_id": "united-center", "week_on": str(MONDAY), "cvx": COVID,
            "slots": [a_slot(MONDAY + timedelta(days=2))]} | more  # fmt: skip


def slots(**more: Any) -> Json:
    return a_block(slots=[a_slot(MONDAY + timedelta(days=2)) | more])


SITES: list[tuple[Json, str]] = [
    ({"name": "\u202eretneC"}, "invalid-request"),
    ({"name": "\u200b"}, "invalid-request"),
    ({"name": "\u00a0\u2003"}, "invalid-request"),
    ({"name": "a\ud800b"}, "invalid-request"),
    ({"name": "a\x00b"}, "invalid-request"),
    ({"name": "x" * 121}, "invalid-request"),
    ({"name": 7}, "invalid-request"),
    ({"name": "  Pabellón Señor Ñandú  "}, "200"),
    ({"zip5": "６０６１２"}, "invalid-request"),
    ({"zip5": 60612}, "invalid-request"),
    ({"time_zone": "america/chicago"}, "invalid-request"),
    ({"time_zone": "../../etc/passwd"}, "invalid-request"),
    ({"time_zone": "localtime"}, "invalid-request"),
    ({"time_zone": "Factory"}, "invalid-request"),
    ({"time_zone": "UTC-6"}, "invalid-request"),
    ({"time_zone": ""}, "invalid-request"),
    ({"kind": "Mass"}, "invalid-request"),
    ({"gives": []}, "invalid-request"),
    ({"gives": [{"cvx": "208", "vaccine_group": "covid-19"}] * 2}, "invalid-request"),
    ({"gives": [{"cvx": "008", "vaccine_group": "hepb"}]}, "invalid-request"),
    ({"gives": [{"cvx": "00", "vaccine_group": "hepb"}]}, "invalid-request"),
    ({"gives": [{"cvx": "08", "vaccine_group": "hepb"}]}, "product-in-use"),
    ({"gives": {"208": "covid-19"}}, "invalid-request"),
    ({"site_id": "United-Center"}, "invalid-request"),
    ({"site_id": "united center"}, "invalid-request"),
    ({"withdraw": "no"}, "invalid-request"),
    ({"capacity": 3}, "invalid-request"),
]


@pytest.mark.parametrize(("said", "expected"), SITES, ids=[json.dumps(said)[:60] for said, _ in SITES])
async def test_a_site_is_described_as_sites_are(world: World, said: Json, expected: str) -> None:
    """Names that can be read, a zone of the IANA, a ZIP, products as CDC writes their codes, and nothing else."""
    await world.open_block()
    assert code(await world.post("/sites", a_site() | said, who="state@*")) == expected


BLOCKS: list[tuple[Json, str]] = [
    (slots(capacity=10**30), "invalid-request"),
    (slots(capacity=float("nan")), "invalid-request"),
    (slots(capacity=-1), "invalid-request"),
    (slots(start_at="2021-03-17T15:00:00"), "invalid-request"),
    (slots(start_at="2021-03-17T15:00:00+00:60"), "invalid-request"),
    (slots(start_at="2021-03-17T15:00:60Z"), "invalid-request"),
    (slots(start_at="2021-02-29T15:00:00Z"), "invalid-request"),
    (slots(start_at="2021-03-17"), "invalid-request"),
    (slots(start_at=1615993200), "invalid-request"),
    (slots(end_at="2021-03-17T14:59:59Z"), "invalid-request"),
    (slots(end_at="2021-03-18T15:00:00Z"), "invalid-request"),
    (slots(start_at="2021-03-22T05:00:00Z", end_at="2021-03-22T05:30:00Z"), "slot-outside-week"),
    (slots(start_at="2021-03-22T04:59:00Z", end_at="2021-03-22T05:30:00Z"), "201"),
    (a_block(week_on=TUESDAY), "invalid-request"),
    (a_block(week_on="2021-W11-1"), "invalid-request"),
    (a_block(week_on="15.03.2021"), "invalid-request"),
    (a_block(week_on=1615766400), "invalid-request"),
    (a_block(plan="*"), "invalid-request"),
    (a_block(plan=""), "invalid-request"),
    (a_block(plan="acme"), "unknown-plan"),
    (a_block(slots=[]), "invalid-request"),
    (a_block(slots=None), "invalid-request"),
    (a_block(site_id="nowhere"), "unknown-site"),
    (a_block(cvx="213"), "not-given-here"),
    (a_block(cvx=208), "invalid-request"),
    (a_block(occurred_at="2199-01-01T00:00:00Z"), "far-instant"),
    (a_block(occurred_at="2020-01-01T00:00:00Z"), "far-instant"),
]


@pytest.mark.parametrize(("said", "expected"), BLOCKS, ids=range(len(BLOCKS)))
async def test_a_block_is_opened_as_blocks_are(world: World, said: Json, expected: str) -> None:
    """Instants with their offsets, whole numbers of places, a Monday; nothing of what is refused is kept."""
    raw = json.dumps(said).encode()
    answer = await world.post("/blocks", raw=raw, who="state@*")
    assert code(answer) == expected
    async with world.everything() as connection:
        assert await connection.fetchval("select count(*) from block") == (expected == "201")


DOSES: list[tuple[Json, str]] = [
    ({"lot": "EN6201\n"}, "201"),
    ({"lot": "EN\u200b6201"}, "invalid-request"),
    ({"lot": "ＥＮ６２０１"}, "invalid-request"),
    ({"lot": "EN6201\x07"}, "invalid-request"),
    ({"lot": ""}, "invalid-request"),
    ({"lot": None}, "invalid-request"),
    ({"lot": 62016}, "invalid-request"),
    ({"lot": "3/15/21"}, "invalid-request"),
    ({"lot": "2021-3-5"}, "invalid-request"),
    ({"lot": "5.3.1950"}, "invalid-request"),
    ({"lot": "15MAR21"}, "201"),
    ({"lot": "0000000"}, "invalid-request"),
    ({"mvx": "pfr"}, "invalid-request"),
    ({"mvx": ""}, "invalid-request"),
    ({"mvx": None}, "201"),
    ({"cvx": "0208"}, "invalid-request"),
    ({"cvx": "2O8"}, "invalid-request"),
    ({"cvx": "197"}, "other-vaccine"),
    ({"cvx": "213"}, "not-given-here"),
    ({"administered_on": TUESDAY}, "future-dose"),
    ({"administered_on": "2021-03-15T00:00:00Z"}, "invalid-request"),
    ({"administered_on": "03/15/2021"}, "invalid-request"),
    ({"administered_on": "0021-03-15"}, "invalid-request"),
    ({"administered_on": "2020-11-30"}, "late-dose"),
    ({"administered_on": "2021-01-03"}, "late-dose"),
    ({"administered_on": "2020-12-20"}, "late-dose"),
    ({"administered_on": "2019-03-15"}, "old-dose"),
    ({"site": "left arm"}, "invalid-request"),
]


@pytest.mark.parametrize(("said", "expected"), DOSES, ids=[json.dumps(said) for said, _ in DOSES])
async def test_a_dose_is_recorded_as_doses_are(world: World, said: Json, expected: str) -> None:
    """By CDC's codes, with a lot as on the vial, on a day as it is written that can have been."""
    body = {"enrolment_id": str(await world.enrol()), "site_id": "united-center", "dose": a_given_dose() | said}
    assert code(await world.post("/walk-ins", body, who="site@*")) == expected
    async with world.everything() as connection:
        assert await connection.fetchval("select count(*) from appointment") == (expected == "201")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/appointments?site=united-center&on=1615766400", "invalid-request"),
        ("/appointments?site=united-center&on=20210315", "invalid-request"),
        ("/appointments?site=united-center&on=2021-03-15T00:00:00", "invalid-request"),
        ("/appointments?site=united-center", "invalid-request"),
        ("/appointments?site=nowhere&on=2021-03-15", "200"),
        ("/appointments?site=united-center&on=2021-03-15&limit=0", "invalid-request"),
        ("/appointments?site=united-center&on=2021-03-15&limit=1001", "invalid-request"),
        ("/appointments/not-an-id", "invalid-request"),
        ("/appointments/0a6f2d6e-1111-4222-8333-444455556666", "unknown-appointment"),
        ("/appointments/overdue?least_days=0", "invalid-request"),
        ("/appointments/overdue?least_days=3651", "invalid-request"),
        ("/slots?week=2021-03-16", "invalid-request"),
        ("/slots?week=1615766400", "invalid-request"),
        ("/slots?zip=6061", "invalid-request"),
        ("/slots?vaccine_group=COVID-19", "invalid-request"),
        ("/slots?limit=five", "invalid-request"),
    ],
)
async def test_a_look_names_what_there_can_be(world: World, path: str, expected: str) -> None:
    """A day is written as one, a limit is one; a site that is not there has no appointments."""
    assert code(await world.get(path, who="state@*")) == expected


async def test_what_is_entered_in_error_is_not_taken_back_again(world: World) -> None:
    """Whoever asks again hears that nothing is left to be taken back, and not that it is the site's."""
    [slot] = await world.open_block()
    booked = await world.booked(await world.enrol(), slot)
    assert code(await world.post(f"/appointments/{booked}/cancel", {"reason": "prov"})) == "200"
    answers = [await world.post(f"/appointments/{booked}/entered-in-error") for _ in range(2)]
    assert [code(answer) for answer in answers] == ["200", "not-booked"]
