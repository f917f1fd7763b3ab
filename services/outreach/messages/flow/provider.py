"""Text messages by a provider's HTTP interface: one request each, with our id as its idempotency key."""

import httpx

from services.outreach.messages.flow.settings import ProviderSettings
from services.outreach.messages.outgoing import Outcome, Outgoing, Result

LONGEST_REFERENCE = 100
IN_HAND = 409
"""The provider has this message already, and may be about to send it."""
REFUSES_FOR_NOW = frozenset({401, 403, 404, 405, 408, 425, 429})
"""It is too much, or our token or address is wrong: the message may still be good."""


class ProviderAdapter:
    """Posts `id`, `from`, `to` and `body`; the provider answers with its own `id`."""

    def __init__(self, settings: ProviderSettings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._settings, self._transport = settings, transport

    async def send(self, outgoing: Outgoing) -> Result:
        """Hand it to the provider; gives how that ended."""
        own = self._settings
        headers = {
            "Authorization": f"Bearer {own.token.get_secret_value()}",
            "Idempotency-Key": str(outgoing.message_id),
        }
        said = {
            "id": str(outgoing.message_id), "from": outgoing.sender, "to": outgoing.address, "body": outgoing.body,
        }  # fmt: skip
        verify = own.cafile or True
        try:
            async with httpx.AsyncClient(timeout=own.timeout_s, transport=self._transport, verify=verify) as client:
                return _result(await client.post(own.url, json=said, headers=headers))
        except (httpx.ConnectError, httpx.ConnectTimeout):
            return Result(Outcome.LATER, "not-reached")
        except httpx.HTTPError as error:
            return Result(
                Outcome.UNKNOWN, "timed-out" if isinstance(error, httpx.TimeoutException) else "connection-lost"
            )


def _result(response: httpx.Response) -> Result:
    """A fault of the provider's tells nothing of what it did before."""
    status = response.status_code
    if response.is_success:
        return Result(Outcome.SENT, reference=_reference(response))
    if status in REFUSES_FOR_NOW:
        return Result(Outcome.LATER, f"http-{status}")
    is_unsaid = status >= 500 or status == IN_HAND
    return Result(Outcome.UNKNOWN if is_unsaid else Outcome.FAILED, f"http-{status}")


def _reference(response: httpx.Response) -> str | None:
    try:
        said = response.json()
    except ValueError:
        return None
    found = said.get("id") if isinstance(said, dict) else None
    return found if isinstance(found, str) and 0 < len(found) <= LONGEST_REFERENCE else None
