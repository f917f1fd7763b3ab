"""The form of a programme document, and what is right in it by itself and wrong together. Pure."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, Field, StrictBool, StrictFloat, StrictInt, field_validator, model_validator

from schemas.eligibility_v1 import LineOfBusiness, RaceEthnicity
from schemas.envelope import Code, CountyFips, Cvx, Day, Zip5
from schemas.time_zones import is_time_zone
from schemas.vaccines import groups
from services.eligibility.forecast.documents_read import Location, Part
from services.eligibility.forecast.overlay_documents import overlay_paths
from services.eligibility.forecast.supporting_data import bundled as supporting_data
from services.eligibility.forecast.supporting_data import releases
from services.eligibility.people.ages import AGE_BANDS
from services.eligibility.programmes.arms import CONTROL
from services.eligibility.programmes.needs import VCC, is_known, meanings, vocabulary
from services.eligibility.programmes.risk.documents import models
from services.eligibility.programmes.segment import plain_language

PURPOSE_CHARS = 20
MOST_MONTHS, MOST_POINTS, MOST_VERSION = 1200, 1000, 1_000_000


def _told_by_products(group: str) -> str:
    """Doses are told under the groups of their products: no dose would ever count for another one."""
    if group not in groups():
        raise ValueError(f"expected a vaccine group of CDC's CVX codes: {', '.join(sorted(groups()))}")
    return group


VaccineGroup = Annotated[Code, AfterValidator(_told_by_products)]
Points = Annotated[StrictInt, Field(ge=-MOST_POINTS, le=MOST_POINTS)]


class _Vaccine(Part):
    group: VaccineGroup
    doses_needed: StrictInt = Field(ge=1, le=10)
    since_on: Day | None = None
    cvx_not_counted: frozenset[Cvx] = frozenset()


class _Forecast(Part):
    """`vaccine_group` is the code under which doses and slots are told, `cdsi_group` CDC's name of the same group."""

    vaccine_group: VaccineGroup
    cdsi_group: str
    release: str | None = None
    opens: str = Field(default="due", pattern="^(earliest|due|overdue)$")
    shared_decision: StrictBool = False
    jurisdiction: str | None = None

    @field_validator("jurisdiction")
    @classmethod
    def _overlay_is_here(cls, name: str | None) -> str | None:
        if name is not None and name not in overlay_paths():
            raise ValueError(f"expected a state whose overlay is here: {', '.join(overlay_paths()) or 'none is'}")
        return name

    @field_validator("release")
    @classmethod
    def _release_is_bundled(cls, name: str | None) -> str | None:
        if name is not None and name not in releases():
            raise ValueError(f"expected a bundled release: {', '.join(releases())}")
        return name

    @field_validator("cdsi_group")
    @classmethod
    def _group_is_cdcs(cls, name: str) -> str:
        if name not in (names := [group.name for group in supporting_data().groups]):
            raise ValueError(f"expected one of {', '.join(names)}")
        return name


class _Service(Part):
    """Another preventive service: each kind of it with the months for which it holds."""

    code: Code
    holds_months: dict[Code, StrictInt] = Field(min_length=1)

    @field_validator("holds_months")
    @classmethod
    def _services(cls, months: dict[str, int]) -> dict[str, int]:
        if not all(1 <= count <= MOST_MONTHS for count in months.values()):
            raise ValueError(f"expected from 1 to {MOST_MONTHS} months")
        return _known(months, set(vocabulary()["services"]))


class _Area(Part):
    tract_cut_off: StrictFloat = Field(ge=0, le=1)
    zip_share: StrictFloat | None = Field(default=None, ge=0, le=1)
    county_cut_off: StrictFloat | None = Field(default=None, ge=0, le=1)


class Coded(Part):
    """One code of a condition or need, in one of the code systems."""

    snomed: str | None = None
    icd10: str | None = None
    cdsi: str | None = None
    need: Code | None = None

    @model_validator(mode="after")
    def _one_that_is_known(self) -> "Coded":
        given = [(name, code) for name, code in self if code is not None]
        if len(given) != 1:
            raise ValueError("expected exactly one of snomed, icd10, cdsi and need")
        if not self.codes():
            raise ValueError("no CDSi observation and no need stands for this code")
        return self

    def codes(self) -> frozenset[str]:
        system, code = next((name, code) for name, code in self if code is not None)
        system = VCC if system == "need" else system
        return meanings(system, code, supporting_data()) if is_known(system, code, supporting_data()) else frozenset()


class _RaceEthnicity(Part):
    """Only with the lawful purpose, which each reader of the document sees."""

    any_of: frozenset[RaceEthnicity] = Field(min_length=1)
    lawful_purpose: str = Field(min_length=PURPOSE_CHARS)


class SegmentPart(Part):
    lines_of_business: frozenset[LineOfBusiness] = frozenset()
    zips: frozenset[Zip5] = frozenset()
    counties: frozenset[CountyFips] = frozenset()
    languages: frozenset[str] = frozenset()
    homebound: StrictBool = False
    any_of: tuple[Coded, ...] = ()
    none_of: tuple[Coded, ...] = ()
    race_ethnicity: _RaceEthnicity | None = None
    risk_tiers: frozenset[Code] = frozenset()

    @field_validator("languages")
    @classmethod
    def _plain(cls, languages: frozenset[str]) -> frozenset[str]:
        if unknown := sorted(language for language in languages if not plain_language(language)):
            raise ValueError(f"expected codes of languages, such as es or spa; not {', '.join(unknown)}")
        return frozenset(map(plain_language, languages))


class _Phase(Part):
    code: Code
    begins_on: Day
    ends_on: Day | None = None
    age_from: StrictInt = Field(ge=0, le=120)
    age_to: StrictInt | None = Field(default=None, ge=0, le=120)

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> "_Phase":
        if self.ends_on is not None and self.ends_on < self.begins_on:
            raise ValueError("ends_on must not be before begins_on")
        if self.age_to is not None and self.age_to < self.age_from:
            raise ValueError("age_to must not be below age_from")
        return self


class _Priority(Part):
    base: StrictInt = Field(ge=0, le=MOST_POINTS)
    svi: dict[str, Points]
    age: dict[str, Points]
    risk: StrictInt = Field(default=0, ge=0, le=MOST_POINTS)

    @field_validator("svi")
    @classmethod
    def _levels(cls, svi: dict[str, int]) -> dict[str, int]:
        return _known(svi, {"tract", "zip", "county"})

    @field_validator("age")
    @classmethod
    def _bands(cls, age: dict[str, int]) -> dict[str, int]:
        return _known(age, {band for _, band in AGE_BANDS})


class _Cap(Part):
    share: StrictFloat | None = Field(default=None, gt=0, le=1)
    count: StrictInt | None = Field(default=None, ge=1)
    by: str = Field(default="risk", pattern="^(risk|priority)$")
    per: str = Field(default="all", pattern="^(all|county|plan|zip)$")
    redraw: str = Field(default="never", pattern="^(never|weekly|monthly)$")

    @model_validator(mode="after")
    def _one_limit(self) -> "_Cap":
        if (self.share is None) == (self.count is None):
            raise ValueError("expected either share or count")
        return self


class _Arms(Part):
    unit: str = Field(pattern="^(person|household)$")
    seed: str = Field(min_length=8, max_length=64)
    shares: dict[Code, StrictFloat]

    @field_validator("shares")
    @classmethod
    def _sum_to_one(cls, shares: dict[str, float]) -> dict[str, float]:
        if CONTROL not in shares or len(shares) < 2:
            raise ValueError(f"expected {CONTROL} and at least one arm that is offered the programme")
        if min(shares.values()) <= 0 or abs(sum(shares.values()) - 1) > 1e-6:
            raise ValueError("each share must be above 0, and together they must be 1")
        return shares


class Document(Part):
    """The form of a programme document: exactly one of vaccine, forecast and service says what it is after."""

    programme_id: Code
    version: StrictInt = Field(ge=1, le=MOST_VERSION)
    title: str = Field(min_length=1, max_length=200)
    effective_on: Day
    time_zone: str
    plans: frozenset[Code] = Field(min_length=1)
    vaccine: _Vaccine | None = None
    forecast: _Forecast | None = None
    service: _Service | None = None
    area: _Area | None = None
    segment: SegmentPart = SegmentPart()
    risk_model: Code | None = None
    phases: tuple[_Phase, ...] = Field(min_length=1)
    priority: _Priority
    cap: _Cap | None = None
    arms: _Arms | None = None

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, name: str) -> str:
        if not is_time_zone(name):
            raise ValueError("expected a time zone's name, such as America/Chicago")
        return name

    @field_validator("risk_model")
    @classmethod
    def _model(cls, name: str | None) -> str | None:
        if name is not None and name not in models():
            raise ValueError(f"expected a bundled model: {', '.join(sorted(models()))}")
        return name

    @field_validator("phases")
    @classmethod
    def _one_at_a_time(cls, phases: tuple[_Phase, ...]) -> tuple[_Phase, ...]:
        for earlier, later in pairwise(phases):
            if earlier.ends_on is None or earlier.ends_on >= later.begins_on:
                raise ValueError("each phase must end before the next one begins")
        return phases


def _known(points: dict[str, int], names: set[str]) -> dict[str, int]:
    if unknown := set(points) - names:
        raise ValueError(f"expected some of {', '.join(sorted(names))}; not {', '.join(sorted(unknown))}")
    return points


def contradictions(document: Document) -> Iterator[tuple[Location, str]]:
    """What is right by itself and wrong together."""
    aims = [name for name in ("vaccine", "forecast", "service") if getattr(document, name) is not None]
    if len(aims) != 1:
        yield (aims[1] if aims else "vaccine",), "expected exactly one of vaccine, forecast and service"
    if document.forecast is not None:
        yield from _not_covered(document, document.forecast)
    tiers = document.segment.risk_tiers
    if document.risk_model is None:
        if tiers:
            yield ("segment", "risk_tiers"), "expected a risk_model that has these tiers"
        if document.cap is not None and document.cap.by == "risk":
            yield ("cap", "by"), "expected a risk_model to rank by"
        if document.priority.risk:
            yield ("priority", "risk"), "expected a risk_model to take points from"
    elif unknown := tiers - (known := {tier.code for tier in models()[document.risk_model].tiers}):
        said = f"expected some of {', '.join(sorted(known))}; not {', '.join(sorted(unknown))}"
        yield ("segment", "risk_tiers"), said


def _not_covered(document: Document, forecast: _Forecast) -> Iterator[tuple[Location, str]]:
    """CDC's rules of today say nothing of what was recommended before they were released."""
    name = forecast.release or releases()[0]
    from_on = supporting_data(name).released_on
    for position, phase in enumerate(document.phases):
        if phase.begins_on < from_on:
            yield (
                ("phases", position, "begins_on"),
                (f"CDC's release {name} covers days from {from_on}; use a dose rule (vaccine) before"),
            )
