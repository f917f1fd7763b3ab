"""Each mutant goes through rounds with the faults that show it best; one that passes them all has got away."""

import json
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from deploy.console import table
from tests.chaos import launcher
from tests.chaos.main import Wish, made
from tests.chaos.mutants import MUTANTS, Mutant
from tests.chaos.rounds import one_round
from tests.chaos.schedule import schedule
from tests.chaos.servers import Servers, start_servers

TRIES = 4


async def run(wish: Wish) -> bool:
    """Whether every one was found out. Prints which promise gave it away."""
    folder = wish.keep or Path(tempfile.mkdtemp(prefix="vcc-mutants-"))
    rows, all_found = [["mutant", "verdict", "round", "given away by"]], True
    servers = await start_servers(made(folder / "servers"))
    try:
        for one in [one for one in MUTANTS.values() if not wish.only or one.name in wish.only]:
            tries, divergences = await _try(servers, folder, one, wish)
            all_found &= bool(divergences)
            rows.append([one.name, "found out" if divergences else "GOT AWAY", str(tries), _promises(divergences)])
            told = {"mutant": one.name, "rounds": tries, "divergences": divergences[:50]}
            print(json.dumps(told) if wish.as_json else " ".join(rows[-1]), flush=True)
    finally:
        await servers.close()
        if wish.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    if not wish.as_json:
        print(table(rows))
    return all_found


def _promises(divergences: Sequence[str]) -> str:
    """The broken promises, each once; or what else was wrong."""
    named = Counter(found[1] if (found := re.match(r"\[(.+?)\]", one)) else one[:60] for one in divergences)
    return ", ".join(f"{name} ({count})" for name, count in named.most_common(4)) or "nothing"


async def _try(servers: Servers, folder: Path, one: Mutant, wish: Wish) -> tuple[int, list[str]]:
    """How many rounds it took, and what diverged in the last of them."""
    divergences: list[str] = []
    for number in range(TRIES):
        seed = wish.seed + number
        planned = schedule(seed, one.faults_a_try, one.faults)
        run = folder / f"{one.name}-{seed}"
        try:
            members = max(wish.members, one.least_members)
            result = await one_round(servers, run, seed, members, planned, {launcher.MUTANT: one.name})
            divergences = result.divergences
            (run / "result.json").write_text(json.dumps(result.as_json(), default=str, indent=1))
        except Exception as error:  # noqa: BLE001 - a broken round says nothing of the mutant: the next one may
            print(f"{one.name}: the round of seed {seed} broke down: {type(error).__name__}: {error}", file=sys.stderr)
            await servers.heal()
        if divergences:
            break
    return number + 1, divergences
