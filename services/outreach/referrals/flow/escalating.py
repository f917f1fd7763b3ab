"""Looks for referrals whose answer is overdue: the open day moves on, whether anybody asks or not."""

from services.kit.postgres import Pool
from services.kit.repeating import Repeating
from services.kit.unit_of_work import working
from services.outreach.referrals import flow

POLL_S = 30.0
AT_ONCE = 200


class Escalating(Repeating):
    """Of all plans, so many in a transaction."""

    def __init__(self, pool: Pool) -> None:
        super().__init__("referral-escalation")
        self._pool = pool

    async def turn(self) -> float:
        """Mark some; at once again while there are more."""
        async with working(self._pool) as work:
            marked = await flow.escalate(work, AT_ONCE)
        return 0.0 if marked == AT_ONCE else POLL_S
