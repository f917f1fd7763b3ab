"""The handler that FastStream's own documents show: one message, one model, one transaction; made safe by an inbox."""

import asyncio

import asyncpg
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.annotations import KafkaMessage

from schemas.eligibility_v1 import MemberEligibilityDecidedV1
from services.kit.inbox import SAVE_RECEIVED
from services.kit.postgres import SET_TENANT, server_settings
from services.kit.unit_of_work import UnitOfWork
from services.outreach.cases import flow as handlers
from tests.load.path_service import freeze, settings_of
from tests.load.side import Task, Watch


async def run(task: Task, watch: Watch) -> None:
    """Apply every record of the topic."""
    pool = await asyncpg.create_pool(task.dsn, server_settings=server_settings(settings_of(task)))
    broker = KafkaBroker(task.bootstrap, logger=None)
    done, applied = asyncio.Event(), 0

    @broker.subscriber(
        task.topic, group_id=task.group, auto_offset_reset="earliest", ack_policy=AckPolicy.NACK_ON_ERROR
    )
    async def on_fact(event: MemberEligibilityDecidedV1, message: KafkaMessage) -> None:
        nonlocal applied
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(SET_TENANT, "*")
            if await connection.fetch(SAVE_RECEIVED, task.group, [message.headers["ce_id"]]):
                await handlers.on_member_eligibility(UnitOfWork(connection), [event])
        applied += 1
        if applied == 1:
            watch.start()  # the first one pays for the plans and the group
        if applied == task.records:
            watch.stop(task.records - 1)
            done.set()

    freeze()
    await broker.start()
    await done.wait()
    await broker.stop()
    await pool.close()
