"""How a command reaches the stack that is up: addresses and databases, taken from its state."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from deploy.environment import told
from deploy.errors import StackError
from deploy.local.probes import HOST
from deploy.local.state import BROKERS, Folder, State, here


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where one service and what it works with are reached. `kafka` holds every VCC_KAFKA_* setting."""

    base_url: str
    dsn: str
    bootstrap: str
    issuer_url: str
    kafka: dict[str, str]

    def __repr__(self) -> str:
        return f"Endpoints(base_url={self.base_url!r}, bootstrap={self.bootstrap!r}, issuer_url={self.issuer_url!r})"


def require_up(folder: Folder | None = None) -> State:
    folder = folder or here()
    state = folder.read()
    if state.supervised and state.phase == "up":
        return state
    if state.supervised:
        raise StackError(f"the stack is {state.phase} ({state.step})", "wait for it: ./vcc status")
    raise StackError("the stack is not up", "start it: ./vcc up (or see everything at once: ./vcc demo)")


def connection(service: str) -> Endpoints:
    """Raises StackError when the stack is not up."""
    folder = here()
    state = require_up(folder)
    kafka = kafka_environment(folder)
    return Endpoints(
        base_url=base_url(state, service),
        dsn=(folder.secrets / f"{service}.dsn").read_text(),
        bootstrap=brokers(kafka),
        issuer_url=state.issuer_url,
        kafka=kafka,
    )


def base_url(state: State, service: str) -> str:
    return f"http://{HOST}:{state.components[service].port}"


def brokers(kafka: Mapping[str, str]) -> str:
    """Their addresses, of every VCC_KAFKA_* setting."""
    return told("VCC_KAFKA_BOOTSTRAP_SERVERS", kafka) or ""


def kafka_environment(folder: Folder) -> dict[str, str]:
    """Every VCC_KAFKA_* setting that the services were started with. Raises StackError where they are gone."""
    try:
        return dict(json.loads((folder.secrets / BROKERS).read_text()))
    except FileNotFoundError:
        how = "start it again: ./vcc down, then ./vcc up"
        raise StackError("the stack is not running: what it noted of its brokers is gone", how) from None


def why_unknown(folder: Folder) -> str | None:
    """Why nobody knows where the brokers of a stack that is up are; None if it is known."""
    try:
        brokers(kafka_environment(folder))
    except StackError as error:
        return str(error)
    return None
