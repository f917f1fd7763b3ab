"""The command line: what it lists, how it ends, how fast it starts."""

import argparse
import importlib
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy import cli
from deploy.commands.status import span
from deploy.console import table
from deploy.errors import StackError
from deploy.local.process import Identity, identity
from deploy.local.state import Component, Folder, State, here

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.setenv("VCC_STATE_DIR", str(tmp_path))
    return Folder(tmp_path)


def test_the_bare_command_lists_all_with_a_sentence_each(capsys: pytest.CaptureFixture[str]) -> None:
    """Every command whose module is there is listed, and no other."""
    assert cli.main([]) == cli.FINE
    listed = capsys.readouterr().out
    assert all(f"\n  {name} " in listed and says in listed for name, says in cli.available().items())
    assert all(f"\n  {name} " not in listed for name in cli.COMMANDS.keys() - cli.available().keys())


@pytest.mark.parametrize("words", [["dance"], ["chaos!"], ["--json"]])
def test_an_unknown_command_is_wrong_use(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown command ends with 2 and shows what there is."""
    assert cli.main(words) == cli.WRONG_USE
    assert "no such command" in capsys.readouterr().err


def test_an_unknown_argument_is_wrong_use() -> None:
    """What a command does not know is refused, not ignored."""
    with pytest.raises(SystemExit, match="2"):
        cli.main(["status", "--sparkle"])


def test_a_fault_is_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What the stack can't do is told with what to do, without a traceback, and ends with 3."""

    def fail(**_: object) -> None:
        raise StackError("the goose is loose", "close the gate")

    monkeypatch.setattr("deploy.local.stack.down", fail)
    assert cli.main(["down"]) == cli.FAULT
    assert capsys.readouterr().err == "vcc: the goose is loose\n  -> close the gate\n"


def goose(**_: object) -> None:
    raise KeyError("Zorblattina Quixwhistle")


def test_a_bug_is_a_fault_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What nobody foresaw ends with 3 and one sentence; where it happened lies in a log, without the error's own text,
    which may hold a member's data."""
    monkeypatch.setattr("deploy.local.stack.down", goose)
    assert cli.main(["down"]) == cli.FAULT
    log = here().log("vcc")
    assert capsys.readouterr().err == f"vcc: failed unexpectedly (KeyError)\n  -> the traceback lies in {log}\n"
    kept = log.read_text()
    assert "in goose" in kept
    assert "Quixwhistle" not in kept.replace('raise KeyError("Zorblattina Quixwhistle")', "")


def test_a_bug_on_a_full_disk_is_told_at_once(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where no log can be written the traceback is printed."""
    monkeypatch.setattr("deploy.local.stack.down", goose)
    folder.logs.parent.mkdir(exist_ok=True)
    folder.logs.write_text("a file where the folder should be")
    assert cli.main(["down"]) == cli.FAULT
    assert "in goose" in capsys.readouterr().err


def test_a_bug_while_a_command_is_looked_up_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not only the command itself: its module, too."""
    monkeypatch.setattr("deploy.commands.stack.add_commands", lambda _: goose())
    assert cli.main(["down"]) == cli.FAULT


def test_commands_that_ask_a_service_need_the_stack(capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing runs, ingest ends with 3 and names the command that starts it; its help works all the same."""
    assert cli.main(["ingest", "roster.834"]) == cli.FAULT
    assert "./vcc up" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="0"):
        cli.main(["ingest", "--help"])


def test_status_of_nothing_says_how_to_start(capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing runs, status ends with 1 and names the command that starts it."""
    assert cli.main(["status"]) == 1
    assert "./vcc up" in capsys.readouterr().out


def test_status_notices_a_killed_supervisor(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    """A state that claims to be up while its supervisor is gone is not believed."""
    gone = Identity(1, "never")
    folder.write(State("up", supervisor=gone, components={"kafka": Component("kafka", "running", gone, 9092)}))
    assert cli.main(["status", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["phase"], told["components"][0]["state"]) == ("failed", "dead")


@pytest.fixture
def without_brokers(folder: Folder) -> Folder:
    """A stack that is up by its own word, and whose note of where its brokers are is gone."""
    folder.make()
    folder.write(State("up", supervisor=identity(os.getpid()), components={}))
    return folder


@pytest.mark.parametrize("is_noted", [False, True])
def test_status_without_the_brokers_address(
    without_brokers: Folder, capsys: pytest.CaptureFixture[str], is_noted: bool
) -> None:
    """Whether the note itself is gone or the file that it names, status says so and ends with 1."""
    if is_noted:
        without_brokers.secret("kafka.json", '{"VCC_KAFKA_BOOTSTRAP_SERVERS_FILE": "/gone"}')
    assert cli.main(["status"]) == 1
    said = capsys.readouterr()
    assert ("/gone cannot be read" if is_noted else "not running") in said.out
    assert "./vcc up" in said.out
    assert said.err == ""


@pytest.mark.parametrize("words", [["topics"], ["topics", "create"], ["report"]])
def test_commands_without_the_brokers_address(
    without_brokers: Folder, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    """They say that the stack is not running and how to start it, without a traceback."""
    assert cli.main(words) == cli.FAULT
    assert "not running" in (said := capsys.readouterr().err)
    assert "./vcc up" in said
    assert not without_brokers.log("vcc").exists()


def test_a_log_that_nobody_could_compare_lacks_not_nothing(
    without_brokers: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    """A service's own command that refuses its settings has listed nothing: that is no answer."""
    assert cli.main(["log"]) == cli.FAULT
    said = capsys.readouterr()
    assert (said.out, "vcc: eligibility: VCC_" in said.err) == ("", True)


def _deeds(parser: argparse.ArgumentParser) -> Iterator[list[str]]:
    yield []
    for action in parser._actions:
        for name, deed in action.choices.items() if isinstance(action, argparse._SubParsersAction) else ():
            yield from ([name, *more] for more in _deeds(deed))


def _all_words() -> list[list[str]]:
    """Every command and every deed of it."""
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers()
    for module in sorted({cli.COMMANDS[name][0] for name in cli.available()}):
        importlib.import_module(module).add_commands(commands)
    return [words for words in _deeds(parser) if words]


@pytest.mark.parametrize("words", _all_words(), ids=" ".join)
def test_every_command_explains_itself_without_a_stack(
    words: list[str], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the files are gone that settings are to come from."""
    for name in ("VCC_KAFKA_BOOTSTRAP_SERVERS", "VCC_KAFKA_PREFIX", "VCC_OIDC_ISSUER", "VCC_TOKEN"):
        monkeypatch.setenv(f"{name}_FILE", "/gone")
    try:
        code = cli.main([*words, "--help"])
    except SystemExit as end:
        code = int(end.code or 0)
    assert code == 0
    assert "usage: " in capfd.readouterr().out


def test_logs_of_an_unknown_component_names_the_known(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt component is answered with those that have a log."""
    folder.make()
    folder.log("outreach").write_text("one\ntwo\nthree\n")
    assert cli.main(["logs", "outraech"]) == cli.FAULT
    assert "there are: outreach" in capsys.readouterr().err
    assert cli.main(["logs", "outreach", "-n", "2"]) == cli.FINE
    assert capsys.readouterr().out == "two\nthree\n"


def test_start_up_is_fast() -> None:
    """`status` costs less than 0.3 s of processor time beyond Python's own start."""
    assert _seconds("from deploy.cli import main; main(['status'])") - _seconds("pass") < 0.3


def _seconds(code: str) -> float:
    """Of the processor, so that a busy machine does not count."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize(("seconds", "words"), [(0.4, "0 s"), (61, "1 min 01 s"), (3 * 3600 + 5 * 60, "3 h 05 min")])
def test_spans_are_readable(seconds: float, words: str) -> None:
    """A span has at most two units."""
    assert span(seconds) == words


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    """A table's columns line up and no line ends in blanks."""
    assert table([["bird", "eggs"], ["goldcrest", "9"]], indent="") == "bird       eggs\ngoldcrest  9"
