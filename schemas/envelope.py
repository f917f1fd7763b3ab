"""The CloudEvents 1.0 envelope in Kafka's binary mode, and the base of every event body.

Source: CloudEvents Kafka protocol binding 1.0.2, section 3.2 (binary content mode).
"""

import re
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Annotated, ClassVar

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

SPEC_VERSION = "1.0"
CONTENT_TYPE = "application/json"

HEADER_ID = "ce_id"
HEADER_SOURCE = "ce_source"
HEADER_TYPE = "ce_type"
HEADER_TIME = "ce_time"
HEADER_SPEC_VERSION = "ce_specversion"
HEADER_CONTENT_TYPE = "content-type"
HEADER_TRACE_PARENT = "traceparent"

Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")]
"""A machine-readable code: lower case, digits, dots and hyphens, at most 64 characters."""

Zip5 = Annotated[str, StringConstraints(pattern=r"^[0-9]{5}$")]
TractFips = Annotated[str, StringConstraints(pattern=r"^[0-9]{11}$")]
CountyFips = Annotated[str, StringConstraints(pattern=r"^[0-9]{5}$")]
Cvx = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,3}$")]
"""A CVX code as text: "08", never 8."""

Mvx = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{2,4}$")]

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _as_day(said: object) -> object:
    if type(said) is date or (isinstance(said, str) and _DAY.fullmatch(said)):
        return said
    raise PydanticCustomError("day", "Expected a day as YYYY-MM-DD")


def _as_instant(said: object) -> object:
    if isinstance(said, datetime) or (isinstance(said, str) and _DAY.match(said)):
        return said
    raise PydanticCustomError("instant", "Expected an instant as RFC 3339 writes it, with its offset")


DAY_AS_WRITTEN = BeforeValidator(_as_day)
"""A day by ISO 8601's digits: a count of seconds since 1970 is none."""

INSTANT_AS_WRITTEN = BeforeValidator(_as_instant)

Day = Annotated[date, Field(ge=date(1900, 1, 1), le=date(2199, 12, 31)), DAY_AS_WRITTEN]
"""A day that a person can have meant. What comes in by an interface; a record of the log may hold any."""

Instant = Annotated[
    AwareDatetime, Field(ge=datetime(1900, 1, 1, tzinfo=UTC), lt=datetime(2200, 1, 1, tzinfo=UTC)), INSTANT_AS_WRITTEN
]
"""An instant of such a day, with its offset; far enough from the calendar's ends for any time zone."""


class Contract(BaseModel):
    """A part of an event body. Frozen, tolerant of fields it does not know, silent about values in its errors."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, ser_json_timedelta="iso8601")


class Event(Contract):
    """A past-tense fact. `event_type` is the CloudEvents type; `occurred_at` is the instant of the fact, in UTC.
    `key_field` names the key's field where it is not the one that the catalog names for the topic."""

    event_type: ClassVar[str]
    key_field: ClassVar[str] = ""

    occurred_at: AwareDatetime

    @cached_property
    def payload(self) -> str:
        """The body as it stands in the log: JSON without what is null. Made once for the log and the store."""
        return self.__pydantic_serializer__.to_json(self, exclude_none=True).decode()  # a fifth faster than its wrapper

    def key(self) -> str:
        """The Kafka key: the field that the catalog names for the topic."""
        raise NotImplementedError(f"{type(self).__name__} names no key")
