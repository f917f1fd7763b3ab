"""In whose name messages go out: what a deployment says of each plan. Pure."""

from collections.abc import Mapping
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

from schemas.envelope import Code
from services.outreach.messages.wording import LONGEST_PLAN, LONGEST_TELEPHONE

PlanName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 .,&'-]+$", max_length=LONGEST_PLAN)]
"""In letters that every telephone has: another one would halve the room of a text message."""
Shown = Annotated[str, StringConstraints(pattern=r"^[0-9 ()+-]+$", max_length=LONGEST_TELEPHONE)]
Mailbox = Annotated[str, StringConstraints(pattern=r"^[!-?A-~]{1,64}@[A-Za-z0-9.-]{1,253}$", max_length=254)]
Number = Annotated[str, StringConstraints(pattern=r"^\+?[0-9]{4,15}$")]


class Sender(BaseModel):
    """A plan's name, the telephone at which a person answers, from where its e-mails and text messages come (without
    one it sends none of that kind), and how many of each a minute."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: PlanName
    telephone: Shown
    email: Mailbox | None = None
    text: Number | None = None
    per_minute: Annotated[int, Field(ge=1, le=10_000)] = 60


Senders = Mapping[str, Sender]


def read_senders(text: str) -> Senders:
    """Each plan's, by tenant; a ValueError for a text that does not fit."""
    try:
        said = yaml.safe_load(text)
    except yaml.YAMLError:
        raise ValueError("expected YAML") from None
    return TypeAdapter(dict[Code, Sender]).validate_python(said or {})
