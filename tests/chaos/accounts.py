"""What the services' own logs and tables add up to, beside what the checker recomputes: facts that are snapshots
absorb a second application, so whether there was one shows only in how often it was done."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import asyncpg

from tests.chaos.checker.log import Record

SERVICES = (b"eligibility", b"outreach", b"scheduling", b"reporting")
OVERTAKEN = """
select letter.consumer, count(*) as letters from dead_letter as letter
where letter.state in ('dead', 'parked') and letter.key is not null and not exists (
    select from parked_key where (consumer, topic, key) = (letter.consumer, letter.topic, letter.key)
) group by letter.consumer
"""
APPLIED = "select consumer, count(*) as events from inbox group by consumer"


def fresh_by_group(logs: Path) -> Counter[str]:
    """How many events each group says that it applied, over all processes. What died before it said so is missing."""
    fresh: Counter[str] = Counter()
    for path in logs.glob("*.log"):
        for line in _lines(path):
            if line.get("event") == "batch applied":
                fresh[line["group"]] += line["fresh"]
    return fresh


def _lines(path: Path) -> Iterator[Mapping[str, Any]]:
    with path.open(errors="replace") as file:
        for text in file:
            if '"batch applied"' in text:
                yield json.loads(text)


def told_twice(records: Iterable[Record]) -> list[str]:
    """One fact under two ids: nobody's deduplication would notice. The relay may repeat a record, under its own id."""
    ids: defaultdict[tuple[str, bytes], set[bytes | None]] = defaultdict(set)
    for record in records:
        headers = dict(record.headers)
        if record.value is not None and (headers.get("ce_source") or b"").removeprefix(b"/vcc/") in SERVICES:
            ids[record.topic, record.value].add(headers.get("ce_id"))
    return [
        f"[6 nothing goes out twice] {topic}: the same fact under {len(found)} ids"
        for (topic, _), found in ids.items()
        if len(found) > 1
    ]


async def audit(run: Path, dsns: Mapping[str, str], restored: frozenset[str] = frozenset()) -> list[str]:
    """Sentences on what does not add up. A service whose database was `restored` rightly applies things again."""
    found: list[str] = []
    fresh = fresh_by_group(run / "logs")
    for service, dsn in dsns.items():
        database = await asyncpg.connect(dsn, timeout=10, server_settings={"vcc.tenant": "*"})
        try:
            applied = {row["consumer"]: row["events"] for row in await database.fetch(APPLIED)}
            overtaken = await database.fetch(OVERTAKEN)
        finally:
            await database.close()
        mine = {group: events for group, events in fresh.items() if group.startswith(f"{service}.")}
        if service not in restored:
            found += [
                f"[3 effects apply once] {group}: applied {events} events, {applied.get(group, 0)} are marked"
                for group, events in mine.items()
                if events > applied.get(group, 0)
            ]
        found += [
            f"[9 a released key's records] {row['consumer']}: {row['letters']} wait though their key is free"
            for row in overtaken
        ]
    return found
