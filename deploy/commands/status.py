"""`./vcc status`: each component as it is now."""

import argparse
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

from deploy.console import paint, table
from deploy.local import probes
from deploy.local.plan import SERVICES
from deploy.local.process import alive
from deploy.local.running import brokers, kafka_environment, why_unknown
from deploy.local.state import Component, Folder, State, here

ORDER = ("kafka", "postgres", "issuer", *SERVICES)


@dataclass(frozen=True, slots=True)
class Row:
    component: str
    state: str
    ready: bool | None  # None: not asked
    missing: str
    pid: int | None
    port: int | None
    uptime_s: float | None
    restarts: int
    lag: float | None
    oldest_unpublished_s: float | None


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    status = commands.add_parser(
        "status",
        description="Shows each component. Exit code 0 when all of them are ready, 1 when not.",
    )
    status.add_argument("--json", action="store_true", help="prints it as JSON")
    status.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    folder = here()
    state = folder.read()
    if not state.supervised and state.phase not in {"down", "failed"}:
        state.phase, state.what = "failed", "the supervisor was killed; ./vcc up starts afresh, ./vcc down cleans up"
    if state.phase == "up" and (why := why_unknown(folder)) is not None:
        state.phase, state.what = "failed", why
    with ThreadPoolExecutor(8) as pool:
        rows = list(
            pool.map(inspect, sorted(state.components.values(), key=lambda component: ORDER.index(component.name)))
        )
    if arguments.json:
        print(
            json.dumps(
                {"phase": state.phase, "what": state.what, "components": [asdict(row) for row in rows]}, indent=1
            )
        )
    else:
        print(_page(folder, state, rows))
    return 0 if state.phase == "up" and all(row.ready is not False and row.state == "running" for row in rows) else 1


def inspect(component: Component) -> Row:
    running = component.identity is not None and alive(component.identity)
    asked = running and component.port is not None
    probe = probes.closed if component.name in {"kafka", "postgres"} else probes.missing
    missing = probe(component.port or 0) if asked else ""
    found = probes.gauges(component.port or 0) if asked and component.name in SERVICES else {}
    return Row(
        component=component.name,
        state=component.state if running or component.state != "running" else "dead",
        ready=not missing if asked else None,
        missing=missing,
        pid=component.identity.pid if running and component.identity else None,
        port=component.port,
        uptime_s=time.time() - component.since if running else None,
        restarts=component.restarts,
        lag=found.get("vcc_lag"),
        oldest_unpublished_s=found.get("vcc_outbox_age_seconds"),
    )


def _page(folder: Folder, state: State, rows: list[Row]) -> str:
    step = f" ({state.step})" if state.step else ""
    lines = [f"{paint(state.phase, 'green' if state.phase == 'up' else 'yellow')}{step}; state in {folder.path}"]
    if state.what:
        lines.append(f"  {state.what}")
    if state.phase in {"down", "failed"} and not any(row.pid for row in rows):
        return "\n".join([*lines, "  ./vcc up starts the stack."])
    heading = ["component", "state", "ready", "pid", "port", "uptime", "restarts", "lag", "oldest unpublished"]
    lines += ["", table([heading, *(_cells(row) for row in rows)])]
    lines += [f"  {name}: {where}" for name, where in _elsewhere(folder, state)]
    lines += [f"  {row.component}: {row.missing}" for row in rows if row.missing]
    return "\n".join(lines)


def _elsewhere(folder: Folder, state: State) -> Iterator[tuple[str, str]]:
    """What the services use and the environment named."""
    if "kafka" not in state.components and state.phase == "up":
        yield "kafka", f"{brokers(kafka_environment(folder))}, named by the environment"
    if "postgres" not in state.components and state.phase == "up":
        yield "postgres", "a database per service, named by the environment"


def _cells(row: Row) -> list[str]:
    ready = "-" if row.ready is None else "yes" if row.ready else "no"
    numbers = (row.pid, row.port, None if row.uptime_s is None else span(row.uptime_s), row.restarts)
    lag = None if row.lag is None else f"{row.lag:,.0f}"
    oldest = None if row.oldest_unpublished_s is None else f"{row.oldest_unpublished_s:.1f} s"
    return [
        row.component,
        row.state,
        ready,
        *("-" if value is None else str(value) for value in (*numbers, lag, oldest)),
    ]


def span(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
