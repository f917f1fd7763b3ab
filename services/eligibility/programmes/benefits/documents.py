"""Benefit lists: YAML documents in `bundled/benefits`, one per version; a wrong one is refused with line and field."""

from functools import cache
from pathlib import Path

from pydantic import Field, StrictInt, field_validator

from schemas.eligibility_v1 import LineOfBusiness
from schemas.envelope import Code, Day
from services.eligibility.forecast.documents_read import Part, read_document
from services.eligibility.programmes.benefits.entitlements import Benefit, BenefitList
from services.eligibility.programmes.document_form import Coded

LISTS = Path(__file__).parents[1] / "bundled" / "benefits"


class BenefitListError(Exception):
    """A benefit list is wrong; correct the named line and field."""


class _Benefit(Part):
    code: Code
    title: str = Field(min_length=1)
    kind: str = Field(pattern="^(transport|personal-care|day-care|community-support|care-management)$")
    lines_of_business: frozenset[LineOfBusiness] = Field(min_length=1)
    any_of: tuple[Coded, ...] = ()
    age_from: StrictInt = Field(default=0, ge=0, le=120)


class Document(Part):
    """The form of a benefit list."""

    list_id: Code
    version: StrictInt = Field(ge=1)
    effective_on: Day
    state_fips: str = Field(pattern=r"^\d{2}$")
    source: str = Field(min_length=1)
    benefits: tuple[_Benefit, ...] = Field(min_length=1)

    @field_validator("benefits")
    @classmethod
    def _once(cls, benefits: tuple[_Benefit, ...]) -> tuple[_Benefit, ...]:
        if len({benefit.code for benefit in benefits}) != len(benefits):
            raise ValueError("each benefit needs a code of its own")
        return benefits


def parse_list(text: str, name: str = "document") -> BenefitList:
    document = read_document(Document, text, name, BenefitListError)
    return BenefitList(
        document.list_id,
        document.version,
        document.effective_on,
        document.state_fips,
        document.source,
        tuple(_benefit(benefit) for benefit in document.benefits),
    )


def _benefit(part: _Benefit) -> Benefit:
    lines = frozenset(line.value for line in part.lines_of_business)
    wanted = frozenset[str]().union(*(coded.codes() for coded in part.any_of))
    return Benefit(part.code, part.title, part.kind, lines, wanted, part.age_from)


@cache
def bundled_lists() -> tuple[BenefitList, ...]:
    return tuple(parse_list(path.read_text(encoding="utf-8"), path.name) for path in sorted(LISTS.glob("*.yaml")))
