"""HTTP for the desk of a site."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from schemas.envelope import Code
from services.kit.look_ups import Allowance
from services.kit.problem import refuse
from services.kit.requests import Pool, reading
from services.scheduling.appointments.codes import read
from services.scheduling.appointments.shapes import AppointmentOut
from services.scheduling.blocks.api import problems
from services.scheduling.blocks.api.access import Desk
from services.scheduling.blocks.api.problems import responses
from services.scheduling.desk import flow
from services.scheduling.refusals import RefusalCode

routes = APIRouter(tags=["scheduling"])


@routes.get("/sites/{site_id}/appointments", response_model=list[AppointmentOut], responses=responses(403, 422))
async def look_up(
    site_id: Code,
    pool: Pool,
    principal: Desk,
    look_ups: Allowance,
    code: Annotated[str, Query(min_length=1, max_length=20, description="The booking code, as somebody says it.")],
) -> Response | list[AppointmentOut]:
    """The live booking at this site that has this code. One that nobody can have (`wrong-code`) costs nothing; 429
    after too many look-ups: one that finds nobody counts ten times. The look is audited."""
    booking_code = read(code)
    if booking_code is None:
        return refuse(problems.problem_of(RefusalCode.WRONG_CODE))
    look_ups.admit(principal)
    async with reading(pool, principal) as work:
        seen = await flow.find_by_code(work, principal, site_id, booking_code)
    if not seen.appointments:
        look_ups.missed(principal)
    return [
        AppointmentOut.of(one, death_reported=one.appointment_id in seen.reported_dead) for one in seen.appointments
    ]
