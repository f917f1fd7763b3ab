"""Programme documents for members of the plan `lakeshore`, made from a few words, and how to publish them."""

from datetime import date
from typing import Any

from services.eligibility.clock import store as clock_store
from services.eligibility.decisions.flow import days, publishing
from services.eligibility.decisions.flow.redecide import redecide
from services.eligibility.people.store import members as people_store
from services.eligibility.programmes import store as programme_store
from services.eligibility.programmes.documents import parse_programme
from services.eligibility.programmes.needs import MemberObservation
from services.kit.postgres import ALL_TENANTS, transaction
from services.kit.unit_of_work import UnitOfWork
from tests.service.eligibility.conftest import FIRST_DAY, Office
from tests.service.eligibility.messages import Row

ZOSTER = """\
programme_id: street-zoster
version: 1
title: Zoster vaccination on Sesame Street
effective_on: 2025-11-15
time_zone: America/Chicago
plans: [lakeshore]
forecast: {vaccine_group: zoster, cdsi_group: Zoster}
phases:
  - {code: all, begins_on: 2025-11-15, age_from: 50}
priority: {base: 100, svi: {}, age: {}}
"""
HOMEBOUND = """\
programme_id: street-visits
version: 1
title: Visits at home
effective_on: 2021-01-01
time_zone: America/Chicago
plans: [lakeshore]
vaccine: {group: covid-19, doses_needed: 1}
segment: {homebound: true}
risk_model: social-risk.1
phases:
  - {code: all, begins_on: 2021-01-01, age_from: 18}
priority: {base: 100, svi: {}, age: {}, risk: 500}
"""
TOP_HALF = """\
programme_id: street-top
version: 1
title: The half of the street with the highest risk
effective_on: 2021-01-01
time_zone: America/Chicago
plans: [lakeshore]
vaccine: {group: covid-19, doses_needed: 1}
risk_model: social-risk.1
phases:
  - {code: all, begins_on: 2021-01-01, age_from: 18}
priority: {base: 0, svi: {}, age: {}, risk: 1000}
cap: {share: 0.5, by: risk, per: plan, redraw: monthly}
"""
ARMS = """\
programme_id: street-trial
version: 1
title: A trial
effective_on: 2021-01-01
time_zone: America/Chicago
plans: [lakeshore]
vaccine: {group: covid-19, doses_needed: 1}
phases:
  - {code: all, begins_on: 2021-01-01, age_from: 18}
priority: {base: 0, svi: {}, age: {}}
arms: {unit: household, seed: sesame-2021, shares: {offered: 0.5, control: 0.5}}
"""
SCREENING = """\
programme_id: street-screening
version: 1
title: Screening on Sesame Street
effective_on: 2021-01-01
time_zone: America/Chicago
plans: [lakeshore]
service:
  code: colorectal-screening
  holds_months: {colonoscopy: 120, fecal-immunochemical-test: 12}
phases:
  - {code: all, begins_on: 2021-01-01, age_from: 45, age_to: 75}
priority: {base: 100, svi: {}, age: {}}
"""


async def publish(office: Office, text: str) -> int:
    """Publish a document and decide; how many facts that gave."""
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        assert await publishing.publish(UnitOfWork(connection), parse_programme(text))
    return await days.redecide_due(office.database.pool)


async def say(office: Office, member_id: str, *said: MemberObservation) -> int:
    """A plan tells something of a member; how many facts that gave."""
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        tokens = (await people_store.find_members(connection, "lakeshore", [member_id]))[member_id]
        changed = await programme_store.save_observations(connection, "lakeshore", [(tokens[0], one) for one in said])
        today = (await clock_store.share_clock(connection)).business_on
        return await redecide(UnitOfWork(connection), changed, today)


async def facts(office: Office, programme_id: str) -> dict[str, dict[str, Any]]:
    rows = await office.fetch(
        "select member_id, fact from decision join enrolment using (enrolment_id) where programme_id = $1", programme_id
    )
    return {row["member_id"]: row["fact"] for row in rows}


def need(code: str, on: date = FIRST_DAY, **more: Any) -> MemberObservation:
    return MemberObservation("vcc", code, on, **more)


def eight() -> list[Row]:
    """Eight members, the older the higher their risk."""
    return [Row(f"LS{n}", given="Count" + "x" * n, born=f"{1930 + 8 * n}0501") for n in range(8)]
