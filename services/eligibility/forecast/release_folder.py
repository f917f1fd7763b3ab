"""A folder that holds one release and all that goes with it, wherever it lies.

4.65/                   the release's name
  supporting-data.zip   CDC's download, unopened, or its XML files
  released-on.txt       its day, where the files are not zipped
  codes/                icd10_observations.yaml and past_observations.yaml, where they differ from those at hand
  cases/                CDC's test cases (.csv, .xlsx) for `forecast check`
  known_misses.yaml     the reviewed ones
  overlays/             what a state recommends beside it
"""

import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from services.eligibility.forecast.schedule import ObservationLists

BUNDLED = Path(__file__).parent / "supporting_data"
OUTSIDE = "VCC_CDSI_RELEASES"
"""Names folders outside the program, each of one release."""
XLSX = ".xlsx"
CODES, CASES, KNOWN_MISSES = "codes", "cases", "known_misses.yaml"
ICD10_OBSERVATIONS, PAST_OBSERVATIONS = "icd10_observations.yaml", "past_observations.yaml"
_VERSION = re.compile(r"\d+\.\d+(?:-\d+)?")


class SupportingDataError(ValueError):
    """This is no release of CDC's supporting data: it needs ScheduleSupportingData.xml and the antigens' files."""


def name_of(folder: Path) -> str:
    """A folder's own name; a download alone is named by the number in its name."""
    if folder.suffix != ".zip":
        return folder.name
    found = _VERSION.search(folder.stem)
    return found[0] if found else folder.stem


def folders(bundled: Path, outside: str) -> Mapping[str, Path]:
    """Every release by its name: those bundled and those outside, of which none may take another's name."""
    found = {folder.name: folder for folder in bundled.iterdir() if folder.is_dir()}
    for folder in (Path(written) for written in outside.split(os.pathsep) if written):
        if not folder.exists():
            raise SupportingDataError(f"{OUTSIDE}: expected folders that exist, with {os.pathsep} between them")
        if name_of(folder) in found:
            raise SupportingDataError(
                f"{OUTSIDE}: a release {name_of(folder)} is here already; name the folder otherwise"
            )
        found[name_of(folder)] = folder.resolve()
    return found


def outside() -> str:
    return os.environ.get(OUTSIDE, "")


def lists_of(folder: Path) -> ObservationLists:
    """The folder's own lists, else those at hand."""
    icd10 = _list(folder, ICD10_OBSERVATIONS)["prefixes"]
    past = _list(folder, PAST_OBSERVATIONS)
    return ObservationLists(
        icd10={str(prefix).replace(".", ""): tuple(found) for prefix, found in icd10.items()},
        past={kind: frozenset(codes) for kind, codes in past.items()},
    )


def _list(folder: Path, name: str) -> Mapping[str, Any]:
    own = folder / CODES / name
    return _read(own if own.is_file() else Path(__file__).with_name(name))


@cache
def _read(path: Path) -> Mapping[str, Any]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError:
        found = None
    expected = {"prefixes"} if path.name == ICD10_OBSERVATIONS else {"immunity", "reactions", "events"}
    if not isinstance(found, dict) or not expected <= found.keys():
        raise SupportingDataError(f"{CODES}/{path.name}: expected {', '.join(sorted(expected))}")
    return found


def cases_in(folder: Path) -> list[Path]:
    inside = (folder / CASES).iterdir() if (folder / CASES).is_dir() else ()
    return sorted(path for path in inside if path.suffix.casefold() in {".csv", XLSX})


def known_misses_in(folder: Path) -> Path | None:
    path = folder / KNOWN_MISSES
    return path if path.is_file() else None
