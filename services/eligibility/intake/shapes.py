"""Feed files, their rows and what became of them, as they are told over HTTP."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from schemas.texts import Text
from services.eligibility.intake.ordering import WHY_HELD
from services.eligibility.people.changes import CHANGES
from services.eligibility.people.doubtful import (
    ANOTHER_PERSON,
    REFUSED,
    SAME_PERSON,
    SUPERSEDED,
    WAITING,
    WITHDRAWN,
    expected_now,
)
from services.eligibility.people.matching import WHY_DOUBTFUL
from services.kit.masking import protected


def listing(title: str, words: Mapping[str, str]) -> str:
    """Words and what they mean, as one sentence."""
    told = "; ".join(f"{name} ({says[0].lower()}{says[1:].rstrip('.')})" for name, says in words.items())
    return f"{title}: {told}."


class FeedFileOut(BaseModel):
    """A file and what became of its rows so far."""

    model_config = ConfigDict(from_attributes=True)

    file_id: UUID
    state: str = Field(
        description="received, processing, processed, refused as a whole, held for a person, cancelled by one, or "
        "stopped before its end."
    )
    kind: str | None = Field(description="x12-834, hl7-vxu or ads-maa, once it is known.")
    sender: str | None
    plan: str | None = Field(description="Whose members a roster lists.")
    sha256: str
    size_bytes: int
    rows_read: int
    rows_accepted: int = Field(description="Taken; with those that said nothing new and those that are unlinked.")
    rows_unchanged: int
    rows_rejected: int
    rows_unlinked: int = Field(description="Doses whose member was not found when the file was read.")
    is_full: bool
    changes: dict[str, int] = Field(description=listing("How many rows changed what", CHANGES))
    said_at: datetime | None = Field(description="When a roster says that it was made.")
    held: str | None = Field(description=listing("Why it waits, or waited", WHY_HELD))
    decision: str | None = Field(description="What a person decided last: released, refused or cancelled.")
    decided_at: datetime | None
    absence: str | None = Field(
        description="Of a full file: applied, incomplete, or too-many, which waits until it is released or refused; or "
        "part, of a list in several files, of which the one that completes it tells."
    )
    absent_ended: int = Field(description="Members whose coverage ended because the full file no longer lists them.")
    received_at: datetime
    processed_at: datetime | None
    cut_short: str | None = Field(
        default=None,
        description="Why not all of it was read: cancelled, or too-many-rejects. What was read stays; nobody is absent "
        "for it.",
    )
    list_name: str | None = Field(default=None, description="Of a full list in several files, which one it is.")
    part: int | None = Field(default=None, description="Which part of it this file is.")
    parts: int | None = Field(default=None, description="How many files it has.")
    is_repeat: bool = Field(default=False, description="These bytes were sent before; nothing was done again.")


class AbsenceOut(BaseModel):
    """What was made of the members who are not in a plan's full list."""

    model_config = ConfigDict(from_attributes=True)

    plan: str
    said_at: datetime | None
    absence: str = Field(description="applied, incomplete or too-many, then released or refused; or part.")
    ended: int = Field(description="Members whose coverage ended.")


class FeedFileDetail(FeedFileOut):
    """As `FeedFileOut`, and how it stands now."""

    rows_still_unlinked: int = Field(
        description="Its doses that count for nobody now: their member was not found yet, or was born after them by "
        "what a plan states. Until the file is worked through: those of the rows read so far, as when they were read."
    )
    rejections: dict[str, int] = Field(description="Rejected rows by reason.")
    absences: list[AbsenceOut] = Field(description="By plan, for a file may bring several full lists.")


State = Literal["waiting", "same-person", "another-person", "refused", "superseded", "withdrawn"]


STATES: dict[str, State] = {
    WAITING: "waiting", SAME_PERSON: "same-person", ANOTHER_PERSON: "another-person", REFUSED: "refused",
    WITHDRAWN: "withdrawn", SUPERSEDED: "superseded",
}  # fmt: skip
"""As they are kept, and as they are told."""


class RowOut(BaseModel):
    """A place in the file and what was expected there; never what stands there."""

    row: int
    segment: int | None
    field: str | None
    code: str | None
    expected: str | None


class RejectOut(RowOut):
    doubtful_id: UUID | None = Field(description="Of a row of which a person decides whom it means, or has decided.")
    doubtful_state: State | None = Field(default=None, description="What was decided of it, or that it waits.")


def reject_of(row: Mapping[str, Any]) -> RejectOut:
    """A rejected row as it is told: once somebody has decided of it, with what he decided."""
    state = row["doubtful_state"]
    expected = expected_now(row["expected"], state)
    return RejectOut(**{**row, "expected": expected, "doubtful_state": STATES[state] if state else None})


class RejectPage(BaseModel):
    """`next_after` asks for the next page; none: this was the last."""

    rejects: list[RejectOut]
    next_after: int | None


class DecisionIn(BaseModel):
    """Why, for whoever asks later. It is kept with the file; names and birth dates do not belong here."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    reason: Text = Field(
        min_length=3, max_length=500, examples=["The plan confirms that it left out its dental members."]
    )


class RowChangesOut(BaseModel):
    """What became of a row and what it changed; an empty list: nothing."""

    row: int
    outcome: str = Field(description="accepted, unchanged, unlinked or rejected.")
    changes: list[str]
    segment: int | None
    field: str | None
    code: str | None = Field(description="Of a row that was rejected, unlinked, or older than what stands (stale).")
    expected: str | None


def changes_of_row(row: Mapping[str, Any]) -> RowChangesOut:
    """A row as it is told, with what it changed."""
    changes = row["changes"].split(",") if row["changes"] else []
    expected = expected_now(row["expected"], row["doubtful_state"])
    return RowChangesOut(**{**row, "changes": changes, "expected": expected})


class RowPage(BaseModel):
    """`next_after` asks for the next page; none: this was the last."""

    rows: list[RowChangesOut]
    next_after: int | None


class DoubtfulDecisionIn(BaseModel):
    """`reason` is kept for whoever asks later; names and birth dates do not belong there."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    decision: Literal["same-person", "another-person", "refuse", "withdraw"]
    member_token: UUID | None = Field(default=None, description="Whom the row means: only of the same person.")
    reason: Text = Field(min_length=3, max_length=500, examples=["The plan confirms the new birth date."])

    @model_validator(mode="after")
    def _token_of_same(self) -> Self:
        if (self.decision == "same-person") != (self.member_token is not None):
            raise PydanticCustomError("member_token", "a member's token if, and only if, it is the same person")
        return self


class DoubtfulRowOut(BaseModel):
    """Where a doubtful row stands and why it waits; never what it holds."""

    doubtful_id: UUID
    plan: str
    file_id: UUID
    row: int
    segment: int
    code: str = Field(description=listing("Why it is doubtful", WHY_DOUBTFUL))
    field: str
    expected: str
    state: State = Field(description="Superseded: a newer row said who is meant, or says the same and waits instead.")
    may_be: Annotated[list[UUID], protected("tokens")] = Field(
        description="The tokens of the members whom it may mean."
    )
    member_token: Annotated[UUID | None, protected("tokens")] = Field(description="Whom it was found to mean.")
    changes: list[str] = Field(description="What it changed when it was decided; nothing where a newer row stands.")
    reason: str | None
    opened_at: datetime
    closed_at: datetime | None


class DoubtfulPage(BaseModel):
    """`next_after` asks for the next page; none: this was the last."""

    rows: list[DoubtfulRowOut]
    next_after: UUID | None


class ComparedOut(BaseModel):
    """One field on both sides."""

    model_config = ConfigDict(from_attributes=True)

    field: str
    row: str = Field(description="What the row says; empty: nothing.")
    member: str = Field(description="What the plan says of the member today.")
    how: Literal["agrees", "similar", "differs", "unsaid"]


class HeldOut(BaseModel):
    """One time of coverage that a member has."""

    kind: str
    product: str
    begin_on: date | None
    end_on: date | None


class DeathSaidOut(BaseModel):
    """One word about a member's death. Of another plan's it is told that there is one, and no more."""

    model_config = ConfigDict(from_attributes=True)

    by: Literal["plan", "registry", "worker", "site", "person", "another-plan"]
    word: Literal["deceased", "possible", "alive"] | None = None
    said_at: datetime | None = Field(default=None, description="By the source's own date.")
    death_on: date | None = Field(default=None, description="The day of death, if it is said.")


class CandidateOut(BaseModel):
    """A member whom the row may mean, field by field, and what stands of him."""

    member_token: Annotated[UUID, protected("tokens")]
    death: Literal["declared", "reported"] | None = Field(
        default=None, description="Declared: the plan's member counts as dead. Reported: somebody must check it."
    )
    death_said: list[DeathSaidOut] = Field(default=[], description="Who says so, or said otherwise; the oldest first.")
    death_by_row: Literal["deceased", "alive"] | None = Field(
        default=None, description="What the row says of this member's death: beside a death, alive revives him."
    )
    said_at: datetime | None = Field(description="When the plan last spoke of the member.")
    coverages: list[HeldOut]
    fields: Annotated[list[ComparedOut], protected("names", "numbers", "birth-dates", "addresses")]


class CoverageOut(BaseModel):
    """One coverage of the row (HD)."""

    insurance_line: str
    description: str
    maintenance: str
    begin_on: date | None
    end_on: date | None


class DoubtfulRowDetail(DoubtfulRowOut):
    """With both sides while it waits: protected data, so each look is audited."""

    maintenance: str | None = Field(description="What the row does (INS-03).")
    said_at: datetime | None = Field(description="When the sender says that it was said.")
    coverages: list[CoverageOut]
    candidates: list[CandidateOut]
