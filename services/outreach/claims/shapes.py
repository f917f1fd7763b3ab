"""What the API of claims takes and gives."""

from pydantic import ConfigDict, Field, StrictInt

from schemas.eligibility_v1 import InterpreterNeeded
from schemas.envelope import Code, Zip5
from schemas.languages import Language
from services.outreach.worklist.shapes import CaseOut, Shape


class ClaimsIn(Shape):
    """Which cases a worker wants next."""

    count: StrictInt = Field(default=10, ge=1, le=50)
    programme_id: Code | None = None
    zip5: Zip5 | None = None
    language: Language | None = Field(
        default=None, description="A language that you speak, by BCP 47. Without it: cases for anybody."
    )
    interpreter_needed: InterpreterNeeded | None = None

    model_config = ConfigDict(json_schema_extra={"examples": [{"count": 5, "zip5": "60623", "language": "es"}]})


class ClaimsOut(Shape):
    """The cases claimed, in the order in which to call."""

    cases: tuple[CaseOut, ...]
    lease_minutes: int
