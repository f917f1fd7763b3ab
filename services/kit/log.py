"""Logs as an allow-list: only fields named here leave the process, so that no payload can slip into a sink."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

ALLOWED_FIELDS = frozenset(
    {
        # who speaks
        "event", "level", "timestamp", "logger", "service", "correlation_id", "trace_id",
        # ids that name no person
        "event_id", "file_id", "entity_id", "dead_letter_id", "block_id", "site_id", "client_id",
        # where in the log
        "topic", "partition", "offset", "group", "shard", "consumer",
        # counts, sizes and durations
        "records", "fresh", "duplicates", "rejected", "parked", "released", "rows", "accepted", "unlinked", "published",
        "pruned", "lag", "attempt", "count", "duration_ms", "backoff_s", "age_s", "port", "business_on", "version",
        "opened", "closed", "decided", "linked", "unchanged", "retracted", "expired",
        # of the trail's seals: a digest over all rows
        "head",
        # what went wrong, as codes
        "reason", "code", "error", "sqlstate", "constraint", "where", "check",
        # http
        "method", "route", "status", "role",
    }
)  # fmt: skip
"""Adding a field here is a privacy decision: it must never be able to hold what identifies a person."""

_DROPPED = "dropped_fields"
_SHOUTING = ("aiokafka",)
"""Libraries that call every reconnect an error; what is wrong for longer shows in readiness."""


def allow_listed(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop every field that is not allowed and say which names were dropped, never their values."""
    dropped = sorted(set(event) - ALLOWED_FIELDS)
    kept = {name: event[name] for name in event if name in ALLOWED_FIELDS}
    if dropped:
        kept[_DROPPED] = dropped
    return kept


class _LibraryHandler(logging.Handler):
    """Lines of libraries: their free text may carry keys or row values, so only the logger's name, the level and the
    class of the error pass."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[0] if record.exc_info else None
        where = f"{record.module}:{record.lineno}"
        level = min(record.levelno, logging.WARNING) if _is_shouting(record, error) else record.levelno
        name = error.__name__ if error else None
        structlog.get_logger().log(level, "library line", logger=record.name, where=where, error=name)


def _is_shouting(record: logging.LogRecord, error: type[BaseException] | None) -> bool:
    """Also what the event loop tells of the Kafka client: what fails in a task of its own after whoever waited for it
    has gone, and a connection that was still being made when its maker was called off, which closes itself."""
    if record.name != "asyncio":
        return record.name.startswith(_SHOUTING)
    if error is not None:
        return error.__module__.startswith(_SHOUTING)
    return record.getMessage().startswith("Unclosed AIOKafka")


def configure(service: str) -> None:
    """Write JSON lines to standard output, allow-listed; libraries' lines from WARNING up, without their text."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            allow_listed,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
    )
    structlog.contextvars.bind_contextvars(service=service)
    root = logging.getLogger()
    root.handlers[:] = [_LibraryHandler(logging.WARNING)]
    root.setLevel(logging.WARNING)


def fault_fields(error: BaseException) -> dict[str, str]:
    """What may be said of an error: its class, SQLSTATE and constraint; never its text, which can hold row values."""
    fields = {"error": type(error).__name__}
    for name, source in (("sqlstate", "sqlstate"), ("constraint", "constraint_name")):
        value = getattr(error, source, None)
        if isinstance(value, str):
            fields[name] = value
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if last is not None:
        fields["where"] = f"{last.tb_frame.f_code.co_name}:{last.tb_lineno}"
    return fields


def fault_detail(error: BaseException) -> str:
    """The same in one line, for a dead letter."""
    return ", ".join(f"{name}={value}" for name, value in fault_fields(error).items())
