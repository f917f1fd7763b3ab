"""A table in slices: each row is in one of them."""

from uuid import UUID

import pytest

from services.kit.postgres import ALL_TENANTS, transaction
from services.kit.slices import slices
from tests.servers import OpenDatabase

pytestmark = pytest.mark.postgres
FILL = "insert into thing select lpad(to_hex(n / $2), 32, '0')::uuid from generate_series(10, 9 + $1::int) as n"
INSIDE = "select count(*) from thing where key > $1 and key <= $2"


@pytest.mark.parametrize(
    ("rows", "of_one_key", "found"),
    [
        (0, 1, []),
        (1, 1, [1]),
        (3, 1, [3]),
        (10, 1, [3, 3, 3, 1]),
        (10, 5, [5, 5]),
        (9, 2, [4, 4, 1]),
    ],
)
async def test_each_row_is_in_one_slice(database: OpenDatabase, rows: int, of_one_key: int, found: list[int]) -> None:
    """None for an empty table; rows of one key are together, for they may mean the same."""
    opened = await database("kit")
    await opened.owner.execute("create table thing (key uuid not null)")
    await opened.owner.execute(FILL, rows, of_one_key)
    async with transaction(opened.pool, ALL_TENANTS) as connection:
        bounds = [one async for one in slices(connection, "thing", "key", 3)]
        assert [await connection.fetchval(INSIDE, *one) for one in bounds] == found
    ends = [UUID(int=0), *(end for _, end in bounds)]
    assert [after for after, _ in bounds] == ends[:-1]
