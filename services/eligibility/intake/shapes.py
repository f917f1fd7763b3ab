"""Feed files, their rows and what became of them, as they are told over HTTP."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.eligibility.intake.ordering import WHY_HELD
from services.eligibility.people.changes import CHANGES


def _listing(title: str, words: Mapping[str, str]) -> str:
    """Words and what they mean, as one sentence."""
    told = "; ".join(f"{name} ({says[0].lower()}{says[1:].rstrip('.')})" for name, says in words.items())
    return f"{title}: {told}."


class FeedFileOut(BaseModel):
    """A file and what became of its rows so far."""

    model_config = ConfigDict(from_attributes=True)

    file_id: UUID
    state: str = Field(description="received, processing, processed, refused as a whole, or held for a person.")
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
    changes: dict[str, int] = Field(description=_listing("How many rows changed what", CHANGES))
    said_at: datetime | None = Field(description="When a roster says that it was made.")
    held: str | None = Field(description=_listing("Why it waits, or waited", WHY_HELD))
    decision: str | None = Field(description="What a person decided last: released or refused.")
    decided_at: datetime | None
    absence: str | None = Field(
        description="Of a full file: applied, incomplete, or too-many, which waits until it is released or refused."
    )
    absent_ended: int = Field(description="Members whose coverage ended because the full file no longer lists them.")
    received_at: datetime
    processed_at: datetime | None
    is_repeat: bool = Field(default=False, description="These bytes were sent before; nothing was done again.")


class FeedFileDetail(FeedFileOut):
    """As `FeedFileOut`, and how it stands now."""

    rows_still_unlinked: int
    rejections: dict[str, int] = Field(description="Rejected rows by reason.")


class RowOut(BaseModel):
    """A place in the file and what was expected there; never what stands there."""

    row: int
    segment: int | None
    field: str | None
    code: str | None
    expected: str | None


class RejectPage(BaseModel):
    """`next_after` asks for the next page; none: this was the last."""

    rejects: list[RowOut]
    next_after: int | None


class DecisionIn(BaseModel):
    """Why, for whoever asks later. It is kept with the file; names and birth dates do not belong here."""

    reason: str = Field(
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


class RowPage(BaseModel):
    """`next_after` asks for the next page; none: this was the last."""

    rows: list[RowChangesOut]
    next_after: int | None
