"""What is refused is refused in one way: each public code has one status, one title and one form, and stands in the
docs."""

import ast
import re
from pathlib import Path

import pytest

from deploy.problems import MEANS, Problem, problems

SERVICES = Path(__file__).parents[2] / "services"
CODE = re.compile(r"[a-z]+(-[a-z]+)*")
FORMS = (
    (re.compile(r"unknown-.+"), {404, 409, 422}),
    (re.compile(r".+-needed"), {400, 403, 422}),
    (re.compile(r"other-.+"), {403, 409}),
    (re.compile(r"already-.+"), {409}),
    (re.compile(r"(.+-)?unavailable"), {503}),
)
"""What begins or ends so, and the statuses that it may have."""


@pytest.mark.parametrize("problem", problems(), ids=lambda problem: problem.code)
def test_a_code_has_one_status_one_title_and_one_form(problem: Problem) -> None:
    """Wherever a code is declared, its status and title are the same; the page says what a client can do about it."""
    assert (len(problem.statuses), len(problem.titles)) == (1, 1)
    assert problem.statuses[0] in MEANS
    assert fits(problem.code, problem.statuses[0])


def fits(code: str, status: int) -> bool:
    """Whether the code has the form of what it says, and a status that goes with that."""
    is_unknown = code.startswith("unknown-")
    if not CODE.fullmatch(code) or code.startswith(("no-such-", "not-known")) or ("unknown" in code) != is_unknown:
        return False
    if status == 404 and not (is_unknown or code == "not-found"):
        return False
    return all(status in statuses for form, statuses in FORMS if form.fullmatch(code))


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("member-unknown", 404),
        ("no-such-case", 404),
        ("Unknown-case", 404),
        ("letter-gone", 404),
        ("unknown-case", 500),
    ],
)
def test_a_planted_code_of_another_form_is_seen(code: str, status: int) -> None:
    """The guard sees what it guards against."""
    assert not fits(code, status)


def hidden(source: str) -> list[str]:
    """Refusals that are made within a function, where nobody can list them."""
    functions = (
        node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    calls = (node for function in functions for node in ast.walk(function) if isinstance(node, ast.Call))
    return [ast.unparse(call) for call in calls if re.fullmatch(r"(\w+\.)?Refusal", ast.unparse(call.func))]


def test_every_refusal_is_declared_where_the_page_finds_it() -> None:
    """No function makes one of its own; it says more about one that is declared."""
    found = {str(path.relative_to(SERVICES)): hidden(path.read_text("utf-8")) for path in SERVICES.rglob("*.py")}
    assert {path: calls for path, calls in found.items() if calls} == {}


def test_a_planted_hidden_refusal_is_seen() -> None:
    """The guard sees what it guards against."""
    assert hidden('async def book():\n    return problem.Refusal("full", "Full", "Full.")\n')


def test_the_page_knows_refusals_of_every_kind() -> None:
    """The chassis' own, those of a table, those that stand alone, and one that two services share."""
    services = {one.code: one.services for one in problems()}
    assert services["invalid-request"] == services["forbidden"] == ("every",)
    assert (services["full"], services["case-closed"]) == (("scheduling",), ("outreach",))
    assert services["programme-needed"] == ("reporting", "scheduling")
