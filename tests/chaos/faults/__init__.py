"""Every fault there is, by name."""

from tests.chaos.faults import (
    disks,
    ground,
    kills,
    liveness,
    log_losses,
    processes,
    records,
    relays,
    releases,
    restores,
)
from tests.chaos.faults.catalog import FAULTS, Fault, Parameters

__all__ = [
    "FAULTS",
    "Fault",
    "Parameters",
    "disks",
    "ground",
    "kills",
    "liveness",
    "log_losses",
    "processes",
    "records",
    "relays",
    "releases",
    "restores",
]
