"""The stack's folder: whole files, private secrets, ports that stay."""

import os
import socket
from pathlib import Path

import pytest

from deploy.commands.keys import _numbers
from deploy.errors import StackError
from deploy.local import ports, state
from deploy.local.process import identity
from deploy.local.state import Component, Folder, State


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "nest")
    made.make()
    return made


def test_a_state_is_read_as_it_was_written(folder: Folder) -> None:
    """Identities, components and their order survive the file."""
    me = identity(os.getpid())
    written = State("up", supervisor=me, components={name: Component(name, identity=me) for name in ("wren", "robin")})
    folder.write(written)
    assert folder.read() == written
    assert list(folder.read().components) == ["wren", "robin"]
    assert folder.read().supervised


@pytest.mark.parametrize("content", ["", "{", '"half'])
def test_a_torn_state_counts_as_none(folder: Folder, content: str) -> None:
    """What a full disk left half-written stops nobody."""
    (folder.path / "state.json").write_text(content)
    assert folder.read() == State()


def test_a_dead_supervisor_supervises_nothing(folder: Folder) -> None:
    """A recorded supervisor whose pid now belongs to another process does not count."""
    me = identity(os.getpid())
    assert me is not None
    assert not State("up", supervisor=me._replace(started="last year")).supervised


def test_a_secret_is_made_once_and_kept(folder: Folder) -> None:
    """The second asking gives the same secret, in a file that only its owner reads."""
    first = folder.secret("egg").read_text()
    assert folder.secret("egg").read_text() == first
    assert (folder.secrets / "egg").stat().st_mode & 0o777 == 0o600
    assert folder.secrets.stat().st_mode & 0o777 == 0o700


def test_a_ring_that_was_lost_is_not_replaced_under_its_name(folder: Folder) -> None:
    """A ring is made once and kept; made anew after a loss its key has another id, so that the lost one is missed."""
    ring = folder.key_ring("outreach")
    first = ring.read_text()
    assert folder.key_ring("outreach").read_text() == first
    ring.unlink()
    again = folder.key_ring("outreach").read_text()
    assert first.split()[0] != again.split()[0]
    assert _numbers("outreach", first + again + "outreach-7 old\n") == [1, 1, 7]


def test_a_file_that_goes_while_modes_are_mended_stops_nothing(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process replaces its files all the time: one that is listed and gone stops no start."""
    (folder.path / "open").touch(mode=0o644)
    gone = folder.path / "a.half"
    monkeypatch.setattr(Path, "iterdir", lambda path: iter([gone, path / "open"]))
    folder._close()
    assert (folder.path / "open").stat().st_mode & 0o777 == 0o600


def test_a_port_stays_while_it_is_free(folder: Folder) -> None:
    """A component keeps its port from start to start, until another program took it."""
    port = folder.port("wren")
    assert folder.port("wren") == port
    with socket.create_server(("127.0.0.1", port)):
        assert folder.port("wren") not in {port, folder.port("robin")}


@pytest.mark.parametrize("wanted", ["0", "65536", "-1", "eighty", "8o80"])
def test_a_port_that_is_none_is_refused(folder: Folder, wanted: str) -> None:
    """What the user demands must be a port number."""
    with pytest.raises(StackError, match="VCC_WREN_HTTP_PORT is no port number"):
        folder.port("wren", wanted)


def test_only_one_supervises(folder: Folder) -> None:
    """While one holds the folder, another is told so; afterwards it may."""
    with folder.supervising() as first, folder.supervising() as second:
        assert (first, second) == (True, False)
    with folder.supervising() as third:
        assert third


def test_free_ports_lie_below_those_of_outgoing_connections() -> None:
    """A port that is ours between two starts is not handed to a browser meanwhile."""
    assert all(ports.FIRST <= ports.free_port() <= ports.LAST < 32_768 for _ in range(20))


def test_an_unusable_folder_is_a_sentence(tmp_path: Path) -> None:
    """A file in the folder's place is told as one sentence with what to do."""
    (tmp_path / "nest").touch()
    with pytest.raises(StackError, match="cannot be used"):
        Folder(tmp_path / "nest").make()


def test_the_folder_may_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """VCC_STATE_DIR makes a second stack beside the first."""
    assert state.here().path == state.ROOT / ".vcc"
    monkeypatch.setenv("VCC_STATE_DIR", str(tmp_path))
    assert state.here().path == tmp_path
