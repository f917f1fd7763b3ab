"""What registries say of deaths, protection and publicity: the newest word of each is kept. Load, decide, save."""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from uuid import UUID

from services.eligibility.vital import store as vital_store
from services.eligibility.vital.registry import PersonStatements, RegistryConsent, combined_consent
from services.eligibility.vital.rules import VitalStatement, newest
from services.kit.postgres import Connection

Key = tuple[UUID, str]


async def save_person_statements(connection: Connection, said: Iterable[tuple[PersonStatements, UUID | None]]) -> None:
    """Keep what a registry's rows say of these persons, who are locked: of each source the newest word."""
    now = datetime.now(UTC)
    about = [statements.about(member_token, now) for statements, member_token in said if member_token is not None]
    await _save_vital(connection, [statement for statements in about for statement in statements.vital])
    await _save_consents(connection, [statements.consent for statements in about if statements.says_consent])


async def _save_vital(connection: Connection, heard: Sequence[VitalStatement]) -> None:
    known = await load_statements(connection, {statement.member_token for statement in heard})
    before = dict(known)
    for statement in heard:
        known[statement.member_token, statement.source] = newest(
            known.get((statement.member_token, statement.source)), statement
        )
    await vital_store.save_statements(
        connection, [statement for key, statement in known.items() if statement != before.get(key)]
    )


async def _save_consents(connection: Connection, heard: Sequence[RegistryConsent]) -> None:
    stored = await vital_store.load_consents(connection, {consent.member_token for consent in heard})
    known = {(consent.member_token, consent.source): consent for consents in stored.values() for consent in consents}
    before = dict(known)
    for consent in heard:
        known[consent.member_token, consent.source] = combined_consent(
            known.get((consent.member_token, consent.source)), consent
        )
    await vital_store.save_consents(
        connection, [consent for key, consent in known.items() if consent != before.get(key)]
    )


async def load_statements(connection: Connection, tokens: Collection[UUID]) -> dict[Key, VitalStatement]:
    stored = await vital_store.load_statements(connection, tokens)
    return {
        (statement.member_token, statement.source): statement
        for statements in stored.values()
        for statement in statements
    }
