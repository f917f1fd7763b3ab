"""Who was joined is found by an index, however many joins there are."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from services.eligibility.people.store.trail import NAMES_FOR_PLANS
from services.kit.postgres import ALL_TENANTS, transaction
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.messages import Row, roster

pytestmark = pytest.mark.postgres
JOINS = 50_000
MAKE_JOINS = """
with pair as (
    select gen_random_uuid() as one, gen_random_uuid() as other, number from generate_series(1, $1::integer) as number
),
joined as (
    select least(one, other) as survivor, greatest(one, other) as retired, number % 2 = 0 as is_withdrawn from pair
),
known as (
    insert into person (member_token, merged_into, plans)
    select survivor, null::uuid, null::text[] from joined
    union all
    select retired, case when not is_withdrawn then survivor end, '{lakeshore}' from joined
    returning member_token
)
insert into person_join (join_id, survivor, retired, tokens, tenant_id, joined_on, withdrawn_at)
select gen_random_uuid(), survivor, retired, array[retired], '*', now(), case when is_withdrawn then now() end
from joined
"""


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All of a plan's nodes."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


async def test_an_auditors_question_reads_no_joins_but_the_members(office: Office) -> None:
    """As the runtime role and with row security, each look at the joins goes by a token, and none over all of them."""
    await office.read(roster(Row("LS1")))
    [member] = await office.fetch("select member_token from enrolment")
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        await connection.execute(MAKE_JOINS, JOINS)
    for table in ("person_join", "joined_token", "person", "enrolment"):
        await office.database.owner.execute(f"analyze {table}")
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        query = f"explain (format json) {NAMES_FOR_PLANS.query}"
        [found] = json.loads(await connection.fetchval(query, member["member_token"], "lakeshore"))
    looks = [node for node in nodes(found["Plan"]) if node.get("Relation Name") in {"person_join", "joined_token"}]
    assert len(looks) == 3
    assert [node for node in looks if "Index Cond" not in node] == []
