"""The transactions of rosters as far as their order needs them. All SQL of it, batch first."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from services.eligibility.intake.ordering import Repeated, Transaction
from services.eligibility.people.precedence import Stamp
from services.kit.postgres import Connection
from services.kit.rows import columns

SAVE_TRANSACTIONS = """
insert into feed_transaction (
    file_id, control, sender, plan, reference, said_at, said_no, is_full, digest, is_cut, repeats
)
select $1, * from unnest(
    $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::bigint[], $8::boolean[], $9::text[],
    $10::boolean[], $11::uuid[]
)
on conflict (file_id, control) do nothing
"""
# A number that a file has several times is told apart behind a "#". A list that was not complete was judged by nobody,
# and a transaction that was cut off was not read to its end: what comes whole under its numbers is no other content.
LOAD_READ_BEFORE = """
select distinct on (place) place, known.file_id, file_no, known.said_at, said_no
from unnest($2::integer[], $3::text[], $4::text[], $5::text[], $6::text[])
    as wanted (place, number, sender, plan, digest)
join feed_transaction as known using (sender, plan, digest)
join feed_file on feed_file.file_id = known.file_id
where known.file_id <> $1 and repeats is null and not is_cut and state = 'processed'
    and regexp_replace(known.control, '#[0-9]+$', '') = number
    and not (known.is_full and exists (
        select from feed_absence
        where feed_absence.file_id = known.file_id and feed_absence.plan = known.plan and absence = 'incomplete'
    ))
order by place, file_no
"""
LOAD_NAMESAKES = """
select distinct place, known.said_at
from unnest($2::integer[], $3::text[], $4::text[], $5::text[], $6::text[])
    as wanted (place, number, sender, plan, digest)
join feed_transaction as known
    on known.plan = wanted.plan and known.sender = wanted.sender
    and regexp_replace(known.control, '#[0-9]+$', '') = number
join feed_file on feed_file.file_id = known.file_id
where known.file_id <> $1 and state not in ('refused', 'cancelled', 'stopped') and not is_cut
    and known.digest is distinct from wanted.digest
    and content_sha256 is distinct from (select content_sha256 from feed_file where file_id = $1)
"""
LOAD_NEWEST_FULL = """
select distinct on (known.plan, known.sender) known.plan, known.sender, known.said_at, said_no
from unnest($2::text[], $3::text[]) as wanted (sender, plan)
join feed_transaction as known using (sender, plan)
join feed_file on feed_file.file_id = known.file_id
where known.file_id <> $1 and known.is_full and repeats is null and state in ('processing', 'processed')
    and known.said_at is not null
    and not exists (
        select from feed_file as part
        where part.file_id = $1 and part.tenant_id = feed_file.tenant_id and part.list_name = feed_file.list_name
    )
order by known.plan, known.sender, known.said_at desc, said_no desc
"""
LOAD_ORIGINALS = """
select distinct on (known.plan, known.sender, reference)
    known.plan, known.sender, reference, known.said_at, said_no
from unnest($2::text[], $3::text[], $4::text[]) as wanted (reference, sender, plan)
join feed_transaction as known using (reference, sender, plan)
join feed_file on feed_file.file_id = known.file_id
where known.file_id <> $1 and repeats is null and state <> 'refused' and known.said_at is not null
order by known.plan, known.sender, reference, known.said_at, said_no
"""


async def save_transactions(connection: Connection, file_id: UUID, found: Sequence[Transaction]) -> None:
    if found:
        names = "control", "sender", "plan", "reference", "said.at", "said.no", "is_full", "digest", "is_cut"
        told = columns(found, *names)
        repeats = [transaction.repeats.file_id if transaction.repeats else None for transaction in found]
        await connection.execute(SAVE_TRANSACTIONS, file_id, *told, repeats)


async def load_read_before(
    connection: Connection, file_id: UUID, found: Mapping[int, Transaction]
) -> dict[int, Repeated]:
    """The first file that brought each of these, under the same number and with the same content, and was read."""
    wanted = _named(found)
    rows = await connection.fetch(LOAD_READ_BEFORE, file_id, *wanted) if found else ()
    return {
        place: Repeated(brought_by, file_no, Stamp(said_at, found[place].sender, said_no))
        for place, brought_by, file_no, said_at, said_no in rows
    }


async def load_namesakes(
    connection: Connection, file_id: UUID, found: Mapping[int, Transaction]
) -> dict[int, set[datetime | None]]:
    """When files of other content bore the same control numbers."""
    namesakes: dict[int, set[datetime | None]] = {}
    for row in await connection.fetch(LOAD_NAMESAKES, file_id, *_named(found)) if found else ():
        namesakes.setdefault(row["place"], set()).add(row["said_at"])
    return namesakes


def _named(found: Mapping[int, Transaction]) -> tuple[Sequence[object], ...]:
    return list(found), *columns(list(found.values()), "number", "sender", "plan", "digest")


async def load_newest_full(
    connection: Connection, file_id: UUID, found: Sequence[Transaction]
) -> dict[tuple[str, str], Stamp]:
    """When each sender listed everybody of each plan last. A part of the same list is none before it."""
    wanted = zip(*{(transaction.sender, transaction.plan) for transaction in found}, strict=True)
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
