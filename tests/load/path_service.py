"""The service path as it runs: the bus, its batch subscriber, outreach's handler, its tables and its outbox."""

import asyncio
import gc
from dataclasses import replace

from schemas import catalog
from services.kit import log, metrics
from services.kit.app import GC_THRESHOLDS
from services.kit.bus import Bus
from services.kit.postgres import create_pool
from services.kit.settings import KafkaSettings, Settings
from services.kit.subscription import Subscription
from services.outreach import handlers
from tests.load.side import Task, Watch, until


async def run(task: Task, watch: Watch) -> None:
    """Apply every record of the topic."""
    log.configure("outreach")
    settings = settings_of(task)
    pool = await create_pool(settings)
    topic = replace(catalog.MEMBER_ELIGIBILITY, name=task.topic)
    bus = Bus(settings, pool, [Subscription(topic, task.group, handlers.on_member_eligibility)])
    freeze()
    work = asyncio.create_task(bus.run())
    await until_assigned(bus)
    watch.start()
    applied = metrics.RECORDS.labels(task.topic, task.group)

    def is_done() -> bool:
        assert bus.troubles() is None, bus.troubles()
        return bool(applied._value.get() >= task.records)

    await until(is_done)
    watch.stop(task.records)
    bus.stop()
    await work
    await pool.close()


def settings_of(task: Task) -> Settings:
    kafka = KafkaSettings(bootstrap_servers=task.bootstrap)
    given = {"service": "outreach", "kafka": kafka, "dsn": task.dsn, "oidc_issuer": "http://127.0.0.1:1"}
    chosen = {name: value for name, value in task.options.items() if name in Settings.model_fields}
    return Settings.model_validate(given | chosen)


def freeze() -> None:
    """As a service does once it has started."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


async def until_assigned(bus: Bus) -> None:
    """Joining a group is the broker's time and not the path's."""
    (subscriber,) = bus.subscribers
    await until(lambda: subscriber.consumer is not None and bool(subscriber.consumer.assignment()))
