"""A JSON body as it comes in: what no database holds, what goes too deep and what says one thing twice is refused
before anybody works on it."""

import json
import re
from collections.abc import Iterator
from typing import Any

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope

from services.kit import problem
from services.kit.nesting import MOST_DEPTH, Nesting

MAX_BODY_BYTES = 1 << 20
"""Of a JSON request; a route that takes a file says its own `max_body_size`."""

TOO_DEEP = problem.Refusal(
    "too-deep", "Too Deep", f"Expected JSON with at most {MOST_DEPTH} lists and objects within each other.", 400
)

_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000|\x00")
_LONGEST_HALF = 32
"""How much of a chunk is looked at again with the next one, for what was cut in two."""

Location = tuple[str | int, ...]


def checked(scope: Scope, receive: Receive) -> Receive:
    """Refused by whoever reads it: text with U+0000, more depth than may be, a name twice in an object. Of a file that
    only calls itself JSON no more is kept than a request may have."""
    if "json" not in Headers(scope=scope).get("content-type", "").lower():
        return receive
    whole, nesting, is_file = bytearray(), Nesting(), False

    async def receive_checked() -> Message:
        nonlocal is_file
        message = await receive()
        piece = message.get("body", b"")
        if _NUL.search(whole[-_LONGEST_HALF:] + piece):
            raise problem.UnstorableTextError
        nesting.take(piece)
        if nesting.is_too_deep:
            raise problem.RefusedError(TOO_DEEP)
        whole.extend(piece)
        is_file = is_file or len(whole) > MAX_BODY_BYTES
        if is_file:
            del whole[:-_LONGEST_HALF]
        elif not message.get("more_body", False) and (location := repeated_name(bytes(whole))):
            raise problem.RepeatedNameError(location)
        return message

    return receive_checked


class _Object(list[tuple[str, Any]]):
    """An object's names and values, in their order."""


def repeated_name(body: bytes) -> Location | None:
    """Where the first name stands that its object has already; nowhere in what is no JSON."""
    is_repeated = False

    def look(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal is_repeated
        found = dict(pairs)
        is_repeated |= len(found) < len(pairs)
        return found

    try:
        json.loads(body, object_pairs_hook=look)
        return next(_repeated(json.loads(body, object_pairs_hook=_Object), ())) if is_repeated else None
    except ValueError:
        return None


def _repeated(value: Any, location: Location) -> Iterator[Location]:
    seen: set[str] = set()
    for step, part in value if isinstance(value, _Object) else enumerate(value) if isinstance(value, list) else ():
        if step in seen:
            yield (*location, step)
        if isinstance(step, str):
            seen.add(step)
        yield from _repeated(part, (*location, step))
