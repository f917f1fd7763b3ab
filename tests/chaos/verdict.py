"""Whether a round's end is what its inputs ask for: the checker's word, the accounts, and what the logs complain of."""

import asyncio
import json
from collections.abc import Set
from pathlib import Path
from typing import Any

from tests.bodies import PROGRAMME
from tests.chaos import accounts, checker
from tests.chaos.checker.log import read_log
from tests.chaos.points import InjectedBugError
from tests.chaos.scene import Scene
from tests.chaos.servers import Servers

# What a service says of a record that its handler can't bear, and of a dependency that we took away.
EXPECTED_ERRORS = (InjectedBugError.__name__, "DataError", "NumericValueOutOfRangeError")
RESTORED, REBUILT = "reporting's database restored from an old backup", "reporting is rebuilt"
# A backup that is older than a request knows nothing of it: its sender may have the answer worked out again.
FORGOTTEN = "[10 answers_are_given_once] reporting "
ALONE, BEHIND = "a database restored from an old backup alone", "database behind its own log"
FLOOD, REFUSES = "a flood of garbage", "DeadLetterLimitError"
LOG_LOST = frozenset({"the broker loses the ends of a topic", "a topic is deleted and made anew"})
LACKS = "the log lacks what was said in it"
EXPECTED_EVENTS = frozenset({"dependency unavailable", "request not in the trail"})


async def check(servers: Servers, scene: Scene, struck: Set[str]) -> list[str]:
    """Sentences, the first divergence first, after these faults."""
    again = frozenset({"reporting"}) if struck & {RESTORED, REBUILT} else frozenset[str]()
    found = await accounts.audit(scene.run, servers.dsns, again)
    report = await scene.driver.read("reporting", "state", "/reports/weekly", programme_id=PROGRAMME)
    divergences = await asyncio.to_thread(checker.check, scene.run, servers.bootstrap, servers.dsns, report)
    found += accounts.told_twice(await asyncio.to_thread(read_log, servers.bootstrap))
    expected = EXPECTED_EVENTS | ({BEHIND} if ALONE in struck else set()) | ({REFUSES} if FLOOD in struck else set())
    expected |= {LACKS} if struck & LOG_LOST else set()
    errors = await asyncio.to_thread(logged_errors, scene.run / "logs", expected)
    told = [str(one) for one in divergences]
    if RESTORED in struck:
        told = [one for one in told if not one.startswith(FORGOTTEN)]
    return told + found + errors


def logged_errors(logs: Path, expected: Set[str] = EXPECTED_EVENTS) -> list[str]:
    """What a service logged at level error, unless a fault asked for it."""
    found = []
    for path in sorted(logs.glob("*.log")):
        for text in path.read_text(errors="replace").splitlines():
            line = _parsed(text)
            if line is None:
                found.append(f"{path.name} holds a line that is no JSON: {text[:200]}")
            elif line.get("level") in {"error", "critical"} and not _is_expected(line, expected):
                found.append(f"{path.name} logged an error: {text[:400]}")
    return list(dict.fromkeys(found))[:20]


def _is_expected(line: dict[str, Any], expected: Set[str]) -> bool:
    is_set_aside = line.get("event") == "record set aside" and line.get("error") in EXPECTED_ERRORS
    is_noise = str(line.get("logger", "")).startswith("aiokafka")
    # A request that something of ours holds up is given up when its process is asked to end.
    is_noise |= line.get("logger") == "uvicorn.error" and line.get("error") in {None, "CancelledError"}
    return is_set_aside or is_noise or bool({line.get("event"), line.get("error")} & expected)


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None
