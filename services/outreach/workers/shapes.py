"""What the API of workers takes and gives."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, Field, StrictInt, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from schemas.envelope import Code, Day, Zip5
from schemas.languages import Language
from services.outreach.policy import CODES
from services.outreach.workers.rules import (
    Absence,
    Cohort,
    Discipline,
    Grade,
    Level,
    OrganizationKind,
    Progress,
    Training,
    Worker,
)
from services.outreach.worklist.shapes import Shape

COHORT_WEEKS = 9
"""A CHW course, from enrolment to certificate."""
CEFR = Annotated[str, StringConstraints(pattern="^[ABC][12]$"), Field(description="CEFR; C2 for a first language.")]
Hours = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$")]
Weekday = Annotated[str, StringConstraints(pattern="^[1-7]$")]


def _known_course(code: str) -> str:
    if code not in CODES.courses:
        raise PydanticCustomError("unknown_course", "Expected a course of codes.yaml")
    return code


Course = Annotated[Code, AfterValidator(_known_course), Field(json_schema_extra={"enum": sorted(CODES.courses)})]


class AbsenceIn(Shape):
    """Days away, both ends among them."""

    from_on: Day
    until_on: Day

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.until_on < self.from_on:
            raise PydanticCustomError("absence_order", "Expected until_on not before from_on")
        return self


class WorkerIn(Shape):
    """A worker, new or described anew. No name: he is known by the code of his token."""

    discipline: Discipline
    organization: Code = Field(description="Who employs him.")
    organization_kind: OrganizationKind = Field(description="The plan, an entity that it delegated to, or a CBO.")
    grade: Grade = Grade.SENIOR
    languages: Mapping[Language, CEFR] = Field(min_length=1, max_length=20)
    cultures: tuple[Code, ...] = Field(default=(), max_length=20)
    zips: tuple[Zip5, ...] = Field(default=(), max_length=2000, description="His service area.")
    working_days: Mapping[Weekday, Hours] = Field(min_length=1, description="By ISO weekday; 1 is Monday.")
    capacity: StrictInt = Field(ge=0, le=200, description="The weight of cases that he bears on a day.")
    absences: tuple[AbsenceIn, ...] = Field(default=(), max_length=100)

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "discipline": "chw",
                    "organization": "promotoras",
                    "organization_kind": "cbo",
                    "languages": {"es": "C2", "en": "B2"},
                    "working_days": {"1": "08:00-17:00", "2": "08:00-17:00"},
                    "capacity": 12,
                }
            ]
        }
    )

    def worker(self, worker_id: str) -> Worker:
        """The worker as described, without trainings: these are told one by one."""
        return Worker(
            worker_id=worker_id,
            discipline=self.discipline,
            organization=self.organization,
            organization_kind=self.organization_kind,
            grade=self.grade,
            languages={language: Level[level] for language, level in self.languages.items()},
            cultures=frozenset(self.cultures),
            zips=frozenset(self.zips),
            working_days={int(day): hours for day, hours in self.working_days.items()},
            capacity=self.capacity,
            absences=tuple(Absence(one.from_on, one.until_on) for one in self.absences),
        )


class TrainingIn(Shape):
    """How far a worker is with a course that began on a day; told again when he completes it."""

    course: Course
    from_on: Day
    cohort_id: Code | None = None
    completed_on: Day | None = None
    expires_on: Day | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.completed_on is not None and self.completed_on < self.from_on:
            raise PydanticCustomError("completed_before", "Expected completed_on not before from_on")
        if self.expires_on is not None and (self.completed_on is None or self.expires_on <= self.completed_on):
            raise PydanticCustomError("expires_before", "Expected expires_on after completed_on")
        return self

    def training(self) -> Training:
        """The training as told."""
        return Training(self.course, self.from_on, self.cohort_id, self.completed_on, self.expires_on)


class CohortIn(Shape):
    """Those who begin a course together."""

    course: Course
    begins_on: Day
    weeks: StrictInt = Field(default=COHORT_WEEKS, ge=1, le=104)

    def cohort(self, cohort_id: str) -> Cohort:
        """The cohort as told."""
        return Cohort(cohort_id, self.course, self.begins_on, self.begins_on + timedelta(weeks=self.weeks))


class TrainingOut(Shape):
    """A course of a worker."""

    course: str
    from_on: date
    cohort_id: str | None
    completed_on: date | None
    expires_on: date | None
    progress: Progress = Field(description="On the open business day.")


class WorkerOut(Shape):
    """A worker as he is known."""

    worker_id: str
    version: int = Field(description="The ETag, by which a change is asked for.")
    discipline: Discipline
    organization: str
    organization_kind: OrganizationKind
    grade: Grade
    languages: Mapping[str, str]
    cultures: tuple[str, ...]
    zips: tuple[str, ...]
    working_days: Mapping[str, str]
    capacity: int
    absences: tuple[AbsenceIn, ...]
    trainings: tuple[TrainingOut, ...]


class WorkersOut(Shape):
    """A plan's workers, by their codes."""

    workers: tuple[WorkerOut, ...]


class CohortOut(Shape):
    """A cohort, and how many of it are how far on the open business day."""

    cohort_id: str
    course: str
    begins_on: date
    ends_on: date
    progress: Mapping[str, int]


class CohortsOut(Shape):
    """A plan's cohorts, the latest first."""

    cohorts: tuple[CohortOut, ...]


def worker_of(worker: Worker, version: int, today: date) -> WorkerOut:
    """The worker as the API gives him."""
    return WorkerOut(
        worker_id=worker.worker_id,
        version=version,
        discipline=worker.discipline,
        organization=worker.organization,
        organization_kind=worker.organization_kind,
        grade=worker.grade,
        languages={language: level.name for language, level in sorted(worker.languages.items())},
        cultures=tuple(sorted(worker.cultures)),
        zips=tuple(sorted(worker.zips)),
        working_days={str(day): hours for day, hours in sorted(worker.working_days.items())},
        capacity=worker.capacity,
        absences=tuple(AbsenceIn(from_on=one.from_on, until_on=one.until_on) for one in worker.absences),
        trainings=tuple(_training_of(one, today) for one in worker.trainings),
    )


def _training_of(training: Training, today: date) -> TrainingOut:
    return TrainingOut(
        course=training.course,
        from_on=training.from_on,
        cohort_id=training.cohort_id,
        completed_on=training.completed_on,
        expires_on=training.expires_on,
        progress=training.progress(today),
    )
