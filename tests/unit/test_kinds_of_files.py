"""What import walls can't see: rules ask no clock and no dice, and SQL stands in stores."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = ROOT / "services"
ROOMED = ("eligibility", "outreach", "scheduling", "reporting")
"""The services whose files lie in rooms."""
IMPURE = re.compile(
    r"(datetime|date)\.(now|utcnow|today)|time\.(time|monotonic)\w*|random\.(?!Random)\w+|uuid\d|os\.environ|print"
)
SQL = re.compile(
    r"\s*(select\s|insert into\s|update \w+ (\w+ )?set\s|delete from\s|with \w+ as (materialized )?\()", re.I
)
KINDS = {"store", "flow", "api", "shapes", "cli"}


def kind_of(module: Path) -> str:
    """Of a file in a room its kind, else `top`."""
    parts = module.relative_to(SERVICES).with_suffix("").parts
    if len(parts) < 3:
        return "top"
    return parts[2] if parts[2] in KINDS else "rules"


def modules(*kinds: str) -> Iterator[Path]:
    for service in ROOMED:
        yield from (one for one in sorted((SERVICES / service).rglob("*.py")) if kind_of(one) in kinds)


def impure_calls(source: str) -> list[str]:
    """Calls by which the same arguments give another answer."""
    calls = (ast.unparse(node.func) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return [call for call in calls if IMPURE.fullmatch(call)]


def sql(source: str) -> list[str]:
    """String constants that are statements."""
    texts = (node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant))
    return [text for text in texts if isinstance(text, str) and SQL.match(text)]


def test_rules_ask_no_clock_and_no_dice() -> None:
    """What is no store, flow, API or command gives the same answer to the same arguments."""
    found = {str(one.relative_to(SERVICES)): impure_calls(one.read_text("utf-8")) for one in modules("rules", "shapes")}
    assert {name: calls for name, calls in found.items() if calls} == {}


def test_a_room_says_what_it_is_for() -> None:
    """The first line of every room, and of every service that has rooms, is a sentence that says so."""
    rooms = [
        room
        for service in ROOMED
        for room in (SERVICES / service, *(one.parent for one in sorted((SERVICES / service).glob("*/__init__.py"))))
    ]
    silent = [room for room in rooms if not ast.get_docstring(ast.parse((room / "__init__.py").read_text("utf-8")))]
    assert silent == []


def test_sql_stands_in_stores() -> None:
    """No flow, API or rule holds a statement."""
    found = {
        str(one.relative_to(SERVICES)): sql(one.read_text("utf-8"))
        for one in modules("rules", "shapes", "flow", "api", "cli")
    }
    assert {name: texts for name, texts in found.items() if texts} == {}


@pytest.mark.parametrize("planted", ["datetime.now(UTC)", "date.today()", "time.time()", "uuid4()", "random.random()"])
def test_a_planted_impure_call_is_seen(planted: str) -> None:
    """The guard sees what it guards against."""
    assert impure_calls(f"def rule():\n    return {planted}\n")


@pytest.mark.parametrize(
    "planted", ["select 1 from person", "\ninsert into dose (a)", "update dose set a = 1", "delete from x"]
)
def test_a_planted_statement_is_seen(planted: str) -> None:
    """The guard sees what it guards against."""
    assert sql(f"QUERY = {planted!r}")
