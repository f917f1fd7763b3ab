"""Programme documents: rules that are data. A document that can't be used is refused with its line and field.

`bundled/*.yaml` go live at the first start; `bundled/library/*.yaml` ship beside them and go live once published.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from services.eligibility.forecast.documents_read import Lines, read_document
from services.eligibility.places.rules import VulnerabilityRule
from services.eligibility.programmes.aim import ForecastRule, ServiceRule
from services.eligibility.programmes.arms import Arms
from services.eligibility.programmes.cap import Cap
from services.eligibility.programmes.document_form import Document, SegmentPart, contradictions
from services.eligibility.programmes.programme import Phase, PriorityRule, Programme
from services.eligibility.programmes.risk.documents import models
from services.eligibility.programmes.segment import EVERYBODY, Segment

BUNDLED = Path(__file__).parent / "bundled"
LIBRARY = BUNDLED / "library"


class ProgrammeError(Exception):
    """A programme document is wrong; correct the named line and field."""


@lru_cache(maxsize=256)
def parse_programme(text: str, name: str = "document") -> Programme:
    """Read one document. Raises ProgrammeError with file, line and field of everything that is wrong in it."""
    document = read_document(Document, text, name, ProgrammeError)
    lines = Lines(text, name)
    if wrong := [lines.told(location, message) for location, message in contradictions(document)]:
        raise ProgrammeError("\n".join(wrong))
    return _programme(document, text)


def _programme(document: Document, text: str) -> Programme:
    vaccine, area, priority = document.vaccine, document.area, document.priority
    model = models()[document.risk_model] if document.risk_model else None
    return Programme(
        programme_id=document.programme_id,
        version=document.version,
        title=document.title,
        effective_on=document.effective_on,
        time_zone=document.time_zone,
        vaccine_group=_aim_code(document),
        doses_needed=vaccine.doses_needed if vaccine else 1,
        doses_since_on=vaccine.since_on if vaccine else None,
        cvx_not_counted=vaccine.cvx_not_counted if vaccine else frozenset(),
        plans=document.plans,
        area=VulnerabilityRule(area.tract_cut_off, area.zip_share, area.county_cut_off) if area else None,
        phases=tuple(
            Phase(phase.code, phase.begins_on, phase.ends_on, phase.age_from, phase.age_to) for phase in document.phases
        ),
        priority=PriorityRule(priority.base, priority.svi, priority.age, priority.risk),
        segment=_segment(document.segment),
        aim=_aim(document),
        risk_model=document.risk_model,
        turning_ages=model.turning_ages if model else frozenset(),
        cap=Cap(**document.cap.model_dump()) if document.cap else None,
        arms=Arms(**document.arms.model_dump()) if document.arms else None,
        document=text,
        sha256=sha256(text.encode()).hexdigest(),
    )


def _aim_code(document: Document) -> str:
    """Under which code doses, slots and services of the programme are told."""
    if document.vaccine is not None:
        return document.vaccine.group
    if document.forecast is not None:
        return document.forecast.vaccine_group
    return document.service.code if document.service else ""


def _aim(document: Document) -> ForecastRule | ServiceRule | None:
    if (forecast := document.forecast) is not None:
        return ForecastRule(
            forecast.cdsi_group, forecast.release, forecast.opens, forecast.shared_decision, forecast.jurisdiction
        )
    return ServiceRule(document.service.holds_months) if document.service else None


def _segment(part: SegmentPart) -> Segment:
    if part == SegmentPart():
        return EVERYBODY
    listed = frozenset[str]().union(*(coded.codes() for coded in part.any_of))
    race = part.race_ethnicity
    return Segment(
        lines_of_business=frozenset(line.value for line in part.lines_of_business),
        zips=part.zips,
        counties=part.counties,
        languages=part.languages,
        any_of=(*((listed,) if listed else ()), *((frozenset({"homebound"}),) if part.homebound else ())),
        none_of=frozenset[str]().union(*(coded.codes() for coded in part.none_of)),
        race_ethnicity=frozenset(category.value for category in race.any_of) if race else frozenset(),
        lawful_purpose=race.lawful_purpose if race else "",
        risk_tiers=part.risk_tiers,
    )


@cache
def bundled() -> tuple[Programme, ...]:
    """Every version of every programme that goes live at the first start."""
    return _read_folder(BUNDLED)


@cache
def library() -> tuple[Programme, ...]:
    """Documents that ship and wait to be published."""
    return _read_folder(LIBRARY)


class Published(NamedTuple):
    """A version that went live, as it is stored."""

    programme_id: str
    version: int
    document: str


def live(published: Sequence[Published]) -> list[Programme]:
    """What can be decided by. A version that could be read when it went live, and can't be now, takes those before it
    along: their answers would take the place of its own, which stand instead. A later version ends that."""
    unread = {entry.programme_id: entry.version for entry in sorted(unreadable(published))}
    readable = (entry for entry in published if entry.version > unread.get(entry.programme_id, 0))
    return [parse_programme(entry.document) for entry in readable]


def unreadable(published: Iterable[Published]) -> list[Published]:
    return [entry for entry in published if what_is_wrong(entry.document)]


@lru_cache(maxsize=256)
def what_is_wrong(text: str) -> str:
    """Empty if a document can be read."""
    try:
        parse_programme(text)
    except ProgrammeError as error:
        return str(error)
    return ""


def _read_folder(folder: Path) -> tuple[Programme, ...]:
    found = [parse_programme(path.read_text(encoding="utf-8"), path.name) for path in sorted(folder.glob("*.yaml"))]
    versions = [f"{programme.programme_id} version {programme.version}" for programme in found]
    if twice := {version for version in versions if versions.count(version) > 1}:
        raise ProgrammeError(f"{folder.name}: two documents are {', '.join(sorted(twice))}")
    return tuple(sorted(found, key=lambda programme: (programme.programme_id, programme.version)))


def in_effect(programmes: Iterable[Programme], business_on: date) -> list[tuple[Programme, date | None]]:
    """Of each programme the version that holds on this day (before the first: the first), and when the next does."""
    by_id: dict[str, list[Programme]] = {}
    for programme in programmes:
        by_id.setdefault(programme.programme_id, []).append(programme)
    holding = []
    for versions in by_id.values():
        versions.sort(key=lambda programme: (programme.effective_on, programme.version))
        begun = [programme for programme in versions if programme.effective_on <= business_on]
        later = [
            programme.effective_on
            for programme in versions
            if programme.effective_on > business_on and programme is not versions[0]
        ]
        holding.append((begun[-1] if begun else versions[0], min(later, default=None)))
    return holding
