"""HTTP for the desk of a site."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from schemas.envelope import Code, Day
from schemas.texts import Text
from services.kit.look_ups import Allowance
from services.kit.next_page import PAGED, After, end_of, link_next, place_of, text_of
from services.kit.problem import refuse
from services.kit.requests import Pool, reading
from services.scheduling.appointments.codes import read
from services.scheduling.blocks.api import problems
from services.scheduling.blocks.api.access import Clock, Desk
from services.scheduling.blocks.api.problems import responses
from services.scheduling.desk.flow import looks
from services.scheduling.desk.flow.looks import Seen
from services.scheduling.desk.rules import Said
from services.scheduling.desk.shapes import ExpectedOut
from services.scheduling.refusals import RefusalCode

MAX_LISTED = 1000

routes = APIRouter(tags=["scheduling"])


@routes.get("/sites/{site_id}/day", responses=PAGED)
async def list_day(
    request: Request,
    response: Response,
    site_id: Code,
    pool: Pool,
    principal: Desk,
    clock: Clock,
    on: Day,
    limit: Annotated[int, Query(ge=1, le=MAX_LISTED)] = MAX_LISTED,
    after: After = None,
) -> list[ExpectedOut]:
    """Whom the site expects on a day, walk-ins too, in the order of their times, page by page (`Link`): by name on the
    site's own day alone. The look is audited."""
    async with reading(pool, principal) as work:
        seen = await looks.list_day(work, principal, clock, site_id, on, place_of(after), limit)
    places = [(one.appointment.start_at, one.appointment.appointment_id) for one in seen.expected]
    link_next(request, response, after=text_of(end_of(places, limit)))
    return _shown(seen)


@routes.get("/sites/{site_id}/appointments", response_model=list[ExpectedOut], responses=responses(403, 422))
async def look_up(
    site_id: Code,
    pool: Pool,
    principal: Desk,
    look_ups: Allowance,
    clock: Clock,
    code: Annotated[
        str | None, Query(min_length=1, max_length=20, description="The booking code, as somebody says it.")
    ] = None,
    family: Annotated[Text | None, Query(min_length=1, max_length=200)] = None,
    given: Annotated[Text | None, Query(min_length=1, max_length=200)] = None,
    born_on: Day | None = None,
) -> Response | list[ExpectedOut]:
    """Who stands there: the live booking at this site that has this code, or today's of whoever has this name, as his
    plan says it, and birth date; one of both is asked (`whom`). A code that nobody can have (`wrong-code`) costs
    nothing; 429 after too many look-ups: one that finds nobody counts ten times. The look is audited."""
    booking_code = None if code is None else read(code)
    if code is not None and booking_code is None:
        return refuse(problems.problem_of(RefusalCode.WRONG_CODE))
    said = Said(family, given, born_on) if family and given and born_on else None
    is_one = (said is None) is not (booking_code is None) and (code is None or not (family or given or born_on))
    if not is_one:
        return refuse(problems.problem_of(RefusalCode.WHOM))
    look_ups.admit(principal)
    async with reading(pool, principal) as work:
        if said is not None:
            seen = await looks.find_called(work, principal, clock, site_id, said)
        else:
            assert booking_code is not None
            seen = await looks.find_by_code(work, principal, clock, site_id, booking_code)
    if not seen.expected:
        look_ups.missed(principal)
    return _shown(seen)


def _shown(seen: Seen) -> list[ExpectedOut]:
    return [
        ExpectedOut.of(one, death_reported=one.appointment.appointment_id in seen.reported_dead)
        for one in seen.expected
    ]
