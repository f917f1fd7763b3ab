"""The edge: ids, headers, limits, logs, health and documentation."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Any

import httpx
import jsonschema
import pytest
import structlog
from fastapi import APIRouter, FastAPI
from opentelemetry import trace
from prometheus_client import REGISTRY, CollectorRegistry, Counter
from pydantic import BaseModel, Field
from starlette.requests import Request
from structlog.testing import LogCapture
from structlog.testing import capture_logs as capture

from services.kit import metrics, problem
from services.kit.auth import Principal
from services.kit.health_routes import HEALTH_PATHS, add_health
from services.kit.http import create_app, unguarded
from services.kit.idempotency import Identity
from tests.roles import require

CANARY = "Zebulon-Quokka-1931"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CORRELATION = "0190f2b5-7a4b-7c3e-9d2a-1f2e3d4c5b6a"


class Nest(BaseModel):
    eggs: int = Field(description="How many")


@pytest.fixture
def app() -> FastAPI:
    app = create_app("Aviary <b>", "2.1", description="Birds & bees", max_body_bytes=100)
    router = APIRouter(prefix="/nests")

    @router.get("/{nest_id}")
    async def look(nest_id: str) -> dict[str, str]:
        return {"seen": problem.correlation_id()}

    @router.post("/{nest_id}", summary="Lay <eggs>")
    async def lay(nest_id: str, nest: Nest) -> Nest:
        return nest

    @router.put("/{nest_id}/photo", max_body_size=1000)
    async def photo(nest_id: str, request: Request) -> int:
        return len(await request.body())

    @router.get("/{nest_id}/fall")
    async def fall(nest_id: str) -> None:
        raise RuntimeError(CANARY)

    app.include_router(router, prefix="/v1")
    return app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://aviary") as client:
        yield client


@pytest.mark.expects_error_log("request failed")
async def test_every_answer_has_a_correlation_id_and_safe_headers(client: httpx.AsyncClient) -> None:
    """Good answers, refused ones and faults all carry the id and the security headers."""
    for path, status in (("/v1/nests/1", 200), ("/nowhere", 404), ("/v1/nests/1/fall", 500)):
        response = await client.get(path)
        assert response.status_code == status
        assert len(response.headers["x-correlation-id"]) == 36
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in response.headers["content-security-policy"]
        assert "max-age" in response.headers["strict-transport-security"]


async def test_the_callers_id_is_taken_over(client: httpx.AsyncClient) -> None:
    """A UUID given by the caller is the correlation id, inside and in the answer."""
    response = await client.get("/v1/nests/1", headers={"X-Correlation-Id": CORRELATION})
    assert response.headers["x-correlation-id"] == response.json()["seen"] == CORRELATION


async def test_a_trace_gives_the_id(client: httpx.AsyncClient) -> None:
    """Without a correlation id the trace's id serves; an invalid traceparent does not."""
    response = await client.get("/v1/nests/1", headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"})
    assert response.json()["seen"] == TRACE
    response = await client.get("/v1/nests/1", headers={"traceparent": f"00-{'0' * 32}-00f067aa0ba902b7-01"})
    assert response.json()["seen"] != "0" * 32


async def test_an_id_that_could_name_somebody_is_not_taken(client: httpx.AsyncClient) -> None:
    """A caller's id that is no UUID is replaced, so that nothing can be smuggled into the logs."""
    response = await client.get("/v1/nests/1", headers={"X-Correlation-Id": CANARY})
    assert CANARY not in response.text + repr(response.headers)


async def test_requests_do_not_share_ids(client: httpx.AsyncClient) -> None:
    """Requests at the same time each keep their own id."""
    answers = await asyncio.gather(*(client.get("/v1/nests/1") for _ in range(20)))
    assert len({answer.json()["seen"] for answer in answers}) == 20
    assert problem.correlation_id() == ""


async def test_the_access_log_names_the_route_and_not_the_path(client: httpx.AsyncClient) -> None:
    """One line per request: method, route template with its prefixes, status and milliseconds, and no more."""
    with capture() as lines:
        await client.get(f"/v1/nests/{CANARY}?owner={CANARY}")
        await client.get(f"/{CANARY}")
        await client.request(CANARY, "/v1/nests/1")
    said = [(line["method"], line["route"], line["status"]) for line in lines if line["event"] == "request"]
    assert said == [("GET", "/v1/nests/{nest_id}", 200), ("GET", "(none)", 404), ("OTHER", "/v1/nests/{nest_id}", 405)]
    assert CANARY not in repr(lines)
    assert all(line["duration_ms"] >= 0 for line in lines)


async def test_a_fault_reaches_no_other_log(client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    """The exception does not leave the application, where the server would log its text."""
    with capture() as lines:
        response = await client.get("/v1/nests/1/fall")
    assert response.status_code == 500
    assert [line["event"] for line in lines] == ["request failed", "request"]
    assert (lines[0]["error"], lines[1]["status"]) == ("RuntimeError", 500)
    assert CANARY not in repr(lines) + caplog.text


@pytest.mark.expects_error_log("request failed")
async def test_log_lines_carry_the_correlation_id(client: httpx.AsyncClient) -> None:
    """What is bound at the edge is in the line that a fault writes."""
    capturing = LogCapture()
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, capturing])
    try:
        await client.get("/v1/nests/1/fall", headers={"X-Correlation-Id": CORRELATION})
    finally:
        structlog.reset_defaults()
    assert {line["correlation_id"] for line in capturing.entries} == {CORRELATION}


class Snoop(trace.TracerProvider):
    """A configured tracing, as somebody might set it up around us."""

    def __init__(self) -> None:
        self.asked = 0

    def get_tracer(self, *_: Any, **__: Any) -> trace.Tracer:
        self.asked += 1
        return trace.NoOpTracer()


async def test_the_framework_traces_nothing(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """FastAPI's own spans, which carry paths and queries, are not made even where tracing is configured."""
    snoop = Snoop()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: snoop)
    await client.get("/v1/nests/1")
    assert snoop.asked == 0


async def test_a_slash_too_many_leads_nowhere(client: httpx.AsyncClient) -> None:
    """A path that fits but for its last slash is not found; a redirect would repeat its ids and its query."""
    response = await client.get(f"/v1/nests/{CANARY}/")
    assert response.status_code == 404
    assert "location" not in response.headers


async def test_requests_are_counted_by_route(client: httpx.AsyncClient) -> None:
    """The metric's labels are the route template and the status."""
    labels = ("GET", "/v1/nests/{nest_id}", "200")
    before = metrics.REQUESTS.labels(*labels)._value.get()
    await client.get("/v1/nests/77")
    assert metrics.REQUESTS.labels(*labels)._value.get() == before + 1


async def chunks(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * 50


@pytest.mark.parametrize("body", [b"x" * 101, 3], ids=["declared", "streamed"])
async def test_a_large_body_is_refused_as_a_problem(client: httpx.AsyncClient, body: Any) -> None:
    """More than the limit gives 413 as a problem document, whether the length was declared or not."""
    content = chunks(body) if isinstance(body, int) else body
    response = await client.post("/v1/nests/1", content=content, headers={"content-type": "application/json"})
    assert (response.status_code, response.headers["content-type"]) == (413, problem.MEDIA_TYPE)
    assert response.json()["correlation_id"] == response.headers["x-correlation-id"]


async def test_a_route_may_take_larger_bodies(client: httpx.AsyncClient) -> None:
    """A route's own limit replaces the application's, and holds."""
    assert (await client.put("/v1/nests/1/photo", content=b"x" * 1000)).json() == 1000
    assert (await client.put("/v1/nests/1/photo", content=b"x" * 1001)).status_code == 413


async def test_health() -> None:
    """Live while it runs, ready only while every check is well, each check with its reason."""
    app, registry, reasons = create_app("Aviary", "1"), CollectorRegistry(), {"perch": "broken"}
    Counter("vcc_eggs", "Eggs", registry=registry).inc(3)

    async def feeder() -> str | None:
        return None

    def away() -> str | None:
        if reasons:
            raise ConnectionRefusedError(CANARY)
        return None

    add_health(app, {"perch": lambda: reasons.get("perch"), "feeder": feeder, "roost": away}, registry)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://aviary") as client:
        assert (await client.get("/live")).status_code == 200
        response = await client.get("/ready")
        assert (response.status_code, response.json()["ready"]) == (503, False)
        assert response.json()["checks"]["perch"] == {"ready": False, "reason": "broken"}
        assert response.json()["checks"]["feeder"] == {"ready": True, "reason": None}
        assert response.json()["checks"]["roost"]["reason"] == "ConnectionRefusedError"
        reasons.clear()
        assert (await client.get("/ready")).status_code == 200
        assert "vcc_eggs_total 3.0" in (await client.get("/metrics")).text
        assert (await client.get("/openapi.json")).json()["paths"] == {}


async def test_readiness_is_found_when_it_is_scraped() -> None:
    """`/metrics` asks the checks itself, and again each time: nobody has to ask `/ready` before."""
    app, reasons = create_app("Aviary", "1"), {"perch": "broken", "postgres": "away"}
    add_health(app, {name: partial(reasons.get, name) for name in ("perch", "postgres")})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://aviary") as client:
        for broken, said in ((2, (0, 0, 0)), (1, (0, 0, 1)), (0, (1, 1, 1))):
            assert len(reasons) == broken
            await client.get("/metrics")
            names: tuple[tuple[str, dict[str, str]], ...] = (
                ("vcc_ready", {}),
                ("vcc_ready_check", {"check": "perch"}),
                ("vcc_serves", {}),
            )
            assert tuple(REGISTRY.get_sample_value(name, labels) for name, labels in names) == said
            reasons.pop("postgres" if "postgres" in reasons else "perch", None)


async def test_being_asked_for_health_is_not_worth_a_line() -> None:
    """What a probe asks every few seconds is logged at debug only."""
    app = create_app("Aviary", "1")
    add_health(app, {})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://aviary") as client:
        with capture() as lines:
            for path in HEALTH_PATHS:
                assert (await client.get(path)).status_code == 200
    assert [line["log_level"] for line in lines] == ["debug"] * len(HEALTH_PATHS)


async def test_the_description_says_how_errors_look(client: httpx.AsyncClient) -> None:
    """Every operation's errors are described as the problem documents that they are, and a real one fits."""
    operation = (await client.get("/openapi.json")).json()["paths"]["/v1/nests/{nest_id}"]["post"]
    assert sorted(operation["responses"]) == ["200", "default"]
    schema = operation["responses"]["default"]["content"][problem.MEDIA_TYPE]["schema"]
    jsonschema.validate((await client.post("/v1/nests/1", json={"eggs": "many"})).json(), schema)


async def test_docs_load_nothing(client: httpx.AsyncClient) -> None:
    """The docs page lists each operation, escaped, without a script or somebody else's address."""
    answer = await client.get("/docs")
    page = answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert "Aviary &lt;b&gt; 2.1" in page
    assert "<code>POST /v1/nests/{nest_id}</code>" in page
    assert "Lay &lt;eggs&gt;" in page
    assert '<code>body</code> <i></i><td><a href="#Nest"><code>Nest</code></a>' in page
    assert '<h3 id="Nest">' in page
    assert not {"<script", "<link", "http:", "https:", "src="} & set(page.split())
    assert not any(forbidden in page for forbidden in ("<script", "<link", "//", "src="))


def test_unguarded_operations_are_found() -> None:
    """A route without a token or a permission, and a write without an idempotency key, are named."""
    app = create_app("Aviary", "1")
    router = APIRouter(prefix="/nests")

    @router.post("/guarded")
    async def guarded(principal: Annotated[Principal, require("wren")], identity: Identity) -> None: ...

    @router.put("/keyless")
    async def keyless(principal: Annotated[Principal, require("wren")]) -> None: ...

    @router.get("/open")
    async def open_to_all() -> None: ...

    app.include_router(router)
    assert unguarded(app) == [
        "PUT /nests/keyless: needs no idempotency key",
        "GET /nests/open: needs no token",
        "GET /nests/open: asks for no permission",
    ]
