"""Small readers of the feed files that a run submits: as much of each format as those files use, and no more."""

from pathlib import Path

from tests.chaos.checker.inputs.extract import read_extract
from tests.chaos.checker.inputs.records import Registry, Roster
from tests.chaos.checker.inputs.roster import read_roster
from tests.chaos.checker.inputs.vxu import read_messages


def read_file(path: Path) -> Roster | Registry:
    """What a file says, row by row; the rows that must be rejected among them."""
    content = path.read_bytes()
    if content.startswith(b"PK"):
        return read_extract(content)
    return read_roster(content) if content.startswith(b"ISA") else read_messages(content)
