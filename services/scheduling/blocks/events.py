"""What is announced of a block: how full it is. Pure."""

from datetime import datetime

from schemas.scheduling_v1 import SlotPoolChangedV1
from services.scheduling.blocks.rules import Block


def slot_pool_changed(block: Block, occurred_at: datetime) -> SlotPoolChangedV1:
    """The event that tells the block as it is now."""
    return SlotPoolChangedV1(
        occurred_at=occurred_at,
        block_id=block.block_id,
        version=block.version,
        site_id=block.site_id,
        site_zip5=block.zip5,
        week_on=block.week_on,
        tenant_id=block.held_for,
        cvx=block.cvx,
        vaccine_group=block.vaccine_group,
        capacity=block.capacity,
        booked=block.booked,
        fulfilled=block.fulfilled,
        released=block.released,
        changed_on=block.changed_on,
    )
