"""How a site is described in a request, checked at the door."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StrictBool, model_validator
from pydantic_core import PydanticCustomError

from schemas.envelope import Code, Zip5
from schemas.texts import Text
from schemas.time_zones import is_time_zone
from schemas.vaccines import may_count_for
from services.scheduling.days.shapes import Body, SaidCvx
from services.scheduling.sites.rules import Site


def _known_zone(name: str) -> str:
    if not is_time_zone(name):
        raise PydanticCustomError("time_zone", "a name of the IANA time zone database")
    return name


TimeZone = Annotated[str, AfterValidator(_known_zone), Field(max_length=64, examples=["America/Chicago"])]


class SiteKind(StrEnum):
    """Where a dose is given."""

    MASS = "mass"
    PHARMACY = "pharmacy"
    MOBILE = "mobile"
    HOME = "home"


class ProductIn(Body):
    """A product that the site gives, and the vaccine group it counts for."""

    cvx: SaidCvx = Field(examples=["208"])
    vaccine_group: Code = Field(examples=["covid-19"])

    @model_validator(mode="after")
    def _of_its_group(self) -> Self:
        if not may_count_for(self.cvx, self.vaccine_group):
            raise PydanticCustomError("product_group", "a vaccine group that the product counts for by CDC's CVX codes")
        return self


class SiteIn(Body):
    """A site, new or described anew."""

    site_id: Code = Field(examples=["united-center"])
    name: Text = Field(min_length=1, max_length=120, examples=["United Center"])
    zip5: Zip5 = Field(examples=["60612"])
    time_zone: TimeZone
    kind: SiteKind
    gives: list[ProductIn] = Field(min_length=1, max_length=100)
    withdraw: StrictBool = Field(
        default=False, description="Products that are left out end, although blocks and bookings to come are for them."
    )

    @model_validator(mode="after")
    def _once(self) -> Self:
        if len({product.cvx for product in self.gives}) < len(self.gives):
            raise PydanticCustomError("products", "each product once")
        return self

    def site(self) -> Site:
        """The site as described."""
        gives = {product.cvx: product.vaccine_group for product in self.gives}
        return Site(self.site_id, self.name, self.zip5, self.time_zone, self.kind, gives)
