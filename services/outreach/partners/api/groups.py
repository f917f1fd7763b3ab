"""The API of groups with their backbone, and of what meetings decided."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from schemas.envelope import CountyFips
from services.kit.idempotency import Answer, Identity
from services.kit.problem import Refusal, refuse
from services.kit.requests import Pool, reading, write
from services.kit.unit_of_work import UnitOfWork
from services.outreach.partners import flow, store
from services.outreach.partners.api.partners import CODE, Describer, IfMatch, Onlooker, PartnerId, version_in
from services.outreach.partners.shapes.groups import (
    DecisionIn,
    DecisionOut,
    DecisionsOut,
    GroupIn,
    GroupOut,
    GroupsOut,
    group_of,
)
from services.outreach.worklist.api.workers import worker_id as code_of
from services.outreach.worklist.shapes import PROBLEM

GroupId = Annotated[str, Path(pattern=CODE)]

routes = APIRouter(tags=["outreach"])


@routes.post(
    "/partners/{partner_id}/decisions",
    summary="Tell what a meeting with a partner decided",
    status_code=201,
    response_model=DecisionOut,
    responses={404: PROBLEM},
)
async def tell_decision(
    partner_id: PartnerId, body: DecisionIn, pool: Pool, identity: Identity, principal: Describer
) -> Response:
    """It stays on record as it was said."""

    async def effect(work: UnitOfWork) -> Answer:
        if await store.load_partner(work.connection, partner_id) is None:
            return Answer.of(flow.NO_PARTNER)
        said = body.decision()
        await store.save_decision(work.connection, principal.tenant, partner_id, None, said, code_of(principal))
        return Answer(201, body.model_dump(mode="json"))

    return await write(pool, identity, effect)


@routes.get(
    "/partners/{partner_id}/decisions",
    summary="Read what was decided with a partner",
    response_model=DecisionsOut,
    responses={404: PROBLEM},
)
async def read_decisions(partner_id: PartnerId, pool: Pool, principal: Onlooker) -> Response | DecisionsOut:
    """The latest meeting first."""
    async with reading(pool, principal) as work:
        known = await store.load_partner(work.connection, partner_id)
        found = await store.load_decisions(work.connection, partner_id=partner_id)
    if known is None:
        return refuse(flow.NO_PARTNER)
    return DecisionsOut(decisions=tuple(DecisionOut(met_on=one.met_on, decided=one.decided) for one in found))


@routes.get("/partner-groups", summary="List the groups that govern")
async def list_groups(
    pool: Pool, principal: Onlooker, county: Annotated[CountyFips | None, Query()] = None
) -> GroupsOut:
    """The plan's, or those of a county, each with its backbone."""
    async with reading(pool, principal) as work:
        found = await store.load_groups(work.connection, county)
    return GroupsOut(groups=tuple(group_of(*one) for one in found))


@routes.put(
    "/partner-groups/{group_id}",
    summary="Describe a group that governs",
    response_model=GroupOut,
    responses={409: PROBLEM, 412: PROBLEM},
)
async def describe_group(
    group_id: GroupId, body: GroupIn, pool: Pool, identity: Identity, principal: Describer, if_match: IfMatch = None
) -> Response:
    """A new group without If-Match; a known one with the ETag of the description that this one is made from."""
    group = body.group(group_id)

    async def effect(work: UnitOfWork) -> Answer:
        whose = principal.tenant, group, version_in(if_match), code_of(principal)
        told = await flow.describe_group(work.connection, *whose)
        if isinstance(told, Refusal):
            return Answer.of(told)
        return Answer(200, group_of(*told).model_dump(mode="json"), {"ETag": f'"{told[1]}"'})

    return await write(pool, identity, effect)


@routes.post(
    "/partner-groups/{group_id}/decisions",
    summary="Tell what a group decided",
    status_code=201,
    response_model=DecisionOut,
    responses={404: PROBLEM},
)
async def tell_group_decision(
    group_id: GroupId, body: DecisionIn, pool: Pool, identity: Identity, principal: Describer
) -> Response:
    """It stays on record as it was said."""

    async def effect(work: UnitOfWork) -> Answer:
        if await store.load_group(work.connection, group_id) is None:
            return Answer.of(flow.NO_GROUP)
        said = body.decision()
        await store.save_decision(work.connection, principal.tenant, None, group_id, said, code_of(principal))
        return Answer(201, body.model_dump(mode="json"))

    return await write(pool, identity, effect)


@routes.get(
    "/partner-groups/{group_id}/decisions",
    summary="Read what a group decided",
    response_model=DecisionsOut,
    responses={404: PROBLEM},
)
async def read_group_decisions(group_id: GroupId, pool: Pool, principal: Onlooker) -> Response | DecisionsOut:
    """The latest meeting first."""
    async with reading(pool, principal) as work:
        known = await store.load_group(work.connection, group_id)
        found = await store.load_decisions(work.connection, group_id=group_id)
    if known is None:
        return refuse(flow.NO_GROUP)
    return DecisionsOut(decisions=tuple(DecisionOut(met_on=one.met_on, decided=one.decided) for one in found))
