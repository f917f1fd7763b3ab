"""What a row of a plan's roster says of its member's death. Pure.

A day of death (INS12), or a termination for death (INS03 024 with INS04 03), declares it. A row that leaves both empty
says nothing of it: only a reinstatement (025), or an addition (021) in a file of changes, of coverage that goes on says
that the member lives, for the dead have none.
"""

from datetime import UTC, date, datetime
from uuid import UUID

from services.eligibility.feeds.records import Coverage, Maintenance, RosterRecord
from services.eligibility.vital.rules import ROSTER, VitalStatement, Word


def roster_source(plan: str) -> str:
    """The name under which a plan's word is kept."""
    return f"{ROSTER}:{plan}"


def roster_word(
    record: RosterRecord, member_token: UUID, plan: str, said_on: date, said_at: datetime | None, heard_at: datetime,
    *, is_full: bool, is_known: bool,
) -> VitalStatement | None:  # fmt: skip
    """The row's word, or None. An addition matters only where the plan has said something before (`is_known`)."""
    at = said_at or datetime(said_on.year, said_on.month, said_on.day, tzinfo=UTC)
    word = _word(record, said_on, is_full=is_full, is_known=is_known)
    if word is None:
        return None
    death_on = record.person.death_on if word is Word.DECEASED else None
    return VitalStatement(member_token, roster_source(plan), plan, word, at, at, heard_at, death_on)


def _word(record: RosterRecord, said_on: date, *, is_full: bool, is_known: bool) -> Word | None:
    if record.person.is_deceased:
        return Word.DECEASED
    if record.maintenance is Maintenance.TERMINATE or not _goes_on(record, said_on):
        return None
    actions = {record.maintenance, *(coverage.maintenance for coverage in record.coverages)}
    is_back = Maintenance.REINSTATE in actions or (is_known and not is_full and Maintenance.ADD in actions)
    return Word.ALIVE if is_back else None


def _goes_on(record: RosterRecord, said_on: date) -> bool:
    if not record.coverages:
        return record.end_on is None or record.end_on > said_on
    return any(_is_open(coverage, said_on) for coverage in record.coverages)


def _is_open(one: Coverage, said_on: date) -> bool:
    ends = one.maintenance is Maintenance.TERMINATE or one.is_void
    return not ends and (one.end_on is None or one.end_on > said_on)
