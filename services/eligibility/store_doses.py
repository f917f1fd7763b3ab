"""Canonical doses, the reports they are made of, and reports that wait for their member. All SQL of it, batch first."""

from collections import defaultdict
from collections.abc import Collection
from uuid import UUID

from services.eligibility.domain import CountedDose
from services.kit.postgres import Connection

LOAD_COUNTED = """
select token, vaccine_group, cvx, administered_on, is_partial from dose
where token = any($1::uuid[]) and not is_retracted
"""


async def load_counted(connection: Connection, tokens: Collection[UUID]) -> dict[UUID, list[CountedDose]]:
    """What decisions count; they leave out what lies ahead themselves."""
    found: defaultdict[UUID, list[CountedDose]] = defaultdict(list)
    for token, *dose in await connection.fetch(LOAD_COUNTED, list(tokens)):
        found[token].append(CountedDose(*dose))
    return found
