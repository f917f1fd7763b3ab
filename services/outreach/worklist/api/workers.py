"""Who may work on cases, and the code by which a worker is known."""

import re
from hashlib import sha256
from typing import Annotated

from services.kit.auth import Principal, may

Reader = Annotated[Principal, may("cases.read")]
Claimer = Annotated[Principal, may("cases.claim")]
Logger = Annotated[Principal, may("attempts.log")]
MayRetract = Annotated[Principal, may("attempts.retract")]
"""A route's parameter `principal: Reader` is somebody who may look at cases; likewise the others."""

_WORKER_ID = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")


def worker_id(principal: Principal) -> str:
    """The worker as a code: the token's subject where it is one, else a fingerprint of it."""
    if _WORKER_ID.fullmatch(principal.subject):
        return principal.subject
    return "w-" + sha256(principal.subject.encode()).hexdigest()[:24]
