"""Asks a service by HTTP as an operator. With an issuer and addresses of your own, give a token in VCC_TOKEN and the
service's address in VCC_API_<SERVICE>."""

import json
from collections.abc import Iterator
from typing import Any

import httpx

from deploy.environment import told
from deploy.errors import StackError
from deploy.local.access import token
from deploy.local.running import connection
from services.kit.ids import new_id

TIMEOUT_S = 30.0


class RefusedError(StackError):
    """The service has answered, with a problem of this `code`."""

    def __init__(self, service: str, problem: dict[str, str], status: int) -> None:
        self.code = problem.get("type", "").rpartition(":")[2]
        super().__init__(f"{service} refuses: {problem.get('title', status)}", problem.get("detail", ""))


def address_of(service: str) -> str:
    return told(f"VCC_API_{service.upper()}") or connection(service).base_url


def ask(service: str, method: str, path: str, body: dict[str, object] | None = None, reason: str = "") -> Any:
    """Its answer. `reason`: why this is done, for the audit trail."""
    return _send(service, method, path, body, reason).json()


def ask_all(service: str, path: str) -> Iterator[Any]:
    """What a list holds, page by page."""
    at: str | None = path
    while at is not None:
        page = _send(service, "GET", at)
        yield from page.json()
        at = page.links.get("next", {}).get("url")


def _send(
    service: str, method: str, path: str, body: dict[str, object] | None = None, reason: str = ""
) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token('operator')}", "Idempotency-Key": str(new_id())}
    headers |= {"X-Reason": reason} if reason else {}
    try:
        answer = httpx.request(
            method, f"{address_of(service)}{path}", json=body, headers=headers, timeout=TIMEOUT_S, trust_env=False
        )
    except httpx.HTTPError as error:
        raise StackError(f"{service} does not answer ({type(error).__name__})", "see ./vcc status") from None
    if answer.is_error:
        raise RefusedError(service, json.loads(answer.text or "{}"), answer.status_code)
    return answer
