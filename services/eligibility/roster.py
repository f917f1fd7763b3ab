"""What rows of a roster do to what is known of members: who a row is about, and what changes for them.

A `Book` holds everything that the rows of one batch may touch; it is loaded before and saved after, and decides itself.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from services.eligibility import identity
from services.eligibility.domain import DEPENDANT, SUBSCRIBER, Enrolment, Person
from services.eligibility.feeds.records import Address, Identifier, IdType, Maintenance, RosterRecord
from services.eligibility.identity import DOUBTFUL, LISTS, OTHER, SAME, Described, Doubt, Verdict
from services.eligibility.linkage import IdKey, match_key
from services.eligibility.roster_changes import (
    ADDED,
    DIED,
    FAMILY_ENDED,
    FAMILY_WAITS,
    LIVES,
    MERGED,
    STALE,
    changes_of,
)
from services.eligibility.roster_vital import roster_source, roster_word
from services.eligibility.said import NEVER, Said
from services.eligibility.spans import family_spans, restated_spans
from services.eligibility.vital import UNDATED, VitalStatement, Word, newest

OF_PLAN = frozenset({IdType.MEMBER, IdType.SUBSCRIBER})
DEATH_REASON = "03"

Judged = dict[UUID, tuple[Verdict, bool]]
"""What somebody is to who is said, and whether by a number of his own."""


def record_identifiers(record: RosterRecord) -> tuple[Identifier, ...]:
    """The identifiers by which a row's person may be known. A family's number may be somebody's own."""
    own, old = record.person.identifiers, record.previous
    both = (*own, *old.identifiers) if old else own
    return (*both, *(one._replace(type=kind) for one in both if one.type in OF_PLAN for kind in OF_PLAN))


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


def described(record: RosterRecord) -> Described:
    """Who a row says that its person is."""
    person = record.person
    return Described.of(person.name, person.birth_on, person.sex, role_of(record), record.maintenance)


def described_before(record: RosterRecord) -> list[Described]:
    """Who a row says that its person was before. A former name without a birth date goes with the one of today, or
    with none."""
    old, person = record.previous, record.person
    if old is None:
        return []
    days = [old.birth_on] if old.birth_on else [person.birth_on, None] if old.name else [person.birth_on]
    name, role = old.name or person.name, role_of(record)
    return [Described.of(name, day, person.sex, role, Maintenance.CHANGE) for day in days]


def role_of(record: RosterRecord) -> str:
    return SUBSCRIBER if record.is_subscriber else DEPENDANT


@dataclass(slots=True)
class Book:
    """The people of one batch. `merges` are pairs of survivor and retired token, in order; `held` are rows of whom it
    is doubtful whom they mean, by their ordinals."""

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
    held: dict[int, Doubt] = field(default_factory=dict)
    tenants: set[str] = field(default_factory=set)

    def know(self, enrolments: Iterable[Enrolment]) -> None:
        """Take what is stored."""
        for one in enrolments:
            self.enrolments[one.token, one.tenant_id] = one
            self.tenants.add(one.tenant_id)

    heard_at: datetime = UNDATED
    vital: dict[tuple[UUID, str], VitalStatement] = field(default_factory=dict)
    changed_vital: dict[tuple[UUID, str], VitalStatement] = field(default_factory=dict)

    def touched(self) -> set[UUID]:
        """The tokens about whom something may have to be decided anew."""
        of_enrolments = {one.token for one in self.changed_enrolments.values()}
        of_vital = {token for token, _ in self.changed_vital}
        return of_enrolments | of_vital | set(self.changed_persons) | {token for pair in self.merges for token in pair}

    def apply(
        self, record: RosterRecord, key: str, tenant: str, said_on: date, file_no: int, said: Said = NEVER,
        *, is_full: bool = False,
    ) -> tuple[str, ...]:  # fmt: skip
        """Take one row of a plan's roster, with its match key. Gives what it changed: nothing if it says nothing new or
        is held, `stale` if what stands was said later; a death counts by its own date all the same."""
        token = self._whose(record, tenant, key, file_no)
        if isinstance(token, Doubt):
            self.held[record.position.row] = token
            self._see(record_identifiers(record), tenant, key)
            return ()
        if token is not None and self._is_stale(token, tenant, said):
            return (STALE, *self._note_death(token, tenant, record, said_on, said, is_full=is_full))
        if token is None:
            token = self.new_id()
            self._put_person(Person(token))
        merges = len(self.merges)
        token = self._merge_doubles(token, record, tenant, key)
        changes = [MERGED] if len(self.merges) > merges else []
        is_holder = self._takes_number(token, record, tenant)
        is_new = self._note_keys(token, record, key)
        changes += self._note_death(token, tenant, record, said_on, said, is_full=is_full)
        changes += self._restate(token, tenant, record, said_on, file_no, said, is_holder=is_holder)
        if record.maintenance is Maintenance.TERMINATE and record.is_subscriber:
            changes += self._end_family(token, tenant, record, said_on, said)
        return tuple(changes) or (("changed",) if is_new else ())

    def mention(self, identifiers: Iterable[Identifier], tenant: str) -> None:
        """Note that a member stands in the file although the row could not be taken: by a number of his own, else by
        his family's, which then stands for all of it."""
        identifiers = tuple(identifiers)
        if not self._see([one for one in identifiers if one.type != IdType.SUBSCRIBER], tenant):
            self._see(identifiers, tenant)

    def _see(self, identifiers: Iterable[Identifier], tenant: str, key: str = "") -> bool:
        tokens = {token for one in identifiers for token in self.by_identifier.get(one, ())}
        tokens |= set(self.by_key.get(key, ()))
        found = {known.enrolment_id for token in tokens if (known := self.enrolments.get((token, tenant)))}
        self.seen |= found
        return bool(found)

    # -- who

    def _whose(self, record: RosterRecord, tenant: str, key: str, file_no: int) -> UUID | Doubt | None:
        """The person, a doubt, or nobody who is known. The order of the rows in a file says nothing."""
        if (same := self._as_known(record, tenant)) is not None:
            return same
        said = described(record)
        found = self._judged(record.person.identifiers, tenant, said)
        whom = self._chosen(found, record, tenant) or self._formerly(record, tenant)
        whom = whom or self._newborn(found, tenant, said)
        return whom or self._doubt(found, record, tenant, file_no) or self._by_name(key, said)

    def _as_known(self, record: RosterRecord, tenant: str) -> UUID | None:
        """The only one under the row's own number, letter by letter as the row says: most rows of most files."""
        person, number = record.person, record.person.identifier(IdType.MEMBER)
        tokens = self.by_identifier.get(number, ()) if number and record.previous is None else ()
        known = self.enrolments.get((next(iter(tokens)), tenant)) if len(tokens) == 1 else None
        if known is None or person.name is None or person.birth_on is None:
            return None
        said = person.name.family, person.name.given, person.birth_on, role_of(record)
        return known.token if said == (known.family, known.given, known.birth_on, known.role) else None

    def _judged(self, identifiers: Iterable[Identifier], tenant: str, said: Described) -> Judged:
        """What everybody under these numbers of the plan is to who is said, and whether by a number of his own."""
        found: Judged = {}
        for one in sorted(identifiers, key=lambda it: it.type != IdType.MEMBER):
            if one.type not in OF_PLAN:
                continue
            for kind in OF_PLAN if one.type == IdType.SUBSCRIBER else (one.type,):
                for token in self.by_identifier.get(one._replace(type=kind), ()):
                    known = self.enrolments.get((token, tenant))
                    if known is not None and token not in found:
                        found[token] = _judge(known, said, is_own=one.type == IdType.MEMBER)
        return found

    def _chosen(self, found: Judged, record: RosterRecord, tenant: str) -> UUID | None:
        """Of several who are the same, the one whose number it is today, else the oldest."""
        numbers = {one.value for one in record.person.identifiers if one.type in OF_PLAN}
        same = [token for token, (verdict, _) in found.items() if verdict is SAME]
        return min(same, key=lambda one: (self.enrolments[one, tenant].member_id not in numbers, one), default=None)

    def _formerly(self, record: RosterRecord, tenant: str) -> UUID | None:
        """Who somebody was whom a row corrects or renumbers. A prior number is believed only of a person who fits:
        it may be somebody else's by now."""
        if record.previous is None:
            return None
        return (
            self._was(record.previous.identifiers, record, tenant)
            or self._was_named(record, tenant)
            or (self._was(record.person.identifiers, record, tenant) if record.previous.name else None)
        )

    def _was(self, numbers: Iterable[Identifier], record: RosterRecord, tenant: str) -> UUID | None:
        judged = (self._judged(numbers, tenant, was) for was in described_before(record))
        return next((found for one in judged if (found := self._chosen(one, record, tenant))), None)

    def _was_named(self, record: RosterRecord, tenant: str) -> UUID | None:
        was = described_before(record)[0]
        tokens = [one for one in self.by_key.get(old_key(record), ()) if self._is_namely(one, was, tenant)]
        return tokens[0] if len(tokens) == 1 else None

    def _newborn(self, found: Iterable[UUID], tenant: str, said: Described) -> UUID | None:
        """The one child of a family who had no name yet."""
        if said.maintenance in LISTS:
            return None
        nameless = [one for one in found if identity.may_be_renamed(self.enrolments[one, tenant], said)]
        return nameless[0] if len(nameless) == 1 else None

    def _doubt(self, found: Judged, record: RosterRecord, tenant: str, file_no: int) -> Doubt | None:
        listed = record.maintenance in LISTS
        if any(own and (verdict is DOUBTFUL or (verdict is OTHER and not listed)) for verdict, own in found.values()):
            return NOT_THE_HOLDER
        doubtful = (token for token, (verdict, _) in found.items() if verdict is DOUBTFUL)
        if any(not (listed and self._is_listed(token, tenant, file_no)) for token in doubtful):
            return NOT_OF_FAMILY
        prior = record.previous.identifiers if record.previous else ()
        judged = (self._judged(prior, tenant, was) for was in described_before(record))
        return NOT_FORMERLY if any(verdict is DOUBTFUL for one in judged for verdict, _ in one.values()) else None

    def _is_listed(self, token: UUID, tenant: str, file_no: int) -> bool:
        """Whether somebody has a row of his own in the file: then another row of the family lists somebody else."""
        known = self.enrolments[token, tenant]
        return known.seen_file_no == file_no or known.enrolment_id in self.seen

    def _by_name(self, key: str, said: Described) -> UUID | None:
        tokens = [one for one in self.by_key.get(key, ()) if self._is_namely(one, said)] if key else []
        return tokens[0] if len(tokens) == 1 else None

    def _is_namely(self, token: UUID, said: Described, tenant: str = "") -> bool:
        """Whether a plan, or this one, knows the person so today: a key may stem from a row that was wrong."""
        plans = (tenant,) if tenant else self.tenants
        known = (self.enrolments.get((token, plan)) for plan in plans)
        return any(identity.is_namely(one, said) for one in known if one is not None)

    def _takes_number(self, token: UUID, record: RosterRecord, tenant: str) -> bool:
        """Whether the row's number is its person's. One that lists or renumbers him takes it from who evidently is
        somebody else; another leaves it to who holds it now."""
        own = [one for one in record.person.identifiers if one.type == IdType.MEMBER]
        if all(self.by_identifier.get(one, set()) <= {token} for one in own):
            return True
        numbers = {one.value for one in own}
        judged = self._judged(own, tenant, described(record))
        holders = [
            known
            for other, (verdict, is_own) in judged.items()
            if other != token and is_own and verdict is OTHER
            if (known := self.enrolments[other, tenant]).member_id in numbers
        ]
        takes = record.maintenance in LISTS or bool(record.previous and record.previous.identifiers)
        if takes:
            for one in holders:
                self._put_enrolment(one._replace(member_id=""))
        return takes or not holders

    def _merge_doubles(self, token: UUID, record: RosterRecord, tenant: str, key: str) -> UUID:
        """One person under several tokens: a correction says so, or name, birth date and ZIP now agree."""
        if record.previous is None and self.by_key.get(key, set()) <= {token}:
            return token
        said = described(record)
        doubles = {one for one in self.by_key.get(key, ()) if self._is_namely(one, said)} if key else set()
        old = self._formerly(record, tenant)
        doubles |= {old} if old else set()
        doubles.add(token)
        survivor = min(doubles)
        for retired in sorted(doubles - {survivor}):
            self._merge(survivor, retired)
        return survivor

    def _merge(self, survivor: UUID, retired: UUID) -> None:
        self._put_person(self.persons[retired]._replace(merged_into=survivor))
        self._put_person(self.persons[survivor])
        for token, source in [one for one in self.vital if one[0] == retired]:
            moved = self.vital.pop((token, source))._replace(token=survivor)
            self.changed_vital.pop((token, source), None)
            self._put_vital(newest(self.vital.get((survivor, source)), moved))
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
        prior = record.previous.identifiers if record.previous else ()
        free = [one for one in prior if not self.by_identifier.get(one)]
        said = (*record.person.identifiers, *free)
        fresh_ids = [one for one in said if token not in self.by_identifier.get(one, ())]
        for one in fresh_ids:
            self.by_identifier[one].add(token)
            self.new_identifiers.add((one, token))
        is_fresh_key = bool(key) and token not in self.by_key.get(key, ())
        if is_fresh_key:
            self.by_key[key].add(token)
            self.new_keys.add((key, token))
        return bool(fresh_ids) or is_fresh_key

    def _note_death(
        self, token: UUID, tenant: str, record: RosterRecord, said_on: date, said: Said, *, is_full: bool
    ) -> tuple[str, ...]:
        """Keep what the row says of a death. Nothing if that is no other word than the one that stood."""
        known = self.vital.get((token, roster_source(tenant)))
        heard = roster_word(
            record, token, tenant, said_on, said.at, self.heard_at, is_full=is_full, is_known=known is not None
        )
        now = newest(known, heard) if heard is not None else None
        if now is None or now == known:
            return ()
        self._put_vital(now)
        if known is not None and (now.word, now.death_on) == (known.word, known.death_on):
            return ()
        return (DIED,) if now.word == Word.DECEASED else (LIVES,)

    def _is_stale(self, token: UUID, tenant: str, said: Said) -> bool:
        known = self.enrolments.get((token, tenant))
        if known is None or not said.is_before(self._standing(known)):
            return False
        self.seen.add(known.enrolment_id)
        return True

    def _restate(
        self,
        token: UUID,
        tenant: str,
        record: RosterRecord,
        said_on: date,
        file_no: int,
        said: Said,
        *,
        is_holder: bool,
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
        stated = stated if is_holder else stated._replace(member_id=known.member_id)
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
        """Whoever the plan lists under the subscriber's number, but for subscribers; not who has come under another one
        since."""
        number = record.person.identifier(IdType.SUBSCRIBER)
        others = sorted(self.by_identifier.get(number, set()) - {token}) if number else ()
        found = [self.enrolments[one, tenant] for one in others if (one, tenant) in self.enrolments]
        return [
            one
            for one in found
            if number and not one.is_retired and one.role != SUBSCRIBER and one.family_number in {"", number.value}
        ]

    def _put_vital(self, statement: VitalStatement) -> None:
        key = statement.token, statement.source
        self.vital[key] = self.changed_vital[key] = statement

    def _put_person(self, person: Person) -> None:
        self.persons[person.token] = self.changed_persons[person.token] = person

    def _put_enrolment(self, enrolment: Enrolment) -> None:
        self.enrolments[enrolment.token, enrolment.tenant_id] = enrolment
        self.tenants.add(enrolment.tenant_id)
        self.changed_enrolments[enrolment.enrolment_id] = enrolment
        self.heard.pop(enrolment.enrolment_id, None)


def said_now(stated: Enrolment, said: Said) -> Enrolment:
    """The enrolment as this statement left it."""
    if said.at is None:
        return stated
    return stated._replace(said_at=said.at, said_by=said.by, said_no=said.no)


NOT_THE_HOLDER = Doubt(
    "NM1-03", "the name and birth date of who holds this number; former ones in NM1*70; or INS-03 021 for somebody new"
)
NOT_OF_FAMILY = Doubt(
    "NM1-04", "given name and birth date of one member of this family; former ones in NM1*70; or INS-03 021"
)
NOT_FORMERLY = Doubt("REF*Q4-02", "a prior number of a member who had this name and birth date, or those in NM1*70")


def _judge(known: Enrolment, said: Described, *, is_own: bool) -> tuple[Verdict, bool]:
    """A number is nobody's own between a subscriber and a dependant."""
    is_own = is_own and {known.role, said.role} != {SUBSCRIBER, DEPENDANT}
    return (identity.by_own_number if is_own else identity.by_family_number)(known, said), is_own


def restated(known: Enrolment, record: RosterRecord, said_on: date) -> Enrolment:
    """The enrolment after the row. What the row leaves empty stays as it was known."""
    person = record.person
    family = person.identifier(IdType.SUBSCRIBER)
    number = person.identifier(IdType.MEMBER) or family
    name, address = person.name or known, placed(known, person.address)
    phones = tuple([f"{one.use} {one.number}" for one in person.phones]) or known.phones
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
        phones=phones,
        email=person.email or known.email,
        is_restricted=known.is_restricted if record.is_restricted is None else record.is_restricted,
        spans=restated_spans(known.spans, record, said_on),
        is_retired=known.is_retired,
        seen_file_no=known.seen_file_no,
        role=role_of(record),
        phone_version=known.phone_version + _is_other(_numbers(phones), _numbers(known.phones)),
        address_version=known.address_version + _is_other(_place(address), _place(known)),
        email_version=known.email_version + _is_other(person.email.casefold(), known.email.casefold()),
        said_at=known.said_at,
        said_by=known.said_by,
        said_no=known.said_no,
        family_number=family.value if family else known.family_number,
    )


def placed(known: Enrolment, said: Address | None) -> Address | Enrolment:
    """Where the member lives after the row. One without a readable ZIP keeps the known one, unless it is of another
    state or country."""
    if said is None:
        return known
    is_elsewhere = bool(said.country) or (bool(known.state and said.state) and said.state != known.state)
    if said.zip5 or is_elsewhere:
        return said
    return said._replace(zip5=known.zip5, tract=said.tract or known.tract, county=said.county or known.county)


def _is_other(said: object, known: object) -> bool:
    """Whether something is said, and not what is known; the first one ever is other than none."""
    return bool(said) and said != known


def _numbers(phones: Iterable[str]) -> set[str]:
    """Telephone numbers without their uses."""
    return {one.rpartition(" ")[2] for one in phones}


def _place(of: Address | Enrolment) -> tuple[str, ...]:
    """Where a letter goes; nowhere without a ZIP or a street."""
    told = tuple(" ".join(one.upper().split()) for one in (of.street, of.unit, of.city, of.state, of.zip5))
    return told if of.street or of.zip5 else ()
