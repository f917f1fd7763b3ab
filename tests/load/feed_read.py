"""Reads one feed file with the reader alone: every row parsed, judged and thrown away."""

from pathlib import Path

from services.eligibility.feeds.reader import read_feed
from services.eligibility.feeds.records import FeedSummary
from tests.load.path_service import freeze
from tests.load.side import Task, Watch


async def run(task: Task, watch: Watch) -> None:
    """`options["file"]`, once to warm up on its first rows and once in earnest."""
    path, rows = Path(task.options["file"]), 0
    for _, _item in zip(range(2000), read_feed(path), strict=False):
        pass
    freeze()
    watch.start()
    for item in read_feed(path):
        rows = item.rows if isinstance(item, FeedSummary) else rows
    watch.stop(task.records or rows, rows=rows)
