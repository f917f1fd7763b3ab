"""The routes by which an orchestrator asks whether a service lives, serves and consumes, and its metrics."""

from collections.abc import Awaitable, Callable, Collection, Mapping

from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest

from services.kit import metrics
from services.kit.workers import RUNNING

HEALTH_PATHS = ("/live", "/ready", "/ready/serves", "/ready/consumes", "/metrics")
SERVING = frozenset({"postgres", "schema", "own-log"})
"""The checks that a request needs: what it announces waits in the outbox for a broker that is away (ADR 25)."""

Check = Callable[[], str | None] | Callable[[], Awaitable[str | None]]
"""None when well, else the reason, which holds no secret and nothing that identifies a person."""


def add_health(
    app: FastAPI,
    checks: Mapping[str, Check],
    registry: CollectorRegistry = REGISTRY,
    tasks: Callable[[], Mapping[str, str]] = dict,
    measure: Callable[[], None] = lambda: None,
) -> None:
    """`/live` while the loop runs and every background task with it; `/ready` when every check is well,
    `/ready/serves` when those are that a request needs, `/ready/consumes` when all others are; `/metrics` for
    Prometheus, which finds readiness as it is then, and what `measure` sets."""

    async def live() -> Response:
        states = tasks()
        lives = all(state == RUNNING for state in states.values())
        return JSONResponse({"live": lives, "tasks": dict(states)}, 200 if lives else 503)

    async def look(names: Collection[str]) -> dict[str, str | None]:
        reasons = {name: await _run(check) for name, check in checks.items()}
        metrics.READY.set(not any(reasons.values()))
        metrics.SERVES.set(not any(reasons.get(name) for name in SERVING))
        for name, reason in reasons.items():
            metrics.CHECK.labels(name).set(reason is None)
        return {name: reason for name, reason in reasons.items() if name in names}

    async def ready() -> Response:
        return _readiness(await look(checks))

    async def serves() -> Response:
        return _readiness(await look(SERVING))

    async def consumes() -> Response:
        return _readiness(await look(checks.keys() - SERVING))

    async def prometheus() -> Response:
        await look(())
        measure()
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    for path, route in zip(HEALTH_PATHS, (live, ready, serves, consumes, prometheus), strict=True):
        app.add_api_route(path, route, include_in_schema=False)


def _readiness(reasons: Mapping[str, str | None]) -> Response:
    well = not any(reasons.values())
    states = {name: {"ready": reason is None, "reason": reason} for name, reason in reasons.items()}
    return JSONResponse({"ready": well, "checks": states}, 200 if well else 503)


async def _run(check: Check) -> str | None:
    try:
        found = check()
        return await found if isinstance(found, Awaitable) else found
    except (TimeoutError, OSError) as error:
        return type(error).__name__
