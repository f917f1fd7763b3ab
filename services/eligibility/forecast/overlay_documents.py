"""A state's overlay as a YAML document: read, and refused with the field and what is expected there."""

import os
from collections.abc import Iterator, Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, StrictInt

from schemas.envelope import Day
from services.eligibility.forecast.dates import Period, PeriodError, parse_period
from services.eligibility.forecast.documents_read import Lines, Location, Part, read_document
from services.eligibility.forecast.schedule import (
    Antigen,
    AntigenSeries,
    Change,
    DoseChange,
    Indication,
    Overlay,
    SeriesType,
    SharedDecision,
    SupportingData,
)

OVERLAYS = "VCC_CDSI_OVERLAYS"
"""Names a folder of overlays (.yaml)."""


class OverlayError(ValueError):
    """The overlay is no YAML document of this form."""


def _is_period(text: str) -> str:
    try:
        if parse_period(text) is None:
            raise PeriodError
    except PeriodError:
        raise ValueError("expected a period such as 65 years, or 12 months - 4 days") from None
    return text


def _several(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Length = Annotated[str, AfterValidator(_is_period)]
Text = Annotated[str, Field(min_length=1, max_length=2000)]
Code = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=64)]


class _Age(Part):
    absolute_minimum: Length | None = None
    minimum: Length | None = None
    earliest_recommended: Length | None = None
    latest_recommended: Length | None = None
    maximum: Length | None = None


class _Interval(Part):
    absolute_minimum: Length | None = None
    minimum: Length | None = None
    earliest_recommended: Length | None = None
    latest_recommended: Length | None = None


class _Season(Part):
    start: Day
    end: Day


class _Dose(Part):
    dose: StrictInt = Field(ge=1, le=20)
    age: _Age | None = None
    interval: _Interval | None = None
    season: _Season | None = None
    recurring: StrictBool | None = None


class _Indication(Part):
    observation: str = Field(pattern=r"^\d{3}$")
    begin_age: Length | None = None
    end_age: Length | None = None
    guidance: str = ""


class _Ages(Part):
    begin_age: Length | None = None
    end_age: Length | None = None


class _Change(Part):
    code: Code
    from_on: Day = Field(alias="from")
    until: Day | None = None
    because: Text
    source: Text | None = None
    antigen: str
    series: Annotated[tuple[str, ...], BeforeValidator(_several), Field(min_length=1)]
    as_series: Text | None = Field(default=None, alias="as")
    series_type: SeriesType | None = None
    series_group: str | None = Field(default=None, pattern=r"^\d{1,3}$")
    shared_decision: StrictBool | _Ages | None = None
    minimum_age_to_start: Length | None = None
    maximum_age_to_start: Length | None = None
    guidance: Text | None = None
    doses: tuple[_Dose, ...] = ()
    indications: tuple[_Indication, ...] = ()


class _Document(Part):
    jurisdiction: str = Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")
    title: Text
    source: Text
    changes: tuple[_Change, ...] = Field(min_length=1)


def read_overlay(path: Path, supporting: SupportingData) -> Overlay:
    return parse_overlay(path.read_text(encoding="utf-8"), supporting, path.name)


def parse_overlay(text: str, supporting: SupportingData, name: str = "overlay") -> Overlay:
    """Raises OverlayError with a line for each thing that is wrong: file, line, field, what was expected."""
    document = read_document(_Document, text, name, OverlayError)
    lines = Lines(text, name)
    if faults := [lines.told(location, message) for location, message in _faults(document, supporting)]:
        raise OverlayError("\n".join(faults))
    changes = tuple(_change(change, document.source) for change in document.changes)
    return Overlay(document.jurisdiction, document.title, changes, sha256(text.encode()).hexdigest()[:16])


def _faults(document: _Document, supporting: SupportingData) -> Iterator[tuple[Location, str]]:
    """What the release that it is laid over does not have."""
    for position, change in enumerate(document.changes):
        antigen = supporting.antigens.get(change.antigen)
        where = ("changes", position)
        if antigen is None:
            yield (*where, "antigen"), f"expected one of {', '.join(supporting.antigens)}"
        for name in change.series if antigen else ():
            faults = _in_series(change, antigen, _series(antigen, name)) if antigen else ()
            yield from (((*where, *place), message) for place, message in faults)
        yield from (
            ((*where, "indications", n), "expected an observation of the release")
            for n, indication in enumerate(change.indications)
            if indication.observation not in supporting.observations
        )
        if change.until is not None and change.until <= change.from_on:
            yield (*where, "until"), "expected a day after the first one"
    codes = [change.code for change in document.changes]
    if len(set(codes)) < len(codes):
        yield ("changes",), "expected a code of its own for each"


def _in_series(change: _Change, antigen: Antigen, series: AntigenSeries | None) -> Iterator[tuple[Location, str]]:
    if series is None:
        yield ("series",), f"expected one of {'; '.join(candidate.name for candidate in antigen.series)}"
        return
    known = len(series.doses)
    for n, dose in enumerate(change.doses):
        if dose.dose > known + 1:
            yield ("doses", n, "dose"), f"expected a dose of the series, or dose {known + 1} for a new one"
        known = max(known, dose.dose)
    if change.as_series is not None and (_series(antigen, change.as_series) or len(change.series) > 1):
        yield ("as",), "expected a name that no series of the antigen has, and one series to be like"
    if (change.series_type or series.kind) is SeriesType.RISK and not (change.indications or series.indications):
        yield ("indications",), "expected for whom the risk series is"


def _series(antigen: Antigen, name: str) -> AntigenSeries | None:
    return next((series for series in antigen.series if series.name == name), None)


def _change(change: _Change, source: str) -> Change:
    fields: dict[str, Any] = {
        "kind": change.series_type,
        "group": change.series_group,
        "guidance": change.guidance,
        "minimum_age_to_start": _period(change.minimum_age_to_start),
        "maximum_age_to_start": _period(change.maximum_age_to_start),
    }
    fields = {name: value for name, value in fields.items() if value is not None}
    if change.shared_decision is not None:
        fields["shared_decision"] = _shared(change.shared_decision)
    return Change(
        code=change.code,
        from_on=change.from_on,
        until=change.until,
        because=change.because,
        source=change.source or source,
        antigen=change.antigen,
        series=change.series,
        as_series=change.as_series or "",
        fields=fields,
        doses=tuple(map(_dose, change.doses)),
        indications=tuple(
            Indication(
                indication.observation, _period(indication.begin_age), _period(indication.end_age), indication.guidance
            )
            for indication in change.indications
        ),
    )


def _shared(said: bool | _Ages) -> SharedDecision | None:
    """At which ages the decision is a shared one: at none, at all, or at those named."""
    if isinstance(said, bool):
        return SharedDecision() if said else None
    return SharedDecision(_period(said.begin_age), _period(said.end_age))


def _dose(dose: _Dose) -> DoseChange:
    season = dose.season
    days = {} if season is None else {"season_start": season.start.toordinal(), "season_end": season.end.toordinal()}
    return DoseChange(dose.dose, _periods(dose.age), _periods(dose.interval), days, dose.recurring)


def _periods(part: _Age | _Interval | None) -> Mapping[str, Period | None]:
    """An age that is written as null is taken away, one that is not written stays."""
    if part is None:
        return {}
    return {name: _period(getattr(part, name)) for name in part.model_fields_set}


def _period(text: str | None) -> Period | None:
    return None if text is None else parse_period(text)


@cache
def overlay_paths() -> Mapping[str, Path]:
    """The overlays at hand, by their jurisdictions."""
    folder = os.environ.get(OVERLAYS, "")
    if folder and not Path(folder).is_dir():
        raise OverlayError(f"{OVERLAYS}: expected a folder that exists")
    found: dict[str, Path] = {}
    for path in sorted(Path(folder).glob("*.yaml")) if folder else ():
        jurisdiction = _jurisdiction(path)
        if jurisdiction in found:
            raise OverlayError(f"{path.name}: jurisdiction: another overlay is of the same one")
        found[jurisdiction] = path
    return found


def _jurisdiction(path: Path) -> str:
    try:
        return str(yaml.safe_load(path.read_text(encoding="utf-8"))["jurisdiction"])
    except (yaml.YAMLError, KeyError, TypeError):
        raise OverlayError(f"{path.name}: {OverlayError.__doc__}") from None
