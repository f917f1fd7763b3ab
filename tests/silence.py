"""A machine that is gone without a word, played by a socket filter: no packet reaches this end any more, so its kernel
acknowledges nothing, and nobody is told."""

import ctypes
import socket
import struct
from typing import Protocol

SO_ATTACH_FILTER = 26
_NOTHING = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))  # one instruction: keep 0 bytes of it


class Socket(Protocol):
    def setsockopt(self, level: int, name: int, value: int | bytes, /) -> None: ...


def fall_silent(one: Socket, *, asks: bool = False) -> None:
    """`asks`: whether this end still sends probes of its own, whose answers it will not hear."""
    one.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HxxxxxxL", 1, ctypes.addressof(_NOTHING)))
    if not asks:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0)
