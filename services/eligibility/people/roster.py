"""What rows of a roster do to what is known of members.

A `Book` holds everything that the rows of one batch may touch; it is loaded before and saved after, and decides itself.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from services.eligibility.feeds.records import Address, IdType, Maintenance, RosterRecord
from services.eligibility.people.changes import (
    ADDED,
    DEATH_REPORTED,
    DIED,
    FAMILY_ENDED,
    FAMILY_WAITS,
    LIVES,
    MERGED,
    STALE,
    changes_of,
)
from services.eligibility.people.coverage import family_spans, restated_spans
from services.eligibility.people.doubtful import ANOTHER_PERSON, Decided, Doubts
from services.eligibility.people.enrolment import SUBSCRIBER, Enrolment, Person, Span
from services.eligibility.people.identity import LISTS, Doubt
from services.eligibility.people.linkage import IdKey
from services.eligibility.people.matching import Acquaintances, described, newest_of, record_identifiers, role_of
from services.eligibility.people.precedence import NEVER, Stamp
from services.eligibility.vital.roster import roster_source, roster_word
from services.eligibility.vital.rules import UNDATED, VitalStatement, Word, newest

DEATH_REASON = "03"
NOBODY = UUID(int=0)


@dataclass(slots=True)
class Book(Acquaintances):
    """The people of one batch. `merges` are pairs of survivor and retired token, in order; `apart`
    is from whom each was told apart by a person, `new_apart` the pairs of now; `held` are rows of whom it
    is doubtful whom they mean, by their ordinals, and `refused` those of them that a person refused before; `doubts`
    what waits and was decided of such rows; `heard` is when what stands was said again; `vital` what plans said of
    deaths, by token and source."""

    persons: dict[UUID, Person] = field(default_factory=dict)
    changed_persons: dict[UUID, Person] = field(default_factory=dict)
    changed_enrolments: dict[UUID, Enrolment] = field(default_factory=dict)
    heard: dict[UUID, Stamp] = field(default_factory=dict)
    new_identifiers: set[tuple[IdKey, UUID]] = field(default_factory=set)
    new_keys: set[tuple[str, UUID]] = field(default_factory=set)
    merges: list[tuple[UUID, UUID]] = field(default_factory=list)
    apart: defaultdict[UUID, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    new_apart: set[tuple[UUID, UUID]] = field(default_factory=set)
    held: dict[int, Doubt] = field(default_factory=dict)
    refused: set[int] = field(default_factory=set)
    doubts: Doubts = field(default_factory=Doubts)
    heard_at: datetime = UNDATED
    vital: dict[tuple[UUID, str], VitalStatement] = field(default_factory=dict)
    changed_vital: dict[tuple[UUID, str], VitalStatement] = field(default_factory=dict)

    def touched(self) -> set[UUID]:
        """The tokens about whom something may have to be decided anew."""
        of_enrolments = {one.token for one in self.changed_enrolments.values()}
        of_vital = {token for token, _ in self.changed_vital}
        return of_enrolments | of_vital | set(self.changed_persons) | {token for pair in self.merges for token in pair}

    def apply(
        self, record: RosterRecord, key: str, tenant: str, said_on: date, file_no: int, said: Stamp = NEVER,
        *, is_full: bool = False, settled: Decided | None = None,
    ) -> tuple[str, ...]:  # fmt: skip
        """Take one row of a plan's roster, with its match key; `settled`: a person decides now whom it means. Gives
        what it changed: nothing if it says nothing new or is held, `stale` if what stands was said later; of a death
        even that is kept."""
        token = settled.token if settled else self._whose(record, tenant, key, file_no)
        if isinstance(token, Doubt):
            settled = self._decided_before(record, tenant, token)
            if settled is None or settled.token is None:
                self._hold(record, tenant, key, said, token, is_refused=settled is not None)
                return ()
            token = settled.token
        if token is not None and self._is_stale(token, tenant, said):
            return (STALE, *self._note_death(token, tenant, record, said_on, said, is_full=is_full, is_stale=True))
        token = token or self._namesake(record, tenant, key) or self._newcomer()
        merges = len(self.merges)
        token = self._merge_doubles(token, record, tenant, key)
        changes = [MERGED] if len(self.merges) > merges else []
        is_told = settled is not None and settled.decision == ANOTHER_PERSON
        is_holder = self._takes_number(token, record, tenant, said, is_told=is_told)
        is_new = self._note_keys(token, record, key)
        changes += self._note_death(token, tenant, record, said_on, said, is_full=is_full)
        changes += self._restate(token, tenant, record, said_on, file_no, said, is_holder=is_holder)
        if record.maintenance is Maintenance.TERMINATE and record.is_subscriber:
            changes += self._end_family(token, tenant, record, said_on, file_no, said)
        if self.doubts.waiting:
            self.doubts.clear(self.enrolments[token, tenant], record, said, file_no)
        return tuple(changes) or (("changed",) if is_new else ())

    # -- who

    def _decided_before(self, record: RosterRecord, tenant: str, doubt: Doubt) -> Decided | None:
        """What a person decided of a row that said the same of who it is about, if that person is known still."""
        decided = self.doubts.decision_of(record, tenant, doubt)
        if decided is None or decided.token is None or (decided.token, tenant) in self.enrolments:
            return decided
        return None

    def _hold(
        self, record: RosterRecord, tenant: str, key: str, said: Stamp, doubt: Doubt, *, is_refused: bool
    ) -> None:
        """Nobody is changed. Whom it may mean stands in the file, unless a person refused what it says."""
        self.held[record.position.row] = doubt
        if is_refused:
            self.refused.add(record.position.row)
        else:
            self._see(record_identifiers(record), tenant, said.at, key)

    def settle(self, record: RosterRecord, tenant: str, key: str, file_no: int, decided: Decided) -> Decided | Doubt:
        """Whom a row means of which a person decides now, by all that is known today; a doubt if that leaves somebody
        whom he was not shown. The row merges nobody: who else agrees with it is not whom it means."""
        token = decided.token
        if token is None:
            found = self.without(decided.tokens)._whose(record, tenant, key, file_no)
            if isinstance(found, Doubt):
                return found
            token = found or self._newcomer()
        self._tell_apart(token, self._doubles(token, record, tenant, key) | decided.others)
        return decided._replace(token=token)

    def _tell_apart(self, token: UUID, others: Iterable[UUID]) -> None:
        for other in others:
            self.apart[token].add(other)
            self.apart[other].add(token)
            self.new_apart.add((min(token, other), max(token, other)))

    def _namesake(self, record: RosterRecord, tenant: str, key: str) -> UUID | None:
        """The oldest of several who agree with the row exactly, and were told apart: whoever came anew would be merged
        into that one at once."""
        return min(self._doubles(NOBODY, record, tenant, key), default=None)

    def _newcomer(self) -> UUID:
        token = self.new_id()
        self._put_person(Person(token))
        return token

    def _takes_number(self, token: UUID, record: RosterRecord, tenant: str, said: Stamp, *, is_told: bool) -> bool:
        """Whether the row's number is its person's; only one has it. A row that lists or renumbers him takes it from
        its holder, and so does one that a person has found (`is_told`) to mean another, unless it ends him; but not
        if the holder's newest row is newer. Any other leaves it to who holds it now."""
        own = [one for one in record.person.identifiers if one.type == IdType.MEMBER]
        if all(self.by_identifier.get(one, set()) <= {token} for one in own):
            return True
        numbers = {one.value for one in own}
        holders = [
            known
            for other, (_, is_own) in self._judged(own, tenant, described(record)).items()
            if other != token and is_own and (known := self.enrolments[other, tenant]).member_id in numbers
        ]
        takes = record.maintenance in LISTS or bool(record.previous and record.previous.identifiers)
        takes = takes or (is_told and record.maintenance is not Maintenance.TERMINATE)
        takes = takes and not any(said.is_before(self._standing(one)) for one in holders)
        if takes:
            for one in holders:
                self._put_enrolment(one._replace(member_id=""))
        return takes or not holders

    def _merge_doubles(self, token: UUID, record: RosterRecord, tenant: str, key: str) -> UUID:
        """One person under several tokens: a correction says so, or name, birth date and ZIP now agree."""
        doubles = {token, *self._doubles(token, record, tenant, key)}
        survivor = min(doubles)
        for retired in sorted(doubles - {survivor}):
            self._merge(survivor, retired)
        return survivor

    def _doubles(self, token: UUID, record: RosterRecord, tenant: str, key: str) -> set[UUID]:
        """Who else is this person; never two whom somebody told apart."""
        if record.previous is None and self.by_key.get(key, set()) <= {token}:
            return set()
        said = described(record)
        found = {one for one in self.by_key.get(key, ()) if self._is_namely(one, said)} if key else set()
        old = self._formerly(record, tenant)
        alike = {token}
        for one in sorted(found | ({old} if old else set())):
            if not self.apart.get(one, set()) & alike:
                alike.add(one)
        return alike - {token}

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
        for other in self.apart.pop(retired, ()):
            self.apart[other] = self.apart[other] - {retired} | {survivor}
            self.apart[survivor].add(other)
        self.merges.append((survivor, retired))

    def _adopt(self, survivor: UUID, tenant: str, orphan: Enrolment) -> None:
        known = self.enrolments.get((survivor, tenant))
        if known is None:
            self._put_enrolment(orphan._replace(enrolment_id=self.new_id(), token=survivor))
        else:
            spans = tuple(dict.fromkeys((*known.spans, *orphan.spans)))
            seen = max(known, orphan, key=lambda one: (one.seen_file_no, one.seen_at is not None, one.seen_at))
            newest = max(
                (self._standing(known), self._standing(orphan)), key=lambda one: (one.at is not None, one.at, one.no)
            )
            known = known._replace(spans=spans, seen_file_no=seen.seen_file_no, seen_at=seen.seen_at)
            self._put_enrolment(stamped(known, newest))

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
        self, token: UUID, tenant: str, record: RosterRecord, said_on: date, said: Stamp, *, is_full: bool,
        is_stale: bool = False,
    ) -> tuple[str, ...]:  # fmt: skip
        """Keep what the row says of a death. Nothing if that is no other word than the one that stood. A death that is
        older than a row which does not tell of it is doubtful: somebody must check it."""
        known = self.vital.get((token, roster_source(tenant)))
        heard = roster_word(
            record, token, tenant, said_on, said.at, self.heard_at, is_full=is_full, is_known=known is not None
        )
        if heard is not None and is_stale and heard.word == Word.DECEASED:
            heard = heard._replace(word=Word.POSSIBLE)
        now = newest(known, heard) if heard is not None else None
        if now is None or now == known:
            return ()
        self._put_vital(now)
        if known is not None and (now.word, now.death_on) == (known.word, known.death_on):
            return ()
        if now.word == Word.ALIVE and (known is None or known.word not in {Word.DECEASED, Word.POSSIBLE}):
            return ()  # nobody said otherwise
        return ({Word.DECEASED: DIED, Word.POSSIBLE: DEATH_REPORTED}.get(Word(now.word), LIVES),)

    def _is_stale(self, token: UUID, tenant: str, said: Stamp) -> bool:
        known = self.enrolments.get((token, tenant))
        if known is None or not said.is_before(self._standing(known)):
            return False
        self._note_seen(known.enrolment_id, said.at)
        return True

    def _restate(
        self,
        token: UUID,
        tenant: str,
        record: RosterRecord,
        said_on: date,
        file_no: int,
        said: Stamp,
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
                first_file_no=file_no,
                seen_at=said.at,
                said_at=said.at,
                said_by=said.by,
                said_no=said.no,
            )
            stated = restated(fresh, record, said_on)
            self._put_enrolment(stated if is_holder else stated._replace(member_id=""))
            return (ADDED,)
        stated = restated(known, record, said_on, is_listed=self._is_listed(token, tenant, file_no))
        stated = stated if is_holder else stated._replace(member_id=known.member_id)
        if stated == known:
            self._note_seen(known.enrolment_id, said.at)
            self._hear(known, said)
            return ()
        self._put_enrolment(stamped(seen_in(stated, file_no, said), said))
        return changes_of(known, stated)

    def _hear(self, known: Enrolment, said: Stamp) -> None:
        """Note that what stands was said again, so that what is older than this can't change it either."""
        if said.at is not None and said != self._standing(known):
            self.heard[known.enrolment_id] = said

    def _standing(self, known: Enrolment) -> Stamp:
        """When what stands was said last."""
        return self.heard.get(known.enrolment_id) or Stamp(known.said_at, known.said_by, known.said_no)

    def _end_family(
        self, token: UUID, tenant: str, record: RosterRecord, said_on: date, file_no: int, said: Stamp
    ) -> tuple[str, ...]:
        """The dependants' cover ends with the subscriber's; after a death a person must say what becomes of theirs."""
        ended = [
            (one, spans)
            for one in self._dependants(token, tenant, record)
            if not said.is_before(self._standing(one))
            and (spans := self._family_spans(one, record, said_on, file_no)) != one.spans
        ]
        if ended and (record.reason == DEATH_REASON or record.person.is_deceased):
            return (FAMILY_WAITS,)
        for one, spans in ended:
            self._put_enrolment(stamped(one._replace(spans=spans), said))
        return (FAMILY_ENDED,) if ended else ()

    def _family_spans(self, one: Enrolment, record: RosterRecord, said_on: date, file_no: int) -> tuple[Span, ...]:
        is_listed = self._is_listed(one.token, one.tenant_id, file_no)
        return family_spans(one.spans, record, said_on, is_listed=is_listed)

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


def seen_in(stated: Enrolment, file_no: int, said: Stamp) -> Enrolment:
    """The enrolment as it stands in this file, at the newest instant at which it does."""
    if file_no != stated.seen_file_no:
        return stated._replace(seen_file_no=file_no, seen_at=said.at) if file_no > stated.seen_file_no else stated
    return stated._replace(seen_at=newest_of(stated.seen_at, said.at))


def stamped(stated: Enrolment, said: Stamp) -> Enrolment:
    """The enrolment as this statement left it."""
    if said.at is None:
        return stated
    return stated._replace(said_at=said.at, said_by=said.by, said_no=said.no)


def restated(known: Enrolment, record: RosterRecord, said_on: date, *, is_listed: bool = False) -> Enrolment:
    """The enrolment after the row. What the row leaves empty stays as it was known. `is_listed`: another row of the
    file spoke of the member before."""
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
        spans=restated_spans(known.spans, record, said_on, is_listed=is_listed),
        is_retired=known.is_retired,
        seen_file_no=known.seen_file_no,
        role=role_of(record),
        phone_version=known.phone_version + _is_other(_numbers(phones), _numbers(known.phones)),
        address_version=known.address_version + _is_moved(known, address),
        email_version=known.email_version + _is_other(person.email.casefold(), known.email.casefold()),
        said_at=known.said_at,
        said_by=known.said_by,
        said_no=known.said_no,
        family_number=family.value if family else known.family_number,
        first_file_no=known.first_file_no,
        seen_at=known.seen_at,
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


def _is_moved(known: Enrolment, said: Address | Enrolment) -> bool:
    """Whether a letter goes somewhere else now; it goes nowhere without a ZIP or a street."""
    if not (said.street or said.zip5):
        return False
    return not (known.street or known.zip5) or _lines(said) != _lines(known)


def _lines(of: Address | Enrolment) -> list[str]:
    return [" ".join(one.upper().split()) for one in (of.street, of.unit, of.city, of.state, of.zip5)]
