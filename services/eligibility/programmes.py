"""Programme documents: rules that are data. A document that can't be used is refused with its line and field."""

from collections.abc import Iterable
from datetime import date
from functools import cache
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from zoneinfo import available_timezones

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from schemas.envelope import Code, Cvx
from services.eligibility.domain import AGE_BANDS, Phase, PriorityRule, Programme
from services.eligibility.geography import VulnerabilityRule

RULES = Path(__file__).with_name("rules")


class ProgrammeError(Exception):
    """A programme document is wrong; correct the named line and field."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Vaccine(_Part):
    group: Code
    doses_needed: int = Field(ge=1, le=10)
    since_on: date | None = None
    cvx_not_counted: frozenset[Cvx] = frozenset()


class _Area(_Part):
    tract_cut_off: float = Field(ge=0, le=1)
    zip_share: float | None = Field(default=None, ge=0, le=1)
    county_cut_off: float | None = Field(default=None, ge=0, le=1)


class _Phase(_Part):
    code: Code
    begins_on: date
    ends_on: date | None = None
    age_from: int = Field(ge=0, le=120)

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> "_Phase":
        if self.ends_on is not None and self.ends_on < self.begins_on:
            raise ValueError("ends_on must not be before begins_on")
        return self


class _Priority(_Part):
    base: int = Field(ge=0, le=1000)
    svi: dict[str, int]
    age: dict[str, int]

    @field_validator("svi")
    @classmethod
    def _levels(cls, svi: dict[str, int]) -> dict[str, int]:
        return _known(svi, {"tract", "zip", "county"})

    @field_validator("age")
    @classmethod
    def _bands(cls, age: dict[str, int]) -> dict[str, int]:
        return _known(age, {band for _, band in AGE_BANDS})


class Document(_Part):
    """The form of a programme document."""

    programme_id: Code
    version: int = Field(ge=1)
    title: str = Field(min_length=1)
    effective_on: date
    time_zone: str
    plans: frozenset[Code] = Field(min_length=1)
    vaccine: _Vaccine
    area: _Area
    phases: tuple[_Phase, ...] = Field(min_length=1)
    priority: _Priority

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError("expected a time zone's name, such as America/Chicago")
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


def parse_programme(text: str, name: str = "document") -> Programme:
    """Read one document. Raises ProgrammeError with file, line and field of everything that is wrong in it."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        document = Document.model_validate(yaml.safe_load(text))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ProgrammeError(f"{name}:{line}: {error.problem}") from None
    except ValidationError as error:
        wrong = [f"{name}:{_line(node, one['loc'])}: {_field(one['loc'])}: {one['msg']}" for one in error.errors()]
        raise ProgrammeError("\n".join(wrong)) from None
    return _programme(document, text)


def _field(location: tuple[int | str, ...]) -> str:
    return ".".join(str(step) for step in location) or "document"


def _line(node: yaml.Node | None, location: Iterable[int | str]) -> int:
    """The line of the deepest part of the location that stands in the document."""
    line = node.start_mark.line + 1 if node is not None else 1
    for step in location:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == str(step)), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
    return line


def _programme(document: Document, text: str) -> Programme:
    vaccine, area = document.vaccine, document.area
    return Programme(
        programme_id=document.programme_id,
        version=document.version,
        title=document.title,
        effective_on=document.effective_on,
        time_zone=document.time_zone,
        vaccine_group=vaccine.group,
        doses_needed=vaccine.doses_needed,
        doses_since_on=vaccine.since_on,
        cvx_not_counted=vaccine.cvx_not_counted,
        plans=document.plans,
        area=VulnerabilityRule(area.tract_cut_off, area.zip_share, area.county_cut_off),
        phases=tuple(Phase(one.code, one.begins_on, one.ends_on, one.age_from) for one in document.phases),
        priority=PriorityRule(document.priority.base, document.priority.svi, document.priority.age),
        document=text,
        sha256=sha256(text.encode()).hexdigest(),
    )


@cache
def bundled() -> tuple[Programme, ...]:
    """Every version of every programme in the folder `rules`."""
    found = [parse_programme(path.read_text(encoding="utf-8"), path.name) for path in sorted(RULES.glob("*.yaml"))]
    versions = [f"{one.programme_id} version {one.version}" for one in found]
    if twice := {one for one in versions if versions.count(one) > 1}:
        raise ProgrammeError(f"{RULES.name}: two documents are {', '.join(sorted(twice))}")
    return tuple(sorted(found, key=lambda one: (one.programme_id, one.version)))


def in_effect(programmes: Iterable[Programme], business_on: date) -> list[tuple[Programme, date | None]]:
    """Of each programme the version that holds on this day (before the first: the first), and when the next does."""
    by_id: dict[str, list[Programme]] = {}
    for programme in programmes:
        by_id.setdefault(programme.programme_id, []).append(programme)
    holding = []
    for versions in by_id.values():
        versions.sort(key=lambda one: (one.effective_on, one.version))
        begun = [one for one in versions if one.effective_on <= business_on]
        later = [one.effective_on for one in versions if one.effective_on > business_on and one is not versions[0]]
        holding.append((begun[-1] if begun else versions[0], min(later, default=None)))
    return holding
