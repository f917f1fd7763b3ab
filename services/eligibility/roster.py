"""What rows of a roster do to what is known of members: who a row is about, and what changes for them.

A `Book` holds everything that the rows of one batch may touch; it is loaded before and saved after, and decides itself.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from services.eligibility.domain import Enrolment, Person
from services.eligibility.feeds.records import Identifier, IdType, Maintenance, RosterRecord
from services.eligibility.linkage import IdKey, match_key, normal
from services.eligibility.roster_changes import ADDED, DIED, FAMILY_ENDED, FAMILY_WAITS, MERGED, STALE, changes_of
from services.eligibility.said import NEVER, Said
from services.eligibility.spans import family_spans, restated_spans

OF_PLAN = frozenset({IdType.MEMBER, IdType.SUBSCRIBER})
DEATH_REASON = "03"


def record_identifiers(record: RosterRecord) -> tuple[Identifier, ...]:
    """The identifiers by which a row's person may be known."""
    own, old = record.person.identifiers, record.previous
    return (*own, *old.identifiers) if old else own


def record_key(record: RosterRecord) -> str:
    """The match key by which a row's person may be known; empty if the row tells too little."""
    person = record.person
    if person.name is None:
        return ""
    zip5 = person.address.zip5 if person.address else ""
    return match_key(person.name.family, person.name.given, person.birth_on, zip5)


def old_key(record: RosterRecord) -> str:
    """The same of who a row says the person was before."""
    old = record.previous
    if old is None or old.name is None:
        return ""
    zip5 = record.person.address.zip5 if record.person.address else ""
    return match_key(old.name.family, old.name.given, old.birth_on or record.person.birth_on, zip5)


@dataclass(slots=True)
class Book:
    """The people of one batch. `merges` are pairs of survivor and retired token, in order."""

    new_id: Callable[[], UUID]
    persons: dict[UUID, Person] = field(default_factory=dict)
    enrolments: dict[tuple[UUID, str], Enrolment] = field(default_factory=dict)
    by_identifier: defaultdict[IdKey, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    by_key: defaultdict[str, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    changed_persons: dict[UUID, Person] = field(default_factory=dict)
    changed_enrolments: dict[UUID, Enrolment] = field(default_factory=dict)
    seen: set[UUID] = field(default_factory=set)
    heard: dict[UUID, Said] = field(default_factory=dict)
    new_identifiers: set[tuple[IdKey, UUID]] = field(default_factory=set)
    new_keys: set[tuple[str, UUID]] = field(default_factory=set)
    merges: list[tuple[UUID, UUID]] = field(default_factory=list)

    def touched(self) -> set[UUID]:
        """The tokens about whom something may have to be decided anew."""
        of_enrolments = {one.token for one in self.changed_enrolments.values()}
        return of_enrolments | set(self.changed_persons) | {token for pair in self.merges for token in pair}

    def apply(
        self, record: RosterRecord, key: str, tenant: str, said_on: date, file_no: int, said: Said = NEVER
    ) -> tuple[str, ...]:
        """Take one row of a plan's roster, with its match key. Gives what it changed: nothing if it says nothing new,
        `stale` alone if what stands was said later."""
        token = self._whose(record, tenant, key)
        if token is not None and self._is_stale(token, tenant, said):
            return (STALE,)
        if token is None:
            token = self.new_id()
            self._put_person(Person(token))
        merges = len(self.merges)
        token = self._merge_doubles(token, record, tenant, key)
        changes = [MERGED] if len(self.merges) > merges else []
        is_new = self._note_keys(token, record, key)
        changes += [DIED] if self._note_death(token, record) else []
        changes += self._restate(token, tenant, record, said_on, file_no, said)
        if record.maintenance is Maintenance.TERMINATE and record.is_subscriber:
            changes += self._end_family(token, tenant, record, said_on, said)
        return tuple(changes) or (("changed",) if is_new else ())

    def mention(self, identifiers: Iterable[Identifier], tenant: str) -> None:
        """Note that a member stands in the file although the row could not be taken."""
        for identifier in identifiers:
            if identifier.type != IdType.SUBSCRIBER:
                tokens = self.by_identifier.get(identifier, ())
                self.seen |= {self.enrolments[token, tenant].enrolment_id for token in tokens
                              if (token, tenant) in self.enrolments}  # fmt: skip

    # -- who

    def _whose(self, record: RosterRecord, tenant: str, key: str) -> UUID | None:
        return (
            self._by_number(record, tenant, record.person.identifiers)
            or self._by_name(key)
            or self._by_previous(record, tenant)
        )

    def _by_number(self, record: RosterRecord, tenant: str, identifiers: Iterable[Identifier]) -> UUID | None:
        """By the plan's own member number, which may pass to somebody else; by a family's number only with a name."""
        for identifier in identifiers:
            if identifier.type not in OF_PLAN:
                continue
            strict = identifier.type == IdType.SUBSCRIBER
            fitting = [
                token
                for token in sorted(self.by_identifier.get(identifier, ()))
                if (known := self.enrolments.get((token, tenant))) is not None and _fits(known, record, strict=strict)
            ]
            if fitting:
                return fitting[0]
        return None

    def _by_name(self, key: str) -> UUID | None:
        tokens = self.by_key.get(key, set()) if key else set()
        return next(iter(tokens)) if len(tokens) == 1 else None

    def _by_previous(self, record: RosterRecord, tenant: str) -> UUID | None:
        if record.previous is None:
            return None
        return self._by_number(record, tenant, record.previous.identifiers) or self._by_name(old_key(record))

    def _merge_doubles(self, token: UUID, record: RosterRecord, tenant: str, key: str) -> UUID:
        """One person under several tokens: a correction says so, or name, birth date and ZIP now agree."""
        if record.previous is None and key not in self.by_key:
            return token
        doubles = set(self.by_key.get(key, ())) if key else set()
        old = self._by_previous(record, tenant)
        doubles |= {old} if old else set()
        doubles.add(token)
        survivor = min(doubles)
        for retired in sorted(doubles - {survivor}):
            self._merge(survivor, retired)
        return survivor

    def _merge(self, survivor: UUID, retired: UUID) -> None:
        kept, gone = self.persons[survivor], self.persons[retired]
        self._put_person(gone._replace(merged_into=survivor))
        death_on = kept.death_on or gone.death_on
        self._put_person(kept._replace(is_deceased=kept.is_deceased or gone.is_deceased, death_on=death_on))
        for (token, tenant), one in list(self.enrolments.items()):
            if token == retired and not one.is_retired:
                self._put_enrolment(one._replace(is_retired=True, spans=()))
                self._adopt(survivor, tenant, one)
        for tokens in (*self.by_identifier.values(), *self.by_key.values()):
            if retired in tokens:
                tokens.discard(retired)
                tokens.add(survivor)
        self.new_identifiers = {(key, survivor if token == retired else token) for key, token in self.new_identifiers}
        self.new_keys = {(key, survivor if token == retired else token) for key, token in self.new_keys}
        self.merges.append((survivor, retired))

    def _adopt(self, survivor: UUID, tenant: str, orphan: Enrolment) -> None:
        known = self.enrolments.get((survivor, tenant))
        if known is None:
            self._put_enrolment(orphan._replace(enrolment_id=self.new_id(), token=survivor))
        else:
            spans = tuple(dict.fromkeys((*known.spans, *orphan.spans)))
            seen = max(known.seen_file_no, orphan.seen_file_no)
            newest = max(
                (self._standing(known), self._standing(orphan)), key=lambda one: (one.at is not None, one.at, one.no)
            )
            self._put_enrolment(said_now(known._replace(spans=spans, seen_file_no=seen), newest))

    # -- what

    def _note_keys(self, token: UUID, record: RosterRecord, key: str) -> bool:
        fresh_ids = [one for one in record_identifiers(record) if token not in self.by_identifier.get(one, ())]
        for one in fresh_ids:
            self.by_identifier[one].add(token)
            self.new_identifiers.add((one, token))
        is_fresh_key = bool(key) and token not in self.by_key.get(key, ())
        if is_fresh_key:
            self.by_key[key].add(token)
            self.new_keys.add((key, token))
        return bool(fresh_ids) or is_fresh_key

    def _note_death(self, token: UUID, record: RosterRecord) -> bool:
        known, said = self.persons[token], record.person
        if not said.is_deceased:
            return False
        now = known._replace(is_deceased=True, death_on=said.death_on or known.death_on)
        if now == known:
            return False
        self._put_person(now)
        return True

    def _is_stale(self, token: UUID, tenant: str, said: Said) -> bool:
        known = self.enrolments.get((token, tenant))
        if known is None or not said.is_before(self._standing(known)):
            return False
        self.seen.add(known.enrolment_id)
        return True

    def _restate(
        self, token: UUID, tenant: str, record: RosterRecord, said_on: date, file_no: int, said: Said
    ) -> tuple[str, ...]:
        known = self.enrolments.get((token, tenant))
        if known is None:
            fresh = Enrolment(
                self.new_id(),
                token,
                tenant,
                "",
                seen_file_no=file_no,
                said_at=said.at,
                said_by=said.by,
                said_no=said.no,
            )
            self._put_enrolment(restated(fresh, record, said_on))
            return (ADDED,)
        stated = restated(known, record, said_on)
        if stated == known:
            self.seen.add(known.enrolment_id)
            self._hear(known, said)
            return ()
        self._put_enrolment(said_now(stated._replace(seen_file_no=max(file_no, known.seen_file_no)), said))
        return changes_of(known, stated)

    def _hear(self, known: Enrolment, said: Said) -> None:
        """Note that what stands was said again, so that what is older than this can't change it either."""
        if said.at is not None and said != self._standing(known):
            self.heard[known.enrolment_id] = said

    def _standing(self, known: Enrolment) -> Said:
        """When what stands was said last."""
        return self.heard.get(known.enrolment_id) or Said(known.said_at, known.said_by, known.said_no)

    def _end_family(self, token: UUID, tenant: str, record: RosterRecord, said_on: date, said: Said) -> tuple[str, ...]:
        """The dependants' cover ends with the subscriber's; after a death a person must say what becomes of theirs."""
        ended = [
            (one, spans)
            for one in self._dependants(token, tenant, record)
            if not said.is_before(self._standing(one))
            and (spans := family_spans(one.spans, record, said_on)) != one.spans
        ]
        if ended and (record.reason == DEATH_REASON or record.person.is_deceased):
            return (FAMILY_WAITS,)
        for one, spans in ended:
            self._put_enrolment(said_now(one._replace(spans=spans), said))
        return (FAMILY_ENDED,) if ended else ()

    def _dependants(self, token: UUID, tenant: str, record: RosterRecord) -> list[Enrolment]:
        """Whoever the plan lists under the subscriber's number; not who has come under another one since."""
        number = record.person.identifier(IdType.SUBSCRIBER)
        others = sorted(self.by_identifier.get(number, set()) - {token}) if number else ()
        found = [self.enrolments[one, tenant] for one in others if (one, tenant) in self.enrolments]
        return [one for one in found if number and not one.is_retired and one.family_number in {"", number.value}]

    def _put_person(self, person: Person) -> None:
        self.persons[person.token] = self.changed_persons[person.token] = person

    def _put_enrolment(self, enrolment: Enrolment) -> None:
        self.enrolments[enrolment.token, enrolment.tenant_id] = enrolment
        self.changed_enrolments[enrolment.enrolment_id] = enrolment
        self.heard.pop(enrolment.enrolment_id, None)


def said_now(stated: Enrolment, said: Said) -> Enrolment:
    """The enrolment as this statement left it."""
    if said.at is None:
        return stated
    return stated._replace(said_at=said.at, said_by=said.by, said_no=said.no)


def _fits(known: Enrolment, record: RosterRecord, *, strict: bool) -> bool:
    """Whether the row may be about this member: a number alone does not prove it. A row that corrects may."""
    person, name = record.person, record.person.name
    same_birth = person.birth_on == known.birth_on
    if strict:
        return same_birth and name is not None and normal(name.given) == normal(known.given)
    unknown = person.birth_on is None or known.birth_on is None or name is None or not known.family
    same_name = name is not None and normal(name.family) == normal(known.family)
    same_name = same_name and name is not None and normal(name.given) == normal(known.given)
    return same_birth or same_name or unknown or record.previous is not None


def restated(known: Enrolment, record: RosterRecord, said_on: date) -> Enrolment:
    """The enrolment after the row. What the row leaves empty stays as it was known."""
    person = record.person
    family = person.identifier(IdType.SUBSCRIBER)
    number = person.identifier(IdType.MEMBER) or family
    name, address = person.name or known, person.address or known
    return Enrolment(
        enrolment_id=known.enrolment_id,
        token=known.token,
        tenant_id=known.tenant_id,
        member_id=number.value if number else known.member_id,
        group_number=record.group or known.group_number,
        family=name.family,
        given=name.given,
        middle=name.middle,
        suffix=name.suffix,
        birth_on=person.birth_on or known.birth_on,
        sex=known.sex if person.sex == "U" else person.sex,
        races=person.races or known.races,
        ethnicity=person.ethnicity or known.ethnicity,
        language=person.language or known.language,
        street=address.street,
        unit=address.unit,
        city=address.city,
        state=address.state,
        zip5=address.zip5,
        tract=address.tract,
        county=address.county,
        phones=tuple([f"{one.use} {one.number}" for one in person.phones]) or known.phones,
        email=person.email or known.email,
        is_restricted=known.is_restricted if record.is_restricted is None else record.is_restricted,
        spans=restated_spans(known.spans, record, said_on),
        is_retired=known.is_retired,
        seen_file_no=known.seen_file_no,
        said_at=known.said_at,
        said_by=known.said_by,
        said_no=known.said_no,
        family_number=family.value if family else known.family_number,
    )
