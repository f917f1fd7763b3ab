"""`python -m tests.chaos.main`: rounds of faults until the number asked for is done."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.chaos.rounds import one_round
from tests.chaos.schedule import schedule
from tests.chaos.servers import start_servers


async def main(rounds: int, seed: int, members: int, faults: int, only: list[str], folder: Path) -> int:
    servers = await start_servers(folder)
    divergences = 0
    try:
        for number in range(seed, seed + rounds):
            planned = schedule(number, faults, only)
            result = await one_round(servers, folder / f"round-{number}", number, members, planned)
            print(result.line(), flush=True)
            for one in result.struck:
                print("   ", f"{one.began_s:5.1f} +{one.took_s:4.1f}", one.planned, one.missed)
            for line in result.divergences[:20]:
                print("   !", line)
            print("   ", result.measured, flush=True)
            divergences += len(result.divergences)
    finally:
        await servers.close()
    return 1 if divergences else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--members", type=int, default=300)
    parser.add_argument("--faults", type=int, default=6)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--folder")
    a = parser.parse_args()
    folder = Path(a.folder or tempfile.mkdtemp(prefix="vcc-chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)
    sys.exit(asyncio.run(main(a.rounds, a.seed, a.members, a.faults, a.only, folder)))
