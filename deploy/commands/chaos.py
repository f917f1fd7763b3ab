"""`./vcc chaos`: the whole chain under faults, round after round, and a checker that recomputes everything."""

import argparse
import asyncio
from pathlib import Path


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    chaos = commands.add_parser(
        "chaos",
        description="Runs generated members through servers and services of its own while faults strike, and compares "
        "the end with what the input asks for. A failure names its seed, which replays it.",
    )
    chaos.add_argument("--rounds", type=_at_least_one, default=1, help="one seed each (1)")
    chaos.add_argument("--seed", type=int, default=1, help="of the first round; the next ones count on (1)")
    chaos.add_argument("--members", type=_at_least_one, default=500, help="people of 65 and older in each round (500)")
    chaos.add_argument("--faults", type=int, default=6, help="in each round (6)")
    chaos.add_argument("--only", action="append", default=[], metavar="FAULT", help="strike with nothing else")
    chaos.add_argument("--mutants", action="store_true", help="wrong versions instead: each must be found out")
    chaos.add_argument("--keep", type=Path, metavar="FOLDER", help="keeps feeds, ledgers and logs of every round there")
    chaos.add_argument("--list", action="store_true", help="lists the faults and the mutants, and does nothing")
    chaos.add_argument("--json", action="store_true", help="a JSON object a line")
    chaos.set_defaults(run=run)


def _at_least_one(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("expected 1 or more")
    return number


def run(arguments: argparse.Namespace) -> int:
    """1 when a round diverged, or a mutant did not."""
    from tests.chaos import main, mutants, trials
    from tests.chaos.faults import FAULTS

    if arguments.list:
        print(
            "\n".join([*FAULTS, "", *(f"mutant {mutant.name}: {mutant.says}" for mutant in mutants.MUTANTS.values())])
        )
        return 0
    keep = arguments.keep.absolute() if arguments.keep else None
    wish = main.Wish(
        arguments.rounds, arguments.seed, arguments.members, arguments.faults, arguments.only, keep, arguments.json
    )
    if arguments.mutants:
        return 0 if asyncio.run(trials.run(wish)) else 1
    return 1 if asyncio.run(main.run(wish)).divergences else 0
