"""Observations about a member as the words that rules use: CDSi codes, needs, figures and services received."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import yaml

from services.eligibility.forecast.observation_codes import CDSI, ICD10, SNOMED, observations_of
from services.eligibility.forecast.schedule import SupportingData

CODES = Path(__file__).parent / "bundled" / "codes" / "needs.yaml"
VCC = "vcc"
YES, NO = "yes", "no"
SYSTEMS = {"snomed": SNOMED, "icd10": ICD10, "cdsi": CDSI}


@dataclass(frozen=True, slots=True)
class MemberObservation:
    """Something that a plan says of a person: a condition, a need, a figure, a service received or the answer to a
    question."""

    system: str
    code: str
    observed_on: date
    ended_on: date | None = None
    value: float | None = None
    answer: str | None = None

    def holds(self, day: date) -> bool:
        """From its day on, to the day before its end."""
        return self.observed_on <= day and (self.ended_on is None or day < self.ended_on)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What holds on a day. `dated` has the day of each CDSi observation, for the forecast; `turns_on` the days on
    which time alone changes something."""

    observations: frozenset[str] = frozenset()
    figures: Mapping[str, float] = field(default_factory=dict)
    services: Mapping[str, date] = field(default_factory=dict)
    dated: tuple[tuple[str, date], ...] = ()
    turns_on: tuple[date, ...] = ()


NOTHING_KNOWN = Circumstances()


def circumstances(said: Collection[MemberObservation], supporting: SupportingData, day: date) -> Circumstances:
    if not said:
        return NOTHING_KNOWN
    said = sorted(said, key=lambda observation: (observation.observed_on, observation.system, observation.code))
    now = [observation for observation in said if observation.holds(day)]
    codes = [
        (code, observation.observed_on)
        for observation in now
        for code in meanings(observation.system, observation.code, supporting)
    ]
    asked = {
        about["need"]: answer_to(question, about_question(question, said), day)
        for question, about in vocabulary()["questions"].items()
    }
    answered = {need for need, answer in asked.items() if answer == YES}
    return Circumstances(
        observations=frozenset(code for code, _ in codes if code not in asked) | answered,
        figures={
            observation.code: observation.value
            for observation in now
            if observation.value is not None and is_figure(observation)
        },
        services={
            observation.code: observation.observed_on
            for observation in now
            if observation.system == VCC and observation.code in vocabulary()["services"]
        },
        dated=tuple((code, on) for code, on in codes if code in supporting.observations),
        turns_on=tuple(edge for edge in edges(said) if edge > day),
    )


def edges(said: Iterable[MemberObservation]) -> Iterator[date]:
    """The days on which something of it begins or ends to hold."""
    return (
        edge for observation in said for edge in (observation.observed_on, observation.ended_on) if edge is not None
    )


def about_question(question: str, said: Iterable[MemberObservation]) -> list[MemberObservation]:
    """The answers to a question, and what says that its need holds or has ended."""
    need = vocabulary()["questions"][question]["need"]
    return [
        observation
        for observation in said
        if _is_answer(observation, question) or need in _needs(observation.system, observation.code)
    ]


def answer_to(question: str, about: Iterable[MemberObservation], day: date) -> str | None:
    """The newest answer by its own day, of what is about the question. The need answers too: its day with yes, the day
    of its end with no; of one day the outright answer counts."""
    answers: list[tuple[date, bool, str]] = []
    for observation in about:
        if observation.answer is not None:
            answers.append((observation.observed_on, True, observation.answer))
        else:
            told = ((observation.observed_on, YES), (observation.ended_on, NO))
            answers += [(on, False, answer) for on, answer in told if on is not None and on <= day]
    return max(answers)[2] if answers else None


def _is_answer(one: MemberObservation, question: str) -> bool:
    return one.system == VCC and one.code == question and one.answer is not None


@lru_cache(maxsize=1 << 14)
def meanings(system: str, code: str, supporting: SupportingData) -> frozenset[str]:
    """The CDSi observations and needs that a code stands for; none for a code that no rule knows."""
    needs = frozenset(_needs(system, code))
    if system == VCC:
        return needs
    return needs | observations_of(SYSTEMS[system], code, supporting)


def is_known(system: str, code: str, supporting: SupportingData) -> bool:
    """Whether some rule can look at an observation of this code."""
    words = vocabulary()
    if system == VCC:
        return any(code in words[kind] for kind in ("needs", "counts", "services", "questions"))
    return bool(meanings(system, code, supporting))


def wants_value(system: str, code: str) -> bool:
    """Whether an observation of this code is a figure."""
    return system == VCC and code in vocabulary()["counts"]


def answers_of(system: str, code: str) -> Collection[str]:
    """The answers that a question of this code has; none for what is no question."""
    about = vocabulary()["questions"].get(code) if system == VCC else None
    return about["answers"] if about else ()


def is_figure(said: MemberObservation) -> bool:
    """Whether this is a figure that can be: from 0 to the most that its code allows."""
    if said.value is None or not wants_value(said.system, said.code):
        return False
    most: float = vocabulary()["counts"][said.code]["most"]
    return 0 <= said.value <= most


def _needs(system: str, code: str) -> Iterator[str]:
    for need, about in vocabulary()["needs"].items():
        if system == VCC:
            is_meant = need == code
        elif system == "icd10":
            is_meant = any(_dotless(code).startswith(_dotless(prefix)) for prefix in about.get("icd10", ()))
        else:
            is_meant = code in about.get(system, ())
        if is_meant:
            yield need


def _dotless(code: str) -> str:
    return code.strip().upper().replace(".", "")


@cache
def vocabulary() -> Mapping[str, Mapping[str, Any]]:
    """Needs, counts, services and questions by name."""
    words: Mapping[str, Mapping[str, Any]] = yaml.safe_load(CODES.read_text(encoding="utf-8"))
    return words
