"""Which capability is shown by which test: the list, the marks, and the page made of both."""

import json
from pathlib import Path

import pytest

from deploy.capabilities.known import UnknownCapabilityError, listed, require_known, shown_by
from deploy.capabilities.overview import document, lines, verdict
from deploy.cli import main
from deploy.commands.capabilities import DOCUMENT
from deploy.local.state import ROOT

MARKED = """
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.capability("B1")]

@pytest.mark.capability("B10", "F3")
def test_teapot(): ...

@pytest.mark.slow
async def test_kettle(): ...

@pytest.mark.capability("C1")
class TestCups:
    @pytest.mark.capability("B10")
    def test_cup(self): ...

def pour(): ...
"""


def marked(folder: Path, text: str) -> Path:
    (folder / "tests").mkdir()
    (folder / "tests" / "test_tea.py").write_text(text)
    return folder / "tests"


def test_all_capabilities_and_firsts_are_listed() -> None:
    """There are 77 capabilities and 11 firsts, each with an id of its own and a sentence."""
    known = listed().values()
    assert sum(not one.is_first for one in known) == 77
    assert sum(one.is_first for one in known) == 11
    assert all(one.says and one.area for one in known)


def test_marks_of_function_class_and_module_are_found(tmp_path: Path) -> None:
    """A test shows what it, its class and its module cite, and nothing else does."""
    shown = shown_by(marked(tmp_path, MARKED))
    file = "tests/test_tea.py"
    everything = [f"{file}::test_teapot", f"{file}::test_kettle", f"{file}::TestCups::test_cup"]
    assert shown == {
        "B1": everything,
        "B10": [f"{file}::test_teapot", f"{file}::TestCups::test_cup"],
        "F3": [f"{file}::test_teapot"],
        "C1": [f"{file}::TestCups::test_cup"],
    }


@pytest.mark.parametrize("cited", ['"B99"', "", "NAME", "7"])
def test_a_mark_that_names_no_listed_capability_is_refused(tmp_path: Path, cited: str) -> None:
    """An id that is not on the list, none, or one that only runs would tell, is refused with its place."""
    text = f"import pytest\n\n@pytest.mark.capability({cited})\ndef test_tea(): ...\n"
    with pytest.raises(UnknownCapabilityError, match=r"tests/test_tea\.py:3"):
        shown_by(marked(tmp_path, text))


def test_collection_refuses_an_unknown_id() -> None:
    """What the tests' own collection asks lets listed ids through and no other."""
    require_known(("B10", "F1"), "a test")
    with pytest.raises(UnknownCapabilityError, match="B99"):
        require_known(("B10", "B99"), "a test")


def test_the_verdict_counts_capabilities_and_firsts_apart() -> None:
    """The last line says how many of each are shown."""
    shown = {"B10": ["tests/test_tea.py::test_teapot"], "F3": ["tests/test_tea.py::test_teapot"], "F1": []}
    expected = "1 of 77 capabilities and 1 of 11 firsts are shown by a test"
    assert verdict(listed().values(), shown) == expected
    *_, last = lines(listed().values(), shown)
    assert last.strip() == expected


def test_the_page_is_what_the_tests_say() -> None:
    """docs/capabilities.md is as `./vcc capabilities --write` would write it now."""
    assert DOCUMENT.read_text("utf-8") == document(listed().values(), shown_by())


def test_pages_are_routes_of_their_service() -> None:
    """Every page that is named for a capability is a route of the service's published interface."""
    for one in listed().values():
        for page in one.pages:
            service, _, route = page.partition(" ")
            described = json.loads((ROOT / "docs" / "openapi" / f"{service}.json").read_text("utf-8"))
            assert route in described["paths"], f"{one.id}: {page}"


@pytest.mark.slow
def test_the_command_ends_with_the_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    """`./vcc capabilities` ends with the one line that counts."""
    assert main(["capabilities", "--missing"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == verdict(listed().values(), shown_by())
