"""The catalogue of what workers record of a conversation, read once from the data file beside this module."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import yaml
from pydantic import TypeAdapter

from schemas.outreach_v1 import BesdDomain


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its answers, and the domain of hesitancy that it is of."""

    domain: BesdDomain
    asks: str
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MaterialVersion:
    """A version of a material from its day on, with the school grade that reading it takes, by language."""

    version: int
    effective_on: date
    grades: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Material:
    """What is handed out or read aloud, about a topic of talk; its versions in their order."""

    title: str
    topic: str
    versions: tuple[MaterialVersion, ...]

    def on(self, day: date) -> MaterialVersion | None:
        """The version of this day; none where none had begun."""
        begun = [version for version in self.versions if version.effective_on <= day]
        return max(begun, key=lambda version: version.effective_on, default=None)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Code → what it means."""

    version: int
    effective_on: date
    stages: Mapping[str, str]
    techniques: Mapping[str, str]
    questions: Mapping[str, Question]
    materials: Mapping[str, Material]


def load_catalogue(path: Path = Path(__file__).parent / "catalogue.yaml") -> Catalogue:
    """The catalogue; a pydantic error for a file that does not fit."""
    return TypeAdapter(Catalogue).validate_python(yaml.safe_load(path.read_text("utf-8")))


CATALOGUE: Final = load_catalogue()
