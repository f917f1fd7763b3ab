"""The service path as it runs: the bus, its batch subscriber, a service's handler, its tables and its outbox."""

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
from services.outreach.cases import flow as outreach
from services.reporting.facts import flow as reporting
from tests.keys import RING
from tests.load import marks
from tests.load.side import Task, Watch, until


async def run(task: Task, watch: Watch) -> None:
    """Apply every record of the topic."""
    settings = settings_of(task)
    log.configure(settings.service)
    pool = await create_pool(settings)
    marks.use(task.options.get("duplicates", "inbox"))
    bus = Bus(settings, pool, [_subscription(task)], rebuilds=settings.service == "reporting")
    freeze(task.options.get("gc", "as a service"))
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
    given = {
        "service": task.options.get("service", "outreach"),
        "kafka": kafka,
        "dsn": task.dsn,
        "oidc_issuer": "http://127.0.0.1:1",
        "key_ring": RING,
        "topic_key_ring": RING,
    }
    chosen = {name: value for name, value in task.options.items() if name in {"service", "batch_records"}}
    return Settings.model_validate(given | chosen)


def _subscription(task: Task) -> Subscription:
    """A long path (outreach decides) or a short one (reporting writes down)."""
    if task.options.get("service") == "reporting":
        return Subscription(replace(catalog.CASE, name=task.topic), task.group, reporting.on_fact)
    topic = replace(catalog.MEMBER_ELIGIBILITY, name=task.topic)
    return Subscription(topic, task.group, outreach.on_member_eligibility)


def freeze(how: str = "as a service") -> None:
    """Set the cyclic garbage collector as a service does once it has started, or otherwise for comparison."""
    if how == "default":
        return
    gc.collect()
    gc.freeze()
    if how == "off":
        gc.disable()
    elif how != "frozen, default thresholds":
        gc.set_threshold(*GC_THRESHOLDS)


async def until_assigned(bus: Bus) -> None:
    """Joining a group is the broker's time and not the path's."""
    (subscriber,) = bus.subscribers
    await until(lambda: subscriber.consumer is not None and bool(subscriber.consumer.assignment()))
