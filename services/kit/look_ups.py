"""How often one client may look people up by what identifies them. Whoever knows whom he looks for finds him; whoever
guesses finds nobody, and that is what costs."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from services.kit.auth import Principal
from services.kit.problem import Refusal, RefusedError

COST_OF_MISS = 10
"""In look-ups that find somebody."""
MOST_CLIENTS = 10_000
"""Whoever has not asked for longest is forgotten first: by then his allowance was full again."""

TOO_MANY = Refusal(
    "too-many-look-ups",
    "Too Many Requests",
    "Too many members were looked up, or not found: wait before the next.",
    429,
)


@dataclass(slots=True)
class LookUps:
    """An allowance of each client, as long as the process runs: a minute's look-ups at once, and as many each minute.
    Several processes of a service give one each."""

    a_minute: float
    clock: Callable[[], float] = time.monotonic
    _left: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)
    _begun: OrderedDict[tuple[str, str], None] = field(default_factory=OrderedDict)

    def admit_page(self, principal: Principal, sought: str, *, is_first: bool) -> None:
        """Take one look-up for the first page of what is sought. Further pages count nothing, if this client was
        admitted to the first one here: else whoever makes up a page's place would look for nothing."""
        if is_first or (principal.subject, sought) not in self._begun:
            self.admit(principal)
        self._begun[principal.subject, sought] = None
        self._begun.move_to_end((principal.subject, sought))
        if len(self._begun) > MOST_CLIENTS:
            self._begun.popitem(last=False)

    def admit(self, principal: Principal) -> None:
        """Take one look-up from the client's allowance. Raises RefusedError (429) when none is left."""
        left = self._allowance(principal)
        if left < 1:
            wait_s = math.ceil((1 - left) * 60 / self.a_minute)
            raise RefusedError(TOO_MANY, {"Retry-After": str(wait_s)})
        self._set(principal, left - 1)

    def missed(self, principal: Principal) -> None:
        """Nobody was found: take what that costs more. An allowance may be overdrawn."""
        self._set(principal, self._allowance(principal) - (COST_OF_MISS - 1))

    def _allowance(self, principal: Principal) -> float:
        left, at = self._left.get(principal.subject, (self.a_minute, self.clock()))
        return min(self.a_minute, left + (self.clock() - at) * self.a_minute / 60)

    def _set(self, principal: Principal, left: float) -> None:
        self._left[principal.subject] = left, self.clock()
        self._left.move_to_end(principal.subject)
        if len(self._left) > MOST_CLIENTS:
            self._left.popitem(last=False)


def _of_service(request: Request) -> LookUps:
    found: LookUps = request.app.state.look_ups
    return found


Allowance = Annotated[LookUps, Depends(_of_service)]
"""A route's parameter `look_ups: Allowance`."""
