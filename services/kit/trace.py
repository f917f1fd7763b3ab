"""The trace context (W3C `traceparent`) that travels with the work: from a request or a record to the events that it
brings forth, under one trace id and a new span id at each hop.

A batch holds records of many traces. An event belongs to the trace of the record with its key; if no record has its
key, to the trace that all of the batch belongs to; else to none, because a wrong cause is worse than no cause.
"""

import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from schemas.envelope import HEADER_TRACE_PARENT
from services.kit.contract import Record

# Ids of this shape only: whatever else somebody writes there must reach neither a log nor a topic.
_TRACE_PARENT = re.compile(r"([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")


@dataclass(frozen=True, slots=True)
class Traces:
    """What a unit of work announces under which trace context."""

    by_key: Mapping[str, str] = field(default_factory=dict)
    otherwise: str | None = None

    def of(self, key: str) -> str | None:
        """The `traceparent` of an event with this key."""
        return self.by_key.get(key, self.otherwise)


NONE = Traces()


def trace_id(trace_parent: str) -> str | None:
    """The trace's id, if this is a trace context."""
    found = _TRACE_PARENT.fullmatch(trace_parent)
    return found[2] if found else None


def of_request(trace_parent: str) -> Traces:
    """All that a request announces is of the trace that its client named, if it named one."""
    return Traces(otherwise=_next_hop(trace_parent))


def of_records(records: Iterable[Record]) -> Traces:
    """The traces of a batch's records. One span for each trace: the batch is one piece of work."""
    spans: dict[str | None, str | None] = {None: None}
    of_key: dict[bytes | None, str | None] = {}
    said_by: set[str | None] = set()
    for record in records:
        said = _said(record)
        if said not in spans:
            spans[said] = _next_hop(said or "")
        said_by.add(said)
        of_key[record.key] = spans[said]
    by_key = {key.decode("latin-1"): span for key, span in of_key.items() if key is not None and span is not None}
    return Traces(by_key, spans[said_by.pop()] if len(said_by) == 1 else None)


def _said(record: Record) -> str | None:
    for name, value in reversed(record.headers):  # it is the last one that we write
        if name == HEADER_TRACE_PARENT and value is not None:
            return value.decode("latin-1")
    return None


def _next_hop(trace_parent: str) -> str | None:
    found = _TRACE_PARENT.fullmatch(trace_parent)
    return f"{found[1]}-{found[2]}-{secrets.token_hex(8)}-{found[3]}" if found else None
