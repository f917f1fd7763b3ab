"""What the API of partners takes and gives."""

from datetime import date
from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, Field, StrictBool, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from schemas.envelope import Code, CountyFips, Day
from schemas.texts import Text
from services.kit.masking import protected
from services.outreach.partners.rules import (
    Cadence,
    Contract,
    Partner,
    PartnerContact,
    PartnerStatus,
    Relation,
)
from services.outreach.policy import CODES
from services.outreach.worklist.shapes import Shape

Line = Annotated[Text, StringConstraints(max_length=200)]
Telephone = Annotated[str, StringConstraints(pattern=r"^(\+[1-9][0-9]{6,14})?$")]
Email = Annotated[str, StringConstraints(pattern=r"^([^@\s<>]{1,64}@[A-Za-z0-9.-]{1,190})?$")]


def _known_kind(code: str) -> str:
    if code not in CODES.partner_kinds:
        raise PydanticCustomError("unknown_kind", "Expected a kind of partner of codes.yaml")
    return code


def _known_need(code: str) -> str:
    if code not in CODES.needs:
        raise PydanticCustomError("unknown_need", "Expected a need of codes.yaml")
    return code


PartnerKind = Annotated[
    Code, AfterValidator(_known_kind), Field(json_schema_extra={"enum": sorted(CODES.partner_kinds)})
]
Need = Annotated[Code, AfterValidator(_known_need), Field(json_schema_extra={"enum": sorted(CODES.needs)})]


class PartnerContactIn(Shape):
    """Somebody at the partner; no member."""

    name: Annotated[Line, protected("names")]
    role: Line | None = None
    telephone: Annotated[Telephone, protected("telephones")] = ""
    email: Annotated[Email, protected("telephones")] = ""
    is_registered: StrictBool = Field(default=False, description="Codes and links go to registered contacts alone.")

    def contact(self) -> PartnerContact:
        """The contact as told."""
        return PartnerContact(self.name, self.role or "", self.telephone, self.email, self.is_registered)


class ContractIn(Shape):
    """What the plan buys of it in a county; both ends among its days."""

    county: CountyFips
    services: tuple[Code, ...] = Field(min_length=1, max_length=50, description="`ecm`, or Community Supports.")
    from_on: Day
    until_on: Day | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.until_on is not None and self.until_on < self.from_on:
            raise PydanticCustomError("contract_order", "Expected until_on not before from_on")
        return self

    def contract(self) -> Contract:
        """The contract as told."""
        return Contract(self.county, self.services, self.from_on, self.until_on)


class PartnerIn(Shape):
    """An organisation, new or described anew."""

    name: Line
    kind: PartnerKind
    status: PartnerStatus
    relation: Relation = Field(default=Relation.NONE, description="What the plan is to its workers.")
    confirmed_on: Day | None = Field(default=None, description="When somebody last heard that it still holds.")
    asks: tuple[Line, ...] = Field(default=(), max_length=50, description="What it wants of the plan.")
    offers: tuple[Line, ...] = Field(default=(), max_length=50, description="What it gives.")
    aim: Line | None = Field(default=None, description="What both are after.")
    meets: Cadence = Cadence.AS_NEEDED
    needs: tuple[Need, ...] = Field(default=(), max_length=50)
    counties: tuple[CountyFips, ...] = Field(default=(), max_length=100)
    contacts: tuple[PartnerContactIn, ...] = Field(default=(), max_length=20)
    contracts: tuple[ContractIn, ...] = Field(default=(), max_length=100)

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Harvest Food Bank", "kind": "food", "status": "current", "needs": ["food-insecurity"],
                    "counties": ["06037"], "asks": ["flyers in Spanish"], "offers": ["a weekly pantry"],
                    "aim": "nobody goes hungry to a vaccination", "meets": "monthly",
                }
            ]
        }
    )  # fmt: skip

    @model_validator(mode="after")
    def _confirmed_with_its_day(self) -> Self:
        if (self.status is PartnerStatus.CONFIRMED) and self.confirmed_on is None:
            raise PydanticCustomError("confirmed_when", "Expected confirmed_on of a confirmed partner")
        return self

    def partner(self, partner_id: str) -> Partner:
        """The partner as described."""
        return Partner(
            partner_id=partner_id,
            name=self.name,
            kind=self.kind,
            status=self.status,
            relation=self.relation,
            confirmed_on=self.confirmed_on,
            asks=self.asks,
            offers=self.offers,
            aim=self.aim or "",
            meets=self.meets,
            needs=frozenset(self.needs),
            counties=frozenset(self.counties),
            contacts=tuple(one.contact() for one in self.contacts),
            contracts=tuple(one.contract() for one in self.contracts),
        )


class PartnerOut(Shape):
    """A partner as it is known."""

    partner_id: str
    version: int = Field(description="The ETag, by which a change is asked for.")
    name: str
    kind: str
    status: PartnerStatus
    relation: Relation
    confirmed_on: date | None
    asks: tuple[str, ...]
    offers: tuple[str, ...]
    aim: str | None
    meets: Cadence
    needs: tuple[str, ...]
    counties: tuple[str, ...]
    contacts: tuple[PartnerContactIn, ...]
    contracts: tuple[ContractIn, ...]


class PartnersOut(Shape):
    """A page of the plan's partners, by their codes."""

    partners: tuple[PartnerOut, ...]
    next: str | None = Field(description="What asks for the page that follows, as `after`. None: this was the last.")


def partner_of(partner: Partner, version: int) -> PartnerOut:
    """The partner as the API gives it."""
    return PartnerOut(
        partner_id=partner.partner_id,
        version=version,
        name=partner.name,
        kind=partner.kind,
        status=partner.status,
        relation=partner.relation,
        confirmed_on=partner.confirmed_on,
        asks=partner.asks,
        offers=partner.offers,
        aim=partner.aim or None,
        meets=partner.meets,
        needs=tuple(sorted(partner.needs)),
        counties=tuple(sorted(partner.counties)),
        contacts=tuple(map(_contact_of, partner.contacts)),
        contracts=tuple(map(_contract_of, partner.contracts)),
    )


def _contact_of(contact: PartnerContact) -> PartnerContactIn:
    return PartnerContactIn(
        name=contact.name,
        role=contact.role or None,
        telephone=contact.telephone,
        email=contact.email,
        is_registered=contact.is_registered,
    )


def _contract_of(contract: Contract) -> ContractIn:
    return ContractIn(
        county=contract.county, services=contract.services, from_on=contract.from_on, until_on=contract.until_on
    )
