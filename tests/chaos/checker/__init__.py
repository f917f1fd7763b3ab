"""Recomputes everything from the input files, the driver's ledger and the log, and compares it with the four
databases and the report. It imports nothing of the services, their contracts or their deployment: what they do is
written down here a second time, in plain Python.

A run folder holds `ledger.jsonl`, a JSON object a line, and the feed files it names. A line is a request:
`n, at, service, method, path, key, body | file, status, answer`, status null where the outcome is unknown; or poison:
`n, at, poison: {topic, partition, offset, kind, groups?}`. `groups` are those that can't apply the record (left out:
all that read the topic); with the kind `handler-bug` it is an event like others, which only those groups can't bear."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.chaos.checker.divergence import Divergence
from tests.chaos.checker.evidence import Evidence
from tests.chaos.checker.invariants import INVARIANTS
from tests.chaos.checker.ledger import Ledger
from tests.chaos.checker.log import read_log
from tests.chaos.checker.quiet import NotQuietError, Quiet, log_ends, quiescent, records_behind
from tests.chaos.checker.tables import read_tables

__all__ = ["Divergence", "Evidence", "NotQuietError", "Quiet", "check", "examine", "gather", "quiescent"]


def check(run: Path, kafka: str, dsns: Mapping[str, str], report: Mapping[str, Any] | None = None) -> list[Divergence]:
    """Everything that is not as it must be, by invariant; empty: all is well. Let the system come to rest before."""
    return examine(gather(run, kafka, dsns, report))


def gather(run: Path, kafka: str, dsns: Mapping[str, str], report: Mapping[str, Any] | None = None) -> Evidence:
    """What there is to look at, read at rest."""
    tables = read_tables(dsns)
    row = tables["reporting"]["generation"][0]
    generation = "-".join(str(part) for part in (row["number"], row["name"]) if part is not None)
    behind = records_behind(kafka, log_ends(kafka), generation)
    return Evidence(Ledger.read(run), read_log(kafka), tables, report, behind)


def examine(evidence: Evidence) -> list[Divergence]:
    """What every invariant says of the evidence."""
    return [divergence for invariant in INVARIANTS for divergence in invariant(evidence)]
