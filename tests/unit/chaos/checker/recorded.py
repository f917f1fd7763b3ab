"""A small true state, kept as a file: what a real stack held after one pass through the whole chain. Record it anew
with `python -m tests.unit.chaos.checker.record` when the contracts or tables have changed."""

import base64
import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.chaos.checker.evidence import Evidence
from tests.chaos.checker.ledger import Ledger
from tests.chaos.checker.log import Record

RECORDED = Path(__file__).with_name("recorded.json.gz")


def save(evidence: Evidence, run: Path, path: Path = RECORDED) -> None:
    feeds = {one.relative_to(run).as_posix(): _coded(one.read_bytes()) for one in sorted((run / "feeds").iterdir())}
    whole = {
        "feeds": feeds, "ledger": (run / "ledger.jsonl").read_text("utf-8"), "report": evidence.report,
        "behind": dict(evidence.behind), "tables": _coded(evidence.tables),
        "records": [_coded([one.topic, one.partition, one.offset, one.key, one.value, list(one.headers)])
                    for one in evidence.records],
    }  # fmt: skip
    path.write_bytes(gzip.compress(json.dumps(whole, sort_keys=True).encode(), mtime=0))


def load(run: Path, path: Path = RECORDED) -> Evidence:
    """The state, with its run folder laid out; every call gives one of its own, to be broken at will."""
    whole = json.loads(gzip.decompress(path.read_bytes()))
    (run / "feeds").mkdir(parents=True, exist_ok=True)
    for name, content in whole["feeds"].items():
        (run / name).write_bytes(_plain(content))
    (run / "ledger.jsonl").write_text(whole["ledger"], "utf-8")
    records = [_record(*_plain(one)) for one in whole["records"]]
    return Evidence(Ledger.read(run), records, _plain(whole["tables"]), whole["report"], whole["behind"])


def _record(topic: str, partition: int, offset: int, key: Any, value: Any, headers: list[Any]) -> Record:
    return Record(topic, partition, offset, key, value, tuple((name, one) for name, one in headers))


def _coded(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, Mapping):
        return {name: _coded(one) for name, one in value.items()}
    return [_coded(one) for one in value] if isinstance(value, list | tuple) else value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return (
            base64.b64decode(value["base64"])
            if value.keys() == {"base64"}
            else {k: _plain(v) for k, v in value.items()}
        )
    return [_plain(one) for one in value] if isinstance(value, list) else value
