"""What the one worker that reads feed files outlives."""

from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest

from services.eligibility.intake.flow.worker import Intake
from services.eligibility.settings import OwnSettings
from services.kit import faults
from services.kit.signals import Signals


@pytest.mark.parametrize(
    "error",
    [ConnectionResetError(), asyncpg.InterfaceError("closed"), asyncpg.InternalClientError("unknown protocol state")],
)
async def test_a_lost_database_does_not_end_the_worker(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the driver lost count of a connection that was cut in the middle of an answer: it begins again."""
    monkeypatch.setattr(faults, "FIRST_PAUSE_S", 0.01)
    begun = 0

    class Unlucky(Intake):
        async def turn(self) -> float:
            nonlocal begun
            begun += 1
            if begun == 1:
                raise error
            self.stop()
            return 0.0

    nothing: Any = SimpleNamespace(signals=Signals())
    await Unlucky(nothing, nothing, OwnSettings()).run()
    assert begun == 2
