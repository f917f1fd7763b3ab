"""Whether anything is still under way, asked from outside, and how far each group has read."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.chaos.checker.catalog import GROUPS, SERVICES, TOPIC
from tests.chaos.checker.log import QUIETLY
from tests.chaos.checker.tables import connect, in_own_loop

POLL_S = 0.2
WAIT_S = 10.0
FILES = "select count(*) from feed_file where state in ('received', 'processing')"
# Answers that the open day may change, a sweep over everybody, doses whose day has come, caps not drawn yet.
ANSWERS = """
select (select count(*) from decision where recheck_on <= today) + (select count(*) from sweep)
    + (select count(*) from dose where not is_announced and not is_retracted and administered_on <= today)
    + (select count(distinct programme_id) from decision where cap_group is not null and not exists (
        select from cap_considered seen where seen.programme_id = decision.programme_id and considered_on >= today))
from (select max(business_on) as today from clock) as clock
"""
WAITING = "select count(*) from waiting_member"
OUTBOX = "select count(*) from outbox"
PARKED = "select count(*) from dead_letter where state = 'parked'"
DEAD = "select count(*) from dead_letter where state = 'dead'"
FIRST = "1"
GENERATION = "select concat_ws('-', number, name) from generation"


@dataclass(frozen=True, slots=True)
class Quiet:
    """What was under way at one look; `dead` and `parked` records wait for an operator and hold up nobody."""

    files: int
    answers: int
    outbox: int
    behind: int
    log_end: int
    dead: int
    parked: int

    @property
    def is_quiet(self) -> bool:
        return not (self.files or self.answers or self.outbox or self.behind)


class NotQuietError(Exception):
    """The deadline passed and something is still under way: see the counts, then the services' logs."""


def quiescent(kafka: str, dsns: Mapping[str, str], deadline_s: float) -> Quiet:
    """Two looks in a row that find nothing under way and the same length of the log. Raises NotQuietError. A broker or
    database that does not answer yet is looked at again."""
    deadline, before = time.monotonic() + deadline_s, -1
    while True:
        seen = _try(kafka, dsns)
        if isinstance(seen, Quiet) and seen.is_quiet:
            if seen.log_end == before:
                return seen
            before = seen.log_end
        else:
            before = -1
        if time.monotonic() > deadline:
            raise NotQuietError(str(seen))
        time.sleep(POLL_S)


def _try(kafka: str, dsns: Mapping[str, str]) -> "Quiet | str":
    """One look, or the kind of fault that prevented it."""
    try:
        return look(kafka, dsns)
    except (KafkaException, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as fault:
        return type(fault).__name__


def look(kafka: str, dsns: Mapping[str, str]) -> Quiet:
    """The databases before the log: what is not in an outbox any more is in the log by then."""
    counts, generation = in_own_loop(_counts(dsns))
    ends = log_ends(kafka)
    behind = sum(records_behind(kafka, ends, generation).values())
    return Quiet(**counts, behind=behind, log_end=sum(ends.values()))


async def _counts(dsns: Mapping[str, str]) -> tuple[dict[str, int], str]:
    counts = dict.fromkeys(("files", "answers", "outbox", "dead", "parked"), 0)
    generation = FIRST
    for service in SERVICES:
        connection = await connect(dsns[service])
        try:
            for name, query in (("outbox", OUTBOX), ("dead", DEAD), ("parked", PARKED)):
                counts[name] += await connection.fetchval(query)
            if service == "eligibility":
                counts["files"] = await connection.fetchval(FILES)
                counts["answers"] += await connection.fetchval(ANSWERS)
            if service in ("outreach", "scheduling"):
                counts["answers"] += await connection.fetchval(WAITING)
            if service == "reporting":
                generation = await connection.fetchval(GENERATION)
        finally:
            await connection.close()
    return counts, generation


def log_ends(kafka: str) -> dict[tuple[str, int], int]:
    """Where each partition ends."""
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "chaos-checker", **QUIETLY})
    try:
        found = {}
        for topic in TOPIC.values():
            for number in range(topic.partitions):
                partition = TopicPartition(topic.name, number)
                found[topic.name, number] = int(consumer.get_watermark_offsets(partition, timeout=WAIT_S)[1])
        return found
    finally:
        consumer.close()


def records_behind(kafka: str, ends: Mapping[tuple[str, int], int], generation: str = FIRST) -> dict[str, int]:
    """How many records each group has yet to read. Reporting reads in groups of its tables' generation."""
    admin = AdminClient({"bootstrap.servers": kafka, **QUIETLY})
    asked = {group: _asked(admin, _group(group, generation)) for group in GROUPS}
    behind = {}
    for group, future in asked.items():
        try:
            committed = {
                (one.topic, one.partition): max(0, one.offset) for one in future.result(WAIT_S).topic_partitions
            }
        except KafkaException:
            committed = {}
        mine = {place: end for place, end in ends.items() if place[0] == GROUPS[group]}
        behind[group] = sum(max(0, end - committed.get(place, 0)) for place, end in mine.items())
    return behind


def _asked(admin: AdminClient, group: str) -> Any:
    return next(iter(admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]).values()))


def _group(group: str, generation: str) -> str:
    return f"{group}.{generation}" if group.startswith("reporting.") and generation != FIRST else group
