"""An intake whose disk fails it is no broken file: it says so and goes on when the disk does."""

import asyncio
import tempfile
from typing import Any

import pytest

from services.eligibility.intake.flow.worker import Intake
from services.eligibility.settings import OwnSettings
from services.kit import faults
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.messages import Row, roster

pytestmark = pytest.mark.postgres


async def test_a_disk_that_fails_is_told_and_outlived(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a folder for temporary files the worker names the error and lives; the file is read whole once there is
    room, and nothing of it is rejected."""
    monkeypatch.setattr(faults, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(faults, "LONGEST_PAUSE_S", 0.01)
    make, is_full = tempfile.TemporaryFile, True

    def temporary_file(*args: Any, **options: Any) -> Any:
        if is_full:
            raise FileNotFoundError(2, "No usable temporary directory found")
        return make(*args, **options)

    monkeypatch.setattr(tempfile, "TemporaryFile", temporary_file)
    worker = Intake(office.database.settings(), office.database.pool, OwnSettings(poll_s=0.01))
    task = asyncio.create_task(worker.run())
    await office.submit(roster(Row("LS1")))
    async with asyncio.timeout(60):
        while worker.faults.reason != "intake: FileNotFoundError":
            await office.fetch("select pg_sleep(0.02)")
        assert not task.done()
        is_full = False
        while not await office.fetch("select from feed_file where state = 'processed'"):
            await office.fetch("select pg_sleep(0.02)")
        while worker.faults.reason is not None:
            await office.fetch("select pg_sleep(0.02)")
    worker.stop()
    await asyncio.wait_for(task, 120)
    [file] = await office.fetch("select rows_accepted, rows_rejected from feed_file")
    assert tuple(file.values()) == (1, 0)
