"""How a request changes an appointment: one transaction, once per idempotency key, audited."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from fastapi import Response

from services.kit.auth import Principal
from services.kit.idempotency import Answer, Identity
from services.kit.requests import Pool, write
from services.kit.unit_of_work import UnitOfWork
from services.scheduling.appointments.flow import looks
from services.scheduling.appointments.flow.bookings import Outcome
from services.scheduling.appointments.shapes import AppointmentOut
from services.scheduling.blocks.api import problems
from services.scheduling.blocks.api.problems import responses
from services.scheduling.refusals import Refused

CREATED = {201: {"model": AppointmentOut}, **responses(403, 404, 409, 422)}
CHANGED = {200: {"model": AppointmentOut}, **responses(403, 404, 409, 422)}


async def write_outcome(
    pool: Pool,
    identity: Identity,
    principal: Principal,
    act: Callable[[UnitOfWork], Awaitable[Outcome]],
    *,
    status: int = 200,
    looked_at: UUID | None = None,
) -> Response:
    """`looked_at`: the appointment that is named, which the answer may tell of."""

    async def effect(work: UnitOfWork) -> Answer:
        if looked_at is not None:
            await looks.record_look(work, principal, [looked_at])
        outcome = await act(work)
        if isinstance(outcome, Refused):
            return problems.answer(outcome)
        return Answer(status, AppointmentOut.of(outcome).model_dump(mode="json"))

    return await write(pool, identity.bound_to(principal), effect)
