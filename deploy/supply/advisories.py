"""Compares the lock files with a file of advisories in the OSV format, without a network: whoever runs this brings the
file (OSV publishes one archive for each ecosystem)."""

import json
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

from deploy.errors import StackError
from deploy.supply.components import Component, normal

MOST_MIB, LARGEST_MIB = 4096, 64
"""OSV's archive of PyPI is a twentieth of it, its largest advisory a thousandth."""


class AdvisoryFileError(StackError):
    """The file holds no advisories in the OSV format: give a JSON file, one object a line, an archive or a folder."""


@dataclass(frozen=True, slots=True)
class Hit:
    """An advisory that speaks of a component in use. Not `certain`: its ranges can't be compared with the version."""

    component: Component
    advisory: str
    aliases: tuple[str, ...]
    summary: str
    fixed_in: tuple[str, ...]
    is_certain: bool


def read(path: Path) -> Iterator[Mapping[str, Any]]:
    """Every advisory in a JSON file, a file of JSON lines, a zip archive or a folder of such."""
    if path.is_dir():
        for file in sorted(path.rglob("*.json")):
            yield from _parsed(file.read_bytes(), file.name)
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            _measure(archive.infolist(), path.name)
            for name in sorted(archive.namelist()):
                if name.endswith(".json"):
                    yield from _parsed(archive.read(name), name)
    else:
        yield from _parsed(path.read_bytes(), path.name)


def _measure(files: Sequence[zipfile.ZipInfo], name: str) -> None:
    """Refuse an archive that would be unpacked to too much: no file yields more than the directory says of it."""
    total, largest = sum(file.file_size for file in files), max((file.file_size for file in files), default=0)
    if total > MOST_MIB << 20 or largest > LARGEST_MIB << 20:
        raise AdvisoryFileError(
            f"{name} is larger unpacked than {MOST_MIB} MiB, or a file of it than {LARGEST_MIB} MiB"
        )


def _parsed(content: bytes, name: str) -> Iterator[Mapping[str, Any]]:
    for document in _documents(content, name):
        if not isinstance(document, dict) or not isinstance(document.get("id"), str):
            raise AdvisoryFileError(f"{name} holds something that is no advisory in the OSV format")
        yield document


def _documents(content: bytes, name: str) -> list[Any]:
    try:
        found = json.loads(content)
        return found if isinstance(found, list) else [found]
    except (ValueError, RecursionError):
        try:
            return [json.loads(line) for line in content.splitlines() if line.strip()]
        except (ValueError, RecursionError):
            raise AdvisoryFileError(f"{name} is no JSON") from None


def compare(components: Iterable[Component], advisories: Iterable[Mapping[str, Any]]) -> list[Hit]:
    """The advisories that speak of these components in these versions, withdrawn ones left out."""
    used: defaultdict[tuple[str, str], list[Component]] = defaultdict(list)
    for component in components:
        used[component.ecosystem, component.name].append(component)
    hits: dict[tuple[str, str], Hit] = {}
    for advisory in advisories:
        if advisory.get("withdrawn"):
            continue
        for affected in advisory.get("affected", ()):
            for component in used.get(_named(affected), ()):
                certain = _speaks_of(affected, component)
                if certain is not False:
                    hit = _hit(component, advisory, affected, is_certain=certain is True)
                    known = hits.get((component.purl, hit.advisory))
                    hits[component.purl, hit.advisory] = known if known and known.is_certain else hit
    return sorted(hits.values(), key=lambda hit: (hit.component.name, hit.advisory))


def _named(affected: Mapping[str, Any]) -> tuple[str, str]:
    package = affected.get("package", {})
    ecosystem, name = str(package.get("ecosystem", "")), str(package.get("name", ""))
    return ecosystem, normal(name) if ecosystem == "PyPI" else name


def _speaks_of(affected: Mapping[str, Any], one: Component) -> bool | None:
    """None: it can't be told. Versions of Maven are compared by their lists alone, for their order has rules of its
    own."""
    if one.version in affected.get("versions", ()):
        return True
    ranges = [span for span in affected.get("ranges", ()) if span.get("type") != "GIT"]
    if one.ecosystem == "Maven":
        return None if ranges and not affected.get("versions") else False
    try:
        return any(_within(span, Version(one.version)) for span in ranges)
    except InvalidVersion:
        return None


def _within(each: Mapping[str, Any], version: Version) -> bool:
    """Whether the version lies in the range, whose events are introduced, fixed and last_affected (OSV 1.7)."""
    inside = False
    for kind, limit in sorted(_events(each), key=lambda event: (event[1], event[0] != "introduced")):
        if kind == "introduced":
            inside = inside or version >= limit
        elif version >= limit if kind == "fixed" else version > limit:
            inside = False
    return inside


def _events(each: Mapping[str, Any]) -> list[tuple[str, Version]]:
    pairs = [pair for event in each.get("events", ()) for pair in event.items()]
    return [(kind, Version(str(limit))) for kind, limit in pairs if kind in {"introduced", "fixed", "last_affected"}]


def _hit(one: Component, advisory: Mapping[str, Any], affected: Mapping[str, Any], *, is_certain: bool) -> Hit:
    fixed = [event["fixed"] for span in affected.get("ranges", ()) for event in span.get("events", ())
             if "fixed" in event]  # fmt: skip
    return Hit(
        one, advisory["id"], tuple(advisory.get("aliases", ())), str(advisory.get("summary", "")), tuple(fixed),
        is_certain,
    )  # fmt: skip
