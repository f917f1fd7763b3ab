"""The commands and routes that operators find in runbooks are there, as they are written."""

import argparse
import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.cli import COMMANDS, main
from deploy.local.state import ROOT
from services.kit.command_line import MIGRATIONS

PAGES = [ROOT / "docs" / "operate.md", *sorted((ROOT / "docs" / "runbooks").glob("*.md"))]
WRITTEN = re.compile(r"`\./vcc ([^`]+?)`|^\./vcc ([^\n#]+?)(?:\s+#.*)?$", re.MULTILINE | re.DOTALL)
OF_A_SERVICE = re.compile(r"`python -m services\.([\w<>]+)\.app ([\w-]+(?: pre| post)?)`")
ROUTE = re.compile(r"`(GET|POST|PUT|DELETE) (/[\w/{}-]*)`")
PLACEHOLDER = re.compile(r"^[A-Z]+$")
KNOWN_TO_ALL = {
    "keys",
    "rotate-keys",
    "lost-facts",
    "log-lost",
    "republish-lost",
    "log-strays",
    *(" ".join(one) for one in MIGRATIONS),
}


def commands() -> Iterator[tuple[str, str]]:
    """Each `./vcc …` with the page where it stands."""
    for page in PAGES:
        for in_line, in_block in WRITTEN.findall(page.read_text("utf-8")):
            yield page.name, " ".join((in_line or in_block).split())


def words_of(command: str) -> list[str]:
    """As the shell parts them, but for what is redirected; a number for each word that stands for another."""
    plain = re.sub(r'"[^"]*"', "quoted", command.split(">", maxsplit=1)[0])
    return ["1" if PLACEHOLDER.match(word) or word == "…" else word for word in plain.split()]


@pytest.mark.parametrize(("page", "command"), sorted(set(commands())))
def test_a_command_of_a_page_is_understood(page: str, command: str) -> None:
    """Its parser takes the words that the page has: no command, option or argument of it is gone."""
    name, *rest = words_of(command)
    assert name in COMMANDS, page
    parser = argparse.ArgumentParser()
    importlib.import_module(COMMANDS[name][0]).add_commands(parser.add_subparsers(required=True))
    parsed, unknown = parser.parse_known_args([name, *rest])
    assert not unknown or getattr(parsed, "passes_on", False)


@pytest.mark.parametrize("command", sorted({words_of(command)[0] for _, command in commands()}))
def test_a_command_of_a_page_tells_of_itself(command: str, capfd: pytest.CaptureFixture[str]) -> None:
    """`--help` ends well and says what the command is for, without a stack."""
    try:
        code: object = main([command, "--help"])
    except SystemExit as ended:
        code = ended.code
    said = capfd.readouterr()
    assert (code, said.err) == (0, "")
    assert "usage:" in said.out


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_what_a_page_asks_of_services_is_there(page: Path) -> None:
    """The services' own commands, and each route in the OpenAPI document of one of them."""
    text = page.read_text("utf-8")
    for service, command in OF_A_SERVICE.findall(text):
        assert service.startswith("<") or (ROOT / "services" / service / "app.py").is_file()
        assert command in KNOWN_TO_ALL
    described = {
        (method.upper(), path)
        for file in (ROOT / "docs" / "openapi").glob("*.json")
        for path, methods in json.loads(file.read_text())["paths"].items()
        for method in methods
    }
    shapes = {(method, re.sub(r"{\w+}", "{}", path)) for method, path in described}
    for method, path in ROUTE.findall(text):
        assert (method, re.sub(r"{\w+}", "{}", path)) in shapes


def test_pages_name_commands() -> None:
    """The tests above have something to look at."""
    assert len(set(commands())) > 10
