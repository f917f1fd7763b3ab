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
    about = [one.about(token, now) for one, token in said if token is not None]
    await _save_vital(connection, [statement for one in about for statement in one.vital])
    await _save_consents(connection, [one.consent for one in about if one.says_consent])


async def _save_vital(connection: Connection, heard: Sequence[VitalStatement]) -> None:
    known = await load_statements(connection, {one.token for one in heard})
    before = dict(known)
    for one in heard:
        known[one.token, one.source] = newest(known.get((one.token, one.source)), one)
    await vital_store.save_statements(connection, [one for key, one in known.items() if one != before.get(key)])


async def _save_consents(connection: Connection, heard: Sequence[RegistryConsent]) -> None:
    stored = await vital_store.load_consents(connection, {one.token for one in heard})
    known = {(one.token, one.source): one for many in stored.values() for one in many}
    before = dict(known)
    for one in heard:
        known[one.token, one.source] = combined_consent(known.get((one.token, one.source)), one)
    await vital_store.save_consents(connection, [one for key, one in known.items() if one != before.get(key)])


async def load_statements(connection: Connection, tokens: Collection[UUID]) -> dict[Key, VitalStatement]:
    stored = await vital_store.load_statements(connection, tokens)
    return {(one.token, one.source): one for many in stored.values() for one in many}
