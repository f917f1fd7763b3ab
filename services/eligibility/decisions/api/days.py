"""The business day: which one is open, and opening the next."""

from typing import Annotated

from fastapi import APIRouter, Response

from services.eligibility.clock import flow as clock_flow
from services.eligibility.clock import store as clock_store
from services.eligibility.decisions.flow import days
from services.eligibility.decisions.shapes.days import BusinessDayIn, BusinessDayOut
from services.kit.auth import Principal, may, may_for_all
from services.kit.idempotency import Answer, Identity
from services.kit.problem import Refusal
from services.kit.requests import Pool, reading, write
from services.kit.unit_of_work import UnitOfWork

Onlooker = Annotated[Principal, may("business-days.read")]
Operator = Annotated[Principal, may_for_all("business-days.open")]

DAY_PAST = Refusal("business-day-past", "Business Day Past", "Days open forwards only; a later day is open.", 409)
DAY_TOO_FAR = Refusal(
    "business-day-too-far",
    "Business Day Too Far",
    f"Expected a day at most {clock_flow.MOST_DAYS_ON} days after the open one; open days in between to go further.",
    422,
)

routes = APIRouter()


@routes.get("/business-days/current")
async def read_business_day(pool: Pool, principal: Onlooker) -> BusinessDayOut:
    """The day that is open; rules are asked as of this day."""
    async with reading(pool, principal) as work:
        clock = await clock_store.load_clock(work.connection)
    if clock is None:
        raise TimeoutError  # the first day is opened seconds after the first start
    return BusinessDayOut(business_on=clock.business_on, time_zone=clock.time_zone)


@routes.post("/business-days", status_code=201, response_model=BusinessDayOut)
async def open_business_day(body: BusinessDayIn, pool: Pool, identity: Identity, principal: Operator) -> Response:
    """Open every day up to this one. Answers when everybody whom the passing of time concerns has got his new
    answer. Opening the open day again changes nothing. For the deployment, so for operators of all tenants."""

    async def effect(work: UnitOfWork) -> Answer:
        before = await clock_store.lock_clock(work.connection)
        if body.business_on < before.business_on:
            return Answer.of(DAY_PAST)
        if (body.business_on - before.business_on).days > clock_flow.MOST_DAYS_ON:
            return Answer.of(DAY_TOO_FAR)
        opened = await clock_flow.open_day(work, body.business_on)
        out = BusinessDayOut(business_on=opened, time_zone=before.time_zone)
        return Answer(201 if opened > before.business_on else 200, out.model_dump(mode="json"))

    response = await write(pool, identity, effect)
    await days.redecide_due(pool)
    return response
