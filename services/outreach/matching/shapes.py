"""What the API of assignments takes and gives."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StrictBool, StrictInt, StringConstraints
from pydantic_core import PydanticCustomError

from schemas.envelope import Code, Day, Zip5
from schemas.languages import Language
from services.outreach.matching.batch import Batch
from services.outreach.matching.rules import Bar, Candidate, Reason, Room
from services.outreach.matching.standing import Assignment
from services.outreach.policy import CODES
from services.outreach.worklist.shapes import Shape

MOST = 50_000
WorkerCode = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")]


def _known_reason(code: str) -> str:
    if code not in CODES.assignment_reasons:
        raise PydanticCustomError("unknown_reason", "Expected an assignment reason of codes.yaml")
    return code


class AssignmentsIn(Shape):
    """Which open cases are to be assigned. As a dry run, unless told otherwise, it changes nothing."""

    dry_run: StrictBool = True
    until_on: Day | None = Field(default=None, description="The last day; by the policy, where it is not given.")
    programme_id: Code | None = None
    zip5: Zip5 | None = None
    limit: StrictInt = Field(default=MOST, ge=1, le=MOST, description="So many cases at most, by rank.")
    interpreted: tuple[Language, ...] = Field(
        default=(), max_length=50, description="Languages for which the plan has a qualified interpreter; never family."
    )

    model_config = ConfigDict(json_schema_extra={"examples": [{"dry_run": True, "interpreted": ["vi"]}]})


class SpreadOut(Shape):
    """How even loads are, in parts of capacity; how far the most loaded is from the least, in parts of the level."""

    level: float
    least: float
    most: float
    attained: float
    bound: float = Field(description="No assignment under the hard rules is more even.")


class LoadOut(Shape):
    """What a worker has with this batch, in weight."""

    worker_id: str
    capacity: int
    load: int
    hard_cases: int


class AssignmentsOut(Shape):
    """What came of a batch, or would."""

    batch_id: UUID | None = Field(description="None of a dry run.")
    members: int
    assigned: int
    left: int = Field(description="Members whom nobody can be given.")
    left_by: Mapping[str, int] = Field(description="By the hard rules that leave nobody.")
    decided_by: Mapping[str, int] = Field(description="How many each rule decided.")
    spread: SpreadOut
    loads: tuple[LoadOut, ...]


class AssigneeIn(Shape):
    """Who is to have the case, and why it is not whom the rules put first."""

    worker_id: WorkerCode
    reason: Annotated[
        Code, AfterValidator(_known_reason), Field(json_schema_extra={"enum": sorted(CODES.assignment_reasons)})
    ]
    interpreted: tuple[Language, ...] = Field(default=(), max_length=50)

    model_config = ConfigDict(json_schema_extra={"examples": [{"worker_id": "w-17", "reason": "member-asked"}]})


class CandidateOut(Shape):
    """A worker for a case."""

    worker_id: str
    bars: tuple[Bar, ...] = Field(description="The hard rules that bar him.")
    reasons: tuple[Reason, ...] = Field(description="What speaks for him, the weightiest first.")
    deciding: Reason | None = Field(description="Why he comes before the next.")
    load: float


class CandidatesOut(Shape):
    """All workers: who may, in the order in which they had better; then who may not."""

    candidates: tuple[CandidateOut, ...]


class AssignmentOut(Shape):
    """To whom a case was assigned, and why. One without an end stands."""

    assignment_id: UUID
    worker_id: str
    batch_id: UUID | None
    until_on: date
    deciding: Reason
    reasons: tuple[Reason, ...]
    because: str | None
    assigned_by: str
    assigned_at: datetime
    ended_at: datetime | None
    ended_for: str | None


class AssignmentHistoryOut(Shape):
    """A case's assignments, the first first."""

    assignments: tuple[AssignmentOut, ...]


def batch_of(batch: Batch, batch_id: UUID | None) -> AssignmentsOut:
    """What came of the batch as the API gives it."""
    spread = batch.spread
    return AssignmentsOut(
        batch_id=batch_id,
        members=len(batch.assigned) + len(batch.left),
        assigned=len(batch.assigned),
        left=len(batch.left),
        left_by=dict(sorted(Counter(" ".join(one.bars) for one in batch.left).items())),
        decided_by=dict(sorted(Counter(str(one.deciding) for one in batch.assigned).items())),
        spread=SpreadOut(
            level=spread.level, least=spread.least, most=spread.most, attained=spread.attained, bound=spread.bound
        ),
        loads=tuple(_load(worker_id, room) for worker_id, room in batch.rooms.items()),
    )


def _load(worker_id: str, room: Room) -> LoadOut:
    return LoadOut(worker_id=worker_id, capacity=room.capacity, load=room.load, hard_cases=room.hard_load)


def candidate_of(candidate: Candidate) -> CandidateOut:
    """The candidate as the API gives him."""
    return CandidateOut.model_validate({name: getattr(candidate, name) for name in CandidateOut.model_fields})


def history_of(assignments: Iterable[Assignment]) -> AssignmentHistoryOut:
    """The assignments as the API gives them."""
    return AssignmentHistoryOut(assignments=tuple(map(_assignment, assignments)))


def _assignment(assignment: Assignment) -> AssignmentOut:
    told = {name: getattr(assignment, name) for name in AssignmentOut.model_fields}
    return AssignmentOut.model_validate(told | {"reasons": tuple(assignment.reasons.split())})
