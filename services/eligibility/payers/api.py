"""Which tenant a payer's identifier stands for: to be looked up, and to be told before a second one is first used."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from services.eligibility.payers import store as payer_store
from services.eligibility.payers.rules import payer_key
from services.eligibility.payers.shapes import PayerIn, PayerOut
from services.kit.auth import Principal, may, may_for_all
from services.kit.idempotency import Answer, Identity
from services.kit.problem import Refusal
from services.kit.requests import Pool, reading, write
from services.kit.unit_of_work import UnitOfWork

NO_IDENTIFIER = Refusal(
    "payer-identifier",
    "No Identifier",
    "Letters and digits are expected, as in N103 and N104 of the payer's N1*IN.",
    422,
)

Onlooker = Annotated[Principal, may("payers.read")]
Operator = Annotated[Principal, may_for_all("payers.write")]

routes = APIRouter()


@routes.get("/payers")
async def list_payers(pool: Pool, principal: Onlooker) -> list[PayerOut]:
    """The identifiers under which rosters of generic profiles came, or will come, and the tenants that they are of."""
    async with reading(pool, principal) as work:
        return [PayerOut.model_validate(payer) for payer in await payer_store.load_payers(work.connection)]


@routes.put("/payers/{system}/{value}", response_model=PayerOut)
async def name_payer(
    system: Annotated[str, Path(max_length=2)],
    value: Annotated[str, Path(max_length=80)],
    body: PayerIn,
    pool: Pool,
    identity: Identity,
    principal: Operator,
) -> Response:
    """Say whose identifier this is: a plan's second one, or one that changed. It counts for files that are read from
    now on; members stay where they are. For the deployment, so for operators of all tenants."""
    key = payer_key(system, value)

    async def effect(work: UnitOfWork) -> Answer:
        if not all(key):
            return Answer.of(NO_IDENTIFIER)
        saved = PayerOut.model_validate(await payer_store.save_payer(work.connection, key, body.tenant_id))
        return Answer(200, saved.model_dump(mode="json"))

    return await write(pool, identity, effect)
