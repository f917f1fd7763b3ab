"""Pairs of two plans' members who are possibly one person, as they are told over HTTP."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from schemas.texts import Text
from services.kit.masking import protected

PairState = Literal["waiting", "one-person", "two-persons"]


class PairDecisionIn(BaseModel):
    """`reason` is kept for whoever asks later; names and birth dates do not belong there."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    decision: Literal["one-person", "two-persons", "withdraw"] = Field(
        description="Withdraw: they are possibly one again; who was joined is two, each with what is his."
    )
    reason: Text = Field(min_length=3, max_length=500, examples=["Both plans confirm the same Medicare number."])


class PossiblyOneOut(BaseModel):
    """Two plans' members who agree exactly, by their tokens alone."""

    pair_id: UUID
    members: Annotated[list[UUID], protected("tokens")] = Field(description="Both tokens; the smaller one survives.")
    state: PairState
    reason: str | None
    opened_at: datetime
    closed_at: datetime | None


class PossiblyOnePage(BaseModel):
    """`next_after` asks for the next page; none: this was the last."""

    pairs: list[PossiblyOneOut]
    next_after: UUID | None


class EntryOut(BaseModel):
    """One plan's entry of a member."""

    member_token: Annotated[UUID, protected("tokens")]
    plan: str
    said_at: datetime | None = Field(description="When the plan last spoke of the member.")
    covered_until: date | None = Field(description="The last day of what the plan says of coverage; none: open.")
    is_covered: bool = Field(description="On the open business day, by any product.")
    death: Literal["declared", "reported"] | None = Field(
        description="Declared: the plan's member counts as dead. Reported: somebody must check it."
    )


class PairFieldOut(BaseModel):
    """One field on both sides; empty: unsaid."""

    field: str
    one: str
    other: str
    how: Literal["agrees", "similar", "differs", "unsaid"]


class ComparisonOut(BaseModel):
    """Two plans' entries beside each other."""

    one: EntryOut
    other: EntryOut
    fields: Annotated[list[PairFieldOut], protected("names", "numbers", "birth-dates", "addresses")]


class PossiblyOneDetail(PossiblyOneOut):
    """With what each plan says today: protected data, so each look is audited."""

    comparisons: list[ComparisonOut] = Field(
        description="None once they are one, or if one plan lists both: then they are two by its word."
    )


class JoinWithdrawalIn(BaseModel):
    """`reason` is kept for whoever asks later; names and birth dates do not belong there."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    reason: Text = Field(min_length=3, max_length=500, examples=["The plan confirms that the number was mistyped."])


class JoinOut(BaseModel):
    """Two tokens that stand, or stood, for one person; by the tokens alone."""

    join_id: UUID
    join_no: int
    members: Annotated[list[UUID], protected("tokens")] = Field(description="The one that survived stands first.")
    said_by: Literal["person", "plan"] = Field(description="A person's word on a pair, or a plan's correction.")
    plan: str | None = Field(description="Whose correction it was.")
    pair_id: UUID | None
    joined_on: date
    joined_at: datetime
    withdrawn_at: datetime | None
    reason: str | None = Field(description="Why it was taken back.")


class JoinPage(BaseModel):
    """`next_after` asks for the next page; none: this was the last."""

    joins: list[JoinOut]
    next_after: int | None
