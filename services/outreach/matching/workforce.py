"""The workers by what they fit, and why it is one of them and no other. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from services.outreach.matching.rules import PREFERENCES, Bar, Demand, Reason, Terms, Wish, bars
from services.outreach.workers.rules import Level, Worker

Ids = frozenset[str]
PIECE = 20
"""Workers in a piece of all of them."""


class Workforce:
    """Answers for many members what `rules` answers for one; each question about a demand is asked once."""

    def __init__(self, workers: Sequence[Worker], terms: Terms) -> None:
        self.terms = terms
        self.by_id: Mapping[str, Worker] = {one.worker_id: one for one in workers}
        least = Level[terms.policy.spoken_from]
        self._in_zip = _index((zip5, one.worker_id) for one in workers for zip5 in one.zips)
        self._of_culture = _index((culture, one.worker_id) for one in workers for culture in one.cultures)
        self._speaking = _index(
            (said, one.worker_id) for one in workers for said in one.languages if one.speaks(said, least)
        )
        names = sorted(self.by_id)
        self.pieces = [frozenset(names[first : first + PIECE]) for first in range(0, len(names), PIECE)]
        self._able: dict[Demand, Ids] = {}

    def able(self, demand: Demand) -> Ids:
        """Those whom no hard rule bars, but for what they have to do besides."""
        if demand not in self._able:
            found = (name for name, one in self.by_id.items() if next(bars(one, demand, self.terms), None) is None)
            self._able[demand] = frozenset(found)
        return self._able[demand]

    def wished(self, demand: Demand, wish: Wish) -> Wish:
        """The wish without a manager or an earlier worker who may not: others ask for the same then."""
        able = self.able(demand)
        manager = wish.manager if wish.manager in able else None
        return replace(wish, manager=manager, last_worker=wish.last_worker if wish.last_worker in able else None)

    def fitting(self, reason: Reason, demand: Demand, wish: Wish) -> Ids:
        """For whom this speaks, whether they may or not."""
        if reason is Reason.OWN_MANAGER:
            return frozenset({wish.manager}) if wish.manager else frozenset()
        if reason is Reason.CONTINUITY:
            return frozenset({wish.last_worker}) if wish.last_worker else frozenset()
        if reason is Reason.SPEAKS:
            return self._speaking.get(demand.language or "", frozenset())
        if reason is Reason.CULTURE:
            return frozenset().union(*(self._of_culture.get(one, frozenset()) for one in wish.cultures))
        return self._in_zip.get(wish.zip5 or "", frozenset())

    def deciding(self, worker_id: str, demand: Demand, wish: Wish) -> Reason:
        """The first preference that leaves nobody beside this worker; the load where another would do as well, or was
        to be preferred but has enough."""
        rivals = self.able(demand) - {worker_id}
        if not rivals:
            return Reason.ONLY
        for reason in PREFERENCES:
            fitting = self.fitting(reason, demand, wish)
            if worker_id in fitting:
                rivals &= fitting
                if not rivals:
                    return reason
            elif rivals & fitting:
                return Reason.LOAD
        return Reason.LOAD

    def bars_of_all(self, demand: Demand) -> tuple[Bar, ...]:
        """The hard rules that bar somebody, where they leave nobody; that all have enough, where they don't."""
        if self.able(demand):
            return (Bar.FULL,)
        return tuple(sorted({bar for worker in self.by_id.values() for bar in bars(worker, demand, self.terms)}))


def _index(pairs: Iterable[tuple[str, str]]) -> dict[str, Ids]:
    found: dict[str, set[str]] = defaultdict(set)
    for key, worker_id in pairs:
        found[key].add(worker_id)
    return {key: frozenset(ids) for key, ids in found.items()}
