"""Loads the reports of which a registry's rows may speak: under their keys, by number, and of whom they delete."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from services.eligibility.doses.numbers import is_same_patient
from services.eligibility.doses.registry import RegistryRow
from services.eligibility.doses.reports import Report
from services.eligibility.doses.store import doses as dose_store
from services.eligibility.people.linkage import Link
from services.kit.postgres import Connection


async def load_reports(
    connection: Connection, rows: Sequence[RegistryRow], links: Sequence[Link]
) -> tuple[list[Report], list[Report]]:
    """Those under the rows' own keys or numbers, and those that wait and may be of the same patients."""
    tokens = {link.member_token for link in links if link.member_token is not None}
    numbers = {row.report.event_id for row in rows if row.report.event_id}
    keys = {key for row in rows for key in row.keys}
    named = await dose_store.load_reports_by_key(connection, keys, numbers, tokens)
    named += await _of_unlinked(connection, rows, links)
    waiting = await dose_store.load_waiting_by_number(connection, numbers, _waiting_keys(rows))
    deletions = [row for row in rows if row.action == "D"]
    waiting += await dose_store.load_waiting_by_key(connection, _waiting_keys(deletions))
    return named, waiting + await dose_store.load_waiting_deletions(connection, _waiting_keys(rows))


async def load_shared(connection: Connection, rows: Sequence[RegistryRow], links: Sequence[Link]) -> set[int]:
    """The rows whose number is known of somebody else than those whom they are about."""
    kin = defaultdict[int, set[UUID]](set)
    for row, link in zip(rows, links, strict=True):
        kin[row.row].update(link.tokens)
    numbered = [
        row for row, link in zip(rows, links, strict=True) if row.report.event_id and link.member_token is not None
    ]
    asked = [(row.report.event_id, row.report.sender, frozenset(kin[row.row])) for row in numbered]
    return {numbered[place].row for place in await dose_store.find_of_another(connection, asked)}


def _waiting_keys(rows: Iterable[RegistryRow]) -> set[str]:
    return set().union(*(row.subject.keys() for row in rows))


async def _of_unlinked(connection: Connection, rows: Iterable[RegistryRow], links: Iterable[Link]) -> list[Report]:
    """Of rows that link to nobody: what bears their number and is plainly of the same patient."""
    unlinked = [
        row.report for row, link in zip(rows, links, strict=True) if link.member_token is None and row.report.event_id
    ]
    found = await dose_store.load_of_number(connection, {(report.event_id, report.sender) for report in unlinked})
    return [
        known
        for known in found
        if any(report.event_id == known.event_id and is_same_patient(report, known) for report in unlinked)
    ]
