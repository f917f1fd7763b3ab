"""Rounds until the number asked for is done, told line by line, and at last the sums."""

import json
import shutil
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.rounds import Result, one_round
from tests.chaos.schedule import schedule
from tests.chaos.servers import Servers, start_servers

MEMBERS, FAULTS_A_ROUND = 500, 6


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asked for. `keep`: where the run folders stay; without it only those of failed rounds do."""

    rounds: int = 1
    seed: int = 1
    members: int = MEMBERS
    faults: int = FAULTS_A_ROUND
    only: Sequence[str] = ()
    keep: Path | None = None
    as_json: bool = False


@dataclass(slots=True)
class Sums:
    """Over all rounds."""

    rounds: int = 0
    faults: int = 0
    members: int = 0
    divergences: int = 0
    by_fault: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)

    def add(self, result: Result) -> None:
        self.rounds += 1
        self.faults += result.faults
        self.members += result.members
        self.divergences += len(result.divergences)
        self.by_fault.update(one.planned.fault for one in result.struck if not one.missed)
        self.missed.update(one.planned.fault for one in result.struck if one.missed)

    def __str__(self) -> str:
        return f"{self.rounds} rounds, {self.faults} faults, {self.members} members, {self.divergences} divergences"


async def run(wish: Wish) -> Sums:
    """All rounds on one set of servers."""
    folder = wish.keep or Path(tempfile.mkdtemp(prefix="vcc-chaos-"))
    sums = Sums()
    servers = await start_servers(made(folder / "servers"))
    try:
        for seed in range(wish.seed, wish.seed + wish.rounds):
            result = await _round(servers, folder / f"seed-{seed}", seed, wish)
            sums.add(result)
            tell(result, wish)
            (folder / f"seed-{seed}" / "result.json").write_text(json.dumps(result.as_json(), default=str, indent=1))
            if not result.divergences and wish.keep is None:
                shutil.rmtree(folder / f"seed-{seed}", ignore_errors=True)
    finally:
        await servers.close()
        shutil.rmtree(folder / "servers", ignore_errors=True)
    tell_sums(sums, wish)
    return sums


async def _round(servers: Servers, run: Path, seed: int, wish: Wish) -> Result:
    """A round that breaks down is a divergence too, and the next one gets its turn."""
    planned = schedule(seed, wish.faults, wish.only)
    try:
        return await one_round(servers, run, seed, wish.members, planned)
    except Exception as error:  # noqa: BLE001 - whatever it was, it is told with the seed
        traceback.print_exc()
        broken = f"the round broke down: {type(error).__name__}: {error}"
        await servers.heal()
        return Result(seed, wish.members, planned, divergences=[broken], folder=run)


def tell(result: Result, wish: Wish) -> None:
    if wish.as_json:
        print(json.dumps(result.as_json()), flush=True)
        return
    print(result.line(), flush=True)
    if result.divergences:
        again = f"--rounds 1 --seed {result.seed} --members {result.members} --faults {wish.faults}"
        again += "".join(f' --only "{name}"' for name in wish.only)
        print(f"  replay: ./vcc chaos {again}")
        for one in result.struck:
            print(f"  {one}")
        print(f"  run folder: {result.folder}")
        print(f"  first divergence: {result.divergences[0]}", flush=True)


def tell_sums(sums: Sums, wish: Wish) -> None:
    if wish.as_json:
        faults = {name: {"struck": sums.by_fault[name], "missed": sums.missed[name]}
                  for name in sorted(sums.by_fault | sums.missed)}  # fmt: skip
        print(json.dumps({"rounds": sums.rounds, "faults": sums.faults, "members": sums.members,
                          "divergences": sums.divergences, "by_fault": faults}))  # fmt: skip
    print(sums, file=sys.stderr if wish.as_json else sys.stdout, flush=True)


def made(folder: Path) -> Path:
    """Postgres's own account must be able to pass through it."""
    folder.mkdir(parents=True, exist_ok=True)
    for one in (folder, folder.parent):
        one.chmod(0o711)
    return folder
