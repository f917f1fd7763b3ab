"""The transactions of rosters as far as their order needs them. All SQL of it, batch first."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.eligibility.intake.ordering import Transaction
from services.eligibility.people.precedence import Stamp
from services.kit.postgres import Connection
from services.kit.rows import columns

SAVE_TRANSACTIONS = """
insert into feed_transaction (file_id, control, sender, plan, reference, said_at, said_no, is_full)
select $1, * from unnest(
    $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::bigint[], $8::boolean[]
)
on conflict (file_id, control) do nothing
"""
LOAD_NAMESAKES = """
select distinct known.plan, known.sender, known.control, known.said_at
from unnest($2::text[], $3::text[], $4::text[]) as wanted (control, sender, plan)
join feed_transaction as known using (control, sender, plan)
join feed_file on feed_file.file_id = known.file_id
where known.file_id <> $1 and state <> 'refused'
    and content_sha256 is distinct from (select content_sha256 from feed_file where file_id = $1)
"""
LOAD_NEWEST_FULL = """
select distinct on (known.plan, known.sender) known.plan, known.sender, known.said_at, said_no
from unnest($2::text[], $3::text[]) as wanted (sender, plan)
join feed_transaction as known using (sender, plan)
join feed_file on feed_file.file_id = known.file_id
where known.file_id <> $1 and known.is_full and state in ('processing', 'processed') and known.said_at is not null
order by known.plan, known.sender, known.said_at desc, said_no desc
"""
LOAD_ORIGINALS = """
select distinct on (known.plan, known.sender, reference)
    known.plan, known.sender, reference, known.said_at, said_no
from unnest($2::text[], $3::text[], $4::text[]) as wanted (reference, sender, plan)
join feed_transaction as known using (reference, sender, plan)
join feed_file on feed_file.file_id = known.file_id
where known.file_id <> $1 and state <> 'refused' and known.said_at is not null
order by known.plan, known.sender, reference, known.said_at, said_no
"""


async def save_transactions(connection: Connection, file_id: UUID, found: Sequence[Transaction]) -> None:
    if found:
        told = columns(found, "control", "sender", "plan", "reference", "said.at", "said.no", "is_full")
        await connection.execute(SAVE_TRANSACTIONS, file_id, *told)


async def load_namesakes(
    connection: Connection, file_id: UUID, found: Sequence[Transaction]
) -> dict[tuple[str, str, str], set[datetime | None]]:
    """When files of other content bore the same control numbers."""
    namesakes: dict[tuple[str, str, str], set[datetime | None]] = {}
    wanted = columns(found, "control", "sender", "plan")
    for row in await connection.fetch(LOAD_NAMESAKES, file_id, *wanted) if found else ():
        namesakes.setdefault((row["control"], row["sender"], row["plan"]), set()).add(row["said_at"])
    return namesakes


async def load_newest_full(
    connection: Connection, file_id: UUID, found: Sequence[Transaction]
) -> dict[tuple[str, str], Stamp]:
    """When each sender listed everybody of each plan last."""
    wanted = zip(*{(one.sender, one.plan) for one in found}, strict=True)
    rows = await connection.fetch(LOAD_NEWEST_FULL, file_id, *wanted) if found else ()
    return {(row["sender"], row["plan"]): Stamp(row["said_at"], row["sender"], row["said_no"]) for row in rows}


async def load_originals(
    connection: Connection, file_id: UUID, found: Sequence[Transaction]
) -> dict[tuple[str, str, str], Stamp]:
    """When the transactions that these send again were said."""
    wanted = columns(found, "original", "sender", "plan")
    rows = await connection.fetch(LOAD_ORIGINALS, file_id, *wanted) if found else ()
    return {
        (row["reference"], row["sender"], row["plan"]): Stamp(row["said_at"], row["sender"], row["said_no"])
        for row in rows
    }
