"""A partner organisation, and a group of partners with its backbone. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class PartnerStatus(StrEnum):
    """How far it has come with an organisation: somebody thinks of it, works with it, has heard lately that it still
    holds, or it is over."""

    PROSPECTIVE = "prospective"
    CURRENT = "current"
    CONFIRMED = "confirmed"
    ENDED = "ended"


class Relation(StrEnum):
    """What the plan is to its workers: nobody, a buyer of the employer's services, or who delegated them."""

    NONE = "none"
    EMPLOYER = "employer"
    DELEGATED_ENTITY = "delegated-entity"


class Cadence(StrEnum):
    """How often those who work together meet."""

    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    YEARLY = "yearly"
    AS_NEEDED = "as-needed"


@dataclass(frozen=True, slots=True)
class PartnerContact:
    """Somebody at the partner. `is_registered`: codes and links go to him alone."""

    name: str
    role: str = ""
    telephone: str = ""
    email: str = ""
    is_registered: bool = False


@dataclass(frozen=True, slots=True)
class Contract:
    """What the plan buys of the partner in a county, from the first day to the last one, both among them."""

    county: str
    services: tuple[str, ...]
    from_on: date
    until_on: date | None = None

    def holds(self, day: date) -> bool:
        """Whether it holds on this day."""
        return self.from_on <= day and (self.until_on is None or day <= self.until_on)


@dataclass(frozen=True, slots=True)
class Partner:
    """`partner_id` is the code by which workers name their organisation. `needs` and `counties`: with what it
    helps, and where."""

    partner_id: str
    name: str
    kind: str
    status: PartnerStatus
    relation: Relation = Relation.NONE
    confirmed_on: date | None = None
    asks: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()
    aim: str = ""
    meets: Cadence = Cadence.AS_NEEDED
    needs: frozenset[str] = frozenset()
    counties: frozenset[str] = frozenset()
    contacts: tuple[PartnerContact, ...] = ()
    contracts: tuple[Contract, ...] = ()

    def is_contracted(self, service: str, county: str, day: date) -> bool:
        """Whether the plan buys this service of it in this county on this day."""
        return any(one.county == county and service in one.services and one.holds(day) for one in self.contracts)

    @property
    def is_open(self) -> bool:
        """Whether anything may begin with it."""
        return self.status in {PartnerStatus.CURRENT, PartnerStatus.CONFIRMED}


@dataclass(frozen=True, slots=True)
class Group:
    """Partners who govern together in a county; the backbone is the one that holds them together."""

    group_id: str
    name: str
    county: str
    backbone: str
    members: frozenset[str]
    aim: str = ""
    meets: Cadence = Cadence.AS_NEEDED


@dataclass(frozen=True, slots=True)
class Decision:
    """What a meeting decided, of a group or with a partner."""

    met_on: date
    decided: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which partners are looked for: each filter that is said must fit."""

    county: str | None = None
    kind: str | None = None
    need: str | None = None
    status: str | None = None
    contracted_for: str | None = None


def missing_of(group: Group, known: Sequence[str]) -> set[str]:
    """Those of a group's partners, its backbone among them, that nobody has described."""
    return {group.backbone, *group.members} - set(known)
