"""Whatever the order in which topics are heard, the case ends in the same state."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.eligibility_v1 import DoseAction, EligibilityStatus, MembersMergedV1
from schemas.envelope import Event
from schemas.scheduling_v1 import AppointmentStatus
from services.kit.ids import new_id
from services.kit.postgres import transaction
from services.kit.unit_of_work import UnitOfWork
from services.outreach.app import SUBSCRIPTIONS
from services.outreach.cases.flow import on_dose_administered
from services.replicas.persons import flow, store
from services.replicas.persons.rules import Merge
from tests.facts import DAY, NOON, a_day, a_dose, a_fact, a_programme, an_appointment, member_token
from tests.service.outreach.builders import Outreach, Worker, a_target, case_id, vaccinated

pytestmark = pytest.mark.postgres

STREAMS: tuple[tuple[Event, ...], ...] = (
    (
        a_fact("ada"),
        a_fact("adda", language="es"),
        MembersMergedV1(
            occurred_at=NOON, surviving_token=member_token("ada"), retired_token=member_token("adda"), merged_on=DAY
        ),
        vaccinated("ada", version=2, decided_on=DAY + timedelta(days=1)),
        a_fact("ada", version=3, decided_on=DAY + timedelta(days=2), priority=640),
        a_fact("bob", zip5="60601"),
        a_fact("cyd"),
        a_fact("cyd", version=2, status=EligibilityStatus.INELIGIBLE, reasons=("under-age",), priority=0),
    ),
    (
        a_dose("adda"),
        a_dose("adda", version=2, action=DoseAction.RETRACT),
        a_dose("bob", administered_on=DAY - timedelta(days=20)),
    ),
    (
        an_appointment("ada"),
        an_appointment("ada", version=2, status=AppointmentStatus.NOSHOW, changed_on=DAY + timedelta(days=3)),
        an_appointment("cyd", days=20),
    ),
    (a_programme(), a_programme(version=2)),
    (a_day(), a_day(4), a_day(9)),
    (a_target(), a_target("60601"), a_target("60601", listed=False, week_on=DAY + timedelta(days=7))),
)
LENGTHS = [len(stream) for stream in STREAMS]
STATE = """
select case_id, status, closed_reason, paused_until_on, held_by, held_until_on, review_on, opened_on, rank, attempts,
    member_token, zip5, language, needs_language, next_channel
from outreach_case order by case_id
"""


@st.composite
def interleavings(draw: st.DrawFn) -> list[list[Event]]:
    """The streams, each in its own order, mixed and cut into batches of one topic."""
    turns = draw(st.permutations([i for i, length in enumerate(LENGTHS) for _ in range(length)]))
    heads = [iter(stream) for stream in STREAMS]
    batches: list[list[Event]] = []
    last = -1
    for turn in turns:
        if turn != last or draw(st.booleans()):
            batches.append([])
        batches[-1].append(next(heads[turn]))
        last = turn
    return batches


async def _end_state(outreach: Outreach, batches: Sequence[Sequence[Event]]) -> list[dict[str, Any]]:
    tables = (
        "person, waiting_member, programme, programme_version, business_day, target_zip, enrolment, dose, appointment,"
        " attempt, attempt_retraction, loss_notice, loss_notice_retraction, statement, outreach_case, inbox"
    )
    await outreach.database.owner.execute(f"truncate {tables} cascade")
    for batch in batches:
        await outreach.hear(*batch)
    return await outreach.fetch(STATE)


@pytest.mark.timeout(300)  # dozens of interleavings, each heard from the beginning
async def test_any_interleaving_ends_in_the_same_state(outreach: Outreach) -> None:
    """Facts, doses, appointments, programmes, days and target ZIPs, mixed and batched at will, end in one state."""
    expected = await _end_state(outreach, [list(stream) for stream in STREAMS])
    assert [(row["status"], row["closed_reason"]) for row in expected].count(("closed", "ineligible")) == 1
    loop = asyncio.get_running_loop()

    @settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(interleavings())
    def check(batches: list[list[Event]]) -> None:
        state = asyncio.run_coroutine_threadsafe(_end_state(outreach, batches), loop).result(20)
        assert state == expected

    await asyncio.to_thread(check)


WAITING = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


async def _together(outreach: Outreach, first: Event, second: Event) -> None:
    """`second` arrives while the transaction of `first` is all but committed."""
    subscription = next(one for one in SUBSCRIPTIONS if isinstance(first, one.topic.events))
    async with transaction(outreach.database.pool, "*") as connection:
        await subscription.handler(UnitOfWork(connection), [first])
        other = asyncio.create_task(outreach.hear(second))
        await _waiting_for_a_lock(outreach, other)
    await other


async def _waiting_for_a_lock(outreach: Outreach, task: asyncio.Task[Any]) -> None:
    """Until the task waits for the open transaction; should it not have to, until its end."""
    async with asyncio.timeout(10):
        while not task.done() and not await outreach.database.pool.fetchval(WAITING):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (a_fact(), a_dose(), ("closed", None, 0)),
        (a_fact(), an_appointment(), ("open", "booked", 0)),
        (a_fact(), a_target(), ("open", None, 150)),
        (a_fact(), a_day(40), ("open", None, 0)),
        (a_dose(), a_fact(), ("closed", None, 0)),
        (an_appointment(), a_fact(), ("open", "booked", 0)),
        (a_target(), a_fact(), ("open", None, 150)),
    ],
)
async def test_facts_at_the_same_moment_see_each_other(
    outreach: Outreach, one: Event, other: Event, expected: tuple[str, str | None, int]
) -> None:
    """Two topics speak of a member at the same moment, on two connections: whoever comes second knows of the first."""
    await _together(outreach, one, other)
    case = await outreach.case()
    assert case is not None
    assert (case["status"], case["held_by"], case["zip_bonus"]) == expected


@pytest.mark.parametrize(
    ("one", "other"), [(a_dose(), an_appointment()), (an_appointment(), a_dose()), (a_dose(), a_fact(version=2))]
)
async def test_decisions_about_a_known_member_take_turns(outreach: Outreach, one: Event, other: Event) -> None:
    """A dose and something else about a member with a case, at the same moment: it ends closed and is so announced."""
    await outreach.hear(a_fact())
    await _together(outreach, one, other)
    case, said = await outreach.case(), await outreach.announced()
    assert case is not None
    assert (case["status"], said[-1]["status"]) == ("closed", "closed")
    assert [one["version"] for one in said] == [1, 2]


async def test_dose_while_an_attempt_is_logged(outreach: Outreach, worker: Worker) -> None:
    """A dose that arrives while a refusal is being logged closes the case; the refusal is kept, marked."""
    await outreach.hear(a_fact())
    async with transaction(outreach.database.pool, "*") as connection:
        await on_dose_administered(UnitOfWork(connection), [a_dose()])
        logging = asyncio.create_task(worker.log(case_id("ada"), "initial-refusal", refusal_domain="motivation"))
        await _waiting_for_a_lock(outreach, logging)
    logged = (await logging).json()
    assert (logged["against"], logged["case"]["closed_reason"]) == ("case-closed", "vaccinated")
    case = await outreach.case()
    assert case is not None
    assert (case["closed_reason"], case["version"]) == ("vaccinated", 3)


async def test_members_merged_while_somebody_waits_for_them(outreach: Outreach) -> None:
    """A dose of the retired token that waited for the merge is the survivor's too."""
    await outreach.hear(a_fact("ada"), a_fact("adda"))
    merge = MembersMergedV1(
        occurred_at=NOON, surviving_token=member_token("ada"), retired_token=member_token("adda"), merged_on=DAY
    )
    await _together(outreach, merge, a_dose("adda"))
    case = await outreach.case("ada")
    assert case is not None
    assert case["closed_reason"] == "vaccinated"


@pytest.mark.parametrize("wanted", ["adda", "ada"])
async def test_lock_that_waited_for_a_merge_holds_the_whole_person(outreach: Outreach, wanted: str) -> None:
    """Whoever waits for a member's lock while the member is merged, as the retired or as the surviving one, gets the
    surviving person, with all tokens."""
    ada, adda = member_token("ada"), member_token("adda")
    await outreach.hear(a_fact("ada"), a_fact("adda"))

    async def lock() -> dict[UUID, UUID]:
        async with transaction(outreach.database.pool, "*") as connection:
            return await store.lock_persons(connection, [member_token(wanted)])

    async with transaction(outreach.database.pool, "*") as connection:
        persons = await store.lock_persons(connection, [ada, adda])
        waiting = asyncio.create_task(lock())
        await _waiting_for_a_lock(outreach, waiting)
        await flow.merge(connection, persons, [Merge(adda, ada)])
    assert await waiting == {ada: ada, adda: ada}


async def test_many_at_once_end_without_deadlock(outreach: Outreach) -> None:
    """Doses, bookings, facts and target ZIPs of the same members, in opposite orders on several connections, all get
    through and leave what one after the other leaves."""
    names = [f"member-{i}" for i in range(60)]
    facts, doses = [a_fact(name) for name in names], [a_dose(name) for name in names[::2]]
    booked = [an_appointment(name) for name in names[1::2]]
    await asyncio.gather(
        outreach.hear(*facts), outreach.hear(*reversed(doses)), outreach.hear(*booked), outreach.hear(a_target())
    )
    rows = await outreach.fetch("select status, held_by, zip_bonus, count(*) as n from outreach_case group by 1, 2, 3")
    assert sorted((row["status"], row["held_by"], row["zip_bonus"], row["n"]) for row in rows) == [
        ("closed", None, 0, 30),
        ("open", "booked", 150, 30),
    ]


async def test_versions_of_a_key_leave_in_order(outreach: Outreach) -> None:
    """Each case's announcements stand in the outbox in the order of their versions, without a gap."""
    for stream in STREAMS:
        for event in stream:
            await outreach.hear(event)
    versions: dict[str, list[int]] = {}
    for said in await outreach.announced():
        versions.setdefault(said["case_id"], []).append(said["version"])
    assert versions
    assert all(seen == list(range(1, len(seen) + 1)) for seen in versions.values())


async def test_whole_log_delivered_twice_changes_nothing(outreach: Outreach) -> None:
    """The whole log again under the same event ids adds no version, no event, no row."""
    log = [(event, new_id()) for stream in STREAMS for event in stream]
    for event, event_id in log:
        await outreach.hear(event, event_ids=[event_id])
    before = (await outreach.fetch(STATE), await outreach.announced())
    for event, event_id in log:
        await outreach.hear(event, event_ids=[event_id])
    assert (await outreach.fetch(STATE), await outreach.announced()) == before


async def test_replay_under_new_ids_changes_no_state(outreach: Outreach) -> None:
    """Snapshots carry their versions: even unknown to the inbox, an old log changes no case."""
    for stream in STREAMS:
        await outreach.hear(*stream)
    before = await outreach.fetch("select case_id, version, status, rank from outreach_case order by case_id")
    for stream in STREAMS:
        await outreach.hear(*stream)
    assert await outreach.fetch("select case_id, version, status, rank from outreach_case order by case_id") == before
