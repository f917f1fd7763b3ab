"""Two plans' members who are possibly one: what a person sees of them, and what his word does. Joining takes the path
of every merge; it is the only one across plans."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Literal, NamedTuple
from uuid import UUID

from services.eligibility.intake.flow.joins import JOIN_NOT_KEPT, withdraw
from services.eligibility.intake.flow.roster import settle_book
from services.eligibility.people.enrolment import Enrolment
from services.eligibility.people.flow import load_persons_book
from services.eligibility.people.possibly_one import ONE_PERSON, WAITING, Pair, Side, may_be_one, sides
from services.eligibility.people.store import joins as join_store
from services.eligibility.people.store import members as people_store
from services.eligibility.people.store import possibly_one as pair_store
from services.eligibility.people.store.possibly_one import Told
from services.eligibility.vital import store as vital_store
from services.eligibility.vital.others import Others
from services.eligibility.vital.told import told_of_death
from services.kit.postgres import Connection
from services.kit.problem import Refusal
from services.kit.unit_of_work import UnitOfWork

NO_FILE = 0


class Entry(NamedTuple):
    """One plan's entry of a member, and what holds of his death there."""

    known: Enrolment
    is_covered: bool
    covered_until: date | None
    death: Literal["declared", "reported"] | None


class Comparison(NamedTuple):
    """Two plans' entries beside each other."""

    one: Entry
    other: Entry
    side: Side


async def still_possible(connection: Connection, pairs: Iterable[Told]) -> list[Told]:
    """Of pairs that wait those who may be one by what plans say today; the others are as they were."""
    pairs = list(pairs)
    tokens = {member_token for told in pairs for member_token in told.pair}
    known = defaultdict[UUID, list[Enrolment]](list)
    for enrolment in await people_store.load_enrolments(connection, tokens):
        known[enrolment.member_token].append(enrolment)
    return [
        told
        for told in pairs
        if told.state != WAITING or may_be_one(known[told.member_token] + known[told.other], told.pair)
    ]


async def compare_pair(connection: Connection, pair: Pair, today: date) -> list[Comparison]:
    """What each plan says of the one, beside what another says of the other."""
    known = await people_store.load_enrolments(connection, pair)
    others = await vital_store.load_others(connection, pair)
    return [
        Comparison(_entry(side.one, others, today), _entry(side.other, others, today), side)
        for side in sides(known, pair)
    ]


def _entry(known: Enrolment, others: Others, today: date) -> Entry:
    said, decided = others.vital.get(known.member_token, ()), others.overrides.get(known.member_token, ())
    ends = [span.last_on for span in known.spans]
    until = max((day for day in ends if day is not None), default=None) if None not in ends else None
    is_covered = any(span.covers(today) for span in known.spans)
    return Entry(known, is_covered, until, told_of_death(said, decided, known.tenant_id).holds)


async def join_pair(work: UnitOfWork, told: Told, by: str, reason: str, today: date) -> bool:
    """Make one person of both, with all that is known of either. False, and nothing has happened, if they may not be
    one by what plans say today."""
    book = await load_persons_book(work.connection, told.pair)
    if not may_be_one(book.enrolments.values(), told.pair):
        return False
    await pair_store.save_decision(work.connection, told.pair_id, ONE_PERSON, by, reason)
    book.join(*told.pair)
    await settle_book(work, book, NO_FILE, today, told.pair_id)
    return True


async def part_pair(work: UnitOfWork, told: Told, by: str, reason: str, today: date) -> Refusal | None:
    """Take back that both are one; or why that can't be."""
    join_id = await join_store.find_of_pair(work.connection, told.pair_id)
    return JOIN_NOT_KEPT if join_id is None else await withdraw(work, join_id, by, reason, today)
