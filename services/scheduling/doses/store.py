"""All SQL of the copy of doses. Of two versions the higher is kept, in whichever order they come."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from uuid import UUID

from asyncpg import Record

from services.kit.postgres import Connection
from services.kit.rows import into
from services.scheduling.doses.rules import Dose

SAVE_DOSES = """
    insert into dose (
        dose_id, version, member_token, vaccine_group, administered_on, retracted, appointment_id, vaccine_groups,
        heard_no
    )
    select dose_id, version, member_token, vaccine_group, administered_on, retracted, appointment_id,
        string_to_array(groups, ' '), coalesce(booking_no, nextval('moment'))
    from (
        select * from unnest(
            $1::uuid[], $2::int[], $3::uuid[], $4::text[], $5::date[], $6::bool[], $7::uuid[], $8::text[], $9::bigint[]
        ) as new (
            dose_id, version, member_token, vaccine_group, administered_on, retracted, appointment_id, groups,
            booking_no
        )
        order by dose_id
    ) as new
    on conflict (dose_id) do update set
        version = excluded.version, member_token = excluded.member_token, vaccine_group = excluded.vaccine_group,
        vaccine_groups = excluded.vaccine_groups, administered_on = excluded.administered_on,
        retracted = excluded.retracted, appointment_id = coalesce(excluded.appointment_id, dose.appointment_id),
        heard_no = case when dose.retracted and not excluded.retracted then nextval('moment') else dose.heard_no end
    where dose.version < excluded.version
    returning member_token, retracted
"""
LOAD_DOSES = """
    select dose.*, person_token as survivor from dose join person using (member_token) where person_token = any($1)
"""


async def save_doses(connection: Connection, doses: Sequence[Dose], booking_no: Mapping[UUID, int]) -> set[UUID]:
    """Keep the higher version of each; one row for each. Gives the members for whom a dose that counts is news. A dose
    that one of our own appointments gave was known here when that appointment was: `booking_no` is its number."""
    rows = [
        (
            dose.dose_id, dose.version, dose.member_token, dose.vaccine_group, dose.administered_on, dose.retracted,
            dose.appointment_id, " ".join(dose.groups),
            None if dose.appointment_id is None else booking_no.get(dose.appointment_id),
        )
        for dose in doses
    ]  # fmt: skip
    saved = await connection.fetch(SAVE_DOSES, *map(list, zip(*rows, strict=True)))
    return {row["member_token"] for row in saved if not row["retracted"]}


async def load_doses(connection: Connection, survivors: Iterable[UUID]) -> dict[UUID, list[Dose]]:
    """All doses of these persons, under any of their tokens; by the person's surviving token."""
    rows = sorted(await connection.fetch(LOAD_DOSES, list(survivors)), key=lambda row: str(row["survivor"]))
    return {survivor: [_dose(row) for row in group] for survivor, group in groupby(rows, key=itemgetter("survivor"))}


def _dose(row: Record) -> Dose:
    return into(Dose, row, vaccine_groups=tuple(row["vaccine_groups"] or ()))
