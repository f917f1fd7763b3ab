"""A consumer with the chassis's own settings, for measuring how long a restart leaves a topic unread.

Run as `python -m tests.load.restart_consumer BOOTSTRAP TOPIC GROUP [INSTANCE]`; says "up", then a line for each batch.
"""

import asyncio
import signal
import sys
from collections.abc import Sequence

from aiokafka import ConsumerRecord
from faststream import AckPolicy

from services.kit.bus import POLL_MS, _decode, _parse
from services.kit.kafka import SESSION_TIMEOUT_MS, create_broker
from services.kit.settings import KafkaSettings


async def main(bootstrap: str, topic: str, group: str, instance: str | None = None) -> None:
    """Read until asked to stop."""
    broker = create_broker(KafkaSettings(bootstrap_servers=bootstrap), "restart", 5.0)
    handle = broker.subscriber(
        topic, group_id=group, group_instance_id=instance, batch=True, max_records=1000, batch_timeout_ms=POLL_MS,
        auto_offset_reset="earliest", ack_policy=AckPolicy.NACK_ON_ERROR, session_timeout_ms=SESSION_TIMEOUT_MS,
        parser=_parse, decoder=_decode,
    )  # fmt: skip

    @handle
    async def on_batch(raw: Sequence[ConsumerRecord]) -> None:
        print(len(raw), flush=True)

    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    print("up", flush=True)
    await broker.start()
    await stopping.wait()
    await broker.stop()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
