"""What the stack and its commands write is read by their account alone (v5.0.0-13.3.1, v5.0.0-14.2.4)."""

import os
import stat
from pathlib import Path

from deploy.local.process import Spec, start
from deploy.local.state import Folder


def open_to_others(path: Path) -> list[str]:
    """Everything under a folder that its group or others may read."""
    found = (one for one in path.rglob("*") if not one.is_symlink())
    return [str(one.relative_to(path)) for one in found if stat.S_IMODE(one.stat().st_mode) & 0o066]


def test_what_a_component_writes_is_closed(tmp_path: Path) -> None:
    """A process of the stack writes files and folders for its own account, whatever the umask of who started it."""
    before = os.umask(0)
    try:
        command = ["sh", "-c", f"mkdir {tmp_path}/made; echo x > {tmp_path}/made/file; echo logged"]
        assert start(Spec("writer", command, tmp_path / "writer.log")).wait(10) == 0
    finally:
        os.umask(before)
    assert (tmp_path / "made" / "file").exists()
    assert open_to_others(tmp_path) == []


def test_a_folder_of_before_is_closed(tmp_path: Path) -> None:
    """Logs and reports that an older version left readable are closed at the next start."""
    folder = Folder(tmp_path / "state")
    (folder.path / "report").mkdir(parents=True)
    folder.logs.mkdir()
    for path in (folder.path / "report" / "report.html", folder.logs / "kafka.log", folder.path / "supervisor.lock"):
        path.write_text("x")
        path.chmod(0o644)
    folder.make()
    assert open_to_others(folder.path) == []


def test_a_key_ring_is_made_once_and_closed(tmp_path: Path) -> None:
    """The embedded stack gives each service one key, keeps it, and lets nobody else read it."""
    folder = Folder(tmp_path / "state")
    folder.make()
    ring = folder.key_ring("outreach")
    text = ring.read_text()
    assert folder.key_ring("outreach").read_text() == text
    assert text.startswith("outreach-1-")
    assert stat.S_IMODE(ring.stat().st_mode) == 0o600
