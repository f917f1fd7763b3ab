"""What providers of messages tell: they have no token, and sign what they say."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from schemas.outreach_v1 import Channel
from services.kit import audit
from services.kit.auth import Principal
from services.kit.postgres import ALL_TENANTS
from services.kit.problem import INVALID, refuse
from services.kit.requests import Pool
from services.kit.signed import SignedBody, signed
from services.kit.unit_of_work import working
from services.outreach.gate.api.permissions import Clock
from services.outreach.messages.flow import hearing
from services.outreach.messages.flow.settings import MessageSettings
from services.outreach.messages.heard import Callback
from services.outreach.worklist.shapes import PROBLEM

NOT_KNOWN: dict[str, Any] = {
    "description": "Nothing was sent that this could be about",
    "content": {"application/problem+json": {}},
}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "`type`: message.delivered, message.failed, message.bounced or message.received; `data` names "
        "the message (`message_id`, or the provider's `id`), or says what came `from` whom (`text`)",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}


def _secrets_of(request: Request) -> Sequence[bytes]:
    own: MessageSettings = request.state.own
    return own.secrets


Signed = Annotated[SignedBody, signed(_secrets_of)]

routes = APIRouter(tags=["outreach"])


@routes.post(
    "/message-callbacks/{provider}",
    summary="Tell what became of a message, or what a member wrote",
    status_code=204,
    response_class=Response,
    responses={404: NOT_KNOWN, 422: PROBLEM},
    openapi_extra=BODY,
)
async def hear_callback(
    provider: Literal[Channel.TEXT, Channel.EMAIL], request: Request, body: Signed, pool: Pool, now: Clock
) -> Response:
    """Signed as Standard Webhooks says, within five minutes; what comes again changes nothing. A STOP holds at once and
    is confirmed once, HELP is answered, and what is not wholly understood waits for a person. Needs no token."""
    try:
        said = Callback.model_validate_json(body.content)
    except ValidationError:
        return refuse(INVALID)
    async with working(pool) as work:
        refused = await hearing.hear(work, provider, body.request_id, said, now)
        if refused is None:
            teller = Principal(f"provider of {provider.value}", frozenset(), frozenset(), ALL_TENANTS)
            await audit.record(work, teller, "told", "message", sorted(work.subjects))
    return Response(status_code=204) if refused is None else refuse(refused)
