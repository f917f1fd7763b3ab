"""The log read again from its first record in an empty database: the decisions are those that were announced then."""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from deploy.demo.population import generate
from schemas.outreach_v1 import Channel, ContactAttemptLoggedV1, Disposition
from schemas.scheduling_v1 import AppointmentChangedV1, AppointmentStatus, DoseGiven
from services.eligibility.decisions.flow import appointments, days, observations, publishing
from services.eligibility.decisions.flow import vital as vital_flow
from services.eligibility.doses.flow import ledger
from services.eligibility.intake.flow import registry
from services.eligibility.intake.flow.worker import Intake
from services.eligibility.intake.store import chunks as chunk_store
from services.eligibility.people import flow as people_flow
from services.eligibility.programmes.documents import bundled, parse_programme
from services.eligibility.programmes.needs import MemberObservation
from services.eligibility.settings import OwnSettings
from services.kit.ids import new_id
from services.kit.postgres import ALL_TENANTS, transaction
from services.kit.unit_of_work import UnitOfWork
from tests.servers import OpenDatabase
from tests.service.eligibility.conftest import FIRST_DAY, Office
from tests.service.eligibility.programmes import ARMS, HOMEBOUND, TOP_HALF, ZOSTER

pytestmark = [pytest.mark.postgres, pytest.mark.slow, pytest.mark.timeout(600)]
MEMBERS, SEED, WEEKS = 250, 20210301, 2
LATER = date(2025, 12, 1), date(2026, 3, 1)
KINDS = {"appointment", "observation", "attempt", "decision"}
"""Of what others tell."""
WRITTEN = """
select id, aggregatetype as topic, payload from outbox
where aggregatetype in ('vcc.business-day-opened.v1', 'vcc.programme.v1', 'vcc.feed-file.v1') order by id
"""
DOCUMENT = "select document from programme where programme_id = $1 and version = $2"
ANNOUNCED = """
select aggregatetype as topic, payload from outbox
where aggregatetype in ('vcc.member-eligibility.v1', 'vcc.dose-administered.v1') order by id
"""
DRAWN = "select programme_id, member_token, arm, drawn_on from arm order by 1, 2"
CUT_OFFS = "select programme_id, cap_group, drawn_on, rank, population, admitted from cut_off order by 1, 2, 3"


@dataclass(slots=True)
class Heard:
    """What others told, as JSON, behind which record of eligibility's own; and the ids that eligibility gave out."""

    facts: list[tuple[int, str, str]] = field(default_factory=list)
    ids: list[UUID] = field(default_factory=list)


async def hear(office: Office, kind: str, told: str) -> None:
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        work = UnitOfWork(connection)
        if kind == "appointment":
            await appointments.on_appointments(work, [AppointmentChangedV1.model_validate_json(told)])
        elif kind == "attempt":
            await vital_flow.on_attempts(work, [ContactAttemptLoggedV1.model_validate_json(told)])
        elif kind == "decision":
            member_token, is_deceased = json.loads(told)
            await people_flow.lock_survivors(connection, [UUID(member_token)])
            await vital_flow.decide(work, UUID(member_token), "*", is_deceased, None, "confirmed-by-family", "grover")
        else:
            plan, member_token, code, said_on = json.loads(told)
            said = UUID(member_token), MemberObservation("vcc", code, date.fromisoformat(said_on))
            await observations.on_observations(work, plan, [said], date.fromisoformat(said_on))
    await office.work()


async def publish(office: Office, document: str) -> None:
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        await publishing.publish(UnitOfWork(connection), parse_programme(document))
    await office.work()


async def last_position(office: Office) -> int:
    position: int = (await office.fetch("select max(id) as position from outbox"))[0]["position"]
    return position


def visit(row: dict[str, Any], day: date) -> str:
    """A walk-in's dose at a site, as scheduling announces it."""
    at = datetime(day.year, day.month, day.day, 18, tzinfo=UTC)
    return AppointmentChangedV1(
        occurred_at=at, appointment_id=new_id(), version=1, status=AppointmentStatus.FULFILLED,
        enrolment_id=row["enrolment_id"], member_token=row["member_token"], tenant_id=row["tenant_id"],
        programme_id=bundled()[0].programme_id, site_id="hooper-hall", start_at=at, start_on=day, walk_in=True,
        dose=DoseGiven(cvx="208", mvx="PFR", lot="EL9262", administered_on=day), changed_on=day,
    ).model_dump_json()  # fmt: skip


def a_word_of_death(row: dict[str, Any], day: date) -> str:
    """A worker heard that the member has died, as outreach announces it."""
    at = datetime(day.year, day.month, day.day, 19, tzinfo=UTC)
    return ContactAttemptLoggedV1(
        occurred_at=at, attempt_id=new_id(), case_id=new_id(), enrolment_id=row["enrolment_id"],
        member_token=row["member_token"], tenant_id=row["tenant_id"], programme_id=bundled()[0].programme_id,
        channel=Channel.PHONE, disposition=Disposition.DECEASED, attempted_at=at, attempted_on=day, worker_id="grover",
    ).model_dump_json()  # fmt: skip


async def live(office: Office, folder: Path, heard: Heard) -> None:
    """Two weeks of feeds, visits, needs and new programmes; then the days on which CDC's release speaks."""
    ledger = generate(folder, MEMBERS, SEED, WEEKS)
    documents = {2: TOP_HALF, 4: ARMS, 5: HOMEBOUND, 9: ARMS.replace("version: 1", "version: 2").replace("18", "40")}
    for number in range((ledger.last_day - ledger.first_day).days + 1):
        day = date.fromordinal(ledger.first_day.toordinal() + number)
        await office.open_day(day)
        for file in ledger.days().get(day, []):
            await office.read((folder / file.path).read_bytes())
        if number in documents:
            await publish(office, documents[number])
        for kind, told in await news(office, number, day):
            heard.facts.append((await last_position(office), kind, told))
            await hear(office, kind, told)
    await office.open_day(LATER[0])
    await publish(office, ZOSTER)
    await office.open_day(LATER[1])


async def news(office: Office, number: int, day: date) -> list[tuple[str, str]]:
    """Of a few members each day: one visits a site, another has no transport, a third is said to be dead, and every
    other day somebody decides about that."""
    query = """select enrolment_id, member_token, tenant_id from enrolment
        where not is_retired order by member_token limit 3 offset $1"""
    visitor, housebound, missing = await office.fetch(query, number * 7)
    said = housebound["tenant_id"], str(housebound["member_token"]), "homebound", day.isoformat()
    told = [("appointment", visit(visitor, day)), ("observation", json.dumps(said))]
    told.append(("attempt", a_word_of_death(missing, day)))
    decided = [("decision", json.dumps((str(missing["member_token"]), number % 4 == 0)))]
    return told + decided if number % 2 == 0 else told


async def log_of(office: Office, heard: Heard) -> list[tuple[int, str, Any]]:
    """Every record that eligibility reads or wrote about itself, in order."""
    log: list[tuple[int, str, Any]] = []
    for row in await office.fetch(WRITTEN):
        payload = json.loads(row["payload"])
        match row["topic"]:
            case "vcc.business-day-opened.v1":
                log.append((row["id"], "day", payload["business_on"]))
            case "vcc.programme.v1":
                (found,) = await office.fetch(DOCUMENT, payload["programme_id"], payload["version"])
                log.append((row["id"], "programme", found["document"]))
            case _:
                log.append((row["id"], "file", await bytes_of(office, UUID(payload["file_id"]))))
    return sorted([*log, *heard.facts], key=lambda entry: entry[0])


async def bytes_of(office: Office, file_id: UUID) -> bytes:
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        return b"".join([chunk async for chunk in chunk_store.load_chunks(connection, file_id)])


async def replay(office: Office, log: list[tuple[int, str, Any]]) -> None:
    for _, kind, record in log:
        match kind:
            case "day":
                await office.open_day(date.fromisoformat(record))
            case "programme":
                await publish(office, record)
            case "file":
                await office.read(record)
            case _:
                await hear(office, kind, record)


async def announced(office: Office) -> dict[tuple[str, ...], list[dict[str, Any]]]:
    """The facts of each enrolment and programme, or dose, in their order; when they were written says nothing."""
    found: defaultdict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in await office.fetch(ANNOUNCED):
        fact = {name: value for name, value in json.loads(row["payload"]).items() if name not in {"occurred_at"}}
        names = [name for name in ("enrolment_id", "programme_id", "dose_id", "retired_token") if name in fact]
        found[(row["topic"], *(fact[name] for name in names))].append(fact)
    return found


@pytest.fixture
async def again(database: OpenDatabase) -> Office:
    """An empty database: not even a day is open."""
    opened = await database("eligibility")
    await days.begin(opened.pool, FIRST_DAY)
    return Office(opened, Intake(opened.settings(), opened.pool, OwnSettings()))


async def test_a_replay_of_the_log_gives_the_decisions_that_were_announced(
    office: Office, again: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Feeds, visits, needs, programmes and days read again, years later and in smaller batches: every fact of every
    enrolment, dose, arm and cap comes out as it was announced, in its order."""
    heard = Heard()

    def recorded() -> UUID:
        heard.ids.append(new_id())
        return heard.ids[-1]

    for flow in (people_flow, ledger, registry):
        monkeypatch.setattr(flow, "new_id", recorded)
    await live(office, tmp_path, heard)
    log = await log_of(office, heard)
    ids: Iterator[UUID] = iter(heard.ids)
    for flow in (people_flow, ledger, registry):
        monkeypatch.setattr(flow, "new_id", lambda: next(ids))
    monkeypatch.setattr(days, "PERSONS_PER_BATCH", 17)
    monkeypatch.setattr(days, "PERSONS_PER_ROUND", 60)
    await replay(again, log)
    then, now = await announced(office), await announced(again)
    assert then.keys() == now.keys()
    assert {key: (then[key], now[key]) for key in then if then[key] != now[key]} == {}
    assert await again.fetch(DRAWN) == await office.fetch(DRAWN) != []
    assert await again.fetch(CUT_OFFS) == await office.fetch(CUT_OFFS) != []
    assert {entry[1] for entry in log} == {"day", "programme", "file", *KINDS}
    facts = [fact for told in then.values() for fact in told if "programme_id" in fact]
    assert {fact["programme_id"]: fact.get("release") for fact in facts}["street-zoster"]
    assert len(facts) > 4 * MEMBERS
    reasons = {reason for fact in facts for reason in fact["reasons"]}
    assert {"deceased", "death-reported"} <= reasons
