"""What a registry's row says of the person beside the doses: death, protection, and how he may be reminded. Pure."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from services.eligibility.clock.present import latest_day
from services.eligibility.feeds.records import DoseRecord, PatientRecord
from services.eligibility.payers.rules import code_of
from services.eligibility.payers.tenants import EVERY_TENANT, speaker
from services.eligibility.vital.rules import REGISTRY, STATUS, UNDATED, VitalStatement, Word, newest
from services.eligibility.vital.sharing import registry_names

NOBODY = UUID(int=0)
PERMANENTLY_INACTIVE = "P"
"""PD1-16, HL7 table 0441. The other codes are about who keeps the record, and say nothing of the person."""

CHANNELS = ("phone", "text", "letter", "email", "visit")
BARRED: Mapping[str, frozenset[str]] = {
    "01": frozenset(CHANNELS),  # no reminder, no recall
    "02": frozenset(),  # reminder and recall by any method
    "03": frozenset({"phone"}),  # the same, no calls
    "04": frozenset(),  # reminder only, by any method
    "05": frozenset({"phone"}),
    "06": frozenset(),  # recall only, by any method
    "07": frozenset({"phone"}),
    "08": frozenset(CHANNELS),  # to the provider only, and so are the others
    "09": frozenset(CHANNELS),
    "10": frozenset(CHANNELS),
    "11": frozenset(CHANNELS),
    "12": frozenset(CHANNELS),
}
"""PD1-11, HL7 table 0215: the channels by which the member may not be reached. An unknown code says nothing."""


class RegistryConsent(NamedTuple):
    """What one registry says of protection (PD1-12) and publicity (PD1-11), each with the day from which it says so and
    the instant of its message. None and empty: not said. `tenant_id` is the plan whose members its sender may speak of,
    `*` everybody's. The fields are the columns of its table, in their order."""

    member_token: UUID
    source: str
    tenant_id: str = EVERY_TENANT
    is_protected: bool | None = None
    protected_on: date | None = None
    protected_at: datetime | None = None
    publicity: str = ""
    publicity_on: date | None = None
    publicity_at: datetime | None = None


UNSAID = RegistryConsent(NOBODY, "")


class PersonStatements(NamedTuple):
    """One row's statements, about nobody yet."""

    consent: RegistryConsent
    vital: tuple[VitalStatement, ...] = ()

    @property
    def says_consent(self) -> bool:
        return self.consent.is_protected is not None or bool(self.consent.publicity)

    def about(self, member_token: UUID, heard_at: datetime) -> "PersonStatements":
        """The same of a person who was found, heard now."""
        vital = tuple([statement._replace(member_token=member_token, heard_at=heard_at) for statement in self.vital])
        return PersonStatements(self.consent._replace(member_token=member_token), vital)


def person_statements(record: DoseRecord | PatientRecord, tenant_id: str) -> PersonStatements:
    """The statements of a row. `tenant_id`: whose members its sender may speak of."""
    source, at = speaker(code_of(record.sender), tenant_id), record.message_at or UNDATED
    said_on, none = at.date(), RegistryConsent(NOBODY, source, tenant_id)
    return PersonStatements(_consent(record, none, at, said_on), tuple(_vital(record, source, tenant_id, at)))


def _consent(
    record: DoseRecord | PatientRecord, found: RegistryConsent, at: datetime, said_on: date
) -> RegistryConsent:
    """What is dated ahead of its message limits at once, and lifts nothing before a message of that day repeats it."""
    consent = record.consent
    protected_on, publicity_on = consent.protected_on or said_on, consent.publicity_on or said_on
    latest = latest_day(at)
    if consent.is_protected or (consent.is_protected is False and protected_on <= latest):
        found = found._replace(is_protected=consent.is_protected, protected_on=protected_on, protected_at=at)
    if BARRED.get(consent.publicity) or (consent.publicity in BARRED and publicity_on <= latest):
        found = found._replace(publicity=consent.publicity, publicity_on=publicity_on, publicity_at=at)
    return found


def _vital(record: DoseRecord | PatientRecord, source: str, tenant_id: str, at: datetime) -> Iterable[VitalStatement]:
    word = _word(record, at)
    if word is not None:
        death_on = record.person.death_on if word == Word.DECEASED else None
        yield VitalStatement(NOBODY, f"{REGISTRY}:{source}", tenant_id, word, at, at, at, death_on)
    if record.consent.registry_status:
        is_possible = record.consent.registry_status == PERMANENTLY_INACTIVE
        word = Word.POSSIBLE if is_possible else Word.NOTHING
        yield VitalStatement(NOBODY, f"{STATUS}:{source}", tenant_id, word, at, at, at)


def _word(record: DoseRecord | PatientRecord, at: datetime) -> Word | None:
    person = record.person
    if person.is_deceased:
        is_ahead = person.death_on is not None and record.message_at is not None and person.death_on > latest_day(at)
        return Word.POSSIBLE if is_ahead else Word.DECEASED
    return Word(person.vital) if person.vital else None


def combined_consent(known: RegistryConsent | None, heard: RegistryConsent) -> RegistryConsent:
    """Each thing as its source said it newest, by its own day and then by the message's; of one instant what limits."""
    if known is None:
        return heard
    protection = max(_protection(known), _protection(heard))
    publicity = max(_publicity(known), _publicity(heard))
    protected_by = known if protection == _protection(known) else heard
    publicised_by = known if publicity == _publicity(known) else heard
    return known._replace(
        is_protected=protected_by.is_protected,
        protected_on=protected_by.protected_on,
        protected_at=protected_by.protected_at,
        publicity=publicised_by.publicity,
        publicity_on=publicised_by.publicity_on,
        publicity_at=publicised_by.publicity_at,
    )


def _protection(one: RegistryConsent) -> tuple[date, datetime, bool]:
    return one.protected_on or date.min, one.protected_at or UNDATED, bool(one.is_protected)


def _publicity(one: RegistryConsent) -> tuple[date, datetime, int, str]:
    barred = len(BARRED.get(one.publicity, ()))
    return one.publicity_on or date.min, one.publicity_at or UNDATED, barred, one.publicity


def is_of_registry(said: RegistryConsent | VitalStatement, sender: str) -> bool:
    """Whether a word about everybody is of the registry whose reports bear this sender; reports from before senders
    were kept may be of any."""
    kind, _, source = said.source.rpartition(":")
    is_registrys = isinstance(said, RegistryConsent) or kind in {REGISTRY, STATUS}
    return is_registrys and said.tenant_id == EVERY_TENANT and (not sender or source in registry_names(sender))


def channels_barred(consents: Collection[RegistryConsent]) -> tuple[str, ...]:
    """The channels that any registry bars."""
    if not consents:
        return ()
    barred = frozenset[str]().union(*(BARRED.get(consent.publicity, frozenset()) for consent in consents))
    return tuple(channel for channel in CHANNELS if channel in barred)


# -- as it waits with a report whose member is not found yet


def as_document(said: PersonStatements) -> dict[str, Any]:
    return {
        "consent": _without_token(said.consent),
        "vital": [_without_token(statement) for statement in said.vital],
    }


def _without_token(said: RegistryConsent | VitalStatement) -> list[object]:
    """The other values, in the order of the fields."""
    _token, *values = said
    return [_plain(value) for value in values]


def of_document(document: Mapping[str, Any]) -> PersonStatements:
    """Of a report that waited; what waits since before this was kept says nothing."""
    if "consent" not in document:
        return PersonStatements(UNSAID)
    source, tenant_id, protected, protected_on, protected_at, publicity, publicity_on, publicity_at = document[
        "consent"
    ]
    consent = RegistryConsent(
        NOBODY, source, tenant_id, protected, _day(protected_on), _instant(protected_at), publicity, _day(publicity_on),
        _instant(publicity_at),
    )  # fmt: skip
    return PersonStatements(consent, tuple(_statement(*values) for values in document["vital"]))


def with_words(document: Mapping[str, Any], other: Mapping[str, Any] | None) -> dict[str, Any]:
    """A waiting report with what another message of it said of the person: of each thing the newest word, whichever
    came first."""
    if other is None or "consent" not in other:
        return dict(document)
    if "consent" not in document:
        return {**document, "consent": other["consent"], "vital": other["vital"]}
    mine, theirs = of_document(document), of_document(other)
    vital = {statement.source: statement for statement in mine.vital}
    for statement in theirs.vital:
        vital[statement.source] = newest(vital.get(statement.source), statement)
    said = PersonStatements(combined_consent(mine.consent, theirs.consent), tuple(vital.values()))
    return {**document, **as_document(said)}


def _statement(
    source: str, tenant_id: str, word: str, said_at: str, since_at: str, heard_at: str, death_on: str | None,
    _reported_at: None, _version: int,
) -> VitalStatement:  # fmt: skip
    said, since, heard = (datetime.fromisoformat(text) for text in (said_at, since_at, heard_at))
    return VitalStatement(NOBODY, source, tenant_id, word, said, since, heard, _day(death_on))


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
