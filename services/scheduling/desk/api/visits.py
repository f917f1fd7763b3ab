"""HTTP for what happens with somebody who came, up to a dose."""

import json
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from services.kit.idempotency import Identity
from services.kit.problem import refuse
from services.kit.requests import Pool, reading
from services.scheduling.appointments import arrivals
from services.scheduling.appointments.api.writing import CHANGED, write_outcome
from services.scheduling.appointments.flow.bookings import change
from services.scheduling.appointments.shapes import NothingMoreIn
from services.scheduling.blocks.api import problems
from services.scheduling.blocks.api.access import Clock, SiteStaff
from services.scheduling.blocks.api.problems import responses
from services.scheduling.desk.flow import looks, visits
from services.scheduling.desk.screening import finding_of
from services.scheduling.desk.shapes import (
    CheckedInOut,
    NotGivenIn,
    ScreenedOut,
    ScreeningIn,
    ScreeningOut,
    identity_of,
)
from services.scheduling.refusals import RefusalCode

routes = APIRouter(tags=["scheduling"])


@routes.post(
    "/appointments/{appointment_id}/check-in",
    responses={200: {"model": CheckedInOut}, **responses(403, 404, 409, 422)},
)
async def check_in(
    appointment_id: UUID, body: NothingMoreIn, pool: Pool, identity: Identity, principal: SiteStaff, clock: Clock
) -> Response:
    """The member stands at the desk: the answer says his name, birth date and address, on the appointment's day, to be
    compared with him. From here on the site alone says what comes of the booking."""
    kept = await write_outcome(
        pool, identity, principal,
        lambda work: change(work, appointment_id, arrivals.check_in, body.moment(clock)),
        looked_at=appointment_id,
    )  # fmt: skip
    if kept.status_code != 200:
        return kept
    async with reading(pool, principal) as work:
        details = await looks.load_identity(work, clock, appointment_id)
    return kept if details is None else _with(kept, identity_of(details))


@routes.post("/appointments/{appointment_id}/check-in/taken-back", responses=CHANGED)
async def take_back(
    appointment_id: UUID, body: NothingMoreIn, pool: Pool, identity: Identity, principal: SiteStaff, clock: Clock
) -> Response:
    """It was another one who came: the booking stands as it did."""
    return await write_outcome(
        pool, identity, principal,
        lambda work: visits.take_back(work, appointment_id, body.moment(clock)),
        looked_at=appointment_id,
    )  # fmt: skip


@routes.post(
    "/appointments/{appointment_id}/screening",
    responses={200: {"model": ScreenedOut}, **responses(403, 404, 409, 422)},
)
async def screen(
    appointment_id: UUID, body: ScreeningIn, pool: Pool, identity: Identity, principal: SiteStaff, clock: Clock
) -> Response:
    """What somebody who was checked in answers before a dose, to every question; said again, the newest answers hold.
    What they mean is for whoever vaccinates to weigh: a dose that was given is recorded whatever was answered."""
    kept = await write_outcome(
        pool, identity, principal,
        lambda work: visits.screen(work, appointment_id, body.answers, body.moment(clock)),
        looked_at=appointment_id,
    )  # fmt: skip
    return kept if kept.status_code != 200 else _with(kept, {"finding": finding_of(body.answers)})


@routes.get("/appointments/{appointment_id}/screening", response_model=ScreeningOut, responses=responses(403, 404, 409))
async def read_screening(appointment_id: UUID, pool: Pool, principal: SiteStaff) -> Response | ScreeningOut:
    """What somebody answered who was screened, for whoever vaccinates; until it is said what came of it. The look is
    audited."""
    async with reading(pool, principal) as work:
        answers = await looks.load_screening(work, principal, appointment_id)
    if isinstance(answers, RefusalCode):
        return refuse(problems.problem_of(answers))
    return ScreeningOut(answers=dict(answers), finding=finding_of(answers))


@routes.post("/appointments/{appointment_id}/not-given", responses=CHANGED)
async def not_given(
    appointment_id: UUID, body: NotGivenIn, pool: Pool, identity: Identity, principal: SiteStaff, clock: Clock
) -> Response:
    """Somebody who was checked in was not vaccinated. The booking ends, its place was used, and the member may be
    booked anew at once."""
    return await write_outcome(
        pool, identity, principal,
        lambda work: visits.not_given(work, appointment_id, body.reason, body.moment(clock)),
        looked_at=appointment_id,
    )  # fmt: skip


@routes.post("/appointments/{appointment_id}/left", responses=CHANGED)
async def leave(
    appointment_id: UUID, body: NothingMoreIn, pool: Pool, identity: Identity, principal: SiteStaff, clock: Clock
) -> Response:
    """Somebody who was checked in went away before anybody could vaccinate him: the same."""
    return await write_outcome(
        pool, identity, principal,
        lambda work: change(work, appointment_id, arrivals.leave, body.moment(clock)),
        looked_at=appointment_id,
    )  # fmt: skip


def _with(kept: Response, more: dict[str, object]) -> Response:
    """The answer with what is not kept with it."""
    headers = {name: value for name, value in kept.headers.items() if name == "idempotency-replayed"}
    return JSONResponse({**json.loads(bytes(kept.body)), **more}, headers=headers)
