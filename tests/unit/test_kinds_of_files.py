"""What import walls can't see: rules ask no clock and no dice, and SQL stands in stores."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = ROOT / "services"
ROOMED = ("eligibility", "outreach", "scheduling", "reporting", "replicas")
"""The services whose files lie in rooms."""
IMPURE = re.compile(
    r"(datetime|date)\.(now|utcnow|today)|time\.(time|monotonic)\w*|random\.(?!Random)\w+|uuid\d|os\.environ|print"
)
SQL = re.compile(
    r"\s*(select\s|insert into\s|update \w+ (\w+ )?set\s|delete from\s|with \w+ as (materialized )?\()", re.I
)
WRITES = re.compile(
    r"\b(?:insert into|update(?!\s+(?:set|of|skip)\b)|delete from|merge into|lock table|truncate(?: table)?)"
    r"\s+(?:only\s+)?(\w+(?:\s*,\s*\w+)*)",
    re.I,
)
NO_KEEPERS = {"kit", "replicas", "eligibility"}
"""Every other service stands on replicas; eligibility owns what they repeat, under the same names."""
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
    return [text for text in texts(source) if SQL.match(text)]


def texts(source: str) -> list[str]:
    """Every string constant."""
    found = (node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant))
    return [text for text in found if isinstance(text, str)]


def by_place(source: str) -> list[str]:
    """Where a row is read by the places of its columns, or spread into a call, instead of by their names."""
    return [name for node in ast.walk(ast.parse(source)) for name in _by_place(node) if name == "row"]


def _by_place(node: ast.AST) -> Iterator[str]:
    """The names that are spread into this call, or read at a number."""
    taken: list[ast.expr] = []
    if isinstance(node, ast.Call):
        taken += [argument.value for argument in node.args if isinstance(argument, ast.Starred)]
        taken += [keyword.value for keyword in node.keywords if keyword.arg is None]
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, int):
        taken.append(node.value)
    yield from (one.id for one in taken if isinstance(one, ast.Name))


def written(source: str) -> set[str]:
    """The tables that the statements of a file write, empty or lock."""
    return {table for text in texts(source) for found in WRITES.findall(text) for table in re.findall(r"\w+", found)}


def of_replicas() -> set[str]:
    """The tables that replicas' stores write."""
    stores = [module for module in modules("store") if module.is_relative_to(SERVICES / "replicas")]
    return {table for store in stores for table in written(store.read_text("utf-8"))}


HIDDEN = re.compile(r"id\([\w.]*(connection|pool|work)\)|([\w.]*ContextVar|UnitOfWork)\(")


def hidden_state(source: str) -> list[str]:
    """Calls that keep beside a transaction what its unit of work carries, or make one past `working`."""
    calls = (ast.unparse(node) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return [call for call in calls if HIDDEN.match(call)]


def test_nothing_hides_around_a_transaction() -> None:
    """No service keeps anything in a context variable or under a connection's id, and `working` alone makes a unit of
    work."""
    found = {str(one.relative_to(SERVICES)): hidden_state(one.read_text("utf-8")) for one in SERVICES.rglob("*.py")}
    assert {name: calls for name, calls in found.items() if calls} == {
        "kit/unit_of_work.py": ["UnitOfWork(connection, traces)"]
    }


@pytest.mark.parametrize(
    "planted", ["kept[id(connection)] = 1", "seen = ContextVar('seen')", "await on_day(UnitOfWork(connection), [])"]
)
def test_a_planted_hiding_place_is_seen(planted: str) -> None:
    """The guard sees what it guards against."""
    assert hidden_state(planted)


def test_rules_ask_no_clock_and_no_dice() -> None:
    """What is no store, flow, API or command gives the same answer to the same arguments."""
    found = {str(one.relative_to(SERVICES)): impure_calls(one.read_text("utf-8")) for one in modules("rules", "shapes")}
    assert {name: calls for name, calls in found.items() if calls} == {}


def test_rows_become_objects_by_the_names_of_their_columns() -> None:
    """No service reads a row of its store by position, or spreads it into a call: `kit/rows.py` reads by names."""
    assert [one.name for one in SERVICES.rglob("*.py") if by_place(one.read_text())] == []


@pytest.mark.parametrize("planted", ["Clock(*row)", "Skip(**row)", "token = row[0]"])
def test_a_row_read_by_place_is_seen(planted: str) -> None:
    """Each of the shapes that `into` replaces is noticed."""
    assert by_place(planted) == ["row"]


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
    """No flow, API or rule holds a statement, nor does what stands at the top of a service."""
    found = {
        str(one.relative_to(SERVICES)): sql(one.read_text("utf-8"))
        for one in modules("rules", "shapes", "flow", "api", "cli", "top")
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


def writers(service: str, planted: str = "") -> dict[str, set[str]]:
    """Of each table the rooms whose stores write it; `planted` is a statement more of the room `claims`."""
    found: dict[str, set[str]] = {}
    for store in (one for one in modules("store") if one.is_relative_to(SERVICES / service)):
        for table in written(store.read_text("utf-8")):
            found.setdefault(table, set()).add(store.relative_to(SERVICES / service).parts[0])
    for table in written(f"PLANTED = {planted!r}"):
        found.setdefault(table, set()).add("claims")
    return found


@pytest.mark.parametrize("service", ROOMED)
def test_a_table_is_written_by_one_room(service: str) -> None:
    """Other rooms may read it; whoever wants it changed asks the room whose it is."""
    tables = writers(service)
    assert tables
    assert {table: rooms for table, rooms in tables.items() if len(rooms) > 1} == {}


def test_a_planted_second_writer_is_seen() -> None:
    """The guard sees what it guards against."""
    assert writers("outreach", "update outreach_case\nset skips = 0")["outreach_case"] == {"cases", "claims"}


def test_replicas_alone_write_their_tables() -> None:
    """Others join them, as tables of a lower room; no statement of a service writes, empties or locks one."""
    own = of_replicas()
    assert own == {"person", "business_day", "programme", "programme_version"}
    others = [one for one in SERVICES.rglob("*.py") if one.relative_to(SERVICES).parts[0] not in NO_KEEPERS]
    found = {str(one.relative_to(SERVICES)): written(one.read_text("utf-8")) & own for one in others}
    assert {name: tables for name, tables in found.items() if tables} == {}


@pytest.mark.parametrize(
    "planted",
    [
        "insert into person (member_token) select $1", "update programme set version = 2", "delete from business_day",
        "with gone as (select 1)\ninsert into programme_version as kept select 1", "lock table person in share mode",
        "truncate dose, business_day", "update only person as his set person_token = null",
    ],
)  # fmt: skip
@pytest.mark.parametrize("file", ["outreach/cases/store.py", "reporting/new_room/store.py"])
def test_a_planted_write_into_replicas_is_seen(planted: str, file: str) -> None:
    """The guard sees what it guards against, in a file that is there and in one that nobody has named yet."""
    path = SERVICES / file
    source = path.read_text("utf-8") if path.exists() else ""
    assert not written(source) & of_replicas()
    assert written(f"{source}\nPLANTED = {planted!r}\n") & of_replicas()
