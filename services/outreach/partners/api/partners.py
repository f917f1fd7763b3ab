"""The API of partners: describe one, look for some."""

import re
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Response

from schemas.envelope import CountyFips
from services.kit.auth import Principal, may
from services.kit.idempotency import Answer, Identity
from services.kit.problem import Refusal, refuse
from services.kit.requests import Pool, reading, write
from services.kit.unit_of_work import UnitOfWork
from services.outreach.partners import flow, store
from services.outreach.partners.rules import PartnerStatus, Wanted
from services.outreach.partners.shapes.partners import PartnerIn, PartnerOut, PartnersOut, partner_of
from services.outreach.workers.store import load_today
from services.outreach.worklist.api.workers import worker_id as code_of
from services.outreach.worklist.shapes import PROBLEM

CODE = r"^[a-z0-9][a-z0-9.-]{0,63}$"
Onlooker = Annotated[Principal, may("partners.read")]
Describer = Annotated[Principal, may("partners.write")]
PartnerId = Annotated[str, Path(pattern=CODE)]
CodeAsked = Annotated[str | None, Query(pattern=CODE)]
IfMatch = Annotated[
    str | None, Header(pattern='^"[0-9]{1,9}"$', description="The ETag of the description that this one is made from")
]

routes = APIRouter(tags=["outreach"])


@routes.get("/partners", summary="Look for partners")
async def list_partners(
    pool: Pool,
    principal: Onlooker,
    county: Annotated[CountyFips | None, Query()] = None,
    type: CodeAsked = None,  # noqa: A002
    need: CodeAsked = None,
    status: Annotated[PartnerStatus | None, Query()] = None,
    contracted_for: Annotated[
        str | None, Query(pattern=CODE, description="A contract for this holds today: `ecm`, a Community Support.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str | None, Query(pattern=CODE, description="A page's `next`")] = None,
) -> PartnersOut:
    """By their codes, those that fit each filter that is said."""
    wanted = Wanted(county, type, need, status, contracted_for)
    async with reading(pool, principal) as work:
        today = await load_today(work.connection)
        found = await store.load_partners(work.connection, wanted, today, limit, after)
    goes_on = found[-1][0].partner_id if len(found) == limit else None
    return PartnersOut(partners=tuple(partner_of(*one) for one in found), next=goes_on)


@routes.get("/partners/{partner_id}", summary="Read a partner", response_model=PartnerOut, responses={404: PROBLEM})
async def read_partner(
    partner_id: PartnerId, pool: Pool, principal: Onlooker, response: Response
) -> Response | PartnerOut:
    """One of them, with the ETag by which a change is asked for."""
    async with reading(pool, principal) as work:
        found = await store.load_partner(work.connection, partner_id)
    if found is None:
        return refuse(flow.NO_PARTNER)
    response.headers["ETag"] = f'"{found[1]}"'
    return partner_of(*found)


@routes.put("/partners/{partner_id}", summary="Describe a partner", response_model=PartnerOut, responses={412: PROBLEM})
async def describe_partner(
    partner_id: PartnerId,
    body: PartnerIn,
    pool: Pool,
    identity: Identity,
    principal: Describer,
    if_match: IfMatch = None,
) -> Response:
    """A new partner without If-Match; a known one with the ETag of the description that this one is made from."""
    partner = body.partner(partner_id)

    async def effect(work: UnitOfWork) -> Answer:
        whose = principal.tenant, partner, version_in(if_match), code_of(principal)
        told = await flow.describe(work.connection, *whose)
        if isinstance(told, Refusal):
            return Answer.of(told)
        return Answer(200, partner_of(*told).model_dump(mode="json"), {"ETag": f'"{told[1]}"'})

    return await write(pool, identity, effect)


def version_in(if_match: str | None) -> int | None:
    """The version that a request is made from, by its header."""
    return None if if_match is None else int(re.sub(r"\D", "", if_match))
