"""The contact gate beside its oracle on ten million random members, instants and histories, on every core: no contact
is permitted that the oracle forbids, and none is refused that it allows."""

import os
import time
from concurrent.futures import ProcessPoolExecutor
from random import Random

from services.outreach.gate.asked import Permitted
from services.outreach.gate.policy import GATE
from services.outreach.gate.rules import decide
from tests.load.report import Aim, Figure, Result
from tests.load.rounds import Options
from tests.unit.outreach.gate.oracle import may_contact
from tests.unit.outreach.gate.triples import a_triple, asked

TRIPLES, QUICK, PORTION = 10_000_000, 20_000, 10_000


def forbidden_and_withheld(seed: int) -> tuple[int, int]:
    """Of a portion: contacts that only the gate permits, now or next, and such as only the oracle allows."""
    dice, forbidden, withheld = Random(seed), 0, 0
    for _ in range(PORTION):
        triple = a_triple(dice)
        decision = decide(*asked(triple), GATE, triple["now"])
        at = triple["now"] if isinstance(decision, Permitted) else decision.next_permitted_at
        forbidden += at is not None and not may_contact(triple, at)
        withheld += not isinstance(decision, Permitted) and may_contact(triple, triple["now"])
    return forbidden, withheld


def run(options: Options) -> Result:
    count, cores = QUICK if options.quick else TRIPLES, os.cpu_count() or 1
    began = time.monotonic()
    with ProcessPoolExecutor(cores) as pool:
        found = list(pool.map(forbidden_and_withheld, range(count // PORTION)))
    took_s = time.monotonic() - began
    figures = [
        Figure("forbidden contacts permitted", sum(one for one, _ in found), "triples", Aim("at most", 0)),
        Figure("allowed contacts refused", sum(one for _, one in found), "triples", Aim("at most", 0)),
        Figure("speed", count / took_s, "triples/s", note=f"{took_s:.0f} s on {cores} cores"),
    ]
    return Result("gate-soak", "The contact gate against its oracle", figures, {"triples": count})
