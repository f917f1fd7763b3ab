"""The checker stands alone, and knows the topics as they are published."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import tests.chaos.checker
from tests.chaos.checker.catalog import KINDS, TOPICS

PACKAGE = Path(tests.chaos.checker.__file__).parent
ROOT = PACKAGE.parents[2]
FORBIDDEN = ("services", "deploy", "schemas", "aiokafka")
OWN = "tests.chaos.checker"


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path.name}: imports are absolute here"
            yield node.module or ""


def outsiders(name: str) -> bool:
    """Whether the checker must not import this: the code that it checks, or anything that could bring it in."""
    head = name.split(".", maxsplit=1)[0]
    return head in FORBIDDEN or (head == "tests" and not f"{name}.".startswith(f"{OWN}."))


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_checker_imports_nothing_that_it_checks(path: Path) -> None:
    """No module of the checker imports services, contracts, deployment, their Kafka client, or tests that might."""
    assert not [name for name in imports(path) if outsiders(name)]


def test_the_wall_would_fall(tmp_path: Path) -> None:
    """A planted import of a service, also through another test package, is found."""
    planted = tmp_path / "planted.py"
    planted.write_text("import json\nfrom services.kit import ids\nfrom tests.flow import world\n")
    assert [name for name in imports(planted) if outsiders(name)] == ["services.kit", "tests.flow"]


def test_topics_are_as_published() -> None:
    """The checker's own list of topics, partitions, readers, events and keys is the AsyncAPI document's."""
    document = json.loads((ROOT / "schemas" / "asyncapi.json").read_text("utf-8"))
    channels = {one["address"]: one for one in document["channels"].values()}
    assert {one.name: one.partitions for one in TOPICS} == {
        name: one["bindings"]["kafka"]["partitions"] for name, one in channels.items()
    }
    said = set()
    for one in TOPICS:
        channel = one.name.replace(".", "-")
        said |= {f"{one.producer}.send.{channel}", *(f"{reader}.receive.{channel}" for reader in one.readers)}
    assert said == set(document["operations"])
    assert {(one.type, one.topic) for one in KINDS} == {
        (kind, name) for name, one in channels.items() for kind in one["messages"]
    }
    keys = {
        kind: one["bindings"]["kafka"]["key"]["description"] for kind, one in document["components"]["messages"].items()
    }
    assert {one.type: f"The value of `{'/'.join(one.key)}`." for one in KINDS} == keys
