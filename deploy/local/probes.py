"""Short questions to a component on loopback: is it ready, what do its metrics say."""

import json
import re
import socket
from http.client import HTTPConnection, HTTPException

HOST = "127.0.0.1"
TIMEOUT_S = 2.0
RUNBOOKS = "docs/runbooks/"
SAMPLE = re.compile(r"^(\w+)(?:\{.*\})? (\S+)$", re.MULTILINE)


def get(port: int, path: str) -> tuple[int, str]:
    """Status and body; (0, reason) when nothing answers."""
    connection = HTTPConnection(HOST, port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode(errors="replace")
    except (OSError, HTTPException) as error:
        return 0, type(error).__name__
    finally:
        connection.close()


def missing(port: int) -> str:
    """ "" when `/ready` says so, else what is missing; only what a runbook helps against, if there is such a thing."""
    status, body = get(port, "/ready")
    if status == 200:
        return ""
    if status == 0:
        return f"no answer on port {port} ({body})"
    return f"/ready says {status}: {'; '.join(_for_a_person(body)) or body[:300]}"


def waits_for_a_person(missing: str) -> bool:
    """Whether time alone does not help against what is missing."""
    return RUNBOOKS in missing


def _for_a_person(body: str) -> list[str]:
    try:
        checks = json.loads(body)["checks"]
        return [f"{name}: {one['reason']}" for name, one in checks.items() if RUNBOOKS in (one["reason"] or "")]
    except (ValueError, LookupError, TypeError, AttributeError):
        return []


def lives(port: int) -> bool:
    """Whether `/live` answers, and that every background task is there."""
    return get(port, "/live")[0] == 200


def closed(port: int) -> str:
    """ "" when something listens."""
    try:
        socket.create_connection((HOST, port), TIMEOUT_S).close()
    except OSError as error:
        return f"no answer on port {port} ({type(error).__name__})"
    return ""


def gauges(port: int) -> dict[str, float]:
    """The sum of each metric over its labels, by name; empty when there is nothing to read."""
    status, body = get(port, "/metrics")
    totals: dict[str, float] = {}
    for name, value in SAMPLE.findall(body) if status == 200 else ():
        totals[name] = totals.get(name, 0.0) + float(value)
    return totals
