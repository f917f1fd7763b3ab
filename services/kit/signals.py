"""Wakes whoever waits in this process for what another part of it commits. What other processes commit one must look
for from time to time."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class Signals:
    """Those of one pool, by the name of what is waited for."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    def give(self, name: str) -> None:
        """Wake all that wait for this."""
        for event in self._waiting[name]:
            event.set()

    @contextmanager
    def waking(self, event: asyncio.Event, name: str) -> Iterator[None]:
        """Within this block the event is set whenever the signal is given."""
        self._waiting[name].add(event)
        try:
            yield
        finally:
            self._waiting[name].discard(event)
