"""What is worth trying again, and what is the record's own doing: a record that is taken for a fault holds up its
partition for ever, a fault that is taken for the record's loses it to the dead letters."""

import asyncio

import asyncpg
import pytest
from asyncpg.exceptions import _base

from services.kit.faults import Faults
from services.kit.postgres import RECORD_CLASSES, is_fault, is_outage
from services.kit.waiting import LeakedCancellationError

CLASSES = sorted({
    one.sqlstate[:2] for one in vars(asyncpg).values()
    if isinstance(one, type) and issubclass(one, asyncpg.PostgresError) and one.sqlstate
})  # fmt: skip


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


@pytest.mark.parametrize("sqlstate_class", CLASSES)
def test_each_class_of_sqlstate_has_its_side(sqlstate_class: str) -> None:
    """Of all that Postgres can say only cardinality, data, constraints and size speak of the record."""
    error = asyncpg.PostgresError.new({"C": f"{sqlstate_class}000", "M": "no"})
    assert is_fault(error) == (sqlstate_class not in {"21", "22", "23", "54"})
    assert len(CLASSES) > 35
    assert set(RECORD_CLASSES) <= set(CLASSES)


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InvalidCachedStatementError(),
        asyncpg.UndefinedColumnError(),
        asyncpg.UndefinedTableError(),
        asyncpg.InsufficientPrivilegeError(),
        asyncpg.DatatypeMismatchError(),
        asyncpg.PostgresSyntaxError(),
        asyncpg.FeatureNotSupportedError(),
        asyncpg.InvalidPasswordError(),
        asyncpg.OutdatedSchemaCacheError("stale"),
        PermissionError(),
        FileNotFoundError(2, "No usable temporary directory found"),
        OSError(28, "No space left on device"),
        LeakedCancellationError(),
    ],
)
def test_the_schemas_the_codes_and_the_machines_doing_is_a_fault(error: Exception) -> None:
    """What a migration, a right, a bug in SQL, a disk or a library brings about is no record's doing."""
    assert is_fault(error)


async def test_a_leaked_cancellation_is_outlived_and_a_meant_one_is_not() -> None:
    """A library's own cancellation is a fault to try again after; one that somebody asked for ends the worker."""
    faults, stopping = Faults("dormouse"), asyncio.Event()
    stopping.set()
    async with faults.outlived(stopping):
        raise asyncio.CancelledError
    assert faults.reason is None

    async def sleep() -> None:
        async with faults.outlived(stopping):
            await asyncio.Event().wait()

    asleep = asyncio.create_task(sleep())
    await asyncio.sleep(0)
    asleep.cancel()
    await asyncio.wait([asleep])
    assert asleep.cancelled()


async def test_a_worker_that_does_not_get_on_says_so() -> None:
    """From the third fault in a row it names the error; one turn of work, and it is well again. Bugs propagate."""
    faults, stopping = Faults("dormouse"), asyncio.Event()
    told: list[str | None] = []
    stopping.set()
    for _ in range(3):
        async with faults.outlived(stopping):
            raise OSError(28, "No space left on device")
        told.append(faults.reason)
    assert told == [None, None, "dormouse: OSError"]
    async with faults.outlived(stopping):
        pass
    assert faults.reason is None
    with pytest.raises(KeyError):
        async with faults.outlived(stopping):
            raise KeyError("teapot")


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (ConnectionResetError(), True),
        (asyncpg.InvalidCachedStatementError(), True),
        (asyncpg.TooManyConnectionsError(), True),
        (asyncpg.UndefinedTableError(), False),
        (asyncpg.InsufficientPrivilegeError(), False),
        (asyncpg.NumericValueOutOfRangeError(), False),
    ],
)
def test_only_what_passes_by_itself_is_worth_asking_again(error: Exception, passes: bool) -> None:
    """A caller is told to come again for an outage; for our own mistake and for his value he is not."""
    assert is_outage(error) == passes
