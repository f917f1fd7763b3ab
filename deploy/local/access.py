"""Tokens of the local issuer, for commands and the demo on this machine. With an issuer of your own give VCC_TOKEN."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx

from deploy.environment import told
from deploy.errors import StackError
from deploy.local.running import require_up
from deploy.local.state import Folder, here

TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Client:
    """A client of the local issuer: what it may do, and for which tenants; or what it is granted, each grant as
    `role@tenant[/site]`."""

    name: str
    roles: Sequence[str] = ()
    tenants: Sequence[str] = ()
    grants: Sequence[str] = ()

    def claims(self) -> dict[str, list[str]]:
        """What its tokens say."""
        if self.grants:
            return {"grants": list(self.grants)}
        return {"roles": list(self.roles), "tenants": list(self.tenants)}


def add_clients(clients: Sequence[Client], folder: Folder | None = None) -> None:
    """Make these clients known to the local issuer, which reads its file for each token. Known ones keep their
    secret."""
    path = (folder or here()).path / "issuer" / "clients.json"
    known = json.loads(path.read_text("utf-8"))
    for client in clients:
        secret = known.get(client.name, {}).get("secret") or secrets.token_urlsafe(32)
        known[client.name] = {"secret": secret, **client.claims()}
    unfinished = path.with_suffix(".new")
    unfinished.touch(mode=0o600)
    unfinished.write_text(json.dumps(known, indent=2), "utf-8")
    unfinished.replace(path)


def token(name: str, folder: Folder | None = None) -> str:
    """A token for this client: VCC_TOKEN where it is given, else one of the local issuer."""
    if given := told("VCC_TOKEN"):
        return given
    folder = folder or here()
    state = require_up(folder)
    path = folder.path / "issuer" / "clients.json"
    if not path.exists():
        raise StackError("the stack uses an issuer of yours", "give a token of it in VCC_TOKEN")
    known: Mapping[str, Mapping[str, str]] = json.loads(path.read_text("utf-8"))
    form = {"grant_type": "client_credentials", "client_id": name, "client_secret": known[name]["secret"]}
    answer = httpx.post(f"{state.issuer_url}/token", data=form, timeout=TIMEOUT_S)
    answer.raise_for_status()
    given_token: str = answer.json()["access_token"]
    return given_token
