"""`./vcc topics`: the catalog, and how much each topic holds; `./vcc topics create`: makes them; `./vcc topics acls`:
who may do what with them."""

import argparse
import asyncio
import json
import os
from typing import TYPE_CHECKING

from deploy.console import table
from deploy.environment import is_told, told
from deploy.local.running import kafka_environment, require_up
from deploy.local.state import here

if TYPE_CHECKING:
    from schemas.catalog import Topic


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    topics = commands.add_parser("topics", description="Lists every topic of the catalog with its records so far.")
    topics.add_argument("--json", action="store_true", help="prints it as JSON")
    topics.set_defaults(run=run)
    deeds = topics.add_subparsers(metavar="DEED")
    _add_create(deeds)
    _add_acls(deeds)


def _add_create(deeds: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    create = deeds.add_parser(
        "create",
        help="makes the topics that are missing, on brokers of your own",
        description="Makes every topic of the catalog that is missing on the brokers that VCC_KAFKA_* names, and sets "
        "right what differs of the others. Can be repeated; a number of partitions is never changed.",
    )
    create.add_argument("--partitions", type=_positive, help="of each topic; else as the catalog says")
    create.add_argument(
        "--replication", type=_positive, help="replicas of each; else 3, or as many as there are brokers"
    )
    create.set_defaults(run=run_create)


def _add_acls(deeds: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    acls = deeds.add_parser(
        "acls",
        help="prints the rights that each service needs, for brokers of your own",
        description="Prints the rights that each service needs on brokers of your own, made from the catalog.",
    )
    acls.add_argument(
        "--for", dest="target", choices=("kafka-acls", "strimzi"), default="kafka-acls",
        help="a script of Kafka's own tool (kafka-acls), or KafkaUser resources (strimzi)",
    )  # fmt: skip
    acls.add_argument(
        "--prefix", type=_prefix,
        help="of one environment of several on a cluster; else VCC_KAFKA_PREFIX",
    )  # fmt: skip
    acls.set_defaults(run=run_acls)


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


def run_acls(arguments: argparse.Namespace) -> int:
    """Needs no stack: the catalog says it all."""
    from deploy.acl_documents import commands, strimzi
    from deploy.acls import all_acls

    prefix = _prefix(told("VCC_KAFKA_PREFIX") or "") if arguments.prefix is None else arguments.prefix
    print((strimzi if arguments.target == "strimzi" else commands)(all_acls(prefix=prefix)), end="")
    return 0


def run_create(arguments: argparse.Namespace) -> int:
    """Needs no stack where the environment names brokers."""
    from dataclasses import replace

    from deploy.topics import kafka_settings, provide_topics
    from schemas.catalog import TOPICS

    environment = os.environ if is_told("VCC_KAFKA_BOOTSTRAP_SERVERS") else kafka_environment(here())
    wanted = [replace(topic, partitions=arguments.partitions or topic.partitions) for topic in TOPICS]
    made = asyncio.run(provide_topics(environment, wanted, arguments.replication))
    prefix = kafka_settings(environment).prefix
    for topic in wanted:
        print(f"{'made' if topic.name in made else 'is there':<9} {prefix}{topic.name}, {topic.partitions} partitions")
    return 0


def _prefix(text: str) -> str:
    from services.kit.broker_names import check_prefix

    try:
        return check_prefix(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError("expected a whole number above 0")
    return int(text)


def _cells(topic: "Topic", records: int | None) -> list[str]:
    readers, partitions = ", ".join(topic.consumers), str(topic.partitions)
    return [topic.name, _count(records), topic.producer, readers, topic.key, partitions, _kept(topic)]


def _count(records: int | None) -> str:
    return "missing" if records is None else f"{records:,}"


def _kept(topic: "Topic") -> str:
    if topic.cleanup_policy == "compact":
        return "last per key"
    return "for ever" if topic.retention_ms < 0 else f"{topic.retention_ms / 86_400_000:g} days"
