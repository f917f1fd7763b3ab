"""Every fault there is, by name."""

from tests.chaos.faults import kills
from tests.chaos.faults.catalog import FAULTS, Fault, Parameters

__all__ = ["FAULTS", "Fault", "Parameters", "kills"]
