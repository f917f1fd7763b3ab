"""Where a list goes on whose answer is the list itself: the place that a page ended with, as a text, and the header
Link (RFC 8288) that asks for what follows."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, NamedTuple, TypeVar
from uuid import UUID

from fastapi import Query, Request, Response

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PAGED: dict[int | str, dict[str, Any]] = {
    200: {
        "headers": {
            "Link": {
                "description": '`rel="next"`: the page that follows this one; none: this was the last.',
                "schema": {"type": "string"},
            }
        }
    }
}
"""What an operation's description says of it."""

After = Annotated[
    str | None,
    Query(pattern=r"^[0-9]{1,17}_[0-9a-f]{32}$", description='Of the page before, as its Link `rel="next"` says.'),
]


T = TypeVar("T")


class Place(NamedTuple):
    """What a page ended with, in a list by time; without an instant its beginning."""

    at: datetime | None
    key: UUID


BEGINNING = Place(None, UUID(int=0))


def place_of(after: str | None) -> Place:
    """The place that such a text names."""
    if after is None:
        return BEGINNING
    microseconds, key = after.split("_")
    return Place(_EPOCH + timedelta(microseconds=int(microseconds)), UUID(key))


def end_of(places: Sequence[T], limit: int) -> T | None:
    """What a full page ended with; None where the list has ended."""
    return places[-1] if len(places) == limit else None


def text_of(place: tuple[datetime, UUID] | None) -> str | None:
    """The text by which a page after this place is asked for."""
    return None if place is None else f"{(place[0] - _EPOCH) // timedelta(microseconds=1)}_{place[1].hex}"


def link_next(request: Request, response: Response, **place: str | int | None) -> None:
    """Say where the list goes on, if it does: by the same request with this parameter in its place."""
    if None not in place.values():
        url = request.url.include_query_params(**place)
        response.headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
