"""SQL of briefings: who else of a household is to be called, and who holds a case of a person."""

from collections.abc import Collection
from uuid import UUID

from services.kit.postgres import Connection
from services.kit.rows import into
from services.outreach.briefings.rules import Relative

MOST_RELATIVES = 12
# Of the plan's own members alone, also for whoever sees all plans; nobody whose contact is protected.
LOAD_RELATIVES = """
select other_case.case_id, other.enrolment_id, other_case.programme_id
from member_contact as own join member_contact as other using (tenant_id, household_id)
join outreach_case as other_case on other_case.enrolment_id = other.enrolment_id and other_case.status = 'open'
join enrolment as known on (known.enrolment_id, known.programme_id) = (other.enrolment_id, other_case.programme_id)
where own.enrolment_id = $1 and other.enrolment_id <> $1 and other.sealed_details is not null
    and own.sealed_details is not null and not known.contact_protected
order by other_case.rank desc, other_case.case_id
limit 13
"""
HOLDS_ANY = """
select exists (
    select from outreach_case
    where member_token = any($1::uuid[]) and claimed_by = $2 and lease_until > clock_timestamp()
)
"""


async def load_relatives(connection: Connection, enrolment_id: UUID) -> list[Relative]:
    """The open cases of the others of this member's household, in the order of their ranks; none of so many that it is
    an institution, or a number that stands for nobody's family."""
    rows = await connection.fetch(LOAD_RELATIVES, enrolment_id)
    return [] if len(rows) > MOST_RELATIVES else [into(Relative, row) for row in rows]


async def holds_any(connection: Connection, member_tokens: Collection[UUID], worker_id: str) -> bool:
    """Whether the worker holds a case of this person now."""
    found: bool = await connection.fetchval(HOLDS_ANY, list(member_tokens), worker_id)
    return found
