"""Scheduling against a model of a few lines, over long random stories on a real database."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from services.kit.postgres import Pool
from tests.servers import PostgresServer, as_role, prepare_tests
from tests.service.scheduling.world import MONDAY, World, a_business_day, a_dose, a_fact, a_given_dose

pytestmark = [pytest.mark.postgres, pytest.mark.slow, pytest.mark.timeout(300)]

DAYS, CAPACITY, PEOPLE = 3, 2, 3
PERSON = st.integers(0, PEOPLE - 1)
PLAN = st.sampled_from(["acme", "blue"])
DAY = st.integers(0, DAYS - 1)


class Story(RuleBasedStateMachine):
    """Three people with two plans each, one block with a slot a day, three days of time."""

    runner: asyncio.Runner
    pool: Pool
    owner: asyncpg.Connection

    def run(self, act: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(act)

    @initialize()
    def begin(self) -> None:
        self.world = World(self.pool)
        self.today = 0
        self.run(self._empty())
        self.run(self.world.begin())
        self.slots = self.run(self.world.open_block(days=range(DAYS), capacity=CAPACITY, plan=None))
        self.members = [uuid4() for _ in range(PEOPLE)]
        self.enrolments = {(n, plan): uuid4() for n in range(PEOPLE) for plan in ("acme", "blue")}
        facts = [a_fact(self.enrolments[n, plan], self.members[n], tenant=plan) for n, plan in self.enrolments]
        self.run(self.world.hear(*facts))
        # The model: who holds which appointment; each is [person, day, status].
        self.appointments: dict[str, list[Any]] = {}
        self.given: dict[str, tuple[int, int]] = {}  # whose dose of which day an appointment recorded
        self.ended_by_news: set[str] = set()

    async def _empty(self) -> None:
        await self.owner.execute(
            "truncate screening, closure, slot_place, appointment, slot, block, site_product, site, dose, enrolment,"
            " person, death_report, programme, programme_version, business_day, outbox, idempotency_key"
        )

    async def _statuses(self) -> dict[str, str]:
        async with self.world.everything() as connection:
            query = "select appointment_id::text, status from appointment where not walk_in"
            return dict(await connection.fetch(query))

    def live(self, person: int) -> str | None:
        return next(
            (i for i, (who, _, status) in self.appointments.items() if (who, status) == (person, "booked")), None
        )

    def free(self, day: int) -> int:
        held = {"booked", "fulfilled", "noshow"}
        return CAPACITY - len([one for one in self.appointments.values() if one[1] == day and one[2] in held])

    def pick(self, data: Any) -> str:
        """Live ones first: most stories should go on."""
        order = sorted(self.appointments, key=lambda one: (self.appointments[one][2] != "booked", one))
        return str(data.draw(st.sampled_from(order)))

    @rule(person=PERSON, plan=PLAN, day=DAY)
    def book(self, person: int, plan: str, day: int) -> None:
        answer = self.run(self.world.book(self.enrolments[person, plan], self.slots[day], tenant=plan))
        possible = day >= self.today and self.live(person) is None and self.free(day) > 0
        assert (answer.status_code == 201) is possible, answer.text
        if possible:
            self.appointments[answer.json()["appointment_id"]] = [person, day, "booked"]

    @precondition(lambda self: self.appointments)
    @rule(data=st.data(), day=DAY)
    def move(self, data: Any, day: int) -> None:
        one = self.pick(data)
        _, old, status = self.appointments[one]
        path, body = f"/appointments/{one}/reschedule", {"slot_id": str(self.slots[day])}
        answer = self.run(self.world.post(path, body, who="coordinator@*"))
        possible = status == "booked" and day >= self.today and day != old and self.free(day) > 0
        if "too-many-changes" not in answer.text:
            assert (answer.status_code == 200) is possible, answer.text
        if answer.status_code == 200:
            self.appointments[one][1] = day

    @precondition(lambda self: self.appointments)
    @rule(data=st.data())
    def cancel(self, data: Any) -> None:
        one = self.pick(data)
        self.end(one, "cancel", {"reason": "pat"}, self.appointments[one][2] == "booked", "cancelled")

    @precondition(lambda self: self.appointments)
    @rule(data=st.data())
    def fulfil(self, data: Any) -> None:
        one = self.pick(data)
        person, day, status = self.appointments[one]
        dose = {"dose": a_given_dose(on=MONDAY + timedelta(days=self.today))}
        is_first = (person, self.today) not in self.given.values()
        self.end(one, "fulfil", dose, status == "booked" and day <= self.today and is_first, "fulfilled")
        if self.appointments[one][2] == "fulfilled" and is_first and status == "booked":
            self.given[one] = (person, self.today)

    @precondition(lambda self: self.appointments)
    @rule(data=st.data())
    def miss(self, data: Any) -> None:
        one = self.pick(data)
        _, day, status = self.appointments[one]
        self.end(one, "noshow", {}, status == "booked" and day <= self.today, "noshow")

    @precondition(lambda self: self.appointments)
    @rule(data=st.data())
    def retract(self, data: Any) -> None:
        one = self.pick(data)
        possible = self.appointments[one][2] != "entered-in-error" and one not in self.ended_by_news
        self.end(one, "entered-in-error", {}, possible, "entered-in-error")
        self.given.pop(one, None)

    def end(self, one: str, act: str, body: dict[str, Any], possible: bool, status: str) -> None:
        answer = self.run(self.world.post(f"/appointments/{one}/{act}", body, who="site@*"))
        assert (answer.status_code == 200) is possible, answer.text
        if possible:
            self.appointments[one][2] = status

    @rule(person=PERSON, plan=PLAN)
    def walk_in(self, person: int, plan: str) -> None:
        dose = a_given_dose(on=MONDAY + timedelta(days=self.today)) | {"lot": f"L{uuid4().int % 10**6:06}"}
        body = {"enrolment_id": str(self.enrolments[person, plan]), "site_id": "united-center", "dose": dose}
        answer = self.run(self.world.post("/walk-ins", body, who="site@*"))
        live, is_first = self.live(person), (person, self.today) not in self.given.values()
        assert (answer.status_code == 201) is is_first, answer.text
        assert is_first or "already-recorded" in answer.text
        if is_first:
            self.given[answer.json()["appointment_id"]] = (person, self.today)
        if is_first and live and self.appointments[live][1] >= self.today:
            self.end_by_news(live)

    @rule(person=PERSON)
    def hear_of_a_dose(self, person: int) -> None:
        self.run(self.world.hear(a_dose(self.members[person], on=MONDAY + timedelta(days=self.today))))
        live = self.live(person)
        if live and self.appointments[live][1] > self.today:
            self.end_by_news(live)

    def end_by_news(self, one: str) -> None:
        self.appointments[one][2] = "cancelled"
        self.ended_by_news.add(one)

    @precondition(lambda self: self.today < DAYS - 1)
    @rule()
    def sleep(self) -> None:
        self.today += 1
        self.run(self.world.hear(a_business_day(MONDAY + timedelta(days=self.today))))

    @invariant()
    def everything_agrees(self) -> None:
        self.run(self.world.check())
        assert all(self.free(day) >= 0 for day in range(DAYS))
        told = {one: status for one, (_, _, status) in self.appointments.items()}
        assert self.run(self._statuses()) == told
        last = self.run(self.world.pool_news())[-1]
        statuses = [status for _, _, status in self.appointments.values()]
        assert (last.booked, last.fulfilled) == (statuses.count("booked"), statuses.count("fulfilled"))

    def teardown(self) -> None:
        self.run(self.world.close())


@pytest.mark.capability("F3")
def test_any_story_keeps_to_the_model(postgres_server: PostgresServer) -> None:
    """Whatever is booked, moved, ended, given or heard: never over capacity, one live booking a person, and the last
    word on the block equals a recount."""
    quiet = [HealthCheck.too_slow, HealthCheck.data_too_large]
    # A story is short enough to read as it is; making it shorter would take minutes on a real database.
    phases = [Phase.explicit, Phase.reuse, Phase.generate]
    chosen = settings(
        max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=quiet, phases=phases
    )
    with asyncio.Runner() as runner:
        dsn = runner.run(postgres_server.create("scheduling"))
        pool, owner = runner.run(a_pool(dsn)), runner.run(asyncpg.connect(as_role(dsn, "owner_dsn")))
        told = {"runner": runner, "pool": pool, "owner": owner}
        try:
            run_state_machine_as_test(type("Told", (Story,), told), settings=chosen)
        finally:
            pool.terminate()
            owner.terminate()
            runner.run(postgres_server.drop(dsn))


async def a_pool(dsn: str) -> Pool:
    return await Pool(dsn, max_size=2, init=prepare_tests)
