"""Whom a record is about. Exact rules only; a probabilistic linkage can take the place of `link`.

An identifier never links alone: senders reuse numbers, so the birth date must agree and nothing may contradict.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

SHARED_TYPES = frozenset({"SN", "SS"})
"""A subscriber's number belongs to the family, and social security numbers are lent: neither says who it is."""

IdKey = tuple[str, str, str]


@lru_cache(maxsize=65536)
def normal(text: str) -> str:
    """Upper-case letters without accents, blanks or punctuation."""
    plain = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in plain.upper() if letter.isalpha())


@lru_cache(maxsize=4096)
def match_key(family: str, given: str, birth_on: date | None, zip5: str) -> str:
    """Exact name, birth date and ZIP as one key; empty unless all of them are known."""
    family, given = normal(family), normal(given)
    return f"{family}|{given}|{birth_on.isoformat()}|{zip5}" if family and given and birth_on and zip5 else ""


class Subject(NamedTuple):
    """Whom a registry's record speaks of, as far as linking goes."""

    identifiers: tuple[IdKey, ...] = ()
    family: str = ""
    given: str = ""
    birth_on: date | None = None
    zip5: str = ""
    sex: str = "U"

    @property
    def key(self) -> str:
        return match_key(self.family, self.given, self.birth_on, self.zip5)

    @property
    def personal(self) -> tuple[IdKey, ...]:
        """The identifiers that may help to say who it is."""
        return tuple(identifier for identifier in self.identifiers if identifier[0] not in SHARED_TYPES)

    @property
    def bears_name(self) -> bool:
        return bool(self.family and self.given)

    @property
    def is_number_only(self) -> bool:
        """Nothing is said but a number, as in the dose rows of an extract."""
        return self.birth_on is None and not self.family

    def keys(self) -> list[str]:
        """Under which it is looked for when members or identifiers arrive."""
        return [*(id_text(identifier) for identifier in self.personal), *([self.key] if self.key else [])]


def subject_of_document(document: Mapping[str, Any]) -> Subject:
    """A subject as a report keeps it."""
    return Subject(
        identifiers=tuple((kind, assigner, value) for kind, assigner, value in document["identifiers"]),
        family=document["family"],
        given=document["given"],
        birth_on=date.fromisoformat(document["birth_on"]) if document["birth_on"] else None,
        zip5=document["zip5"],
        sex=document["sex"],
    )


class Candidate(NamedTuple):
    """One statement of who somebody is; a person enrolled twice gives two."""

    member_token: UUID
    family: str
    given: str
    birth_on: date | None
    sex: str
    tenant_id: str = ""


@dataclass(frozen=True, slots=True)
class Index:
    """Whom identifiers and keys may mean. A token stands here only if its person is not merged away."""

    by_identifier: dict[IdKey, set[UUID]]
    by_key: Mapping[str, Iterable[UUID]]
    candidates: Mapping[UUID, Sequence[Candidate]]

    def only(self, tokens: Collection[UUID]) -> "Index":
        """The same of these persons alone."""
        return Index(
            {identifier: found & set(tokens) for identifier, found in self.by_identifier.items()},
            {
                key: [member_token for member_token in found if member_token in tokens]
                for key, found in self.by_key.items()
            },
            {member_token: said for member_token, said in self.candidates.items() if member_token in tokens},
        )


class Link(NamedTuple):
    """`how` is the rule that linked, or why none did. `others` are the links of further persons, members of other
    plans: each plan's are found as if there were no other plan."""

    member_token: UUID | None
    how: str
    others: tuple["Link", ...] = ()

    @property
    def found(self) -> tuple[tuple[UUID, str], ...]:
        """Everybody who was found, each with the rule."""
        return (
            ()
            if self.member_token is None
            else ((self.member_token, self.how), *[pair for one in self.others for pair in one.found])
        )

    @property
    def tokens(self) -> list[UUID]:
        return [member_token for member_token, _ in self.found]


NO_CANDIDATE = Link(None, "no-candidate")
AMBIGUOUS = Link(None, "ambiguous")


def within(tenant: str, identifier: IdKey) -> IdKey:
    """The identifier as one tenant's sender knows it. What he ties to somebody tells others nothing."""
    kind, assigner, value = identifier
    return kind, f"{tenant}/{assigner}", value


def is_within(tenant: str, identifier: IdKey) -> bool:
    return identifier[1].startswith(f"{tenant}/")


def id_text(identifier: IdKey) -> str:
    return "\x1f".join(identifier)


def link(subjects: Iterable[Subject], index: Index) -> list[Link]:
    """One decision for each subject, in their order."""
    return [_link(subject, index) for subject in subjects]


def link_and_tie(subjects: Sequence[Subject], index: Index) -> tuple[list[Link], set[tuple[IdKey, UUID]]]:
    """As `link`; and a record that is linked by its name ties its identifiers to the person, so that records without
    a name can follow. Gives the ties that are new, which the index has learnt too."""
    links, ties = link(subjects, index), set[tuple[IdKey, UUID]]()
    while fresh := _fresh_ties(subjects, links, index):
        ties |= fresh
        for identifier, member_token in fresh:
            index.by_identifier.setdefault(identifier, set()).add(member_token)
        waiting = [place for place, found in enumerate(links) if found.member_token is None]
        for place, found in zip(waiting, link([subjects[place] for place in waiting], index), strict=True):
            links[place] = found
    return links, ties


def _fresh_ties(subjects: Iterable[Subject], links: Iterable[Link], index: Index) -> set[tuple[IdKey, UUID]]:
    return {
        (identifier, member_token)
        for subject, link_of in zip(subjects, links, strict=True)
        for member_token, how in link_of.found
        if how == "name"
        for identifier in subject.personal
        if member_token not in index.by_identifier.get(identifier, ())
    }


def _link(subject: Subject, index: Index) -> Link:
    """Each plan's members are asked by themselves: what one plan lists neither hides nor shows another's member."""
    by_number, by_name = _found(subject, index)
    links = dict.fromkeys(_link_in_plan(subject, *found, index) for found in _by_plan(by_number, by_name, index))
    linked = {found.member_token: found for found in links if found.member_token is not None}
    if not linked:
        return AMBIGUOUS if links else NO_CANDIDATE
    first, *others = (linked[member_token] for member_token in sorted(linked))
    return first._replace(others=tuple(others))


def _by_plan(by_number: set[UUID], by_name: set[UUID], index: Index) -> list[tuple[set[UUID], set[UUID]]]:
    """Who was found, plan by plan; a person of two plans is asked in both."""
    found = by_number | by_name
    if len(found) < 2:
        return [(by_number, by_name)] if found else []
    plans = defaultdict[str, set[UUID]](set)
    for member_token in found:
        for candidate in index.candidates[member_token]:
            plans[candidate.tenant_id].add(member_token)
    return [(by_number & plans[plan], by_name & plans[plan]) for plan in sorted(plans)]


def _found(subject: Subject, index: Index) -> tuple[set[UUID], set[UUID]]:
    """Whom the numbers and whom the name may mean."""
    by_number = {
        member_token
        for identifier in subject.personal
        for member_token in index.by_identifier.get(identifier, ())
        if any(_agrees(subject, candidate) for candidate in index.candidates.get(member_token, ()))
    }
    by_name = set(index.by_key.get(subject.key, ())) if subject.key else set()
    by_name = {
        member_token
        for member_token in by_name
        if any(_is_namely(subject, candidate) for candidate in index.candidates.get(member_token, ()))
    }
    return by_number, by_name


def _link_in_plan(subject: Subject, by_number: set[UUID], by_name: set[UUID], index: Index) -> Link:
    if len(by_number) == 1:
        [member_token] = by_number
        return AMBIGUOUS if _means_another(subject, by_number, by_name, index) else Link(member_token, "identifier")
    if len(by_name) == 1:
        return Link(next(iter(by_name)), "name")
    return AMBIGUOUS


def _means_another(subject: Subject, by_number: set[UUID], by_name: set[UUID], index: Index) -> bool:
    """Whether the number is of somebody whose given name is another, and exactly the name, birth date and ZIP that are
    said are somebody else's: a twin's, say."""
    if not by_name or by_number & by_name:
        return False
    [member_token] = by_number
    return normal(subject.given) not in {
        normal(candidate.given) for candidate in index.candidates.get(member_token, ())
    }


def _is_namely(subject: Subject, known: Candidate) -> bool:
    """Whether somebody who once was reported under this name and birth date is still known by one of them: the report
    may have been wrong, and corrected since."""
    same_birth = known.birth_on is None or known.birth_on == subject.birth_on
    return same_birth or normal(known.given) in {"", normal(subject.given)}


def _agrees(subject: Subject, known: Candidate) -> bool:
    """The birth date must be the same; sex and name must not speak against it where both say one. One name that
    agrees is enough, also in the other's place: people marry, and clerks swap the two."""
    if subject.birth_on is None or subject.birth_on != known.birth_on:
        return False
    if {subject.sex, known.sex} == {"F", "M"}:
        return False
    said, names = ({normal(side.family), normal(side.given)} for side in (subject, known))
    return "" in said | names or bool(said & names)
