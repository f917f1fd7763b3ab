"""What registries say of deaths, protection and publicity: the newest word of each is kept. Load, decide, save."""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from uuid import UUID

from services.eligibility.vital import store as vital_store
from services.eligibility.vital.registry import (
    UNSAID,
    PersonStatements,
    RegistryConsent,
    combined_consent,
    is_of_registry,
)
from services.eligibility.vital.rules import VitalStatement, newest
from services.kit.postgres import Connection

Key = tuple[UUID, str]


async def save_person_statements(
    connection: Connection, said: Iterable[tuple[PersonStatements, UUID | None]]
) -> set[UUID]:
    """Keep what a registry's rows say of these persons, who are locked: of each source the newest word. Gives of whom a
    registry's word on sharing is another one now."""
    now = datetime.now(UTC)
    about = [statements.about(member_token, now) for statements, member_token in said if member_token is not None]
    await _save_vital(connection, [statement for statements in about for statement in statements.vital])
    return await _save_consents(connection, [statements.consent for statements in about if statements.says_consent])


async def share_person_statements(connection: Connection, shared: Iterable[tuple[UUID, str, UUID]]) -> set[UUID]:
    """What registries say of persons (each with the sender) holds of others too of whom they are found to have reported
    the same, and who are locked. Gives of whom a registry's word on sharing is another one now."""
    shared = set(shared)
    known = await vital_store.load_others(connection, {holder for holder, _, _ in shared})
    said: list[tuple[PersonStatements, UUID | None]] = []
    for holder, sender, member_token in sorted(shared, key=str):
        consents, vital = known.consents.get(holder, ()), known.vital.get(holder, ())
        said += [(PersonStatements(consent), member_token) for consent in consents if is_of_registry(consent, sender)]
        said += [
            (PersonStatements(UNSAID, (statement,)), member_token)
            for statement in vital
            if is_of_registry(statement, sender)
        ]
    return await save_person_statements(connection, said)


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


async def _save_consents(connection: Connection, heard: Sequence[RegistryConsent]) -> set[UUID]:
    stored = await vital_store.load_consents(connection, {consent.member_token for consent in heard})
    known = {(consent.member_token, consent.source): consent for consents in stored.values() for consent in consents}
    before = dict(known)
    for consent in heard:
        known[consent.member_token, consent.source] = combined_consent(
            known.get((consent.member_token, consent.source)), consent
        )
    news = {key: consent for key, consent in known.items() if consent != before.get(key)}
    await vital_store.save_consents(connection, news.values())
    return {key[0] for key, consent in news.items() if _may_turn(before.get(key), consent)}


def _may_turn(before: RegistryConsent | None, now: RegistryConsent) -> bool:
    """Whether it protects from now on, or no more: also a first N, which ends the mark from before each registry's
    own word was kept."""
    return (before.is_protected if before else None) is not now.is_protected


async def load_statements(connection: Connection, tokens: Collection[UUID]) -> dict[Key, VitalStatement]:
    stored = await vital_store.load_statements(connection, tokens)
    return {
        (statement.member_token, statement.source): statement
        for statements in stored.values()
        for statement in statements
    }
