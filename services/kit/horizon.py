"""Below which id no row of the outbox can come any more, so that no look begins there.

Published rows are deleted, and what is dead lies in the way of whoever reads from the lowest id until it is vacuumed;
while a backup or a long report holds its snapshot, that is not done, and a look that begins at 0 would cost as much as
all that was published meanwhile. Yet a row with a low id may be committed late. So the horizon moves only past ids
whose transactions have all ended: the last id that was drawn (1), a number of a transaction that none of them can have
later, noted some seconds after (2), and then a look at what runs (3). Who only reads, as a backup does, has no such
number and holds up nothing.

It is true of the outbox, whoever found it: it is kept there, and whoever comes begins where others were. Only what the
log has lost goes back below it (`go_back`); whoever was beyond that then follows, and keeps nothing before he has.
"""

import time
from dataclasses import dataclass
from typing import Self

from services.kit.postgres import Connection

STEP_S = 5.0
"""Between (1) and (2): a statement that has drawn its id has its transaction's number within microseconds."""
LOAD_DRAWN = "select coalesce(pg_sequence_last_value(pg_get_serial_sequence('outbox', 'id')::regclass), 0)"
LOAD_RUNNING = """
select
    pg_snapshot_xmin(pg_current_snapshot())::text::bigint as oldest,
    pg_snapshot_xmax(pg_current_snapshot())::text::bigint as next
"""
LOAD_LOWEST = "select id from outbox where id > $1 order by id limit 1"
LOAD_KEPT = f"""
select least(coalesce(max(at), 0), ({LOAD_DRAWN})) as at, coalesce(max(times_back), 0) as times_back
from outbox_horizon
"""
SAVE = """
insert into outbox_horizon (at, times_back) values ($1, $2)
on conflict (is_only) do update set at = excluded.at
where outbox_horizon.at < excluded.at and outbox_horizon.times_back = excluded.times_back
"""
GO_BACK = """
insert into outbox_horizon (at, times_back) values ($1, 1)
on conflict (is_only) do update
set at = least(outbox_horizon.at, excluded.at), times_back = outbox_horizon.times_back + 1
"""


async def go_back(connection: Connection, first: int) -> None:
    """This id is in the outbox again. In the transaction that puts it there."""
    await connection.execute(GO_BACK, first - 1)


@dataclass(slots=True)
class Horizon:
    """Of one relay, with shards or without. All rows that are there or will come have a higher id than `at`."""

    step_s: float = STEP_S
    at: int = 0
    _candidate: int = 0
    _looked_at: float = 0.0
    _transaction: int | None = None
    _times_back: int = 0

    @classmethod
    async def begun(cls, connection: Connection) -> Self:
        """From where this outbox's horizon was last."""
        horizon = cls()
        await horizon._begin(connection)
        return horizon

    async def follow(self, connection: Connection) -> None:
        """Begin anew if anything went back into the outbox since the last time."""
        if await connection.fetchval("select times_back from outbox_horizon") not in {None, self._times_back}:
            await self._begin(connection)

    async def _begin(self, connection: Connection) -> None:
        kept = await connection.fetchrow(LOAD_KEPT)
        assert kept is not None
        self.at, self._times_back, self._candidate = kept["at"], kept["times_back"], 0

    async def move(self, connection: Connection) -> None:
        """Take the next step, if it is time. In a transaction of its own."""
        if time.monotonic() - self._looked_at < self.step_s:
            return
        self._looked_at = time.monotonic()
        if self._candidate <= self.at:
            self._candidate, self._transaction = await connection.fetchval(LOAD_DRAWN), None
            return
        running = await connection.fetchrow(LOAD_RUNNING)
        assert running is not None
        if self._transaction is None:
            self._transaction = running["next"]
        elif running["oldest"] >= self._transaction:
            await self._pass(connection)

    async def _pass(self, connection: Connection) -> None:
        """All that could come up to the candidate is there: as far as nothing is left, nothing will be."""
        before, lowest = self.at, await connection.fetchval(LOAD_LOWEST, self.at)
        self.at = self._candidate if lowest is None else min(self._candidate, lowest - 1)
        self._candidate = 0
        if self.at > before:
            await connection.execute(SAVE, self.at, self._times_back)
