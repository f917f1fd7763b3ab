"""Whom a registry's rows are about: load the candidates, link, keep what linking taught.

A row may be of several persons, members of different plans who are not known to be one: each has his own report of it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

from services.eligibility.doses.registry import RegistryRow, combined, completed, for_person, key_of_row
from services.eligibility.doses.store import doses as dose_store
from services.eligibility.payers.tenants import EVERY_TENANT
from services.eligibility.people.linkage import IdKey, Index, Link, Subject, is_within, link_and_tie
from services.eligibility.people.store import keys as key_store
from services.eligibility.people.store import members as people_store
from services.eligibility.people.store import statements as statement_store
from services.eligibility.vital import flow as vital_statements
from services.eligibility.vital.sharing import ALL_REGISTRIES
from services.kit.ids import new_id
from services.kit.postgres import Connection

# -- doses


class Linked(NamedTuple):
    """Rows, each with whom it is about: a row of several persons stands here once for each, the one first who has the
    report as it was named. `ties` are the identifiers that were tied to persons; `turned`: of whom a registry began or
    ceased to let its word be shared."""

    rows: list[RegistryRow]
    links: list[Link]
    ties: set[tuple[IdKey, UUID]]
    turned: set[UUID]

    @property
    def tokens(self) -> set[UUID]:
        return {link.member_token for link in self.links if link.member_token is not None}


async def link_rows(connection: Connection, rows: Sequence[RegistryRow], tenant: str) -> Linked:
    """Find whom the rows of a tenant's sender are about, and keep what linking taught of identifiers, race, tract and
    protection."""
    subjects = await _completed(connection, rows)
    is_known = False
    while not is_known:  # who was merged before he was locked is somebody else now
        links, ties = link_and_tie(subjects, await _load_index(connection, subjects, tenant))
        ties = {tie for tie in ties if tenant == EVERY_TENANT or is_within(tenant, tie[0])}
        linked = await _for_each(connection, rows, links, ties)
        persons = await people_store.lock_persons(connection, linked.tokens)
        is_known = all(person.merged_into is None for person in persons.values())
    await key_store.save_keys(connection, ties, ())
    return linked._replace(turned=await save_said(connection, linked.rows, linked.links))


async def find_unborn(connection: Connection, rows: Sequence[RegistryRow]) -> set[int]:
    """The rows of doses that were given before the birth date which the registry itself states of the patient; not of
    those that it takes back."""
    subjects = await _completed(connection, rows)
    return {
        row.row
        for row, subject in zip(rows, subjects, strict=True)
        if subject.birth_on is not None and row.is_given and row.action != "D" and not row.is_patient
        and row.report.administered_on < subject.birth_on
    }  # fmt: skip


async def find_linked(
    connection: Connection, rows: Sequence[RegistryRow], tokens: Collection[UUID]
) -> dict[str, frozenset[UUID]]:
    """By report key, the persons with whom each row's patient agrees today. Of their identifiers only those are kept
    that tie to `tokens`, which are locked."""
    subjects = await _completed(connection, rows)
    links, ties = link_and_tie(subjects, await _load_index(connection, subjects, EVERY_TENANT))
    await key_store.save_keys(connection, {tie for tie in ties if tie[1] in tokens}, ())
    return {row.report.event_key: frozenset(one.tokens) for row, one in zip(rows, links, strict=True)}


async def lock_alike(connection: Connection, tokens: Collection[UUID]) -> set[UUID]:
    """Lock these persons and everybody who is listed like one of them, so that nobody's reports change meanwhile; gives
    the others."""
    while True:
        alike = await key_store.load_alike(connection, tokens)
        persons = await people_store.lock_persons(connection, {*tokens, *alike}) if alike else {}
        if all(persons[member_token].merged_into is None for member_token in alike if member_token in persons):
            return alike


async def link_further(
    connection: Connection, rows: Sequence[RegistryRow], tokens: Collection[UUID], keys: Collection[str]
) -> Linked:
    """Rows that are known of somebody else, as rows of those of these persons who agree with them and have none yet
    (`keys` are of reports at hand), which ties their numbers to these too. What the registry said of that somebody
    beside them is said of these."""
    subjects = await _completed(connection, rows)
    links, ties = link_and_tie(subjects, await _load_index(connection, subjects, EVERY_TENANT))
    ties = {tie for tie in ties if tie[1] in tokens}
    copies = [
        (for_person(row, member_token, new_id()), Link(member_token, how), row.report.member_token)
        for row, found_by in zip(rows, links, strict=True)
        for member_token, how in found_by.found
        if member_token in tokens and member_token != row.report.member_token
    ]
    whose = await dose_store.load_holders(
        connection, {key for row, _, _ in copies for key in (row.report.event_key, key_of_row(row.report))}
    )
    fresh = [
        (row, one, holder)
        for row, one, holder in copies
        if row.report.event_key not in {*whose, *keys} and whose.get(key_of_row(row.report)) != one.member_token
    ]
    linked = Linked([row for row, _, _ in fresh], [one for _, one, _ in fresh], ties, set())
    await people_store.lock_persons(connection, {*linked.tokens, *(member_token for _, member_token in ties)})
    await key_store.save_keys(connection, ties, ())
    turned = await save_said(connection, linked.rows, linked.links)
    turned |= await _share_said(connection, linked, [holder for _, _, holder in fresh])
    return linked._replace(turned=turned)


async def _share_said(connection: Connection, linked: Linked, holders: Sequence[UUID | None]) -> set[UUID]:
    """Say what registries said (sharing, reminders, death) also of the persons with whom the reports were shared; gives
    those whose sharing changed."""
    shared = [
        (holder, row.report.sender, found_by.member_token)
        for row, found_by, holder in zip(linked.rows, linked.links, holders, strict=True)
        if holder is not None and found_by.member_token is not None
    ]
    withheld = await statement_store.load_withheld(connection, {holder for holder, _, _ in shared})
    marked = {member_token for holder, _, member_token in shared if ALL_REGISTRIES in withheld.get(holder, ())}
    await _save_statements(
        connection,
        [replace(row, said=row.said._replace(is_protected=True)) for row in linked.rows],
        [found_by if found_by.member_token in marked else Link(None, found_by.how) for found_by in linked.links],
    )
    return marked | await vital_statements.share_person_statements(connection, shared)


async def _completed(connection: Connection, rows: Iterable[RegistryRow]) -> list[Subject]:
    numbers = {identifier for row in rows if row.subject.is_number_only for identifier in row.subject.personal}
    patients = await key_store.load_patients(connection, numbers)
    return [completed(row.subject, patients) for row in rows]


async def _for_each(
    connection: Connection, rows: Sequence[RegistryRow], links: Sequence[Link], ties: set[tuple[IdKey, UUID]]
) -> Linked:
    """Each person's own report of a row. Who has it already under the row's key keeps that, unless somebody else of
    his plan is found in his place: what other plans' members are found says nothing of him."""
    keys = {row.report.event_key for row, found_by in zip(rows, links, strict=True) if found_by.tokens}
    holders = await dose_store.load_holders(connection, keys)
    plans = await _plans_of(connection, rows, links, holders)
    told, whom = list[RegistryRow](), list[Link]()
    for row, found_by in zip(rows, links, strict=True):
        heir = _heir(holders.get(row.report.event_key), found_by, plans)
        found = sorted(found_by.found, key=lambda pair: pair[0] != heir)
        told += [
            row if member_token == heir else for_person(row, member_token, new_id()) for member_token, _ in found
        ] or [row]
        whom += [Link(member_token, how) for member_token, how in found] or [found_by]
    return Linked(told, whom, ties, set())


async def _plans_of(
    connection: Connection, rows: Iterable[RegistryRow], links: Iterable[Link], holders: Mapping[str, UUID]
) -> dict[UUID, set[str]]:
    """Of rows whose report is somebody's who was not found: whose members he and the others are."""
    tokens = set[UUID]()
    for row, found_by in zip(rows, links, strict=True):
        holder = holders.get(row.report.event_key)
        if holder is not None and found_by.tokens and holder not in found_by.tokens:
            tokens |= {holder, *found_by.tokens}
    known = await people_store.load_candidates(connection, tokens)
    return {member_token: {entry.tenant_id for entry in entries} for member_token, entries in known.items()}


def _heir(holder: UUID | None, found_by: Link, plans: Mapping[UUID, set[str]]) -> UUID | None:
    """Who of those found has the report under the row's own key; None if somebody else keeps it."""
    if holder is None or holder in found_by.tokens:
        return holder or found_by.member_token
    of_his = plans.get(holder, set())
    return next((member_token for member_token in found_by.tokens if of_his & plans.get(member_token, set())), None)


async def _load_index(connection: Connection, subjects: Sequence[Subject], tenant: str) -> Index:
    identifiers: set[IdKey] = {identifier for subject in subjects for identifier in subject.personal}
    keys = {subject.key for subject in subjects if subject.key}
    by_identifier, by_key = await key_store.load_tokens(connection, identifiers, keys)
    tokens = {member_token for found in (*by_identifier.values(), *by_key.values()) for member_token in found}
    index = Index(by_identifier, by_key, await people_store.load_candidates(connection, tokens))
    return index if tenant == EVERY_TENANT else index.only(await people_store.load_of_plan(connection, tokens, tenant))


async def save_said(connection: Connection, rows: Sequence[RegistryRow], links: Sequence[Link]) -> set[UUID]:
    """Keep what rows say of the persons themselves. Gives of whom a registry began or ceased to let its word be
    shared."""
    await _save_statements(connection, rows, links)
    return await vital_statements.save_person_statements(
        connection, [(row.person, one.member_token) for row, one in zip(rows, links, strict=True)]
    )


async def _save_statements(connection: Connection, rows: Iterable[RegistryRow], links: Iterable[Link]) -> None:
    said = [(row.said, one.member_token) for row, one in zip(rows, links, strict=True) if one.member_token is not None]
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
