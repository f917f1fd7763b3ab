"""Which ports the components listen on: free ones below the range that outgoing connections take theirs from."""

import random
import socket
from collections.abc import Collection

FIRST, LAST = 18_000, 31_999  # Linux hands out 32768 and up, macOS 49152 and up
HOST = "127.0.0.1"


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a closed connection's wait is no listener
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port(taken: Collection[int] = ()) -> int:
    """A port that nobody listens on now and that is not in `taken`. Drawn by the system's dice: whoever has seeded
    Python's, as tests do, would draw the same one at the same time as a neighbour."""
    candidates = random.SystemRandom().sample(range(FIRST, LAST + 1), 200)
    return next(port for port in candidates if port not in taken and is_free(port))
