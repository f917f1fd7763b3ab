"""The clock of requests."""

from datetime import UTC, datetime


async def clock() -> datetime:
    """Now. Tests say another."""
    return datetime.now(UTC)
