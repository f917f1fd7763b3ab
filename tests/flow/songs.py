"""What sings of canaries, and where it must not be heard."""

from collections.abc import Iterable

import asyncpg
from aiokafka import ConsumerRecord

from deploy.local.plan import SERVICES
from tests.flow import kafka_log
from tests.flow.tables import TABLES
from tests.flow.world import World
from tests.servers import as_role

SONGS = ("quixwhistle", "zorblattina", "ptarmigan", "9997731", "zorb.q", "cnry7731", "97731468", "887731",
         "1937-11-23", "19371123", "11/23/1937", "1937, 11, 23")  # fmt: skip
PLANTED = "planted"
OF_PARTNERS = {"partner", "partner_group", "meeting_decision", "agreement"}
"""Outreach's tables of what a plan writes of organisations: it stays where it was told, and speaks of no member."""


def heard(where: str, text: str | bytes) -> set[str]:
    """Which canaries sing here."""
    plain = (text.decode("latin-1") if isinstance(text, bytes) else text).lower()
    return {f"{where}: {song}" for song in SONGS if song in plain}


async def in_sinks(world: World) -> set[str]:
    """What sings in logs, metrics, the records of all topics, and the databases of all services but eligibility."""
    found = {line for name, content in world.stack.log_bytes().items() for line in heard(name, content)}
    for service in SERVICES:
        found |= heard(f"metrics of {service}", (await world.ask(service, "operator").raw("GET", "/metrics")).text)
        if service != "eligibility":
            tables = await everything(world.stack.dsns[service])
            told_here = OF_PARTNERS if service == "outreach" else set[str]()
            found |= heard_in({name: text for name, text in tables.items() if name not in told_here}, service)
    return found | in_records(await kafka_log.read(world.stack.bootstrap))


def in_records(records: Iterable[ConsumerRecord]) -> set[str]:
    """All but the record that we put there ourselves."""
    found: set[str] = set()
    for one in records:
        if PLANTED not in dict(one.headers):
            parts = [one.key or b"", one.value or b"", *(name.encode() + (value or b"") for name, value in one.headers)]
            found |= heard(one.topic, b" ".join(parts))
    return found


async def everything(dsn: str) -> dict[str, str]:
    """All rows of each table as text, bytes decoded; without the bytes of dead letters, which are kept as they came."""
    database = await asyncpg.connect(as_role(dsn, "owner_dsn"), server_settings={"vcc.tenant": "*"})
    try:
        tables = [row["table_name"] for row in await database.fetch(TABLES)]
        rows = {table: [dict(row) for row in await database.fetch(f'select * from "{table}"')] for table in tables}
    finally:
        await database.close()
    for row in rows["dead_letter"]:
        row.update(key=None, value=None, headers=None)
    return {table: "\n".join(_text(row.values()) for row in found) for table, found in rows.items()}


def _text(values: Iterable[object]) -> str:
    return " ".join(one.decode("latin-1") if isinstance(one, bytes) else str(one) for one in values)


def heard_in(tables: dict[str, str], service: str) -> set[str]:
    return {line for table, text in tables.items() for line in heard(f"{service}.{table}", text)}
