"""A process whose wall clock is wrong."""

import subprocess
import sys

import pytest

from deploy.local.state import ROOT

PROGRAMME = """
import time
from datetime import UTC, datetime
true, true_s = datetime.now(UTC), time.time()
from services.kit import ids
import services.eligibility.decisions.flow.redecide as facts
from tests.chaos import clock
clock.shift(-600)
print(round((facts.datetime.now(UTC) - true).total_seconds() / 60), round((time.time() - true_s) / 60))
print(type(facts.datetime.now(UTC)) is datetime, isinstance(true, facts.datetime))
print(round((ids.new_id().int >> 80) / 1000 - true_s) // 60)
"""


@pytest.mark.slow
def test_ten_minutes_too_late() -> None:
    """What services read is ten minutes ago: instants, seconds and the ids that are made of them; and an instant still
    is an instant."""
    command = [sys.executable, "-c", PROGRAMME]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT)})
    assert done.stdout.split("\n")[:3] == ["-10 -10", "True True", "-10"]
