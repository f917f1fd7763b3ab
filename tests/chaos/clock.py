"""A process whose wall clock is wrong: what the project's own modules read of it is so many seconds too early or too
late. Monotonic clocks, the database's clock and the libraries' stay right, as on a machine whose time was never set."""

import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from typing import Any


class _Kind(type):
    """So that a true datetime still is an instance of what stands in for its class."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, datetime)


def shift(seconds: float) -> None:
    """From now on, in this process."""
    true_now = datetime.now

    class Shifted(datetime, metaclass=_Kind):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return true_now(tz) + timedelta(seconds=seconds)

    time.time = _later(time.time, seconds)
    time.time_ns = _later(time.time_ns, int(seconds) * 1_000_000_000)
    for name, module in list(sys.modules.items()):
        if name.startswith("services.") and getattr(module, "datetime", None) is datetime:
            vars(module)["datetime"] = Shifted


def _later(read: Callable[[], Any], by: float) -> Callable[[], Any]:
    return lambda: read() + by
