"""Whom a registry's rows are about: load the candidates, link, keep what linking taught."""

from collections.abc import Sequence
from uuid import UUID

from services.eligibility.doses.registry import RegistryRow, combined, completed
from services.eligibility.payers.tenants import EVERY_TENANT
from services.eligibility.people.linkage import IdKey, Index, Link, Subject, is_within, link_and_tie
from services.eligibility.people.store import keys as key_store
from services.eligibility.people.store import members as people_store
from services.eligibility.people.store import statements as statement_store
from services.eligibility.vital import flow as vital_statements
from services.kit.postgres import Connection

# -- doses


async def link_rows(
    connection: Connection, rows: Sequence[RegistryRow], tenant: str
) -> tuple[list[Link], set[tuple[IdKey, UUID]]]:
    """Find whom the rows of a tenant's sender are about, and keep what linking taught of identifiers, race, tract and
    protection. Gives the identifiers that were tied, too."""
    numbers = {identifier for row in rows if row.subject.is_number_only for identifier in row.subject.personal}
    patients = await key_store.load_patients(connection, numbers)
    subjects = [completed(row.subject, patients) for row in rows]
    links, ties = link_and_tie(subjects, await _load_index(connection, subjects, tenant))
    ties = {tie for tie in ties if tenant == EVERY_TENANT or is_within(tenant, tie[0])}
    await people_store.lock_persons(connection, {link.member_token for link in links if link.member_token is not None})
    await key_store.save_keys(connection, ties, ())
    await _save_statements(connection, rows, links)
    await vital_statements.save_person_statements(
        connection, [(row.person, link.member_token) for row, link in zip(rows, links, strict=True)]
    )
    return links, ties


async def _load_index(connection: Connection, subjects: Sequence[Subject], tenant: str) -> Index:
    identifiers: set[IdKey] = {identifier for subject in subjects for identifier in subject.personal}
    keys = {subject.key for subject in subjects if subject.key}
    by_identifier, by_key = await key_store.load_tokens(connection, identifiers, keys)
    tokens = {member_token for found in (*by_identifier.values(), *by_key.values()) for member_token in found}
    index = Index(by_identifier, by_key, await people_store.load_candidates(connection, tokens))
    return index if tenant == EVERY_TENANT else index.only(await people_store.load_of_plan(connection, tokens, tenant))


async def _save_statements(connection: Connection, rows: Sequence[RegistryRow], links: Sequence[Link]) -> None:
    said = [
        (row.said, link.member_token) for row, link in zip(rows, links, strict=True) if link.member_token is not None
    ]
    stored = await statement_store.load_statements(connection, {member_token for _, member_token in said})
    known = {
        member_token: statement
        for member_token, statements in stored.items()
        for statement in statements
        if statement.source == "registry"
    }
    before = dict(known)
    for statement, member_token in said:
        known[member_token] = combined(known.get(member_token), statement, member_token)
    changed = [statement for member_token, statement in known.items() if statement != before.get(member_token)]
    await statement_store.save_statements(connection, changed)
