"""What rows of a roster do to what is known of members: who a row is about, and what changes for them.

A `Book` holds everything that the rows of one batch may touch; it is loaded before and saved after, and decides itself.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from services.eligibility import identity
from services.eligibility.domain import DEPENDANT, ONE_DAY, SUBSCRIBER, Enrolment, Person, Span
from services.eligibility.feeds.records import Address, Coverage, Identifier, IdType, Maintenance, RosterRecord
from services.eligibility.identity import DOUBTFUL, LISTS, OTHER, SAME, Doubt, Said, Verdict
from services.eligibility.linkage import IdKey, match_key

OF_PLAN = frozenset({IdType.MEMBER, IdType.SUBSCRIBER})
MAX_SPANS = 60
"""Five years of single months; older ones can't matter to a decision."""


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


def said_of(record: RosterRecord) -> Said:
    """Who a row says that its person is."""
    person = record.person
    return Said.of(person.name, person.birth_on, person.sex, role_of(record), record.maintenance)


def said_before(record: RosterRecord) -> list[Said]:
    """Who a row says that its person was before. A former name without a birth date goes with the one of today, or
    with none."""
    old, person = record.previous, record.person
    if old is None:
        return []
    days = [old.birth_on] if old.birth_on else [person.birth_on, None] if old.name else [person.birth_on]
    name, role = old.name or person.name, role_of(record)
    return [Said.of(name, day, person.sex, role, Maintenance.CHANGE) for day in days]


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

    def touched(self) -> set[UUID]:
        """The tokens about whom something may have to be decided anew."""
        of_enrolments = {one.token for one in self.changed_enrolments.values()}
        return of_enrolments | set(self.changed_persons) | {token for pair in self.merges for token in pair}

    def apply(self, record: RosterRecord, key: str, tenant: str, said_on: date, file_no: int) -> bool:
        """Take one row of a plan's roster, with its match key. False if it says nothing new, or is held."""
        token = self._whose(record, tenant, key, file_no)
        if isinstance(token, Doubt):
            self.held[record.position.row] = token
            self._see(record_identifiers(record), tenant, key)
            return False
        if token is None:
            token = self.new_id()
            self._put_person(Person(token))
        token = self._merge_doubles(token, record, tenant, key)
        is_holder = self._takes_number(token, record, tenant)
        is_new = self._note_keys(token, record, key)
        is_new |= self._note_death(token, record)
        return self._restate(token, tenant, record, said_on, file_no, is_holder=is_holder) or is_new

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
        said = said_of(record)
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

    def _judged(self, identifiers: Iterable[Identifier], tenant: str, said: Said) -> dict[UUID, tuple[Verdict, bool]]:
        """What everybody under these numbers of the plan is to who is said, and whether by a number of his own."""
        found: dict[UUID, tuple[Verdict, bool]] = {}
        for one in sorted(identifiers, key=lambda it: it.type != IdType.MEMBER):
            if one.type not in OF_PLAN:
                continue
            for kind in OF_PLAN if one.type == IdType.SUBSCRIBER else (one.type,):
                for token in self.by_identifier.get(one._replace(type=kind), ()):
                    known = self.enrolments.get((token, tenant))
                    if known is not None and token not in found:
                        found[token] = _judge(known, said, is_own=one.type == IdType.MEMBER)
        return found

    def _chosen(self, found: dict[UUID, tuple[Verdict, bool]], record: RosterRecord, tenant: str) -> UUID | None:
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
        judged = (self._judged(numbers, tenant, was) for was in said_before(record))
        return next((found for one in judged if (found := self._chosen(one, record, tenant))), None)

    def _was_named(self, record: RosterRecord, tenant: str) -> UUID | None:
        was = said_before(record)[0]
        tokens = [one for one in self.by_key.get(old_key(record), ()) if self._is_namely(one, was, tenant)]
        return tokens[0] if len(tokens) == 1 else None

    def _newborn(self, found: Iterable[UUID], tenant: str, said: Said) -> UUID | None:
        """The one child of a family who had no name yet."""
        if said.maintenance in LISTS:
            return None
        nameless = [one for one in found if identity.may_be_renamed(self.enrolments[one, tenant], said)]
        return nameless[0] if len(nameless) == 1 else None

    def _doubt(
        self, found: dict[UUID, tuple[Verdict, bool]], record: RosterRecord, tenant: str, file_no: int
    ) -> Doubt | None:
        listed = record.maintenance in LISTS
        if any(own and (verdict is DOUBTFUL or (verdict is OTHER and not listed)) for verdict, own in found.values()):
            return NOT_THE_HOLDER
        doubtful = (token for token, (verdict, _) in found.items() if verdict is DOUBTFUL)
        if any(not (listed and self._is_listed(token, tenant, file_no)) for token in doubtful):
            return NOT_OF_FAMILY
        prior = record.previous.identifiers if record.previous else ()
        judged = [verdict for was in said_before(record) for verdict, _ in self._judged(prior, tenant, was).values()]
        return NOT_FORMERLY if DOUBTFUL in judged else None

    def _is_listed(self, token: UUID, tenant: str, file_no: int) -> bool:
        """Whether somebody has a row of his own in the file: then another row of the family lists somebody else."""
        known = self.enrolments[token, tenant]
        return known.seen_file_no == file_no or known.enrolment_id in self.seen

    def _by_name(self, key: str, said: Said) -> UUID | None:
        tokens = [one for one in self.by_key.get(key, ()) if self._is_namely(one, said)] if key else []
        return tokens[0] if len(tokens) == 1 else None

    def _is_namely(self, token: UUID, said: Said, tenant: str = "") -> bool:
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
        judged = self._judged(own, tenant, said_of(record))
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
        said = said_of(record)
        doubles = {one for one in self.by_key.get(key, ()) if self._is_namely(one, said)} if key else set()
        old = self._formerly(record, tenant)
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
            self._put_enrolment(known._replace(spans=spans, seen_file_no=seen))

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

    def _note_death(self, token: UUID, record: RosterRecord) -> bool:
        known, said = self.persons[token], record.person
        if not said.is_deceased:
            return False
        now = known._replace(is_deceased=True, death_on=said.death_on or known.death_on)
        if now == known:
            return False
        self._put_person(now)
        return True

    def _restate(
        self, token: UUID, tenant: str, record: RosterRecord, said_on: date, file_no: int, *, is_holder: bool
    ) -> bool:
        known = self.enrolments.get((token, tenant))
        if known is None:
            fresh = Enrolment(self.new_id(), token, tenant, "", seen_file_no=file_no)
            self._put_enrolment(restated(fresh, record, said_on))
            return True
        stated = restated(known, record, said_on)
        stated = stated if is_holder else stated._replace(member_id=known.member_id)
        if stated == known:
            self.seen.add(known.enrolment_id)
            return False
        self._put_enrolment(stated._replace(seen_file_no=file_no))
        return True

    def _put_person(self, person: Person) -> None:
        self.persons[person.token] = self.changed_persons[person.token] = person

    def _put_enrolment(self, enrolment: Enrolment) -> None:
        self.enrolments[enrolment.token, enrolment.tenant_id] = enrolment
        self.tenants.add(enrolment.tenant_id)
        self.changed_enrolments[enrolment.enrolment_id] = enrolment


NOT_THE_HOLDER = Doubt(
    "NM1-03", "the name and birth date of who holds this number; former ones in NM1*70; or INS-03 021 for somebody new"
)
NOT_OF_FAMILY = Doubt(
    "NM1-04", "given name and birth date of one member of this family; former ones in NM1*70; or INS-03 021"
)
NOT_FORMERLY = Doubt("REF*Q4-02", "a prior number of a member who had this name and birth date, or those in NM1*70")


def _judge(known: Enrolment, said: Said, *, is_own: bool) -> tuple[Verdict, bool]:
    """A number is nobody's own between a subscriber and a dependant."""
    is_own = is_own and {known.role, said.role} != {SUBSCRIBER, DEPENDANT}
    return (identity.by_own_number if is_own else identity.by_family_number)(known, said), is_own


def restated(known: Enrolment, record: RosterRecord, said_on: date) -> Enrolment:
    """The enrolment after the row. What the row leaves empty stays as it was known."""
    person = record.person
    number = person.identifier(IdType.MEMBER) or person.identifier(IdType.SUBSCRIBER)
    name, address = person.name or known, person.address or known
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
        is_restricted=record.is_restricted,
        spans=restated_spans(known.spans, record, said_on),
        is_retired=known.is_retired,
        seen_file_no=known.seen_file_no,
        role=role_of(record),
        phone_version=known.phone_version + _is_other(_numbers(phones), _numbers(known.phones)),
        address_version=known.address_version + _is_other(_place(address), _place(known)),
        email_version=known.email_version + _is_other(person.email.casefold(), known.email.casefold()),
    )


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


def restated_spans(known: tuple[Span, ...], record: RosterRecord, said_on: date) -> tuple[Span, ...]:
    """The times of coverage after the row."""
    if record.maintenance is Maintenance.TERMINATE:
        return _terminated(known, record, said_on)
    if not record.coverages:
        return _member_level(known, record)
    spans = known
    for coverage in sorted(record.coverages, key=_begin):
        spans = _covered(spans, coverage, record, said_on)
    return _ordered(spans)


def _begin(one: Coverage | Span) -> date:
    return one.begin_on or date.min


def _terminated(known: tuple[Span, ...], record: RosterRecord, said_on: date) -> tuple[Span, ...]:
    ends = [one.end_on for one in record.coverages if one.end_on]
    ends_on = record.end_on or max(ends, default=None) or record.effective_on or said_on
    stated = [Span(one.line_of_business, one.begin_on or record.begin_on) for one in record.coverages]
    spans = known or tuple(stated) or (Span("", record.begin_on),)
    return cut(spans, ends_on)


def cut(spans: Iterable[Span], ends_on: date) -> tuple[Span, ...]:
    """Coverage that ends on this day at the latest; what would begin after it never was."""
    kept = [one for one in spans if one.begin_on is None or one.begin_on <= ends_on]
    return _ordered(
        one if one.last_on is not None and one.last_on <= ends_on else one._replace(end_on=ends_on, last_on=ends_on)
        for one in kept
    )


def _member_level(known: tuple[Span, ...], record: RosterRecord) -> tuple[Span, ...]:
    line = known[-1].line if known else ""
    if record.begin_on is None and record.end_on is None:
        if record.maintenance is Maintenance.REINSTATE and known:
            return _ordered((*known[:-1], known[-1]._replace(end_on=None, last_on=None)))
        return known or (Span(line),)
    begin_on = record.begin_on or (known[-1].begin_on if known else None)
    return _stated(known, Span(line, begin_on, record.end_on, record.lapses_on), is_void=record.is_void)


def _covered(known: tuple[Span, ...], coverage: Coverage, record: RosterRecord, said_on: date) -> tuple[Span, ...]:
    line = coverage.line_of_business
    mine = tuple([one for one in known if one.line == line])
    others = [one for one in known if one.line != line]
    if coverage.maintenance is Maintenance.TERMINATE:
        ends_on = coverage.end_on or record.end_on or record.effective_on or said_on
        return (*others, *cut(mine or (Span(line, coverage.begin_on),), ends_on))
    if coverage.begin_on is None and coverage.end_on is None:
        if record.begin_on is None and mine and coverage.maintenance is Maintenance.REINSTATE:
            return (*others, *mine[:-1], mine[-1]._replace(end_on=None, last_on=None))
        span = Span(line, record.begin_on, record.end_on, record.lapses_on)
        return known if mine and record.begin_on is None else (*others, *_stated(mine, span, is_void=record.is_void))
    span = Span(line, coverage.begin_on or record.begin_on, coverage.end_on, coverage.lapses_on)
    return (*others, *_stated(mine, span, is_void=coverage.is_void))


def _stated(mine: tuple[Span, ...], span: Span, *, is_void: bool) -> tuple[Span, ...]:
    """One line's spans after this one was stated: it replaces the one of the same begin, and an open one yields."""
    kept = [one for one in mine if one.begin_on != span.begin_on]
    if is_void:
        return _ordered(kept)
    left = [one for one in (_yielding(one, span) for one in kept) if one is not None]
    return _ordered([*left, span])


def _yielding(known: Span, span: Span) -> Span | None:
    if known.last_on is not None or span.begin_on is None:
        return known
    if known.begin_on is None or known.begin_on < span.begin_on:
        ends_on = span.begin_on - ONE_DAY
        return known._replace(end_on=ends_on, last_on=ends_on)
    return None if span.last_on is None or known.begin_on <= span.last_on else known


def _ordered(spans: Iterable[Span]) -> tuple[Span, ...]:
    spans = tuple(spans)
    return spans if len(spans) < 2 else tuple(sorted(spans, key=lambda one: (_begin(one), one.line)))[-MAX_SPANS:]
