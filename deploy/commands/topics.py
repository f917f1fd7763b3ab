"""`./vcc topics`: the catalog, and how much each topic holds."""

import argparse
import asyncio
import json
from typing import TYPE_CHECKING

from deploy.console import table
from deploy.local.running import kafka_environment, require_up
from deploy.local.state import here

if TYPE_CHECKING:
    from schemas.catalog import Topic


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    topics = commands.add_parser("topics", description="Lists every topic of the catalog with its records so far.")
    topics.add_argument("--json", action="store_true", help="prints it as JSON")
    topics.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from deploy.topics import end_offsets
    from schemas.catalog import TOPICS

    folder = here()
    require_up(folder)
    ends = asyncio.run(end_offsets(kafka_environment(folder)))
    if arguments.json:
        rows = [
            {"topic": topic.name, "records": ends[topic.name], "producer": topic.producer, "consumers": topic.consumers,
             "key": topic.key, "partitions": topic.partitions, "events": [event.__name__ for event in topic.events]}
            for topic in TOPICS
        ]  # fmt: skip
        print(json.dumps(rows, indent=1))
        return 0
    heading = ["topic", "records", "producer", "consumers", "key", "partitions", "kept"]
    print(table([heading, *(_cells(topic, ends[topic.name]) for topic in TOPICS)]))
    return 0


def _cells(topic: "Topic", records: int | None) -> list[str]:
    readers, partitions = ", ".join(topic.consumers), str(topic.partitions)
    return [topic.name, _count(records), topic.producer, readers, topic.key, partitions, _kept(topic)]


def _count(records: int | None) -> str:
    return "missing" if records is None else f"{records:,}"


def _kept(topic: "Topic") -> str:
    if topic.cleanup_policy == "compact":
        return "last per key"
    return "for ever" if topic.retention_ms < 0 else f"{topic.retention_ms / 86_400_000:g} days"
