"""Refusals, evidence of immunity and contraindications, as registries say them. All SQL of it, batch first."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from services.eligibility.doses.registry import RegistryRow
from services.eligibility.doses.remarks import Remark
from services.eligibility.feeds.records import DoseOutcome
from services.eligibility.people.store import statements as statement_store
from services.eligibility.vital.sharing import is_withheld
from services.kit.parts import Part
from services.kit.postgres import Connection

# What an update of a numbered event, or a deletion, leaves of what was said before.
TAKE_BACK = """
update registry_remark as known set is_retracted = true, stated_at = coalesce(said.stated_at, known.stated_at)
from unnest($1::uuid[], $2::text[], $3::text[], $4::date[], $5::text[], $6::boolean[], $7::boolean[],
        $8::timestamptz[], $9::integer[])
    as said (member_token, sender, event_id, said_on, cvx, is_refusal, is_deletion, stated_at, row)
where known.member_token = said.member_token and known.sender = said.sender and not known.is_retracted
    and coalesce(known.stated_at <= said.stated_at, true)
    and (
        (said.event_id <> '' and known.event_id = said.event_id)
        or (
            said.is_deletion and known.said_on = said.said_on and said.cvx in (known.cvx, '')
            and (known.kind = 'refusal') = said.is_refusal
        )
    )
returning said.row
"""
SAVE_REMARKS = """
insert into registry_remark as known
    (member_token, sender, kind, system, code, cvx, said_on, observed_on, expires_on, event_id, stated_at, is_retracted)
select distinct on (member_token, sender, kind, system, code, cvx, said_on)
    member_token, sender, kind, system, code, cvx, said_on, observed_on, expires_on, event_id, stated_at, false
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::date[], $8::date[], $9::date[],
        $10::text[], $11::timestamptz[]) with ordinality
    as said (member_token, sender, kind, system, code, cvx, said_on, observed_on, expires_on, event_id, stated_at,
        position)
order by member_token, sender, kind, system, code, cvx, said_on, stated_at desc nulls last, position desc
on conflict (member_token, sender, kind, system, code, cvx, said_on) do update
set observed_on = excluded.observed_on, expires_on = excluded.expires_on, event_id = excluded.event_id,
    stated_at = excluded.stated_at, is_retracted = false
where coalesce(known.stated_at <= excluded.stated_at, true)
"""
LOAD_REMARKS = """
select member_token, sender, kind, system, code, cvx, said_on, observed_on, expires_on from registry_remark
where member_token = any($1::uuid[]) and not is_retracted
order by member_token, observed_on, kind, system, code, cvx, sender
"""


class Stated(NamedTuple):
    """A remark and the sender who makes it."""

    sender: str
    remark: Remark


async def save_remarks(connection: Connection, rows: Iterable[tuple[RegistryRow, UUID]]) -> set[int]:
    """Take what rows say of persons, in their order: taken back first, then said. Gives the rows that took back
    something."""
    taken_back: set[int] = set()
    rows = [(row, member_token) for row, member_token in rows if row.remarks or row.action != "A"]
    while rows:
        # A sender's own order counts, so one statement takes one row of a sender about a person.
        now: list[tuple[RegistryRow, UUID]] = []
        later: list[tuple[RegistryRow, UUID]] = []
        seen = set()
        for row, member_token in rows:
            identity = member_token, row.report.sender
            (later if identity in seen else now).append((row, member_token))
            seen.add(identity)
        taken_back |= await _take_back(connection, [pair for pair in now if pair[0].action != "A"])
        await _say(connection, [pair for pair in now if pair[0].action != "D"])
        rows = later
    return taken_back


async def _take_back(connection: Connection, rows: Sequence[tuple[RegistryRow, UUID]]) -> set[int]:
    columns = [
        (member_token, row.report.sender, row.report.event_id, row.report.administered_on, row.report.cvx,
         row.outcome is DoseOutcome.REFUSED, row.action == "D", row.report.stated_at, row.row)
        for row, member_token in rows
    ]  # fmt: skip
    found = await connection.fetch(TAKE_BACK, *zip(*columns, strict=True)) if columns else ()
    return {record["row"] for record in found}


async def _say(connection: Connection, rows: Sequence[tuple[RegistryRow, UUID]]) -> None:
    columns = [
        (member_token, row.report.sender, remark.kind, remark.system, remark.code, remark.cvx, remark.said_on,
         remark.observed_on, remark.expires_on, row.report.event_id, row.report.stated_at)
        for row, member_token in rows for remark in row.remarks
    ]  # fmt: skip
    if columns:
        await connection.execute(SAVE_REMARKS, *zip(*columns, strict=True))


async def load_remarks(connection: Connection, tokens: Collection[UUID]) -> dict[UUID, list[Stated]]:
    """What holds of these persons, and may be shared."""
    found: defaultdict[UUID, list[Stated]] = defaultdict(list)
    withheld = await statement_store.load_withheld(connection, tokens)
    for member_token, sender, *said in await connection.fetch(LOAD_REMARKS, list(tokens)) if tokens else ():
        if not is_withheld(sender, withheld.get(member_token, frozenset())):
            found[member_token].append(Stated(sender, Remark(*said)))
    return found


PART = Part("registry_remark", ("sender", "kind", "system", "code", "cvx", "said_on"))
MOVE_REMARKS = """
with gone as (delete from registry_remark where member_token = $2 returning *)
insert into registry_remark
    (member_token, sender, kind, system, code, cvx, said_on, observed_on, expires_on, event_id, stated_at, is_retracted)
select $1, sender, kind, system, code, cvx, said_on, observed_on, expires_on, event_id, stated_at, is_retracted
from gone
on conflict (member_token, sender, kind, system, code, cvx, said_on) do update
set is_retracted = excluded.is_retracted, stated_at = excluded.stated_at
where registry_remark.stated_at < excluded.stated_at
"""


async def move_remarks(connection: Connection, survivor: UUID, retired: UUID) -> None:
    """What registries say of a person who was merged is said of the survivor; of one thing the newer holds."""
    await connection.execute(MOVE_REMARKS, survivor, retired)
