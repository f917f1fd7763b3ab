"""Reads a release of CDC's supporting data: a folder, or a zip of one, with CDC's own XML files.

A new release is taken by adding the folder `supporting_data/<release>/`, or by naming one outside (`release_folder`).
CDC's download may be dropped in unopened; it bears the day of its newest file then. Beside unpacked files that day
stands in `released-on.txt`: what a file system says of them is the day on which they were copied.
"""

import re
import zipfile
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from pathlib import Path, PurePath
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from services.eligibility.forecast import release_folder
from services.eligibility.forecast.antigen_xml import antigen_of
from services.eligibility.forecast.overlay import laid_over
from services.eligibility.forecast.overlay_documents import overlay_paths, read_overlay
from services.eligibility.forecast.release_folder import (
    CASES,
    SupportingDataError,
    folders,
    lists_of,
    name_of,
)
from services.eligibility.forecast.schedule import SupportingData
from services.eligibility.forecast.schedule_xml import (
    associations_of,
    conflicts_of,
    groups_of,
    observations_of,
    vaccine_names_of,
)

BUNDLED = release_folder.BUNDLED
ANTIGEN_PREFIX = "AntigenSupportingData"
SCHEDULE_PREFIX = "ScheduleSupportingData"
RELEASED_ON = "released-on.txt"
UNDATED = date.max
"""Of a release that names no day: it covers none."""
FIRST_YEAR = 2010
MOST_FILES, MOST_BYTES = 1000, 256 << 20
"""Of a zipped release; CDC's has 30 files of 12 MiB together."""
"""Before CDC's first release; archives that keep no time say 1980."""


@cache
def releases() -> tuple[str, ...]:
    """The releases at hand, oldest first: the bundled ones and those of the folder outside."""
    return tuple(sorted(_folders(), key=_version))


@cache
def bundled(release: str | None = None) -> SupportingData:
    """A release at hand by its name, else the newest; `4.64+US-CA` is one with that state's overlay."""
    name, _, jurisdiction = (release or releases()[-1]).partition("+")
    if jurisdiction:
        rules = bundled(name)
        return laid_over(rules, read_overlay(overlay_paths()[jurisdiction], rules))
    found = load(folder_of(name))
    if found.released_on == UNDATED:
        raise SupportingDataError(f"release {found.release}: expected its day, YYYY-MM-DD, in {RELEASED_ON}")
    return found


def folder_of(release: str) -> Path:
    return _folders().get(release, BUNDLED / release)


def _folders() -> Mapping[str, Path]:
    return folders(BUNDLED, release_folder.outside())


@cache
def load(folder: Path) -> SupportingData:
    """Parsing takes under a second and happens once per folder. Whatever its own release is called, its folder names
    it."""
    schedule: Element | None = None
    antigens: list[Element] = []
    days: set[date] = set()
    for name, written_on, content in _xml_files(folder):
        days |= {written_on} if written_on else set()
        if b"<!DOCTYPE" in content:  # its entities may stand for more than there is memory
            raise SupportingDataError(f"{name}: expected XML without a document type")
        root = ElementTree.fromstring(content)  # noqa: S314 - a release that somebody put here, without entities
        if name.startswith(ANTIGEN_PREFIX):
            antigens.append(root)
        elif name.startswith(SCHEDULE_PREFIX):
            schedule = root
    if schedule is None or not antigens:
        raise SupportingDataError(SupportingDataError.__doc__)
    conflicts = conflicts_of(schedule)
    by_name = {a.name: a for a in sorted(map(antigen_of, antigens), key=lambda a: a.name)}
    return SupportingData(
        release=name_of(folder),
        released_on=_stated_on(folder) or max(days, default=UNDATED),
        antigens=by_name,
        groups=groups_of(schedule, by_name, conflicts),
        associations=associations_of(schedule),
        vaccine_names=vaccine_names_of(schedule),
        conflicts=conflicts,
        observations=observations_of(schedule),
        lists=lists_of(folder),
    )


def _stated_on(folder: Path) -> date | None:
    path = folder / RELEASED_ON
    if not path.is_file():
        return None
    try:
        return date.fromisoformat(path.read_text(encoding="utf-8").strip())
    except ValueError:
        raise SupportingDataError(f"{RELEASED_ON}: expected a day as YYYY-MM-DD") from None


def _xml_files(folder: Path) -> Iterator[tuple[str, date | None, bytes]]:
    """Name, day if it is known, and content."""
    if not folder.exists():
        raise SupportingDataError(SupportingDataError.__doc__)
    paths = [folder] if folder.is_file() else sorted(folder.rglob("*"))
    for path in (path for path in paths if CASES not in path.relative_to(folder).parts):
        if path.suffix == ".xml":
            yield path.name, None, path.read_bytes()
        elif path.suffix == ".zip":
            yield from _zipped(path)


def _zipped(path: Path) -> Iterator[tuple[str, date | None, bytes]]:
    with zipfile.ZipFile(path) as archive:
        files = archive.infolist()
        if len(files) > MOST_FILES or sum(entry.file_size for entry in files) > MOST_BYTES:
            raise SupportingDataError(
                f"{path.name}: expected at most {MOST_FILES} files and {MOST_BYTES >> 20} MiB, unpacked"
            )
        for entry in files:
            if entry.filename.endswith(".xml"):
                day = date(*entry.date_time[:3]) if entry.date_time[0] >= FIRST_YEAR else None
                yield PurePath(entry.filename).name, day, archive.read(entry)


def _version(name: str) -> tuple[int, ...]:
    """CDC's corrected edition, such as 4.64-508, comes after the first one."""
    return tuple(map(int, re.findall(r"\d+", name)))
