"""A worker as matching sees him, and his trainings. No name is in it: a worker is a code. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum, StrEnum


class Discipline(StrEnum):
    """What somebody may do by his profession; a CHW's scope is not clinical."""

    CHW = "chw"
    NURSE = "nurse"
    SOCIAL_WORKER = "social-worker"
    PHARMACIST = "pharmacist"


class OrganizationKind(StrEnum):
    """For whom a worker works: the plan itself, an entity that it delegated to, or a community organisation."""

    PLAN = "plan"
    CB_CME = "cb-cme"
    CBO = "cbo"


class Grade(StrEnum):
    """How long somebody has worked: by it so many of his records are looked at."""

    TRAINEE = "trainee"
    JOURNEYMAN = "journeyman"
    SENIOR = "senior"


class Level(IntEnum):
    """How well somebody speaks a language, by CEFR. C2 stands for a first language, too."""

    A1 = 1
    A2 = 2
    B1 = 3
    B2 = 4
    C1 = 5
    C2 = 6


class Progress(StrEnum):
    """How far somebody has come with a course on a day."""

    ENROLLED = "enrolled"
    IN_TRAINING = "in-training"
    COMPLETED = "completed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Absence:
    """Days on which a worker is away, the first and the last among them."""

    from_on: date
    until_on: date


@dataclass(frozen=True, slots=True)
class Training:
    """A course that a worker takes or took. It holds from the day of its completion until the day before it expires."""

    course: str
    from_on: date
    cohort_id: str | None = None
    completed_on: date | None = None
    expires_on: date | None = None

    def progress(self, day: date) -> Progress:
        """How far it is on this day."""
        if self.completed_on is not None and self.completed_on <= day:
            is_over = self.expires_on is not None and self.expires_on <= day
            return Progress.EXPIRED if is_over else Progress.COMPLETED
        return Progress.ENROLLED if day < self.from_on else Progress.IN_TRAINING


@dataclass(frozen=True, slots=True)
class Worker:
    """`working_days` are ISO weekdays (1 is Monday) with the hours of each; `capacity` is the weight of a day."""

    worker_id: str
    discipline: Discipline
    organization: str
    organization_kind: OrganizationKind
    grade: Grade
    languages: Mapping[str, Level]
    cultures: frozenset[str]
    zips: frozenset[str]
    working_days: Mapping[int, str]
    capacity: int
    absences: Sequence[Absence] = ()
    trainings: Sequence[Training] = ()

    def speaks(self, language: str, least: Level) -> bool:
        """Whether the worker speaks it at this level or above."""
        return self.languages.get(language, 0) >= least

    def is_trained(self, courses: Collection[str], day: date) -> bool:
        """Whether all of these courses are completed and none of them has expired on this day."""
        return set(courses) <= self.completed(day)

    def completed(self, day: date) -> set[str]:
        """The courses that hold on this day."""
        return {one.course for one in self.trainings if one.progress(day) is Progress.COMPLETED}

    def days_at_work(self, from_on: date, until_on: date) -> int:
        """How many of these days he works, both ends among them."""
        days = (from_on + timedelta(days=ahead) for ahead in range((until_on - from_on).days + 1))
        return sum(day.isoweekday() in self.working_days and not self.is_absent(day) for day in days)

    def is_absent(self, day: date) -> bool:
        """Whether he is away on this day."""
        return any(absence.from_on <= day <= absence.until_on for absence in self.absences)


@dataclass(frozen=True, slots=True)
class Cohort:
    """Those who take a course together, from the day on which it begins to the day of the certificate."""

    cohort_id: str
    course: str
    begins_on: date
    ends_on: date
