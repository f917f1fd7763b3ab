"""What the API of messages takes and gives."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StrictBool
from pydantic_core import PydanticCustomError

from schemas.envelope import Code
from schemas.outreach_v1 import Channel
from services.kit.masking import protected
from services.outreach.messages.rules import KnownBy, ListedMessage, Reply, Resolution, Status
from services.outreach.messages.wording import FOR_OUTREACH, Purpose
from services.outreach.worklist.shapes import Shape


def _known_template(name: str) -> str:
    if name not in FOR_OUTREACH:
        raise PydanticCustomError("unknown_template", "Expected a template for outreach")
    return name


Template = Annotated[Code, AfterValidator(_known_template), Field(json_schema_extra={"enum": FOR_OUTREACH})]


class MessageIn(Shape):
    """A text message or an e-mail to the member of a case, in his language."""

    channel: Literal[Channel.TEXT, Channel.EMAIL]
    template: Template
    waits: StrictBool = Field(
        default=False, description="Where the gate refuses it for now: queue it for the instant that it names."
    )

    model_config = ConfigDict(json_schema_extra={"examples": [{"channel": "text", "template": "please-call"}]})


class MessageQueuedOut(Shape):
    """It is sent then at the earliest, if the gate still permits it."""

    message_id: UUID
    status: Status
    not_before_at: datetime


class MessageOut(Shape):
    """A message on record. Neither what it said nor where it went is kept."""

    message_id: UUID
    case_id: UUID
    channel: Channel
    purpose: Purpose
    template: str
    template_version: int | None
    language: str | None
    status: Status
    reason: str | None = Field(description="Why it waits, was not sent, or is unknown.")
    queued_by: str
    queued_at: datetime
    not_before_at: datetime
    sending_at: datetime | None
    ended_at: datetime | None
    delivered_at: datetime | None = Field(description="The provider says that it arrived.")
    bounced_at: datetime | None = Field(description="It came back: nothing is sent to that address any more.")
    attempt_id: UUID | None = Field(description="As which attempt it counts.")
    resolved_by: str | None
    resolved_for: str | None


class MessagesOut(Shape):
    """A page of messages, the earliest queued first."""

    messages: tuple[MessageOut, ...]
    next: str | None = Field(description="Asks for what follows, as `after`.")


class ResolutionIn(Shape):
    """What is known of a message after all, and how."""

    outcome: Resolution
    reason: KnownBy

    model_config = ConfigDict(json_schema_extra={"examples": [{"outcome": "sent", "reason": "provider-says"}]})


def messages_of(found: Sequence[ListedMessage], following: str | None) -> MessagesOut:
    """The page as the API gives it."""
    messages = [
        MessageOut.model_validate({name: getattr(one, name) for name in MessageOut.model_fields}) for one in found
    ]
    return MessagesOut(messages=tuple(messages), next=following)


class ReplyOut(Shape):
    """What a member wrote, and when."""

    reply_id: UUID
    case_id: UUID
    channel: Channel
    received_at: datetime
    text: Annotated[str, protected("clinical", "barriers")]


class RepliesOut(Shape):
    """A page of replies, the longest waiting first."""

    replies: tuple[ReplyOut, ...]
    next: str | None = Field(description="Asks for what follows, as `after`.")


def replies_of(found: Sequence[tuple[Reply, str]], following: str | None) -> RepliesOut:
    """The page as the API gives it."""
    replies = [
        ReplyOut(
            reply_id=one.reply_id, case_id=one.case_id, channel=Channel(one.channel), received_at=one.received_at,
            text=text,
        )
        for one, text in found
    ]  # fmt: skip
    return RepliesOut(replies=tuple(replies), next=following)
