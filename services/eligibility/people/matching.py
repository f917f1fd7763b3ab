"""Whom a roster's row means, among everybody who is known under its numbers and names. Decides, and changes nobody.

The rules are in `identity`; here is where they look, and what follows from several answers.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.eligibility.feeds.records import Identifier, IdType, Maintenance, PersonName, RosterRecord
from services.eligibility.people import identity, joining
from services.eligibility.people.enrolment import DEPENDANT, SUBSCRIBER, Enrolment
from services.eligibility.people.identity import DOUBTFUL, LISTS, OTHER, SAME, Described, Doubt, Verdict
from services.eligibility.people.linkage import IdKey, match_key

Judged = dict[UUID, tuple[Verdict, bool]]
"""What somebody is to who is said, and whether by a number of his own."""

OF_PLAN = frozenset({IdType.MEMBER, IdType.SUBSCRIBER})
NOT_THE_HOLDER = Doubt(
    "NM1-03",
    "the name and birth date of who holds this number; former ones in NM1*70; or INS-03 021 for somebody new",
    "not-the-holder",
)
NOT_OF_FAMILY = Doubt(
    "NM1-04",
    "given name and birth date of one member of this family; former ones in NM1*70; or INS-03 021",
    "not-of-family",
)
NOT_FORMERLY = Doubt(
    "REF*Q4-02", "a prior number of a member who had this name and birth date, or those in NM1*70", "not-formerly"
)
AGREES_WITH_ANOTHER = Doubt(
    "NM1-03",
    "a name, birth date and ZIP that nobody else has; or, of one person, the other number in REF*Q4 and NM1*70",
    "agrees-with-another",
)
WHY_DOUBTFUL = {
    NOT_THE_HOLDER.code: "The number's holder has another name or birth date.",
    NOT_OF_FAMILY.code: "Somebody of the family fits in part.",
    NOT_FORMERLY.code: "The prior number's holder fits in part.",
    AGREES_WITH_ANOTHER.code: "It would make a member agree with another one in name, birth date and ZIP.",
}


def record_identifiers(record: RosterRecord) -> tuple[Identifier, ...]:
    """The identifiers by which a row's person may be known. A family's number may be somebody's own."""
    own, old = record.person.identifiers, record.previous
    both = (*own, *old.identifiers) if old else own
    numbers = [identifier for identifier in both if identifier.type in OF_PLAN]
    return (*both, *[Identifier(kind, number.assigner, number.value) for number in numbers for kind in OF_PLAN])


def record_key(record: RosterRecord) -> str:
    """The match key by which a row's person may be known; empty if the row tells too little."""
    person = record.person
    if person.name is None:
        return ""
    zip5 = person.address.zip5 if person.address else ""
    return match_key(person.name.family, person.name.given, person.birth_on, zip5)


def completed_key(record: RosterRecord, known: Enrolment | None) -> str:
    """The key of a row that leaves out name, birth date or address, which stay as they are known."""
    person = record.person
    if known is None or (person.address is not None and not person.address.zip5):
        return ""
    name = person.name or PersonName(known.family, known.given)
    zip5 = person.address.zip5 if person.address else known.zip5
    return match_key(name.family, name.given, person.birth_on or known.birth_on, zip5)


def old_key(record: RosterRecord) -> str:
    """The same of who a row says the person was before."""
    old, name = record.previous, _former_name(record)
    if old is None or name is None:
        return ""
    zip5 = record.person.address.zip5 if record.person.address else ""
    return match_key(name.family, name.given, old.birth_on or record.person.birth_on, zip5)


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
    name, role = _former_name(record) or person.name, role_of(record)
    return [Described.of(name, day, person.sex, role, Maintenance.CHANGE) for day in days]


def _former_name(record: RosterRecord) -> PersonName | None:
    """A given name that the former one leaves out was not wrong: it is today's."""
    former, today = record.previous.name if record.previous else None, record.person.name
    return former._replace(given=today.given) if former and today and not former.given else former


def prior_numbers(record: RosterRecord) -> tuple[Identifier, ...]:
    """Under which a row's person was known before. A dependant's may be the family's."""
    prior = record.previous.identifiers if record.previous else ()
    familys = [] if record.is_subscriber else [number._replace(type=IdType.SUBSCRIBER) for number in prior]
    return (*prior, *familys)


def role_of(record: RosterRecord) -> str:
    return SUBSCRIBER if record.is_subscriber else DEPENDANT


def newest_of(one: datetime | None, other: datetime | None) -> datetime | None:
    """The later of two instants, of which either may be unsaid."""
    return max((instant for instant in (one, other) if instant is not None), default=None)


def judge(known: Enrolment, said: Described, *, is_own: bool) -> tuple[Verdict, bool]:
    """A number is nobody's own between a subscriber and a dependant."""
    is_own = is_own and {known.role, said.role} != {SUBSCRIBER, DEPENDANT}
    return (identity.by_own_number if is_own else identity.by_family_number)(known, said), is_own


@dataclass(slots=True)
class Acquaintances:
    """Everybody whom the rows of one batch may mean, as each plan knows them. `seen` are the enrolments
    that stand in the file, with the newest instant at which they do; `apart` is from whom each was told apart by a
    person."""

    new_id: Callable[[], UUID]
    enrolments: dict[tuple[UUID, str], Enrolment] = field(default_factory=dict)
    by_identifier: defaultdict[IdKey, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    by_key: defaultdict[str, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    seen: dict[UUID, datetime | None] = field(default_factory=dict)
    tenants: set[str] = field(default_factory=set)
    apart: defaultdict[UUID, set[UUID]] = field(default_factory=lambda: defaultdict(set))

    def know(self, enrolments: Iterable[Enrolment]) -> None:
        """Take what is stored."""
        for enrolment in enrolments:
            self.enrolments[enrolment.member_token, enrolment.tenant_id] = enrolment
            self.tenants.add(enrolment.tenant_id)

    def mention(self, identifiers: Iterable[Identifier], tenant: str, at: datetime | None = None) -> None:
        """Note that a member stands in the file although the row could not be taken: by a number of his own, else by
        his family's, which then stands for all of it."""
        identifiers = tuple(identifiers)
        if not self._see(
            [identifier for identifier in identifiers if identifier.type != IdType.SUBSCRIBER], tenant, at
        ):
            self._see(identifiers, tenant, at)

    def _see(self, identifiers: Iterable[Identifier], tenant: str, at: datetime | None, key: str = "") -> bool:
        tokens = {member_token for identifier in identifiers for member_token in self.by_identifier.get(identifier, ())}
        tokens |= set(self.by_key.get(key, ()))
        found = {
            known.enrolment_id for member_token in tokens if (known := self.enrolments.get((member_token, tenant)))
        }
        for enrolment_id in found:
            self._note_seen(enrolment_id, at)
        return bool(found)

    def _note_seen(self, enrolment_id: UUID, at: datetime | None) -> None:
        self.seen[enrolment_id] = newest_of(self.seen.get(enrolment_id), at)

    def _whose(self, record: RosterRecord, tenant: str, key: str, file_no: int) -> UUID | Doubt | None:
        """The person, a doubt, or nobody who is known. The order of the rows in a file says nothing."""
        if (same := self._as_known(record, tenant)) is not None:
            return same
        said = described(record)
        found = self._judged(record.person.identifiers, tenant, said)
        whom = self._chosen(found, said, record, tenant) or self._formerly(record, tenant)
        whom = whom or self._newborn(found, tenant, said)
        if whom is not None:
            return whom
        doubt, namely = self._doubt(found, record, tenant, file_no), self._by_name(key, said, tenant)
        if doubt is None and len(namely) > 1:
            return AGREES_WITH_ANOTHER._replace(tokens=frozenset(namely))
        if doubt is None:
            return namely[0] if namely else None
        return doubt._replace(
            tokens=doubt.tokens | {member_token for member_token in namely if (member_token, tenant) in self.enrolments}
        )

    def without(self, tokens: frozenset[UUID]) -> "Acquaintances":
        """The same people without these, whom a row certainly does not mean."""
        left = {key: enrolment for key, enrolment in self.enrolments.items() if enrolment.member_token not in tokens}
        return Acquaintances(self.new_id, left, self.by_identifier, self.by_key, self.seen, self.tenants, self.apart)

    def _as_known(self, record: RosterRecord, tenant: str) -> UUID | None:
        """The only one under the row's own number, letter by letter as the row says: most rows of most files."""
        person, number = record.person, record.person.identifier(IdType.MEMBER)
        tokens = self.by_identifier.get(number, ()) if number and record.previous is None else ()
        known = self.enrolments.get((next(iter(tokens)), tenant)) if len(tokens) == 1 else None
        if known is None or person.name is None or person.birth_on is None:
            return None
        said = person.name.family, person.name.given, person.birth_on, role_of(record)
        return known.member_token if said == (known.family, known.given, known.birth_on, known.role) else None

    def _judged(self, identifiers: Iterable[Identifier], tenant: str, said: Described) -> Judged:
        """What everybody under these numbers of the plan is to who is said, and whether by a number of his own."""
        found: Judged = {}
        for identifier in sorted(identifiers, key=lambda identifier: identifier.type != IdType.MEMBER):
            if identifier.type not in OF_PLAN:
                continue
            for kind in OF_PLAN if identifier.type == IdType.SUBSCRIBER else (identifier.type,):
                for member_token in self.by_identifier.get(Identifier(kind, identifier.assigner, identifier.value), ()):
                    known = self.enrolments.get((member_token, tenant))
                    if known is not None and member_token not in found:
                        found[member_token] = judge(known, said, is_own=identifier.type == IdType.MEMBER)
        return found

    def _chosen(self, found: Judged, said: Described, record: RosterRecord, tenant: str) -> UUID | None:
        """Of several who are the same, the one who agrees best, then whose number it is today, else the oldest."""
        numbers = {identifier.value for identifier in record.person.identifiers if identifier.type in OF_PLAN}
        same = [
            self.enrolments[member_token, tenant] for member_token, (verdict, _) in found.items() if verdict is SAME
        ]
        if len(same) > 1:
            same.sort(
                key=lambda enrolment: (
                    identity.distance(enrolment, said),
                    enrolment.member_id not in numbers,
                    enrolment.member_token,
                )
            )
        return same[0].member_token if same else None

    def _formerly(self, record: RosterRecord, tenant: str) -> UUID | None:
        """Who somebody was whom a row corrects or renumbers. A prior number is believed only of a person who fits:
        it may be somebody else's by now."""
        if record.previous is None:
            return None
        return (
            self._was(prior_numbers(record), record, tenant)
            or self._was_named(record, tenant)
            or (self._was(record.person.identifiers, record, tenant) if record.previous.name else None)
        )

    def _was(self, numbers: Iterable[Identifier], record: RosterRecord, tenant: str) -> UUID | None:
        judged = ((self._judged(numbers, tenant, was), was) for was in described_before(record))
        return next((found for verdicts, was in judged if (found := self._chosen(verdicts, was, record, tenant))), None)

    def _was_named(self, record: RosterRecord, tenant: str) -> UUID | None:
        was = described_before(record)[0]
        tokens = [
            member_token
            for member_token in self.by_key.get(old_key(record), ())
            if self._is_namely(member_token, was, tenant)
        ]
        return tokens[0] if len(tokens) == 1 else None

    def _newborn(self, found: Iterable[UUID], tenant: str, said: Described) -> UUID | None:
        """The one child of a family who had no name yet."""
        if said.maintenance in LISTS:
            return None
        nameless = [
            member_token
            for member_token in found
            if identity.may_be_renamed(self.enrolments[member_token, tenant], said)
        ]
        return nameless[0] if len(nameless) == 1 else None

    def _doubt(self, found: Judged, record: RosterRecord, tenant: str, file_no: int) -> Doubt | None:
        listed = record.maintenance in LISTS
        doubtful = {member_token for member_token, (verdict, _) in found.items() if verdict is DOUBTFUL}
        holders = {
            member_token for member_token, (verdict, own) in found.items() if own and verdict is OTHER and not listed
        }
        if holders or any(found[member_token][1] for member_token in doubtful):
            return NOT_THE_HOLDER._replace(tokens=frozenset(holders | doubtful))
        if any(not (listed and self._is_listed(member_token, tenant, file_no)) for member_token in doubtful):
            return NOT_OF_FAMILY._replace(tokens=frozenset(doubtful))
        prior = prior_numbers(record)
        judged = (self._judged(prior, tenant, was) for was in described_before(record))
        former = {
            member_token
            for verdicts in judged
            for member_token, (verdict, _) in verdicts.items()
            if verdict is DOUBTFUL
        }
        return NOT_FORMERLY._replace(tokens=frozenset(former)) if former else None

    def _is_listed(self, member_token: UUID, tenant: str, file_no: int) -> bool:
        """Whether somebody has a row of his own in the file: then another row of the family lists somebody else."""
        known = self.enrolments[member_token, tenant]
        return known.seen_file_no == file_no or known.enrolment_id in self.seen

    def _by_name(self, key: str, said: Described, tenant: str) -> list[UUID]:
        """Who of the plan agrees exactly. Whom another plan lists so is another person to this one."""
        return (
            sorted(
                member_token for member_token in self.by_key.get(key, ()) if self._is_namely(member_token, said, tenant)
            )
            if key
            else []
        )

    def _is_namely(self, member_token: UUID, said: Described, tenant: str) -> bool:
        """Whether the plan knows the person so today: a key may stem from a row that was wrong."""
        known = self.enrolments.get((member_token, tenant))
        return known is not None and identity.is_namely(known, said)

    # -- who else it may be

    def _joined(self, member_token: UUID, record: RosterRecord, tenant: str, key: str) -> set[UUID]:
        """Who of the plan is this person too, because a correction says so."""
        return {other for other, verdict in self._others(member_token, record, tenant, key).items() if verdict is SAME}

    def _joins_in_doubt(self, member_token: UUID, record: RosterRecord, tenant: str, key: str) -> Doubt | None:
        """That a row would make its person agree with somebody else, of whom it does not say that both are one."""
        others = self._others(member_token, record, tenant, key)
        unsure = {other for other, verdict in others.items() if verdict is DOUBTFUL}
        if not unsure:
            return None
        mine = frozenset(candidate for candidate in (member_token, *unsure) if (candidate, tenant) in self.enrolments)
        is_former = record.previous is not None and unsure == {self._formerly(record, tenant)}
        return (NOT_FORMERLY if is_former else AGREES_WITH_ANOTHER)._replace(tokens=mine)

    def _others(self, member_token: UUID, record: RosterRecord, tenant: str, key: str) -> dict[UUID, Verdict]:
        """Whoever agrees with the row beside its person, or is said to have been that; nobody who was told apart. A row
        that fits several joins none of them: one word is evidence of one pair."""
        if record.previous is None and self.by_key.get(key, set()) <= {member_token}:
            return {}
        former, mine = self._formerly(record, tenant), self.by_plan(member_token)
        found, apart = dict[UUID, Verdict](), self.apart.get(member_token, set())
        for candidate in sorted(self._agreeing(member_token, record, tenant, key, former) - apart):
            pair = joining.Pair(mine, self.by_plan(candidate), tenant, former)
            found[candidate] = joining.joins(record, described(record), pair)
        fitting = [other for other, verdict in found.items() if verdict is SAME]
        return found if len(fitting) < 2 else found | dict.fromkeys(fitting, DOUBTFUL)

    def _agreeing(
        self, member_token: UUID, record: RosterRecord, tenant: str, key: str, former: UUID | None
    ) -> set[UUID]:
        said = described(record)
        found = {other for other in self.by_key.get(key, ()) if self._is_namely(other, said, tenant)} if key else set()
        return (found | ({former} if former else set())) - {member_token}

    def by_plan(self, member_token: UUID) -> dict[str, Enrolment]:
        known = ((plan, self.enrolments.get((member_token, plan))) for plan in self.tenants)
        return {plan: enrolment for plan, enrolment in known if enrolment is not None and not enrolment.is_retired}
