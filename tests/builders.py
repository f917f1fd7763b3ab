"""Records and events with sane defaults, for tests of the chassis."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count
from uuid import UUID

from schemas import catalog
from schemas.catalog import TOPIC_OF_EVENT
from schemas.eligibility_v1 import BusinessDayOpenedV1
from schemas.envelope import Event
from services.kit.contract import Decoder, Delivery, Header, Record, Reject, headers_of, source_of
from services.kit.ids import new_id

FIRST_DAY = date(2021, 3, 1)
_offsets = count()


def a_day(days: int = 0, zone: str = "America/Chicago") -> BusinessDayOpenedV1:
    """The `days`-th business day after 1 March 2021."""
    return BusinessDayOpenedV1(
        occurred_at=datetime(2021, 3, 1, 6, tzinfo=UTC) + timedelta(days=days),
        business_on=FIRST_DAY + timedelta(days=days),
        time_zone=zone,
    )


def a_record(
    event: Event,
    *,
    event_id: UUID | None = None,
    offset: int | None = None,
    key: bytes | None = b"",
    value: bytes | None = b"",
    headers: Sequence[Header] | None = None,
    service: str | None = None,
) -> Record:
    """The record that holds this event; an empty key or value means the event's own, no service its producer."""
    topic = TOPIC_OF_EVENT[type(event)]
    given = headers_of(
        event_id or new_id(),
        source_of(service or topic.producer),
        event.event_type,
        event.occurred_at.isoformat(),
        None,
    )
    return Record(
        topic=topic.name,
        partition=0,
        offset=next(_offsets) if offset is None else offset,
        key=event.key().encode() if key == b"" else key,
        value=event.model_dump_json(exclude_none=True).encode() if value == b"" else value,
        headers=tuple(given if headers is None else headers),
    )


def decoded(*records: Record) -> list[Delivery | Reject]:
    """What the decoder of the records' topic makes of them."""
    return Decoder(catalog.TOPIC_BY_NAME[records[0].topic]).decode(records)
