"""Starts a service the way its own `app.py` does, with the points of `points.py` wired in, and on demand with a wrong
clock or with one of the mutants: `python -m tests.chaos.launcher outreach [migrate]`."""

import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tests.chaos import clock, mutants, points
from tests.chaos.points import Switchboard

FOLDER, MUTANT, CLOCK_S, MIGRATIONS = "CHAOS_FOLDER", "CHAOS_MUTANT", "CHAOS_CLOCK_S", "CHAOS_MIGRATIONS"


def main(arguments: Sequence[str]) -> None:
    service, *rest = arguments
    points.install(Switchboard(Path(os.environ[FOLDER]), service))
    app = importlib.import_module(f"services.{service}.app")
    if service == "eligibility":
        points.mark_intake()
    if mutant := os.environ.get(MUTANT):
        mutants.MUTANTS[mutant].install(service)
    if shift_s := float(os.environ.get(CLOCK_S, "0")):
        clock.shift(shift_s)
    from services.kit.app import run

    built = app.build()
    if folder := os.environ.get(MIGRATIONS):
        built = replace(built, migrations=Path(folder))
    run(built, rest)


if __name__ == "__main__":
    main(sys.argv[1:])
