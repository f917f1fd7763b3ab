"""Whether the trail is whole: every seal recomputed from the rows, and every row found by whom it names."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from services.kit.audit_seal import BEGINNING, FORMAT, NONE, Seal, digest, load_waiting_s
from services.kit.postgres import Connection

SEALS_AT_ONCE = 100
"""In a transaction: one over all of a long trail would keep the server from clearing away what is dead."""
LONGEST_WAIT_S = 3600.0
"""Rows are sealed within minutes: an older one waits for a sealer that stands still, or that nobody runs."""

LOAD_SEALS = """
select number, through_id, row_count, sha256, format from audit_seal where number > $1 order by number limit $2
"""
COUNT_AFTER = "select count(*) from audit where audit_id > $1"
MISSES_SUBJECT = """
select exists (
    select from audit cross join unnest(subjects) as named
    where audit_id > $1 and audit_id <= $2 and named is not null and not exists (
        select from audit_subject as found
        where (found.subject, found.audit_id, found.tenant_id) = (left(named, 200), audit.audit_id, audit.tenant_id)
    )
)
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`broken`: the first thing that does not agree, None if all does. `unsealed`: rows that no seal covers yet, the
    oldest of them for `waiting_s`."""

    seals: int
    rows: int
    head: bytes
    unsealed: int
    waiting_s: float
    broken: str | None


async def verify(connection: Connection, heads: Collection[bytes] = ()) -> Verdict:
    """`heads`: of seals that were written down elsewhere, which must be there. On a connection that sees every
    tenant."""
    last, rows, missing = NONE, 0, set(heads) - {BEGINNING}
    while True:
        async with connection.transaction():
            kept = [Seal(**dict(row)) for row in await connection.fetch(LOAD_SEALS, last.number, SEALS_AT_ONCE)]
            agreeing, broken = await _agreeing(connection, last, kept)
        rows += sum(seal.row_count for seal in agreeing)
        missing -= {seal.sha256 for seal in agreeing}
        last = agreeing[-1] if agreeing else last
        if broken or len(kept) < SEALS_AT_ONCE:
            break
    if broken is None and missing:
        broken = "a head that was given is none of these seals: the end was removed, or sealed anew"
    unsealed, waiting_s = await connection.fetchval(COUNT_AFTER, last.through_id), await load_waiting_s(connection)
    return Verdict(last.number, rows, last.sha256, unsealed, waiting_s, broken or _stands_still(waiting_s))


async def _agreeing(connection: Connection, last: Seal, kept: Sequence[Seal]) -> tuple[list[Seal], str | None]:
    """Those that agree, up to the first that does not, and why it does not."""
    agreeing = list[Seal]()
    for seal in kept:
        if broken := await _disagreement(connection, last, seal):
            return agreeing, broken
        agreeing.append(last := seal)
    return agreeing, None


async def _disagreement(connection: Connection, before: Seal, kept: Seal) -> str | None:
    if kept.number != before.number + 1:
        return f"seal {before.number + 1} is missing"
    where = f"batch {kept.number}, rows {before.through_id + 1} to {kept.through_id}"
    if kept.format != FORMAT:
        return f"{where}: sealed in format {kept.format}, which this version does not know"
    found = await digest(connection, before, kept.number, kept.through_id)
    if found.row_count != kept.row_count:
        return f"{where}: {found.row_count} rows are there, {kept.row_count} were sealed"
    if found != kept:
        return f"{where}: a row or its seal was changed"
    if await connection.fetchval(MISSES_SUBJECT, before.through_id, kept.through_id):
        return f"{where}: a row is not found by whom it names"
    return None


def _stands_still(waiting_s: float) -> str | None:
    if waiting_s <= LONGEST_WAIT_S:
        return None
    return f"not sealed for {waiting_s / 60:.0f} minutes: nobody seals, or a transaction that wrote never ends"
