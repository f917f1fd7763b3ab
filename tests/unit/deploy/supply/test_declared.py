"""What is imported is declared, and what is declared is locked."""

import ast
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deploy.local.state import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
OURS = {"deploy", "schemas", "services", "tests"}


def _names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(text).name) for text in requirements}


def _locked(name: str) -> set[str]:
    lines = (ROOT / name).read_text("utf-8").splitlines()
    return {canonicalize_name(line.partition("==")[0].partition("[")[0]) for line in lines if "==" in line}


def _imported(folder: str) -> set[str]:
    found = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                found.add(node.module.partition(".")[0])
    return found - OURS - sys.stdlib_module_names


@pytest.mark.parametrize("folder", ["services", "schemas"])
def test_what_a_service_imports_is_declared(folder: str) -> None:
    """No package of another only by chance: each that services and contracts import is a dependency of the project, or
    comes with FastAPI and pydantic, whose interface it is part of."""
    declared = _names(PROJECT["dependencies"]) | {"starlette", "pydantic-core"}
    whose = packages_distributions()
    imported = {canonicalize_name(whose[module][0]) for module in _imported(folder) if module in whose}
    assert imported - declared == set()


def test_what_is_declared_is_locked() -> None:
    """Both lock files have the services' packages, the one for development its own too."""
    runtime, development = _names(PROJECT["dependencies"]), _names(PROJECT["optional-dependencies"]["dev"])
    assert runtime - _locked("requirements.lock") == set()
    assert (runtime | development) - _locked("requirements-dev.lock") == set()
