"""Who is whom after merges and splits."""

import random
from itertools import permutations
from uuid import UUID

import pytest

from services.replicas.persons.rules import Assigned, Merge, come_apart, merges_in, persons_of, with_merges
from tests.facts import a_fact, a_merge, member_token

A, B, C = (UUID(int=n) for n in (10, 11, 12))


def persons(known: dict[UUID, UUID], merges: list[Merge]) -> dict[UUID, UUID]:
    """The person of every token, from those that were known before there were versions."""
    return persons_of(with_merges({token: Assigned(person) for token, person in known.items()}, merges))


@pytest.mark.parametrize("order", list(permutations([Merge(A, B), Merge(B, C)])))
def test_a_chain_of_merges_is_one_step_long(order: list[Merge]) -> None:
    """A is B and B is C, in either order: all are C."""
    assert persons({}, order) == {A: C, B: C, C: C}


def test_what_was_merged_before_goes_along() -> None:
    """A was B before; B is C now: A is C too, and somebody else stays who he is."""
    other = UUID(int=13)
    known = {A: B, B: B, C: C, other: other}
    assert persons(known, [Merge(B, C)]) == {A: C, B: C, C: C, other: other}


def test_a_circle_of_merges_says_nothing() -> None:
    """A is B, B is A: the first holds, and nobody is merged with himself."""
    assert persons({}, [Merge(A, B), Merge(B, A), Merge(A, A)]) == {A: B, B: B}


def test_a_merge_is_told_by_its_event_and_by_the_facts_of_the_retired_token() -> None:
    """A fact that names no survivor tells of no merge."""
    retired, other = a_fact("eve", merged_into=member_token("ada")), a_fact("zoe")
    assert merges_in((a_merge("bob", "ada"), retired, other)) == [
        Merge(member_token("bob"), member_token("ada")),
        Merge(member_token("eve"), member_token("ada")),
    ]


@pytest.mark.parametrize("order", list(permutations([Merge(B, A, 1), Merge(B, A, 2, is_split=True), Merge(C, B, 1)])))
def test_a_split_takes_along_who_stands_for_the_retired_one(order: list[Merge]) -> None:
    """B was A and is two again; C, who is B, goes with B: in whatever order it is heard."""
    assert persons({}, order) == {A: A, B: B, C: B}


def test_what_has_no_version_is_below_every_version() -> None:
    """A late fact from before there were versions does not join who was parted, and a version parts who was joined
    before there were any."""
    split = Merge(B, A, 2, is_split=True)
    assert persons({}, [split, Merge(B, A)]) == {A: A, B: B}
    assert persons({B: A, A: A}, [split]) == {A: A, B: B}
    assert persons({}, [split, Merge(B, A, 3)]) == {A: A, B: A}


def test_who_comes_apart_is_named_with_the_person_that_he_was() -> None:
    """Whoever stays one, also under another token, does not come apart."""
    assert come_apart({A: A, B: A, C: C}, {A: A, B: B, C: C}) == {A: A, B: A}
    assert come_apart({A: A, B: A}, {A: C, B: C, C: C}) == {}


def test_any_order_of_evidence_and_withdrawal_ends_alike() -> None:
    """Joins and withdrawals, told in any order and more than once: who is whom is what the joins that stand say."""
    draw = random.Random(7)
    tokens = [UUID(int=n) for n in range(8)]
    for _ in range(300):
        told, standing, versions = list[Merge](), dict[UUID, UUID](), dict.fromkeys(tokens, 0)
        for _ in range(12):
            roots = sorted(token for token in tokens if token not in standing)
            if len(roots) > 1 and draw.random() < 0.6:
                survivor, retired = sorted(draw.sample(roots, 2))
                standing[retired], is_split = survivor, False
            elif standing:
                retired = draw.choice(sorted(standing))
                survivor, is_split = standing.pop(retired), True
            else:
                continue
            versions[retired] += 1
            told.append(Merge(retired, survivor, versions[retired], is_split))
        expected = persons({token: token for token in tokens}, [Merge(*pair) for pair in standing.items()])
        heard = [*told, *draw.sample(told, len(told) // 2)]
        draw.shuffle(heard)
        assert persons({token: token for token in tokens}, heard) == expected
