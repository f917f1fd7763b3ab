"""Imports a directory, finds what helps with what stands in a member's way, keeps what members found there."""

from collections.abc import Sequence
from hashlib import sha256
from uuid import UUID

from services.kit.postgres import Connection
from services.kit.problem import Refusal
from services.outreach.briefings.rules import barriers
from services.outreach.directory import store
from services.outreach.directory.hsds import Directory
from services.outreach.directory.rules import FeedbackOutcome, Found, Sought
from services.outreach.directory.supports import SUPPORTS, Election
from services.outreach.workers.store import load_today
from services.outreach.worklist.flow import read_case

NO_SERVICE = Refusal("unknown-service", "Unknown Service", "The directory's newest edition has no such service.", 404)
NO_SUPPORT = Refusal("unknown-support", "Unknown Community Support", "There is no such Community Support.", 404)
NOT_HSDS = Refusal(
    "not-hsds", "Not A Directory", "Expected HSDS 3: JSON with services, or a zip with services.csv.", 422
)
FOUND_AT_MOST = 50


async def keep(connection: Connection, tenant_id: str, source: str, content: bytes, read: Directory, by: str) -> int:
    """Keep what was read of a directory as its newest edition; the edition's number."""
    digest = sha256(content).digest()
    return await store.save_edition(connection, tenant_id, source, digest, read.services, read.errors, by)


async def find(
    connection: Connection, tenant_id: str, sought: Sought, limit: int = FOUND_AT_MOST, after: str | None = None
) -> Found:
    """What the newest edition has that fits, by its ids."""
    services = await store.load_services(connection, tenant_id, sought, limit, after)
    return Found(services, await store.count_feedback(connection, [one.service_id for one in services]))


async def find_for_case(connection: Connection, case_id: UUID) -> tuple[Sequence[str], Found] | Refusal:
    """The barriers that were logged for the member of this case, and what helps with them where he lives and in his
    language."""
    found = await read_case(connection, case_id)
    if isinstance(found, Refusal):
        return found
    case, history = found
    needs = tuple(sorted({one.code for one in barriers(history.attempts)}))
    county = await store.load_county(connection, case.enrolment_id)
    sought = Sought(needs=needs, zip5=case.zip5, county=county, language=case.language)
    return needs, await find(connection, case.tenant_id, sought)


async def tell(
    connection: Connection, tenant_id: str, service_id: str, outcome: FeedbackOutcome, by: str
) -> Refusal | None:
    """Keep what a member found at a service."""
    if await store.load_service(connection, tenant_id, service_id) is None:
        return NO_SERVICE
    today = await load_today(connection)
    await store.save_feedback(connection, tenant_id, service_id, outcome, today, by)
    return None


async def elect(connection: Connection, tenant_id: str, election: Election, by: str) -> Refusal | None:
    """Keep that the plan offers a Community Support in a county."""
    if election.support not in SUPPORTS:
        return NO_SUPPORT
    await store.save_election(connection, tenant_id, election, by)
    return None
