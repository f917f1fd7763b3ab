"""How soon either end of a database connection notices that the other one has vanished without a word: a machine that
lost its power, a cable, a firewall that forgot. Until the server does, it keeps the session's locks, and nobody takes
over the shards of a relay or the intake's files; the operating systems' own defaults are hours.

The end that has sent something waits for the acknowledgement, the end that has nothing to send asks now and then.
"""

import math
import socket
from dataclasses import dataclass

import asyncpg

PROBES = 3


@dataclass(frozen=True, slots=True)
class Patience:
    """Asked after `idle_s` of silence and then every `interval_s`; given up after `PROBES` without an answer, or when
    what was sent is not acknowledged within `user_timeout_ms`."""

    idle_s: int
    interval_s: int
    user_timeout_ms: int


def patience(lost_peer_s: float) -> Patience:
    """Whole seconds, which are the kernels' unit, that add up to the wanted time, or to the next one above it."""
    interval_s = max(1, math.floor(lost_peer_s / (2 * PROBES)))
    return Patience(max(1, math.ceil(lost_peer_s) - PROBES * interval_s), interval_s, round(lost_peer_s * 1000))


def server_settings(lost_peer_s: float) -> dict[str, str]:
    """For the server's end, by the connection's own parameters: nobody has to configure the server. On a Unix socket
    they mean nothing, and do no harm."""
    told = patience(lost_peer_s)
    return {
        "tcp_keepalives_idle": str(told.idle_s),
        "tcp_keepalives_interval": str(told.interval_s),
        "tcp_keepalives_count": str(PROBES),
        "tcp_user_timeout": str(told.user_timeout_ms),
    }


def notice(connection: asyncpg.Connection, lost_peer_s: float) -> None:
    """For our own end. What an operating system does not know is left at its default."""
    found = connection._transport.get_extra_info("socket")  # type: ignore[attr-defined]  # the driver shows it nowhere
    if found is None or found.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    told = patience(lost_peer_s)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", told.idle_s),
        ("TCP_KEEPINTVL", told.interval_s),
        ("TCP_KEEPCNT", PROBES),
        ("TCP_USER_TIMEOUT", told.user_timeout_ms),
    ):
        if (option := getattr(socket, name, None)) is not None:
            found.setsockopt(socket.IPPROTO_TCP, option, value)
