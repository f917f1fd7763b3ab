"""A doubtful row beside whom it may mean today, and a person's word of whom it means: it takes effect with all that say
the same of who they are about."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple
from uuid import UUID

from services.eligibility.clock.rules import ONE_DAY
from services.eligibility.decisions.flow.redecide import redecide
from services.eligibility.intake.flow.roster import settle_book
from services.eligibility.intake.store import absence as absence_store
from services.eligibility.people.coverage import cut
from services.eligibility.people.doubtful import Decided, DoubtfulRow, in_order
from services.eligibility.people.enrolment import Enrolment
from services.eligibility.people.flow import load_book
from services.eligibility.people.identity import Doubt
from services.eligibility.people.matching import record_key
from services.eligibility.people.precedence import Stamp
from services.eligibility.people.restatement import stamped
from services.eligibility.people.roster_row import RosterRow
from services.eligibility.people.store import doubtful as doubtful_store
from services.eligibility.people.store import members as people_store
from services.eligibility.vital import store as vital_store
from services.eligibility.vital.others import Others
from services.eligibility.vital.roster import roster_source, roster_word
from services.eligibility.vital.rules import UNDATED, Word
from services.eligibility.vital.told import ToldOfDeath, told_of_death
from services.kit.postgres import Connection
from services.kit.unit_of_work import UnitOfWork


class Candidate(NamedTuple):
    """A member whom a row may mean, what is told of his death, and what the row says of it."""

    known: Enrolment
    death: ToldOfDeath
    by_row: Word | None


class Ruling(NamedTuple):
    """A person's word on a row: what, by whom, and why."""

    decided: Decided
    by: str
    reason: str


async def look(connection: Connection, one: DoubtfulRow, today: date) -> list[Candidate]:
    """Everybody of the plan whom a row that waits may mean today. Who has come into question since is kept with the
    row: only who was shown can be decided on."""
    row, key = one.row, record_key(one.row.record)
    book = await load_book(connection, [row.record], [key], (), is_look=True)
    shown = book.in_question(row.record, one.plan, key, one.file_no, one.doubt.tokens)
    if more := shown - one.doubt.tokens:
        await doubtful_store.add_tokens(connection, one.doubtful_id, more)
    known = await people_store.load_enrolments(connection, shown)
    mine = [enrolment for enrolment in known if enrolment.tenant_id == one.plan and not enrolment.is_retired]
    others = await vital_store.load_others(connection, shown)
    return [
        _candidate(enrolment, row, others, today)
        for enrolment in sorted(mine, key=lambda enrolment: enrolment.member_token)
    ]


def _candidate(known: Enrolment, row: RosterRow, others: Others, today: date) -> Candidate:
    said = others.vital.get(known.member_token, ())
    heard = roster_word(
        row.record, known.member_token, row.plan, row.said_on or today, row.said.at, UNDATED,
        is_full=row.header.is_full,
        is_known=any(statement.source == roster_source(row.plan) for statement in said),
    )  # fmt: skip
    death = told_of_death(said, others.overrides.get(known.member_token, ()), row.plan)
    return Candidate(known, death, Word(heard.word) if heard else None)


async def on_decision(
    work: UnitOfWork, chosen: DoubtfulRow, alike: Iterable[DoubtfulRow], word: Ruling, today: date
) -> Decided | Doubt | None:
    """The row, and those `alike` that may mean nobody else, take effect in their order as if they had been clear when
    they came: what was said since stands. Gives whom they mean; nothing has happened if that is a doubt (somebody
    comes into question who was not shown) or nobody (the member is in the plan no more)."""
    decided = word.decided
    shown = decided.tokens | ({decided.member_token} if decided.member_token else set())
    rows = in_order(row for row in alike if row == chosen or row.doubt.tokens <= shown)
    for row in rows:
        settled = await _take(work, row, decided, word, today)
        if not isinstance(settled, Decided):
            return settled
        decided = settled
    if word.decided.member_token is None and decided.member_token is not None:
        await _end_left(work, decided.member_token, chosen.plan, today)
    return decided


async def _take(
    work: UnitOfWork, one: DoubtfulRow, decided: Decided, word: Ruling, today: date
) -> Decided | Doubt | None:
    row, key = one.row, record_key(one.row.record)
    book = await load_book(work.connection, [row.record], [key], ())
    if decided.member_token is not None and (decided.member_token, one.plan) not in book.enrolments:
        return None
    settled = book.resolve(row.record, one.plan, key, one.file_no, decided)
    if isinstance(settled, Doubt):
        return settled
    said_on, is_full = row.said_on or today, row.header.is_full
    changes = book.apply(row.record, key, one.plan, said_on, one.file_no, row.said, is_full=is_full, settled=settled)
    await settle_book(work, book, one.file_no, today)
    await doubtful_store.save_apart(work.connection, book.new_apart, one.doubtful_id)
    await doubtful_store.save_decision(work.connection, one.doubtful_id, settled, changes, word.by, word.reason)
    return settled


async def _end_left(work: UnitOfWork, member_token: UUID, plan: str, today: date) -> None:
    """Who comes by a decision alone has left the plan if a list that is newer did not have him."""
    connection = work.connection
    [known] = [
        enrolment
        for enrolment in await people_store.load_enrolments(connection, [member_token])
        if enrolment.tenant_id == plan
    ]
    left = await absence_store.load_later(connection, plan, known.seen_file_no, known.said_at)
    if left is not None:
        ended = stamped(known._replace(spans=cut(known.spans, left.said_on - ONE_DAY)), Stamp(left.said_at))
        await people_store.save_enrolments(connection, [ended])
        await redecide(work, [member_token], today)
