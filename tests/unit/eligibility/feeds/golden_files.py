"""Expected readings of the files in tests/data/feeds, one JSON each.

python -m tests.unit.eligibility.feeds.golden_files     writes those that are missing; review them by eye
"""

import dataclasses
import hashlib
import json
from datetime import date
from pathlib import Path
from typing import Any

from schemas.eligibility_v1 import FeedKind
from services.eligibility.feeds import read_feed
from services.eligibility.feeds.formats import format_of

DATA = Path(__file__).parents[3] / "data" / "feeds"
GOLDEN = Path(__file__).with_name("golden")
# Of a long file the first items are kept to be read, and a digest of all of them.
ITEMS_SHOWN = 40


def feed_files() -> list[Path]:
    return sorted(path for path in DATA.glob("*/*") if path.is_file())


def golden_path(path: Path) -> Path:
    return GOLDEN / f"{path.parent.name}__{path.name}.json"


def reading(path: Path) -> str:
    """Everything that comes out of a file, as JSON without the empty values."""
    items = [{"item": type(item).__name__, **_fields(item)} for item in read_feed(path)]
    shown = items if len(items) <= ITEMS_SHOWN + 1 else [*items[:ITEMS_SHOWN], items[-1]]
    digest = hashlib.sha256(json.dumps(items, default=str).encode()).hexdigest()
    return json.dumps({"count": len(items), "sha256": digest, "items": shown}, indent=1, ensure_ascii=False) + "\n"


def _fields(item: object) -> dict[str, object]:
    names = [one.name for one in dataclasses.fields(item)] if dataclasses.is_dataclass(item) else _names(item)
    told = ((name, getattr(item, name)) for name in names)
    return {name: _plain(one) for name, one in told if one not in (None, "", (), [])}


def _names(record: Any) -> tuple[str, ...]:
    names: tuple[str, ...] = record._fields
    return names


def _plain(value: object) -> object:
    if hasattr(value, "_fields"):
        return _fields(value)
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, FeedKind):
        return format_of(value).name  # as `./vcc check` says it
    return value.isoformat() if isinstance(value, date) else value


def main() -> None:
    GOLDEN.mkdir(exist_ok=True)
    for path in feed_files():
        if not golden_path(path).exists():
            golden_path(path).write_text(reading(path), encoding="utf-8")


if __name__ == "__main__":
    main()
