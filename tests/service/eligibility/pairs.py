"""Two plans' members who are possibly one, joined as a person for all plans does."""

from uuid import UUID

from services.eligibility.clock import store as clock_store
from services.eligibility.intake.flow.possibly_one import join_pair
from services.eligibility.people.store import possibly_one as pair_store
from services.kit.unit_of_work import working
from tests.service.eligibility.conftest import Office


async def join(office: Office) -> None:
    """Decide of the one pair that waits that it is one person."""
    async with working(office.database.pool) as work:
        [pair] = await pair_store.load_page(work.connection, UUID(int=0), "waiting", 2)
        today = (await clock_store.share_clock(work.connection)).business_on
        assert await join_pair(work, pair, "operator", "both plans confirm one number", today)
