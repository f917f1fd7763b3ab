"""What a benchmark found: figures with their aims, as a table for people and as JSON for machines."""

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import psutil

from deploy.console import paint, table

Relation = Literal["at least", "at most"]


@dataclass(frozen=True, slots=True)
class Aim:
    """What a figure should be."""

    relation: Relation
    value: float

    def met_by(self, value: float) -> bool:
        return value >= self.value if self.relation == "at least" else value <= self.value


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. `note` says what it was derived from."""

    what: str
    value: float
    unit: str
    aim: Aim | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        return "" if self.aim is None else "met" if self.aim.met_by(self.value) else "missed"


@dataclass(frozen=True, slots=True)
class Result:
    """All figures of one benchmark, with the settings that they hold for."""

    name: str
    title: str
    figures: Sequence[Figure]
    settings: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Sequence[str]] = field(default_factory=dict)


def as_table(result: Result) -> str:
    rows = [["", "figure", "unit", "aim", "", ""]]
    for one in result.figures:
        aim = f"{one.aim.relation} {_number(one.aim.value)}" if one.aim else ""
        rows.append([one.what, _number(one.value), one.unit, aim, one.verdict, one.note])
    told = ", ".join(f"{name} {value}" for name, value in result.settings.items())
    lines = [paint(result.title, "bold") + (f" ({told})" if told else ""), table(rows)]
    for what, listed in result.details.items():
        lines += [f"  {what}", *(f"    {one}" for one in listed)]
    return "\n".join([*lines, ""])


def as_json(results: Sequence[Result]) -> str:
    listed = [
        asdict(result) | {"figures": [asdict(one) | {"verdict": one.verdict} for one in result.figures]}
        for result in results
    ]
    return json.dumps({"machine": machine(), "benchmarks": listed}, indent=2)


def machine() -> dict[str, Any]:
    """Where this was measured."""
    return {
        "processor": _processor(),
        "cores": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
