"""The API of attempts: log one, take one back, see the codes that one takes."""

from datetime import UTC, datetime
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import AfterValidator

from services.kit import audit
from services.kit.idempotency import Answer, Identity
from services.kit.problem import Refusal
from services.kit.requests import Pool, write
from services.kit.unit_of_work import UnitOfWork
from services.outreach.attempts.flow import attempts, unheard
from services.outreach.attempts.flow.entering import Logged
from services.outreach.attempts.rules import Retractor
from services.outreach.attempts.shapes import (
    AttemptIn,
    AttemptLoggedOut,
    AttemptRetractedOut,
    CodesOut,
    ContactIn,
    ContactLoggedOut,
    RetractionIn,
)
from services.outreach.policy import CODES
from services.outreach.worklist.api.workers import Logger, MayRetract, worker_id
from services.outreach.worklist.shapes import NOT_FOUND, PROBLEM, case_of

Body = TypeVar("Body", bound=AttemptIn)

routes = APIRouter(tags=["outreach"])


def _checked_by_now(body: Body) -> Body:
    """An attempt without an instant is made now, and its callback promised by that."""
    if body.attempted_at is None:
        body.check_callback(datetime.now(UTC))
    return body


Attempt = Annotated[AttemptIn, AfterValidator(_checked_by_now)]
Contact = Annotated[ContactIn, AfterValidator(_checked_by_now)]


@routes.post(
    "/cases/{case_id}/attempts",
    summary="Log a contact",
    status_code=201,
    response_model=AttemptLoggedOut,
    responses={404: NOT_FOUND, 409: PROBLEM},
)
async def log_attempt(case_id: UUID, body: Attempt, pool: Pool, identity: Identity, principal: Logger) -> Response:
    """Logs what came of an attempt, or of a call by the member (`direction`), and changes the case accordingly. For an
    attempt the caller holds the case's lease, or claims it at once (`claim`). What became known goes in all the same,
    marked with the rule (`against`); only a try that brought nothing is refused. May be dated back."""

    async def effect(work: UnitOfWork) -> Answer:
        await audit.record(work, principal, "read", "case", [case_id])
        logged = await attempts.log_attempt(work, case_id, body.entry(), worker_id(principal))
        if isinstance(logged, Refusal):
            return Answer.of(logged)
        assert logged.case is not None, "cases are never removed"
        answer = AttemptLoggedOut(attempt_id=logged.attempt_id, against=logged.against, case=case_of(logged.case))
        return Answer(201, answer.model_dump(mode="json"))

    return await write(pool, identity, effect)


@routes.post(
    "/enrolments/{enrolment_id}/contacts",
    summary="Log a contact with a member who may have no case",
    status_code=201,
    response_model=ContactLoggedOut,
    responses={202: {"model": ContactLoggedOut, "description": "Kept until the member is known"}, 409: PROBLEM},
)
async def log_contact(enrolment_id: UUID, body: Contact, pool: Pool, identity: Identity, principal: Logger) -> Response:
    """Logs what a member says or what is said of him, named by the enrolment (eligibility's `GET /members` gives it),
    also if he was never eligible and has no case: it holds for him at once and for cases that open later. With a case
    it is that case's attempt. 202: of this member of the plan nothing was heard yet; it is kept until there is."""
    whose = unheard.Whose(principal.tenant, enrolment_id, body.programme_id)

    async def effect(work: UnitOfWork) -> Answer:
        await audit.record(work, principal, "read", "enrolment", [enrolment_id])
        logged = await unheard.log_contact(work, whose, body.entry(), worker_id(principal))
        if isinstance(logged, Refusal):
            return Answer.of(logged)
        return Answer(202 if isinstance(logged, unheard.Kept) else 201, _told(logged).model_dump(mode="json"))

    return await write(pool, identity, effect)


def _told(logged: Logged | unheard.Kept) -> ContactLoggedOut:
    if isinstance(logged, unheard.Kept):
        return ContactLoggedOut(attempt_id=logged.attempt_id, is_waiting=True, against=None, case=None)
    case = None if logged.case is None else case_of(logged.case)
    return ContactLoggedOut(attempt_id=logged.attempt_id, is_waiting=False, against=logged.against, case=case)


@routes.post(
    "/attempts/{attempt_id}/retract",
    summary="Take back an attempt that was entered in error",
    response_model=AttemptRetractedOut,
    responses={404: NOT_FOUND, 409: PROBLEM},
)
async def retract_attempt(
    attempt_id: UUID, body: RetractionIn, pool: Pool, identity: Identity, principal: MayRetract
) -> Response:
    """Nothing that the attempt said holds any more: the case is decided anew without it. By its worker while it is
    fresh, by a supervisor at any time. A second time changes nothing."""
    retractor = Retractor(worker_id(principal), principal.may("attempts.retract-any"))

    async def effect(work: UnitOfWork) -> Answer:
        await audit.record(work, principal, "read", "attempt", [attempt_id])
        case = await attempts.retract_attempt(work, attempt_id, body.reason, retractor)
        if isinstance(case, Refusal):
            return Answer.of(case)
        answer = AttemptRetractedOut(attempt_id=attempt_id, case=None if case is None else case_of(case))
        return Answer(200, answer.model_dump(mode="json"))

    return await write(pool, identity, effect)


@routes.get("/codes", summary="The code lists of an attempt's record")
async def list_codes(_: Logger) -> CodesOut:
    """Barriers, education topics and reasons to retract, with their meanings."""
    return CodesOut(
        version=CODES.version,
        effective_on=CODES.effective_on,
        barriers=CODES.barriers,
        topics=CODES.topics,
        retraction_reasons=CODES.retraction_reasons,
    )
