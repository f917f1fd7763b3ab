"""Whom a row makes one does not depend on the order in which a plan listed its members, and is one pair at most."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations, count
from typing import NamedTuple
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from services.eligibility.feeds.records import RosterRecord
from services.eligibility.people.matching import record_key
from services.eligibility.people.precedence import Stamp
from services.eligibility.people.roster import Book
from tests.service.eligibility.cases import an_834, member
from tests.unit.eligibility.feeds.builders import items_of

PLAN, CHANGED = "agency", "Y*18*001*25"
FIRST = datetime(2025, 6, 1, tzinfo=UTC)
LISTED = {
    "M1": member("M1", "FIX*DORRA", "19500101"),
    "M2": member("M2", "FIX*DORA", "19710909"),
    "M3": member("M3", "FIX*DORA", "19710909", zip5="60605"),
}
MOVE = member("M3", "FIX*DORA", "19710909", ins=CHANGED)
"""By which M2 and M3 agree in name, birth date and ZIP."""
CORRECTIONS = tuple(
    member(number, "FIX*DORA", "19710909", ins=CHANGED, was=was, prior=prior, zip5=zip5)
    for number, prior in (("M1", ""), ("M1", "M2"), ("M9", "M1"), ("M2", "M1"), ("M3", "M1"))
    for was in ("FIX*DORRA*19500101", "FIX*DORRA")
    for zip5 in ("60601", "60605")
)
changes = st.lists(st.sampled_from((MOVE, *CORRECTIONS)), min_size=1, max_size=3)
strangers = st.sets(st.sampled_from(list(combinations(LISTED, 2))))


class Outcome(NamedTuple):
    """Who is one, by the numbers under which they were listed; which rows wait; how many each row made one."""

    persons: frozenset[frozenset[str]]
    waiting: frozenset[int]
    joins: tuple[int, ...]


def outcome(listing: Sequence[str], rows: Sequence[str], apart: set[tuple[str, str]]) -> Outcome:
    """What the rows make of members who were listed in this order; `apart`: told apart by a person before."""
    ids = count(1)
    book = Book(lambda: UUID(int=next(ids)))
    for number in listing:
        _apply(book, LISTED[number], 0)
    tokens = {known.member_id: known.member_token for known in book.enrolments.values()}
    for one, other in apart:
        book._tell_apart(tokens[one], [tokens[other]])
    joins = tuple(_apply(book, row, no) for no, row in enumerate(rows, 1))
    persons = {frozenset(one for one in tokens if _survivor(book, tokens[one]) == token) for token in tokens.values()}
    return Outcome(frozenset(persons - {frozenset()}), frozenset(book.held), joins)


def _apply(book: Book, row: str, no: int) -> int:
    """How many persons it made one with another."""
    at, before = FIRST + timedelta(days=no), len(book.joins)
    [record] = [one for one in items_of(an_834(row).encode()) if isinstance(one, RosterRecord)]
    record = record._replace(position=record.position._replace(row=no))
    book.apply(record, record_key(record), PLAN, at.date(), no, Stamp(at, "AGENCY", no))
    return len(book.joins) - before


def _survivor(book: Book, token: UUID) -> UUID:
    merged_into = book.persons[token].merged_into
    return token if merged_into is None else _survivor(book, merged_into)


@settings(max_examples=200, deadline=None)
@given(st.permutations(list(LISTED)), changes, strangers)
def test_the_order_of_the_list_says_nothing(listing: list[str], rows: list[str], apart: set[tuple[str, str]]) -> None:
    """Whatever a plan corrects, and whoever was told apart, the same rows make the same members one in whatever order
    they were listed; no row joins more than one pair, and nobody who was told apart is joined."""
    found = outcome(listing, rows, apart)
    assert found == outcome(list(LISTED), rows, apart)
    assert max(found.joins) <= 1
    assert not any({*pair} <= person for pair in apart for person in found.persons)
