"""Who sends a file, for whom, and what of it may pass: load whose the payers are, and note it with the file."""

from collections.abc import Sequence

from schemas.eligibility_v1 import FeedKind
from services.eligibility.feeds.formats import kind_of
from services.eligibility.feeds.records import AdsHeader, RosterHeader, VxuHeader
from services.eligibility.intake.admission import Gate
from services.eligibility.intake.store import files as file_store
from services.eligibility.intake.store.files import FeedFile
from services.eligibility.payers import store as payer_store
from services.eligibility.payers.rules import code_of, payer_of
from services.kit.postgres import Connection


async def open_gate(
    connection: Connection, file: FeedFile, headers: Sequence[RosterHeader], test_data_from: frozenset[str]
) -> Gate:
    """What may pass of a roster under these headers. One whose rows are test data names no tenant."""
    untold = Gate(file.tenant_id, {}, test_data_from)
    payers = {payer_of(header) for header in headers if untold.takes(header)}
    tenants = await payer_store.assign_tenants(connection, sorted(payers), file.tenant_id)
    return Gate(file.tenant_id, tenants, test_data_from)


async def save_roster_headers(
    connection: Connection, file: FeedFile, headers: Sequence[RosterHeader], gate: Gate
) -> None:
    """The last sender and the last plan stand for all of them."""
    if headers:
        admitted = [header for header in headers if gate.bar(header) is None]
        plan = gate.tenant(admitted[-1]) if admitted else None
        is_full = any(header.is_full for header in admitted)
        sender = code_of(headers[-1].sender)
        await file_store.save_header(connection, file.file_id, FeedKind.X12_834.value, sender, plan, is_full=is_full)


async def save_other_headers(connection: Connection, file: FeedFile, headers: Sequence[VxuHeader | AdsHeader]) -> None:
    """Of messages and extracts, which list nobody."""
    for header in headers:
        sender = code_of(header.grantee if isinstance(header, AdsHeader) else header.sender)
        await file_store.save_header(connection, file.file_id, kind_of(header).value, sender, None, is_full=False)
