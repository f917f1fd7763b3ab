"""What providers tell: receipts, messages that came back, what members wrote. Pure."""

import re
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints


class Event(StrEnum):
    """`bounced`: there is no such number or mailbox; `failed`: it did not arrive, for another reason."""

    DELIVERED = "message.delivered"
    FAILED = "message.failed"
    BOUNCED = "message.bounced"
    RECEIVED = "message.received"


class Data(BaseModel):
    """A receipt names the message by our id or by the provider's; what was received says from where, and what."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    message_id: UUID | None = None
    id: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = None
    sender: Annotated[str, StringConstraints(max_length=254)] = Field(default="", alias="from")
    text: Annotated[str, StringConstraints(max_length=4000)] = ""


class Callback(BaseModel):
    """One thing that a provider tells."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    type: Event
    data: Data


def normal(address: str) -> str:
    """A number as messages are sent to it; any other address as it is."""
    digits = re.sub(r"[ ().-]", "", address)
    if re.fullmatch(r"\+?1?[2-9][0-9]{9}", digits):
        return f"+1{digits[-10:]}"
    return address.strip()
