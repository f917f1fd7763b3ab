"""What rows of a roster do to what is known of members.

A `Book` holds everything that the rows of one batch may touch; it is loaded before and saved after, and decides itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from services.eligibility.feeds.records import IdType, Maintenance, RosterRecord, StatedContact
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
from services.eligibility.people.contact import UNSTATED, restated_contact, without_contact
from services.eligibility.people.coverage import family_spans, without_restated
from services.eligibility.people.doubtful import ANOTHER_PERSON, Decided, Doubts
from services.eligibility.people.enrolment import SUBSCRIBER, Enrolment, Person, Span
from services.eligibility.people.identity import LISTS, Doubt
from services.eligibility.people.linkage import IdKey
from services.eligibility.people.matching import Acquaintances, completed_key, described, record_identifiers
from services.eligibility.people.parting import Joined, unfolded
from services.eligibility.people.precedence import NEVER, Stamp
from services.eligibility.people.restatement import restated, seen_in, stamped
from services.eligibility.vital.roster import roster_source, roster_word
from services.eligibility.vital.rules import UNDATED, VitalStatement, Word, newest

DEATH_REASON = "03"


@dataclass(slots=True)
class Book(Acquaintances):
    """The people of one batch. `joins` are those who became one, in order, and `splits` pairs of survivor and retired
    token who are two again; `moved` the enrolments that went to another token with their person, `reborn` whose birth
    date became another one; `new_apart` are pairs of persons who are told apart now; `held` are rows of whom it is
    doubtful whom they mean, by their ordinals, and `refused` those of them that a person refused before; `doubts` what
    waits and was decided of such rows; `heard` is when what stands was said again; `vital` what plans said of deaths,
    by token and source; `contacts` what plans say of how to reach them, by enrolment; of the
    `erased` enrolments nothing of it is taken, and those `erased_with` another one were joined with it, which was
    erased; never one that is `on_hold`."""

    persons: dict[UUID, Person] = field(default_factory=dict)
    changed_persons: dict[UUID, Person] = field(default_factory=dict)
    changed_enrolments: dict[UUID, Enrolment] = field(default_factory=dict)
    heard: dict[UUID, Stamp] = field(default_factory=dict)
    new_identifiers: set[tuple[IdKey, UUID]] = field(default_factory=set)
    new_keys: set[tuple[str, UUID]] = field(default_factory=set)
    joins: list[Joined] = field(default_factory=list)
    splits: list[tuple[UUID, UUID]] = field(default_factory=list)
    moved: set[UUID] = field(default_factory=set)
    reborn: set[UUID] = field(default_factory=set)
    new_apart: set[tuple[UUID, UUID]] = field(default_factory=set)
    held: dict[int, Doubt] = field(default_factory=dict)
    refused: set[int] = field(default_factory=set)
    doubts: Doubts = field(default_factory=Doubts)
    heard_at: datetime = UNDATED
    vital: dict[tuple[UUID, str], VitalStatement] = field(default_factory=dict)
    changed_vital: dict[tuple[UUID, str], VitalStatement] = field(default_factory=dict)
    contacts: dict[UUID, StatedContact] = field(default_factory=dict)
    changed_contacts: dict[UUID, StatedContact] = field(default_factory=dict)
    erased: set[UUID] = field(default_factory=set)
    on_hold: set[UUID] = field(default_factory=set)
    erased_with: dict[UUID, UUID] = field(default_factory=dict)

    @property
    def merges(self) -> list[tuple[UUID, UUID]]:
        """The pairs of survivor and retired token, in order."""
        return [(joined.survivor, joined.retired) for joined in self.joins]

    def touched(self) -> set[UUID]:
        """The tokens about whom something may have to be decided anew."""
        of_enrolments = {enrolment.member_token for enrolment in self.changed_enrolments.values()}
        of_vital = {member_token for member_token, _ in self.changed_vital}
        return (
            of_enrolments
            | of_vital
            | set(self.changed_persons)
            | {member_token for pair in (*self.merges, *self.splits) for member_token in pair}
        )

    def apply(
        self, record: RosterRecord, key: str, tenant: str, said_on: date, file_no: int, said: Stamp = NEVER,
        *, is_full: bool = False, settled: Decided | None = None,
    ) -> tuple[str, ...]:  # fmt: skip
        """Take one row of a plan's roster, with its match key; `settled`: a person decides now whom it means. Gives
        what it changed: nothing if it says nothing new or is held, `stale` if what stands was said later; of a death
        even that is kept."""
        member_token = settled.member_token if settled else self._meant(record, tenant, key, file_no, said)
        if isinstance(member_token, Doubt):
            settled = self._decided_before(record, tenant, member_token)
            if settled is None or settled.member_token is None:
                self._hold(record, tenant, key, said, member_token, is_refused=settled is not None)
                return ()
            member_token = settled.member_token
        if member_token is not None and self._is_stale(member_token, tenant, said):
            return (
                STALE,
                *self._note_death(member_token, tenant, record, said_on, said, is_full=is_full, is_stale=True),
            )
        key, merges = key or self._completed_key(member_token, record, tenant), len(self.joins)
        member_token = self._merge_doubles(member_token, record, tenant, key) if member_token else self._newcomer()
        changes = [MERGED] if len(self.joins) > merges else []
        is_told = settled is not None and settled.decision == ANOTHER_PERSON
        is_holder = self._takes_number(member_token, record, tenant, said, is_told=is_told)
        is_new = self._note_keys(member_token, record, tenant, key)
        changes += self._note_death(member_token, tenant, record, said_on, said, is_full=is_full)
        changes += self._restate(member_token, tenant, record, said_on, file_no, said, is_holder=is_holder)
        if record.maintenance is Maintenance.TERMINATE and record.is_subscriber:
            changes += self._end_family(member_token, tenant, record, said_on, file_no, said)
        if self.doubts.waiting:
            self.doubts.clear(self.enrolments[member_token, tenant], record, said, file_no)
        return tuple(changes) or (("changed",) if is_new else ())

    # -- who

    def _meant(self, record: RosterRecord, tenant: str, key: str, file_no: int, said: Stamp) -> UUID | Doubt | None:
        """Whom the row means; a doubt also where it would make its person somebody else. What is older than what stands
        makes nobody anything."""
        member_token = self._whose(record, tenant, key, file_no)
        if not isinstance(member_token, UUID) or self._is_stale(member_token, tenant, said):
            return member_token
        key = key or self._completed_key(member_token, record, tenant)
        return self._joins_in_doubt(member_token, record, tenant, key) or member_token

    def _completed_key(self, member_token: UUID | None, record: RosterRecord, tenant: str) -> str:
        return completed_key(record, self.enrolments.get((member_token, tenant))) if member_token else ""

    def _decided_before(self, record: RosterRecord, tenant: str, doubt: Doubt) -> Decided | None:
        """What a person decided of a row that said the same of who it is about, if that person is known still."""
        decided = self.doubts.decision_of(record, tenant, doubt)
        if decided is None or decided.member_token is None or (decided.member_token, tenant) in self.enrolments:
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
            for enrolment in [
                known for member_token in doubt.tokens if (known := self.enrolments.get((member_token, tenant)))
            ]:
                self._note_seen(enrolment.enrolment_id, said.at)

    def resolve(self, record: RosterRecord, tenant: str, key: str, file_no: int, decided: Decided) -> Decided | Doubt:
        """Whom a row means of which a person decides now, by all that is known today; a doubt if that leaves somebody
        whom he was not shown. The row merges nobody: who else agrees with it is not whom it means."""
        member_token = decided.member_token
        if member_token is None:
            found = self.without(decided.tokens)._whose(record, tenant, key, file_no)
            if isinstance(found, Doubt):
                return found
            member_token = found or self._newcomer()
        key = key or self._completed_key(member_token, record, tenant)
        self._tell_apart(member_token, self._others(member_token, record, tenant, key).keys() | decided.others)
        return decided._replace(member_token=member_token)

    def in_question(
        self, record: RosterRecord, tenant: str, key: str, file_no: int, shown: frozenset[UUID]
    ) -> frozenset[UUID]:
        """Whom the row may mean today, with those who were shown: who would have to be shown before it is decided."""
        while isinstance(found := self.without(shown)._whose(record, tenant, key, file_no), Doubt):
            shown |= found.tokens
        return shown

    def _tell_apart(self, member_token: UUID, others: Iterable[UUID]) -> None:
        for other in others:
            self.apart[member_token].add(other)
            self.apart[other].add(member_token)
            self.new_apart.add((min(member_token, other), max(member_token, other)))

    def _newcomer(self) -> UUID:
        member_token = self.new_id()
        self._put_person(Person(member_token))
        return member_token

    def _takes_number(
        self, member_token: UUID, record: RosterRecord, tenant: str, said: Stamp, *, is_told: bool
    ) -> bool:
        """Whether the row's number is its person's; only one has it. A row that lists or renumbers him takes it from
        its holder, and so does one that a person has found (`is_told`) to mean another, unless it ends him; but not
        if the holder's newest row is newer. Any other leaves it to who holds it now."""
        own = [identifier for identifier in record.person.identifiers if identifier.type == IdType.MEMBER]
        if all(self.by_identifier.get(identifier, set()) <= {member_token} for identifier in own):
            return True
        numbers = {identifier.value for identifier in own}
        holders = [
            known
            for other, (_, is_own) in self._judged(own, tenant, described(record)).items()
            if other != member_token and is_own and (known := self.enrolments[other, tenant]).member_id in numbers
        ]
        takes = record.maintenance in LISTS or bool(record.previous and record.previous.identifiers)
        takes = takes or (is_told and record.maintenance is not Maintenance.TERMINATE)
        takes = takes and not any(said.is_before(self._standing(holder)) for holder in holders)
        if takes:
            for holder in holders:
                self._put_enrolment(holder._replace(member_id=""))
        return takes or not holders

    def _merge_doubles(self, member_token: UUID, record: RosterRecord, tenant: str, key: str) -> UUID:
        """One person under several tokens is under the oldest from now on."""
        doubles = {member_token, *self._joined(member_token, record, tenant, key)}
        survivor = min(doubles)
        for retired in sorted(doubles - {survivor}):
            self._merge(survivor, retired, tenant)
        return survivor

    def join(self, one: UUID, other: UUID) -> None:
        """A person says that both are one: they are under the older token from now on."""
        self._merge(min(one, other), max(one, other))

    def part(self, joined: Joined, made: Iterable[Enrolment]) -> None:
        """What made both one was taken back: each has his entries again. One that went along comes back as it is known
        now; one that was folded into the same plan's other one (`made`) as it was, and what that one got by it goes."""
        survivor, retired = joined.survivor, joined.retired
        self._put_person(self.persons[retired]._replace(merged_into=None, version=self.persons[retired].version + 1))
        self._put_person(self.persons[survivor])
        before, after = ({one.enrolment_id: one for one in entries} for entries in (joined.entries, made))
        for entry in [one for one in joined.entries if one.member_token == retired]:
            known = self.enrolments.get((survivor, entry.tenant_id))
            if known is None:
                self._put_enrolment(entry)
            elif known.enrolment_id == entry.enrolment_id:
                self._move(known, retired)
            else:
                self._put_enrolment(entry._replace(seen_file_no=known.seen_file_no, seen_at=known.seen_at))
                ids = known.enrolment_id
                if ids in before and ids in after:
                    self._put_enrolment(unfolded(known, before[ids], after[ids]))
        self.splits.append((survivor, retired))

    def _move(self, enrolment: Enrolment, member_token: UUID) -> None:
        """The plan's entry is of this person from now on, and is told under his token."""
        del self.enrolments[enrolment.member_token, enrolment.tenant_id]
        self._put_enrolment(enrolment._replace(member_token=member_token))
        self.moved.add(enrolment.enrolment_id)

    def _merge(self, survivor: UUID, retired: UUID, plan: str | None = None) -> None:
        entries = [known for one in (survivor, retired) for known in self.by_plan(one).values()]
        gone = self.persons[retired]
        self._put_person(gone._replace(merged_into=survivor, version=gone.version + 1))
        self._put_person(self.persons[survivor])
        for member_token, source in [pair for pair in self.vital if pair[0] == retired]:
            moved = self.vital.pop((member_token, source))._replace(member_token=survivor)
            self.changed_vital.pop((member_token, source), None)
            self._put_vital(newest(self.vital.get((survivor, source)), moved))
        for (member_token, tenant), enrolment in list(self.enrolments.items()):
            if member_token == retired and not enrolment.is_retired:
                self._adopt(survivor, tenant, enrolment)
        for tokens in (*self.by_identifier.values(), *self.by_key.values()):
            if retired in tokens:
                tokens.discard(retired)
                tokens.add(survivor)
        self.new_identifiers = {
            (key, survivor if member_token == retired else member_token) for key, member_token in self.new_identifiers
        }
        self.new_keys = {
            (key, survivor if member_token == retired else member_token) for key, member_token in self.new_keys
        }
        for other in self.apart.pop(retired, ()):
            self.apart[other] = self.apart[other] - {retired} | {survivor}
            self.apart[survivor].add(other)
        self.joins.append(Joined(survivor, retired, tuple(entries), plan))

    def _adopt(self, survivor: UUID, tenant: str, orphan: Enrolment) -> None:
        """The plan's entry goes along; if the survivor has one, too, it is folded into that."""
        known = self.enrolments.get((survivor, tenant))
        if known is None:
            self._move(orphan, survivor)
        else:
            if orphan.enrolment_id in self.erased and known.enrolment_id not in self.erased | self.on_hold:
                self.erased.add(known.enrolment_id)
                self.erased_with[known.enrolment_id] = orphan.enrolment_id
            self._put_enrolment(orphan._replace(is_retired=True, spans=()))
            spans = tuple(dict.fromkeys((*known.spans, *orphan.spans)))
            seen = max(
                known,
                orphan,
                key=lambda enrolment: (enrolment.seen_file_no, enrolment.seen_at is not None, enrolment.seen_at),
            )
            newest = max(
                (self._standing(known), self._standing(orphan)),
                key=lambda stamp: (stamp.at is not None, stamp.at, stamp.no),
            )
            known = known._replace(spans=spans, seen_file_no=seen.seen_file_no, seen_at=seen.seen_at)
            self._put_enrolment(stamped(known, newest))

    # -- what

    def _note_keys(self, member_token: UUID, record: RosterRecord, tenant: str, key: str) -> bool:
        prior = record.previous.identifiers if record.previous else ()
        free = [number for number in prior if not any(self._of_plan(self.by_identifier.get(number, ()), tenant))]
        said = (*record.person.identifiers, *free)
        fresh_ids = [identifier for identifier in said if member_token not in self.by_identifier.get(identifier, ())]
        for identifier in fresh_ids:
            self.by_identifier[identifier].add(member_token)
            self.new_identifiers.add((identifier, member_token))
        is_fresh_key = bool(key) and member_token not in self.by_key.get(key, ())
        if is_fresh_key:
            self.by_key[key].add(member_token)
            self.new_keys.add((key, member_token))
        return bool(fresh_ids) or is_fresh_key

    def _of_plan(self, tokens: Iterable[UUID], tenant: str) -> Iterable[UUID]:
        """Whom of these the plan knows: what others know of a number is nothing to it."""
        return (member_token for member_token in tokens if (member_token, tenant) in self.enrolments)

    def _note_death(
        self, member_token: UUID, tenant: str, record: RosterRecord, said_on: date, said: Stamp, *, is_full: bool,
        is_stale: bool = False,
    ) -> tuple[str, ...]:  # fmt: skip
        """Keep what the row says of a death. Nothing if that is no other word than the one that stood. A death that is
        older than a row which does not tell of it is doubtful: somebody must check it."""
        known = self.vital.get((member_token, roster_source(tenant)))
        heard = roster_word(
            record, member_token, tenant, said_on, said.at, self.heard_at, is_full=is_full, is_known=known is not None
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

    def _is_stale(self, member_token: UUID, tenant: str, said: Stamp) -> bool:
        known = self.enrolments.get((member_token, tenant))
        if known is None or not said.is_before(self._standing(known)):
            return False
        self._note_seen(known.enrolment_id, said.at)
        return True

    def _restate(
        self,
        member_token: UUID,
        tenant: str,
        record: RosterRecord,
        said_on: date,
        file_no: int,
        said: Stamp,
        *,
        is_holder: bool,
    ) -> tuple[str, ...]:
        known = self.enrolments.get((member_token, tenant))
        if known is None:
            fresh = Enrolment(
                self.new_id(),
                member_token,
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
            self._note_contact(fresh.enrolment_id, record.person.contact)
            self._put_enrolment(stated if is_holder else stated._replace(member_id=""))
            return (ADDED,)
        if known.enrolment_id in self.erased:
            record = without_contact(record)
        is_listed = self._is_listed(member_token, tenant, file_no)
        if not is_listed and said.at is not None and said == self._standing(known):
            record = without_restated(known.spans, record)  # whose cover the same file ended with the subscriber's
        stated = restated(known, record, said_on, is_listed=is_listed)
        stated = stated if is_holder else stated._replace(member_id=known.member_id)
        if not self._note_contact(known.enrolment_id, record.person.contact) and stated == known:
            self._note_seen(known.enrolment_id, said.at)
            self._hear(known, said)
            return ()
        self._put_enrolment(stamped(seen_in(stated, file_no, said), said))
        return changes_of(known, stated)

    def _note_contact(self, enrolment_id: UUID, said: StatedContact | None) -> bool:
        """Keep what the row says of how to reach its person. Whether that is another way than was known."""
        if said is None:
            return False
        known = self.contacts.get(enrolment_id, UNSTATED)
        stated = restated_contact(known, said)
        if stated == known:
            return False
        self.contacts[enrolment_id] = self.changed_contacts[enrolment_id] = stated
        return True

    def _hear(self, known: Enrolment, said: Stamp) -> None:
        """Note that what stands was said again, so that what is older than this can't change it either."""
        if said.at is not None and said != self._standing(known):
            self.heard[known.enrolment_id] = said

    def _standing(self, known: Enrolment) -> Stamp:
        """When what stands was said last."""
        return self.heard.get(known.enrolment_id) or Stamp(known.said_at, known.said_by, known.said_no)

    def _end_family(
        self, member_token: UUID, tenant: str, record: RosterRecord, said_on: date, file_no: int, said: Stamp
    ) -> tuple[str, ...]:
        """The dependants' cover ends with the subscriber's; after a death a person must say what becomes of theirs."""
        ended = [
            (dependant, spans)
            for dependant in self._dependants(member_token, tenant, record)
            if not said.is_before(self._standing(dependant))
            and (spans := self._family_spans(dependant, record, said_on, file_no)) != dependant.spans
        ]
        if ended and (record.reason == DEATH_REASON or record.person.is_deceased):
            return (FAMILY_WAITS,)
        for dependant, spans in ended:
            self._put_enrolment(stamped(dependant._replace(spans=spans), said))
        return (FAMILY_ENDED,) if ended else ()

    def _family_spans(self, one: Enrolment, record: RosterRecord, said_on: date, file_no: int) -> tuple[Span, ...]:
        is_listed = self._is_listed(one.member_token, one.tenant_id, file_no)
        return family_spans(one.spans, record, said_on, is_listed=is_listed)

    def _dependants(self, member_token: UUID, tenant: str, record: RosterRecord) -> list[Enrolment]:
        """Whoever the plan lists under the subscriber's number, but for subscribers; not who has come under another one
        since."""
        number = record.person.identifier(IdType.SUBSCRIBER)
        others = sorted(self.by_identifier.get(number, set()) - {member_token}) if number else ()
        found = [self.enrolments[other, tenant] for other in others if (other, tenant) in self.enrolments]
        return [
            kin
            for kin in found
            if number and not kin.is_retired and kin.role != SUBSCRIBER and kin.family_number in {"", number.value}
        ]

    def _put_vital(self, statement: VitalStatement) -> None:
        key = statement.member_token, statement.source
        self.vital[key] = self.changed_vital[key] = statement

    def _put_person(self, person: Person) -> None:
        self.persons[person.member_token] = self.changed_persons[person.member_token] = person

    def _put_enrolment(self, enrolment: Enrolment) -> None:
        if enrolment.enrolment_id in self.erased:
            enrolment = enrolment._replace(phones=(), email="", street="", unit="", city="")
            self.changed_contacts.pop(enrolment.enrolment_id, None)
        known = [self.enrolments.get((enrolment.member_token, plan)) for plan in self.tenants]
        if any(one.birth_on != enrolment.birth_on for one in known if one is not None):
            self.reborn.add(enrolment.member_token)
        self.enrolments[enrolment.member_token, enrolment.tenant_id] = enrolment
        self.tenants.add(enrolment.tenant_id)
        self.changed_enrolments[enrolment.enrolment_id] = enrolment
        self.heard.pop(enrolment.enrolment_id, None)
