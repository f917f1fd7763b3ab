"""Who may work on cases, and the code by which a worker is known."""

import re
from hashlib import sha256
from typing import Annotated

from services.kit.auth import Principal, require

Worker = Annotated[Principal, require("coordinator", "chw", "supervisor")]
"""A route's parameter `principal: Worker` is somebody who may work on cases."""

_WORKER_ID = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")


def worker_id(principal: Principal) -> str:
    """The worker as a code: the token's subject where it is one, else a fingerprint of it."""
    if _WORKER_ID.fullmatch(principal.subject):
        return principal.subject
    return "w-" + sha256(principal.subject.encode()).hexdigest()[:24]
