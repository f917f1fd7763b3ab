"""Starts a service the way its own `app.py` does, with the points of `points.py` wired in, and on demand with a wrong
clock or with one of the mutants: `python -m tests.chaos.launcher outreach [migrate]`."""

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tests.chaos import clock, mutants, points
from tests.chaos.points import Switchboard

if TYPE_CHECKING:
    from services.eligibility.feeds.profiles import Profile

SENDERS = Path(__file__).with_name("senders")
FOLDER, MUTANT, CLOCK_S, MIGRATIONS = "CHAOS_FOLDER", "CHAOS_MUTANT", "CHAOS_CLOCK_S", "CHAOS_MIGRATIONS"


def main(arguments: Sequence[str]) -> None:
    service, *rest = arguments
    if service == "eligibility":
        know_senders()
    points.install(Switchboard(Path(os.environ[FOLDER]), service))
    app = importlib.import_module(f"services.{service}.app")
    if service == "eligibility":
        points.mark_intake()
    if mutant := os.environ.get(MUTANT):
        mutants.MUTANTS[mutant].install(service)
    if shift_s := float(os.environ.get(CLOCK_S, "0")):
        clock.shift(shift_s)
    from services.kit.command_line import run

    built = app.build()
    if folder := os.environ.get(MIGRATIONS):
        built = replace(built, migrations=Path(folder))
    run(built, rest)


def know_senders() -> None:
    """Beside the deployment's own senders those of the odd plans, before anybody has asked."""
    from services.eligibility.feeds import profiles

    both = with_senders(profiles.profiles())
    mutants.put(profiles, "profiles", lambda: both)


def with_senders(known: Mapping[str, "Profile"]) -> Mapping[str, "Profile"]:
    """These profiles and the odd plans'."""
    from services.eligibility.feeds import profiles

    ours = [profiles.parse_profile(path.read_text("utf-8")) for path in sorted(SENDERS.glob("*.yaml"))]
    return {**known, **{one.name: one for one in ours}}


if __name__ == "__main__":
    main(sys.argv[1:])
