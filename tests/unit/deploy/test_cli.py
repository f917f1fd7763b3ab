"""The command line: what it lists, how it ends, how fast it starts."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from deploy import cli
from deploy.commands.status import span
from deploy.console import table
from deploy.errors import StackError
from deploy.local.process import Identity
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
