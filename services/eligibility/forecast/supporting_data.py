"""Reads a release of CDC's supporting data: a folder, or a zip of one, with CDC's own XML files.

A new release is taken by adding the folder `supporting_data/<release>/`; CDC's download may be dropped in unopened.
"""

import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path, PurePath
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from services.eligibility.forecast.antigen_xml import antigen_of
from services.eligibility.forecast.schedule import SupportingData
from services.eligibility.forecast.schedule_xml import (
    associations_of,
    conflicts_of,
    groups_of,
    observations_of,
    vaccine_names_of,
)

BUNDLED = Path(__file__).parent / "supporting_data"
ANTIGEN_PREFIX = "AntigenSupportingData"
SCHEDULE_PREFIX = "ScheduleSupportingData"


class SupportingDataError(ValueError):
    """This is no release of CDC's supporting data: it needs ScheduleSupportingData.xml and the antigens' files."""


@cache
def releases() -> tuple[str, ...]:
    """The bundled releases, oldest first."""
    return tuple(sorted((p.name for p in BUNDLED.iterdir() if p.is_dir()), key=_version))


@cache
def bundled(release: str | None = None) -> SupportingData:
    return load(BUNDLED / (release or releases()[-1]))


@cache
def load(folder: Path) -> SupportingData:
    """Parsing takes under a second and happens once per folder."""
    schedule: Element | None = None
    antigens: list[Element] = []
    newest = date.min
    for name, written_on, content in _xml_files(folder):
        newest = max(newest, written_on)
        root = ElementTree.fromstring(content)  # noqa: S314 - CDC's own files, shipped with the package
        if name.startswith(ANTIGEN_PREFIX):
            antigens.append(root)
        elif name.startswith(SCHEDULE_PREFIX):
            schedule = root
    if schedule is None or not antigens:
        raise SupportingDataError(SupportingDataError.__doc__)
    conflicts = conflicts_of(schedule)
    by_name = {a.name: a for a in sorted(map(antigen_of, antigens), key=lambda a: a.name)}
    return SupportingData(
        release=folder.name,
        released_on=newest,
        antigens=by_name,
        groups=groups_of(schedule, by_name, conflicts),
        associations=associations_of(schedule),
        vaccine_names=vaccine_names_of(schedule),
        conflicts=conflicts,
        observations=observations_of(schedule),
    )


def _xml_files(folder: Path) -> Iterator[tuple[str, date, bytes]]:
    if not folder.exists():
        raise SupportingDataError(SupportingDataError.__doc__)
    paths = [folder] if folder.is_file() else sorted(folder.rglob("*"))
    for path in paths:
        if path.suffix == ".xml":
            yield path.name, datetime.fromtimestamp(path.stat().st_mtime, UTC).date(), path.read_bytes()
        elif path.suffix == ".zip":
            yield from _zipped(path)


def _zipped(path: Path) -> Iterator[tuple[str, date, bytes]]:
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if entry.filename.endswith(".xml"):
                yield PurePath(entry.filename).name, date(*entry.date_time[:3]), archive.read(entry)


def _version(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in name.split(".") if part.isdigit())
