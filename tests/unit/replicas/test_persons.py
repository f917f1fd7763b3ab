"""Who is whom after merges."""

from itertools import permutations
from uuid import UUID

import pytest

from services.replicas.persons.rules import Merge, merges_in, with_merges
from tests.facts import a_fact, a_merge, member_token

A, B, C = (UUID(int=n) for n in (10, 11, 12))


@pytest.mark.parametrize("order", list(permutations([Merge(A, B), Merge(B, C)])))
def test_a_chain_of_merges_is_one_step_long(order: list[Merge]) -> None:
    """A is B and B is C, in either order: all are C."""
    assert with_merges({}, order) == {A: C, B: C, C: C}


def test_what_was_merged_before_goes_along() -> None:
    """A was B before; B is C now: A is C too, and somebody else stays who he is."""
    other = UUID(int=13)
    known = {A: B, B: B, C: C, other: other}
    assert with_merges(known, [Merge(B, C)]) == {A: C, B: C, C: C, other: other}


def test_a_circle_of_merges_says_nothing() -> None:
    """A is B, B is A: the first holds, and nobody is merged with himself."""
    assert with_merges({}, [Merge(A, B), Merge(B, A), Merge(A, A)]) == {A: B, B: B}


def test_a_merge_is_told_by_its_event_and_by_the_facts_of_the_retired_token() -> None:
    """A fact that names no survivor tells of no merge."""
    retired, other = a_fact("eve", merged_into=member_token("ada")), a_fact("zoe")
    assert merges_in((a_merge("bob", "ada"), retired, other)) == [
        Merge(member_token("bob"), member_token("ada")),
        Merge(member_token("eve"), member_token("ada")),
    ]
