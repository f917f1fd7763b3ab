"""The capabilities that there are, and which tests say that they show one: read from the sources, no test is run."""

import ast
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from deploy.errors import StackError
from deploy.local.state import ROOT

LISTED = Path(__file__).with_name("capabilities.toml")
MARK = "capability"
FIRST = "F"
"""Begins the ids of what no system in the field has yet."""


class UnknownCapabilityError(StackError):
    """A test cites a capability that is not listed: use an id of capabilities.toml, as a text."""


@dataclass(frozen=True, slots=True)
class Capability:
    """One thing that the software has to be able to do. `pages`: routes, such as `reporting /reports/weekly.html`."""

    id: str
    area: str
    says: str
    pages: tuple[str, ...] = ()

    @property
    def is_first(self) -> bool:
        return self.id.startswith(FIRST)


@cache
def listed() -> Mapping[str, Capability]:
    """All capabilities by id, in the order of the list."""
    rows = tomllib.loads(LISTED.read_text("utf-8"))["capability"]
    made = [Capability(row["id"], row["area"], row["says"], tuple(row.get("pages", ()))) for row in rows]
    return {capability.id: capability for capability in made}


def require_known(ids: Sequence[object], where: str) -> None:
    """Whoever cites none, or one that is not listed, is refused by place."""
    unknown = [str(capability_id) for capability_id in ids if capability_id not in listed()]
    if unknown or not ids:
        raise UnknownCapabilityError(f"{where} cites {', '.join(unknown) or 'no capability'}; known: {LISTED.name}")


def shown_by(tests: Path = ROOT / "tests") -> Mapping[str, list[str]]:
    """The tests that show each capability, as pytest names them."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted(tests.rglob("test_*.py")):
        name = path.relative_to(tests.parent).as_posix()
        for test, ids in _cited(ast.parse(path.read_text("utf-8")), name):
            for capability_id in dict.fromkeys(ids):
                found[capability_id].append(test)
    return found


def _cited(module: ast.Module, name: str) -> Iterator[tuple[str, list[str]]]:
    """Each test of the module with the ids that it, its class or the module is marked with."""
    of_module = [capability_id for statement in module.body for capability_id in _of_statement(statement, name)]
    yield from _cited_in(module.body, name, of_module)


def _cited_in(body: Sequence[ast.stmt], name: str, above: list[str]) -> Iterator[tuple[str, list[str]]]:
    for statement in body:
        if isinstance(statement, ast.ClassDef) and statement.name.startswith("Test"):
            yield from _cited_in(
                statement.body, f"{name}::{statement.name}", above + _of_decorators(statement.decorator_list, name)
            )
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) and statement.name.startswith("test"):
            ids = above + _of_decorators(statement.decorator_list, name)
            if ids:
                yield f"{name}::{statement.name}", ids


def _of_statement(statement: ast.stmt, name: str) -> list[str]:
    """The ids of `pytestmark = …`, one mark or a list of them."""
    if not isinstance(statement, ast.Assign) or not any(
        isinstance(target, ast.Name) and target.id == "pytestmark" for target in statement.targets
    ):
        return []
    value = statement.value
    return _of_decorators(value.elts if isinstance(value, ast.List | ast.Tuple) else [value], name)


def _of_decorators(decorators: Sequence[ast.expr], name: str) -> list[str]:
    ids: list[str] = []
    for decorator in decorators:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == f"pytest.mark.{MARK}":
            cited = [argument.value if isinstance(argument, ast.Constant) else ast.unparse(argument)
                     for argument in decorator.args]  # fmt: skip
            require_known(cited, f"{name}:{decorator.lineno}")
            ids += map(str, cited)
    return ids
