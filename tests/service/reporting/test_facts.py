"""What the tables hold after facts came in any order, and that the coverage cells are always right."""

import asyncio
from collections import Counter
from datetime import timedelta
from itertools import pairwise
from operator import attrgetter
from random import Random
from typing import Any

import pytest
from asyncpg.connection import LoggedQuery
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.catalog import TOPIC_OF_EVENT, TOPICS
from schemas.eligibility_v1 import (
    BusinessDayOpenedV1,
    DoseAction,
    DoseAdministeredV1,
    EligibilityStatus,
    MemberEligibilityDecidedV1,
    ProgrammePublishedV1,
)
from schemas.envelope import Event
from schemas.outreach_v1 import CaseStatus
from schemas.reporting_v1 import TargetZipListedV1
from schemas.scheduling_v1 import AppointmentStatus
from services.kit import slices as slicing
from services.kit.ids import new_id
from services.kit.postgres import transaction
from services.kit.unit_of_work import UnitOfWork
from services.reporting.app import SUBSCRIPTIONS
from services.reporting.coverage import flow as handlers
from services.reporting.coverage import store as cells
from tests.facts import (
    DAY,
    NOON,
    PROGRAMME,
    a_day,
    a_dose,
    a_fact,
    a_merge,
    a_programme,
    a_tract,
    an_appointment,
    member_token,
)
from tests.service.reporting.builders import (
    VACCINATED,
    Reporting,
    a_case,
    a_file,
    a_pool,
    a_referral,
    a_retraction,
    an_attempt,
)

pytestmark = pytest.mark.postgres
RECOUNT = """
select programme_id, tenant_id, zip5, age_band, race_ethnicity, svi_group,
    count(*)::int, sum(eligible)::int, sum(vaccinated)::int
from member_cell group by 1, 2, 3, 4, 5, 6
"""
CELL = f"'{PROGRAMME}', 'lakeshore', '60623', '70-74', 'unknown', 'tract:4'"


async def cells_of(reporting: Reporting) -> set[tuple[Any, ...]]:
    """The cells, which must be a full recount's."""
    kept = set(await reporting.fetch("select * from coverage_cell"))
    assert kept == set(await reporting.fetch(RECOUNT))
    return kept


def counted_in_python(events: list[Event]) -> set[tuple[Any, ...]]:
    """The cells by another way: the highest version of everything, then plain counting."""
    newest: dict[Any, Any] = {}
    for event in events:
        match event:
            case MemberEligibilityDecidedV1():
                key: Any = ("enrolment", event.enrolment_id)
            case DoseAdministeredV1():
                key = ("dose", event.dose_id)
            case _:
                continue
        if key not in newest or newest[key].version < event.version:
            newest[key] = event
    versions = [one for one in events if isinstance(one, ProgrammePublishedV1)]
    if not versions:
        return set()
    days = [one.business_on for one in events if isinstance(one, BusinessDayOpenedV1)]
    begun = [one for one in versions if not days or one.effective_on <= max(days)]
    of_version = attrgetter("effective_on", "version")
    programme = max(begun, key=of_version) if begun else min(versions, key=of_version)
    doses = [
        one
        for (kind, _), one in newest.items()
        if kind == "dose"
        and one.action is not DoseAction.RETRACT
        and not one.is_partial
        and programme.vaccine_group in one.groups
        and one.cvx not in programme.cvx_not_counted
        and (programme.doses_since_on is None or one.administered_on >= programme.doses_since_on)
    ]
    given: dict[Any, set[Any]] = {}
    for one in doses:
        given.setdefault(one.member_token, set()).add(one.administered_on)
    cells: dict[Any, Counter[str]] = {}
    for (kind, _), one in newest.items():
        if (
            kind == "enrolment"
            and one.enrolled
            and not set(one.reasons) - {"already-vaccinated", "area-not-vulnerable", "service-received", "control-arm"}
        ):
            value = one.svi.value
            quarter = "unknown" if value is None else f"{one.svi.level}:{min(int(value * 4), 3) + 1}"
            cell = (one.programme_id, one.tenant_id, one.zip5 or "unknown", one.age_band or "unknown",
                    one.race_ethnicity.value, quarter)  # fmt: skip
            counts = cells.setdefault(cell, Counter())
            counts["members"] += 1
            counts["eligible"] += one.status is EligibilityStatus.ELIGIBLE
            enough = len(given.get(one.member_token, ())) >= programme.doses_needed
            counts["vaccinated"] += enough if one.rule in {None, "doses"} else one.vaccinated
    return {(*cell, counts["members"], counts["eligible"], counts["vaccinated"]) for cell, counts in cells.items()}


ONE_OF_EACH: tuple[Event, ...] = (
    a_programme(), a_day(3), a_fact(), a_merge("adda", "ada"), a_dose(), a_case(), a_referral(), an_attempt(),
    a_retraction(an_attempt()), an_appointment(), a_pool(), a_file(),
    TargetZipListedV1(occurred_at=NOON, zip5="60623", programme_id=PROGRAMME, week_on=DAY, listed=True, rank=1),
)  # fmt: skip


async def test_every_event_is_written_down(reporting: Reporting) -> None:
    """Each event of the catalog has a subscription and leaves a row in the table of its kind; restricted ones are for
    others."""
    topics = {topic for topic in TOPICS if not topic.is_sealed}
    assert {type(event) for event in ONE_OF_EACH} == {event for topic in topics for event in topic.events}
    assert {one.topic for one in SUBSCRIPTIONS} == topics
    for event in ONE_OF_EACH:
        before = await reporting.dump()
        await reporting.hear(event)
        assert await reporting.dump() != before, type(event).__name__
    assert all((await reporting.dump()).values())


async def test_nothing_is_announced(reporting: Reporting) -> None:
    """Hearing facts publishes nothing, so a replay of the log can't."""
    await reporting.hear(*ONE_OF_EACH)
    assert await reporting.fetch("select * from outbox") == []


def _facts(draw: Any) -> list[MemberEligibilityDecidedV1]:
    facts = []
    for name in ("ada", "bo"):
        for plan in ("lakeshore", "prairie"):
            for version in range(1, draw(st.integers(0, 3)) + 1):
                changes = draw(st.sampled_from([
                    {}, VACCINATED, {"zip5": None}, {"svi": a_tract(0.2), "race_ethnicity": "asian"},
                    {"svi": a_tract(None)}, {"enrolled": False, "reasons": ("merged",)},
                    {"status": "ineligible", "reasons": ("under-age", "area-not-vulnerable")},
                    {"status": "ineligible", "reasons": ("area-not-vulnerable",), "age_band": None},
                    {"rule": "service", "status": "ineligible", "reasons": ("service-received",), "vaccinated": True},
                    {"rule": "forecast", "arm": "control", "status": "ineligible", "reasons": ("control-arm",)},
                ]))  # fmt: skip
                owner = member_token(draw(st.sampled_from([name, name, "cy"])))
                facts.append(a_fact(name, version, tenant_id=plan, **(changes | {"member_token": owner})))
    return facts


@st.composite
def logs(draw: Any) -> list[Event]:
    """A few members in two plans, doses that move between them and are taken back, rules that change."""
    events: list[Event] = list(_facts(draw))
    for name in ("ada", "bo", "cy", "dot"):
        for version in range(1, draw(st.integers(0, 3)) + 1):
            action = draw(st.sampled_from([DoseAction.NEW, DoseAction.UPDATE, DoseAction.RETRACT]))
            owner = member_token(draw(st.sampled_from(["ada", "bo", "cy"])))
            days, group = draw(st.integers(0, 2)), draw(st.sampled_from(["covid-19", "covid-19", "zoster"]))
            cvx = draw(st.sampled_from(["212", "213"]))
            groups = draw(st.sampled_from([(), (), ("covid-19", "flu"), ("zoster", "covid-19")]))
            said = {"member_token": owner, "vaccine_group": groups[0] if groups else group, "vaccine_groups": groups,
                    "cvx": cvx, "is_partial": draw(st.booleans())}  # fmt: skip
            events.append(a_dose(name, version, days, action=action, **said))
    for version in range(1, draw(st.integers(0, 3)) + 1):
        rules = draw(st.sampled_from([
            {}, {"doses_needed": 2}, {"doses_since_on": DAY + timedelta(days=1)}, {"cvx_not_counted": ("213",)},
        ]))  # fmt: skip
        effective_on = DAY + timedelta(days=draw(st.sampled_from([0, 0, 2, 4])))
        events.append(a_programme(version, effective_on=effective_on, **rules))
    for version in range(1, draw(st.integers(0, 2)) + 1):
        events += [an_appointment("ada", version), a_case("bo", version), a_pool(0, version, booked=version)]
    events += [a_day(days) for days in draw(st.lists(st.integers(0, 5), max_size=3))]
    return events


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(log=logs(), seed=st.integers(0, 2**32))
async def test_any_order_any_duplicates_any_batches(reporting: Reporting, log: list[Event], seed: int) -> None:
    """However the facts are shuffled, doubled and cut into batches, across topics, the tables end up the same, and
    after every batch the cells are what counting everything again gives."""
    await reporting.empty()
    await reporting.hear(*log)
    straight = await reporting.dump()
    assert await cells_of(reporting) == counted_in_python(log)
    await reporting.empty()
    random, ids = Random(seed), {id(event): new_id() for event in log}
    deliveries = log + random.choices(log, k=len(log) // 2) if log else []
    random.shuffle(deliveries)
    while deliveries:
        topic, size = TOPIC_OF_EVENT[type(deliveries[0])], random.randint(1, 6)
        batch = [event for event in deliveries if TOPIC_OF_EVENT[type(event)] is topic][:size]
        for event in batch:
            del deliveries[next(place for place, one in enumerate(deliveries) if one is event)]
        await reporting.hear_batch(batch, [ids[id(event)] for event in batch])
        await cells_of(reporting)
    assert await reporting.dump() == straight


async def test_facts_without_an_inbox(reporting: Reporting) -> None:
    """The same fact under another event id, years after the inbox forgot the first, changes nothing."""
    await reporting.hear(*ONE_OF_EACH)
    before = await reporting.dump()
    await reporting.hear(*ONE_OF_EACH)
    assert await reporting.dump() == before


async def test_a_dose_vaccinates_and_a_retraction_takes_it_back(reporting: Reporting) -> None:
    """A member's cell counts a dose exactly as long as it stands."""
    await reporting.hear(a_programme(), a_fact(), a_dose())
    assert {row[6:] for row in await cells_of(reporting)} == {(1, 1, 1)}
    await reporting.hear(a_dose(version=2, action=DoseAction.RETRACT))
    assert {row[6:] for row in await cells_of(reporting)} == {(1, 1, 0)}


async def test_a_merge_moves_a_dose(reporting: Reporting) -> None:
    """A dose restated under the surviving token vaccinates the survivor and nobody else; the retired enrolment leaves
    its cell."""
    adda = a_fact("adda", zip5="60624")
    await reporting.hear(a_programme(), a_fact(), adda, a_dose("adda"))
    assert {(row[2], row[8]) for row in await cells_of(reporting)} == {("60623", 0), ("60624", 1)}
    retired: dict[str, Any] = {
        "enrolled": False,
        "status": "ineligible",
        "reasons": ("merged",),
        "merged_into": member_token("ada"),
    }
    await reporting.hear(a_merge("adda", "ada"), a_dose("adda", 2, member_token=member_token("ada")))
    assert {(row[2], row[8]) for row in await cells_of(reporting)} == {("60623", 1), ("60624", 0)}
    await reporting.hear(a_fact("adda", 2, zip5="60624", **retired))
    assert {(row[2], row[8]) for row in await cells_of(reporting)} == {("60623", 1)}


async def test_an_enrolment_that_changes_its_token(reporting: Reporting) -> None:
    """An enrolment restated under another member's token is counted once."""
    await reporting.hear(a_programme(), a_fact("adda"), a_fact("adda", 2, member_token=member_token("ada")))
    assert {row[6:] for row in await cells_of(reporting)} == {(1, 1, 0)}


async def test_two_topics_at_once_on_one_member(reporting: Reporting) -> None:
    """A decision and a dose of the same members, applied by two connections at the same time again and again, leave
    the cells right: neither sees only half."""
    await reporting.hear(a_programme())
    names = [f"member-{n}" for n in range(30)]

    async def decide(name: str) -> None:
        for version in range(1, 4):
            await reporting.hear(a_fact(name, version, zip5=f"6060{version}"))

    async def vaccinate(name: str) -> None:
        for version in range(1, 4):
            action = DoseAction.RETRACT if version == 2 else DoseAction.UPDATE
            await reporting.hear(a_dose(name, version, action=action))

    await asyncio.gather(*(do(name) for name in names for do in (decide, vaccinate)))
    assert {row[2:3] + row[6:] for row in await cells_of(reporting)} == {("60603", 30, 30, 30)}


async def test_half_done_work_holds_up_the_other_topic(reporting: Reporting) -> None:
    """While a decision is written but not committed, a dose of the same member waits, and then sees the decision."""
    await reporting.hear(a_programme())
    pool = reporting.database.pool
    async with transaction(pool, "*") as connection:
        await handlers.on_member_eligibility(UnitOfWork(connection), [a_fact()])
        dose = asyncio.create_task(reporting.hear(a_dose()))

        async def waits() -> bool:
            return bool(await pool.fetchval("select count(*) from pg_locks where not granted"))

        async with asyncio.timeout(60):
            while not await waits():
                assert not dose.done()
    await dose
    assert {row[6:] for row in await cells_of(reporting)} == {(1, 1, 1)}


@pytest.mark.capability("B5")
async def test_plans_see_their_own_rows(reporting: Reporting) -> None:
    """A plan sees its own facts and those of nobody's plan, never another plan's."""
    await reporting.hear(
        a_programme(), a_fact(), a_fact(tenant_id="prairie"), an_attempt(tenant_id="prairie"),
        a_retraction(an_attempt(tenant_id="prairie")),
        an_appointment(tenant_id="prairie"), a_case(tenant_id="prairie"), a_pool(tenant_id="prairie"),
        a_referral(tenant_id="prairie"),
        a_pool(tenant_id=None), a_file("state", tenant_id=None), a_file("p", tenant_id="prairie"),
    )  # fmt: skip
    seen = {
        "enrolment_version": 1, "enrolment": 1, "coverage_cell": 1, "member_cell": 1, "case_version": 0,
        "contact_attempt": 0, "attempt_retraction": 0, "attempt_told": 0, "appointment_version": 0,
        "slot_pool_version": 1, "feed_file": 1, "referral_version": 0,
    }  # fmt: skip
    for table, rows in seen.items():
        assert len(await reporting.fetch(f"select 1 from {table}", tenant="lakeshore")) == rows, table
    assert await reporting.fetch("select distinct tenant_id from member_cell", tenant="prairie") == [("prairie",)]


async def test_versions_are_kept(reporting: Reporting) -> None:
    """Every version of a fact stays, so that a past day can be asked."""
    await reporting.hear(
        an_appointment(), an_appointment(version=2, status=AppointmentStatus.CANCELLED, changed=1), a_fact(),
        a_fact(version=2, days=1), a_dose(), a_dose(version=2, days=1), a_case(),
        a_case(version=2, status=CaseStatus.CLOSED), a_referral(), a_referral(version=2),
    )  # fmt: skip
    for table in ("appointment_version", "enrolment_version", "dose_version", "case_version", "referral_version"):
        assert await reporting.fetch(f"select version from {table} order by 1") == [(1,), (2,)]


async def test_the_last_word_on_a_zip(reporting: Reporting) -> None:
    """Of two words on a ZIP the later week holds, and within a week the later word."""

    def said(week: int, hours: int, *, listed: bool) -> TargetZipListedV1:
        return TargetZipListedV1(
            occurred_at=NOON + timedelta(hours=hours), zip5="60623", programme_id=PROGRAMME,
            week_on=DAY + timedelta(weeks=week), listed=listed,
        )  # fmt: skip

    await reporting.hear(said(1, 2, listed=False), said(1, 1, listed=True), said(0, 3, listed=True))
    await reporting.hear(said(1, 0, listed=True))
    assert await reporting.fetch("select week_on, listed from target_zip") == [(DAY + timedelta(weeks=1), False)]


async def test_a_recount_goes_in_slices(reporting: Reporting, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new version of a programme makes all cells anew, some enrolments at a time, and they are the same as at once:
    nobody is left out between two slices, nobody is in two."""
    monkeypatch.setattr(slicing, "SLICE_ROWS", 3)
    await reporting.hear(a_programme(), a_day(0))
    await reporting.hear(*(a_fact(f"ada-{n}") for n in range(10)), *(a_dose(f"ada-{n}") for n in range(4)))
    before = await cells_of(reporting)
    slices: list[tuple[Any, ...]] = []

    def note(said: LoggedQuery) -> None:
        if said.query == cells.RECOMPUTE_SLICE:
            slices.append(tuple(said.args))

    async with transaction(reporting.database.pool, "*") as connection:
        await cells.lock(connection)
        with connection.query_logger(note):
            await cells.recompute(connection)
        inside = "select count(*) from member_cell where enrolment_id > $1 and enrolment_id <= $2"
        counted = [await connection.fetchval(inside, *one) for one in slices]
    assert counted == [3, 3, 3, 1]
    assert all(before[1] == after[0] for before, after in pairwise(slices))
    assert await cells_of(reporting) == before
