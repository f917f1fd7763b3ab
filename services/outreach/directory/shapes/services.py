"""What the API of the directory takes and gives."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated

from pydantic import ConfigDict, Field

from services.kit.masking import protected
from services.outreach.directory.rules import Edition, FeedbackOutcome, Found, RowError, Service, is_stale
from services.outreach.worklist.shapes import Shape

SHOWN_ERRORS = 1000


class OpeningOut(Shape):
    """When it is open."""

    weekdays: tuple[int, ...] = Field(description="ISO weekdays; 1 is Monday.")
    opens: str
    closes: str


class ServiceOut(Shape):
    """A service of the directory's newest edition."""

    service_id: str
    name: str
    organization: str
    description: str
    needs: tuple[str, ...]
    zips: tuple[str, ...]
    counties: tuple[str, ...]
    languages: tuple[str, ...]
    openings: tuple[OpeningOut, ...]
    capacity: int | None
    cost: float | None = Field(description="The least that it costs, in dollars. None: not said.")
    eligibility: str
    minimum_age: int | None
    maximum_age: int | None
    telephone: str
    email: str
    url: str
    last_assured_on: date | None
    is_stale: bool = Field(description="Nobody has assured lately that this still holds: ask before sending anybody.")
    feedback: Mapping[str, int] = Field(description="How often members found what there.")


class ServicesOut(Shape):
    """A page of what is found, by its ids."""

    services: tuple[ServiceOut, ...]
    next: str | None = Field(description="What asks for the page that follows, as `after`. None: this was the last.")


class CaseServicesOut(Shape):
    """What helps with what stands in a member's way."""

    needs: Annotated[tuple[str, ...], protected("barriers")]
    services: tuple[ServiceOut, ...]


class RowErrorOut(Shape):
    """What could not be read, and what was expected there."""

    row: str
    field: str
    expected: str


class EditionOut(Shape):
    """An import, as it went."""

    edition_no: int
    source: str
    services: int
    errors: tuple[RowErrorOut, ...] = Field(description="The first thousand.")
    error_count: int


class ImportedOut(EditionOut):
    """The same, with who did it and when."""

    imported_by: str
    imported_at: datetime


class EditionsOut(Shape):
    """The last twenty, the newest first."""

    editions: tuple[ImportedOut, ...]


class FeedbackIn(Shape):
    """What a member found there."""

    outcome: FeedbackOutcome

    model_config = ConfigDict(json_schema_extra={"examples": [{"outcome": "closed"}]})


def services_of(found: Found, today: date) -> tuple[ServiceOut, ...]:
    """The services as the API gives them."""
    return tuple(_service_of(one, found.feedback.get(one.service_id, {}), today) for one in found.services)


def errors_of(errors: tuple[RowError, ...]) -> tuple[RowErrorOut, ...]:
    """The first of them, as the API gives them."""
    return tuple(RowErrorOut(row=one.row, field=one.field, expected=one.expected) for one in errors[:SHOWN_ERRORS])


def edition_of(edition: Edition) -> ImportedOut:
    """The edition as the API gives it."""
    return ImportedOut(
        edition_no=edition.edition_no,
        source=edition.source,
        services=edition.services,
        errors=errors_of(tuple(edition.errors)),
        error_count=len(edition.errors),
        imported_by=edition.imported_by,
        imported_at=edition.imported_at,
    )


def _service_of(service: Service, feedback: Mapping[str, int], today: date) -> ServiceOut:
    return ServiceOut(
        service_id=service.service_id,
        name=service.name,
        organization=service.organization,
        description=service.description,
        needs=tuple(sorted(service.needs)),
        zips=tuple(sorted(service.zips)),
        counties=tuple(sorted(service.counties)),
        languages=tuple(sorted(service.languages)),
        openings=tuple(
            OpeningOut(weekdays=one.weekdays, opens=one.opens, closes=one.closes) for one in service.openings
        ),
        capacity=service.capacity,
        cost=None if service.cost is None else float(service.cost),
        eligibility=service.eligibility,
        minimum_age=service.minimum_age,
        maximum_age=service.maximum_age,
        telephone=service.telephone,
        email=service.email,
        url=service.url,
        last_assured_on=service.last_assured_on,
        is_stale=is_stale(service.last_assured_on, today),
        feedback=feedback,
    )
