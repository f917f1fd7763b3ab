"""Many members to many workers at once."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.outreach.matching.batch import Batch, Member, assign
from services.outreach.matching.rules import Bar, Demand, Reason, Room, Terms, Wish, bars, room_of
from services.outreach.workers.rules import Level, Worker
from tests.unit.outreach.crowds import INTERPRETED, MEMBERS, WORKERS, a_member, a_worker, terms

SOLVED = settings(deadline=None, max_examples=150)


def rooms(workers: list[Worker], week: Terms) -> dict[str, Room]:
    return {worker.worker_id: room_of(worker, week) for worker in workers}


def assigned_to(batch: Batch) -> dict[int, str]:
    return {one.member.person_token.int: one.worker_id for one in batch.assigned}


@SOLVED
@given(MEMBERS, WORKERS, INTERPRETED)
def test_no_hard_rule_is_broken(members: list[Member], workers: list[Worker], interpreted: frozenset[str]) -> None:
    """Every member is assigned once or left with the rule by which; nobody gets whom he may not have, more weight than
    his capacity, or more hard cases than the rest rule allows."""
    week = terms(*interpreted)
    batch = assign(members, workers, week, rooms(workers, week))
    by_id = {worker.worker_id: worker for worker in workers}
    told = [one.member for one in batch.assigned] + [one.member for one in batch.left]
    assert Counter(one.person_token for one in told) == Counter(one.person_token for one in members)
    assert all(not [*bars(by_id[one.worker_id], one.member.demand, week)] for one in batch.assigned)
    weights = Counter[str]()
    hard = Counter[str]()
    for one in batch.assigned:
        weights[one.worker_id] += week.weight(one.member.demand)
        hard[one.worker_id] += one.member.demand.is_hard
    for worker_id, room in rooms(workers, week).items():
        assert weights[worker_id] <= room.capacity
        assert hard[worker_id] <= room.hard_capacity
        assert (batch.rooms[worker_id].load, batch.rooms[worker_id].hard_load) == (weights[worker_id], hard[worker_id])


@SOLVED
@given(MEMBERS, WORKERS, st.integers())
def test_the_order_of_the_input_changes_nothing(members: list[Member], workers: list[Worker], seed: int) -> None:
    """The same members and workers in another order are assigned in the same way, for the same reasons."""
    week, dice = terms(), Random(seed)
    others, staff = dice.sample(members, len(members)), dice.sample(workers, len(workers))
    assert assign(members, workers, week, rooms(workers, week)) == assign(others, staff, week, rooms(staff, week))


@SOLVED
@given(MEMBERS, WORKERS)
def test_nobody_is_left_whom_somebody_with_room_may_have(members: list[Member], workers: list[Worker]) -> None:
    """A member is left by a hard rule that bars everybody, or because everybody who may has enough."""
    week = terms()
    batch = assign(members, workers, week, rooms(workers, week))
    for left in batch.left:
        able = [one for one in workers if not [*bars(one, left.member.demand, week)]]
        if left.bars == (Bar.FULL,):
            assert able
            weight = week.weight(left.member.demand)
            for one in able:
                room = batch.rooms[one.worker_id]
                is_rested = left.member.demand.is_hard and room.hard_load >= room.hard_capacity
                assert room.load + weight > room.capacity or is_rested
        else:
            assert not able


@SOLVED
@given(MEMBERS, WORKERS)
def test_the_explanation_names_the_deciding_rule(members: list[Member], workers: list[Worker]) -> None:
    """Whoever is named for a preference is ahead in it of everybody else who may; without one it is the load."""
    week = terms()
    for one in assign(members, workers, week, rooms(workers, week)).assigned:
        able = {two.worker_id for two in workers if not [*bars(two, one.member.demand, week)]}
        if one.deciding is Reason.ONLY:
            assert able == {one.worker_id}
        elif one.deciding is Reason.OWN_MANAGER:
            assert one.worker_id == one.member.wish.manager
        elif one.deciding is not Reason.LOAD:
            assert one.deciding in one.reasons
            assert one.member.wish.manager not in able - {one.worker_id}


def test_loads_are_even_where_the_rules_permit() -> None:
    """A hundred members without wishes to four workers of unequal capacity: each bears the same part of what he can."""
    workers = [a_worker(f"w-{number}", capacity=capacity) for number, capacity in enumerate((4, 8, 12, 16))]
    batch = assign([a_member(number) for number in range(100)], workers, terms(), rooms(workers, terms()))
    assert batch.spread.attained <= terms().policy.spread
    assert batch.spread.bound == pytest.approx(0)


def test_where_the_rules_forbid_evenness_the_bound_is_told() -> None:
    """One worker speaks the language of 18 of 20 members: nobody can make the loads more even than the bound says."""
    workers = [a_worker("w-0", languages={"es": Level.C2}), a_worker("w-1")]
    members = [a_member(number, Demand(language="es" if number < 18 else None)) for number in range(20)]
    batch = assign(members, workers, terms(), rooms(workers, terms()))
    assert (batch.rooms["w-0"].load, batch.rooms["w-1"].load) == (18, 2)
    assert batch.spread.bound == pytest.approx(1.6, rel=1e-4)
    assert batch.spread.attained == pytest.approx(1.6)


def test_wishes_are_kept_within_the_band() -> None:
    """The area decides for all whom it can have without making loads uneven."""
    workers = [a_worker("w-0", zips=frozenset({"90001"}), capacity=20), a_worker("w-1", capacity=20)]
    members = [a_member(number, wish=Wish(zip5="90001" if number % 2 else "90002")) for number in range(40)]
    batch = assign(members, workers, terms(), rooms(workers, terms()))
    near = [number for number, worker_id in assigned_to(batch).items() if worker_id == "w-0" and number % 2]
    assert len(near) == 20
    assert {one.deciding for one in batch.assigned if one.member.person_token.int % 2} == {Reason.AREA}


def test_hard_cases_are_spread_and_capped() -> None:
    """Of forty hard cases two workers bear three a day each at most; the highest ranked are served."""
    workers = [a_worker("w-0", capacity=20), a_worker("w-1", capacity=20)]
    members = [a_member(number, Demand(is_hard=True), rank=number) for number in range(40)]
    batch = assign(members, workers, terms(), rooms(workers, terms()))
    assert [batch.rooms[name].hard_load for name in ("w-0", "w-1")] == [15, 15]
    assert {one.member.rank for one in batch.left} == set(range(10))
    assert {one.bars for one in batch.left} == {(Bar.FULL,)}
