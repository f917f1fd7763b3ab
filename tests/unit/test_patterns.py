"""No pattern that sees what somebody sent takes longer than in proportion to it: by its automaton, not by a clock."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from services.eligibility.forecast.antigen_xml import LONGEST_GUIDANCE
from services.eligibility.forecast.dates import LONGEST_PERIOD, PeriodError, parse_period
from tests.patterns import is_linear

ROOT = Path(__file__).parents[2]
ANCHORED = frozenset({"match", "fullmatch"})
ANYWHERE = frozenset({"search", "findall", "finditer", "sub", "split"})
BOUNDED = {
    r"([+-]?)\s*(\d+)\s*(day|week|month|year)s?": "of a text of at most LONGEST_PERIOD characters",
    r"shared clinical decision.making.*?persons (?:aged )?(\d+)-(\d+) years": "of LONGEST_GUIDANCE characters",
    r"\d+\.\d+(?:-\d+)?": "of the name of a folder",
    r"(?<!\\)(?:\\\\)*\\u0000|\x00": "the look behind lets it begin only where a run of backslashes does",
}
"""Patterns that would not do by themselves, and why they do."""
MADE = {
    ("er7.py", "unescape"): (r"\\([^\\]*)\\", True),
    ("x12_group.py", "not_834"): (r"GS\*([A-Za-z]{2})\*", False),
}
"""Those that are put together while a file is read, as they come to be with the usual delimiters, and whether they may
begin anywhere."""


class Used(NamedTuple):
    """A pattern, and whether it may begin anywhere in a text."""

    where: str
    pattern: str | bytes
    flags: int
    is_search: bool


def used() -> Iterator[Used]:
    """Every pattern that stands in the services' and the contracts' sources."""
    for path in sorted([*ROOT.glob("services/**/*.py"), *ROOT.glob("schemas/**/*.py")]):
        text = path.read_text("utf-8")
        tree = ast.parse(text if "import re\n" in text else "")
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            if (name := _of_re(call)) and isinstance(call.args[0], ast.Constant):
                names = _names(tree, call)
                asked = {name} if name != "compile" else {how for one in names for how in _asked(text, one)}
                flags = _flags(call)
                pattern = call.args[0].value
                assert isinstance(pattern, str | bytes)
                yield Used(f"{path.name}:{call.lineno}", pattern, flags, bool(asked - ANCHORED))


def _of_re(call: ast.Call) -> str:
    func = call.func
    is_re = isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) and func.value.id == "re"
    return (
        func.attr
        if is_re and isinstance(func, ast.Attribute) and func.attr in {"compile", *ANCHORED, *ANYWHERE}
        else ""
    )


def _names(tree: ast.Module, call: ast.Call) -> list[str]:
    """The name to which a compiled pattern is given; what stands in a table is asked by the table's `match`."""
    return [
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and node.value is call
        for target in node.targets
        if isinstance(target, ast.Name)
    ] or ["signature", "pattern"]


def _asked(text: str, name: str) -> set[str]:
    return set(re.findall(rf"\b{name}\.(\w+)", text)) & (ANCHORED | ANYWHERE)


def _flags(call: ast.Call) -> int:
    found = 0
    for node in (part for about in (*call.args[1:], *call.keywords) for part in ast.walk(about)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "re":
            found |= getattr(re, node.attr)
    return found


PATTERNS = list(used())


def test_the_patterns_are_found() -> None:
    """The search finds what stands in the readers and at the HTTP edge."""
    assert len(PATTERNS) > 50
    assert {"sniff.py", "edge.py", "x12_834.py", "er7.py", "values.py"} - {"x12_834.py"} <= {
        one.where.partition(":")[0] for one in PATTERNS
    }


@pytest.mark.parametrize("one", PATTERNS, ids=[f"{one.where}" for one in PATTERNS])
def test_no_pattern_backtracks_without_bound(one: Used) -> None:
    """Linear, or bounded by something that is said here (v5.0.0-1.3.12)."""
    known = one.pattern.decode("latin-1") if isinstance(one.pattern, bytes) else one.pattern
    assert known in BOUNDED or is_linear(one.pattern, is_search=one.is_search, flags=one.flags), one.where


@pytest.mark.parametrize("pattern", MADE.values(), ids=[name for _, name in MADE])
def test_no_pattern_that_is_put_together_does(pattern: tuple[str, bool]) -> None:
    """With the delimiters that a file declares (v5.0.0-1.3.12)."""
    text, is_search = pattern
    assert is_linear(text, is_search=is_search)


def test_every_pattern_that_is_put_together_is_known() -> None:
    """A new one has to be looked at."""
    sources = {path: path.read_text("utf-8") for path in ROOT.glob("services/**/*.py")}
    functions = [
        (path.name, function)
        for path, text in sources.items()
        if "import re\n" in text
        for function in ast.walk(ast.parse(text))
        if isinstance(function, ast.FunctionDef)
    ]
    found = {
        (name, function.name)
        for name, function in functions
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and _of_re(call) and isinstance(call.args[0], ast.JoinedStr)
    }
    assert found == set(MADE)


@pytest.mark.parametrize(
    ("pattern", "is_search", "linear"),
    [
        (rb"[^\r\n\t|^~]*,[^\r\n\t|^~]*,[^\r\n\t|^~]*[\r\n]", False, False),  # what once stood in sniff.py
        (r"\n\s*GS\*([A-Za-z]{2})\*", True, False),  # … and in x12_group.py
        (r"(a+)+b", False, False), (r"(a|aa)*b", False, False), (r"a*a*b", False, False), (r"a*ca*b", False, True),
        (r"a+b", False, True), (r"a+b", True, False), (r"a+", True, True), (r"(?:ab)*c", True, False),
        (r"x{0,30}y", True, True), (r"[a-z]{2,3}(-[a-z0-9]{1,8})*", False, True),
    ],
)  # fmt: skip
def test_the_measure_knows_bad_from_good(pattern: str | bytes, is_search: bool, linear: bool) -> None:
    """Of patterns whose cost is known."""
    assert is_linear(pattern, is_search=is_search) is linear


def test_models_use_the_linear_engine() -> None:
    """Patterns of requests' fields go to pydantic's own engine, which never goes back."""
    sources = [path.read_text("utf-8") for path in (*ROOT.glob("services/**/*.py"), *ROOT.glob("schemas/**/*.py"))]
    assert not any("regex_engine" in source for source in sources)


def test_what_is_bounded_is() -> None:
    """A longer period is refused unread."""
    assert LONGEST_GUIDANCE <= 5000
    with pytest.raises(PeriodError):
        parse_period("1 day" + " " * LONGEST_PERIOD + "+ 1 day")
