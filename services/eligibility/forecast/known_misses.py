"""The reviewed list of cases on which the engine and CDC differ, for `forecast check`; the engine never reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from services.eligibility.forecast.check_cases import Outcome


class KnownMissesError(ValueError):
    """The list must map each case to `ours` (field to value), `element` (of the supporting data) and `because`."""


@dataclass(frozen=True, slots=True)
class KnownMiss:
    ours: Mapping[str, str]
    element: str
    because: str

    def covers(self, outcome: Outcome) -> bool:
        """Only the very differences that were reviewed: a case that fails in another way is a new miss."""
        return sorted(self.ours.items()) == sorted((d.label, d.ours) for d in outcome.differences)


def read_known_misses(path: Path) -> Mapping[str, KnownMiss]:
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        return {case_id: _known_miss(entry) for case_id, entry in entries.items()}
    except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise KnownMissesError(f"{path.name}: {KnownMissesError.__doc__}") from error


def _known_miss(entry: Mapping[str, object]) -> KnownMiss:
    ours = entry["ours"]
    if not isinstance(ours, dict) or not entry["element"] or not entry["because"]:
        raise KeyError("ours")
    return KnownMiss({str(k): str(v) for k, v in ours.items()}, str(entry["element"]), str(entry["because"]))
