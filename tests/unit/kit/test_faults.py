"""What is worth trying again, and what is the record's own doing: a record that is taken for a fault holds up its
partition for ever, a fault that is taken for the record's loses it to the dead letters."""

import asyncpg
import pytest
from asyncpg.exceptions import _base

from services.kit.postgres import is_fault


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError(),
        TimeoutError(),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InternalClientError("got result for unknown protocol state"),
        asyncpg.DiskFullError(),
        asyncpg.LockNotAvailableError(),
        asyncpg.AdminShutdownError(),
    ],
)
def test_a_lost_or_burdened_database_is_a_fault(error: Exception) -> None:
    """Also when the driver lost count of a connection that was cut in the middle of an answer."""
    assert is_fault(error)


@pytest.mark.parametrize(
    "error",
    [
        _base.DataError("value out of int32 range"),
        asyncpg.NumericValueOutOfRangeError(),
        asyncpg.CheckViolationError(),
        ValueError("pancakes"),
    ],
)
def test_a_value_that_does_not_fit_is_the_records_own(error: Exception) -> None:
    """Whether the server refuses it or the driver does before it sends anything."""
    assert not is_fault(error)
