"""What a proxy understands of a Postgres client: that a transaction which wrote something is about to commit."""

import struct

import pytest

from tests.chaos.proxy import FrontendFrames

STARTUP = struct.pack("!II", 23, 196_608) + b"user\0waffle\0\0\0\0"
TLS_ASKED = struct.pack("!II", 8, 80_877_103)


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def prepared(name: bytes, query: bytes) -> bytes:
    return message(b"P", name + b"\0" + query + b"\0\0\0")


def bound(name: bytes) -> bytes:
    return message(b"B", b"\0" + name + b"\0" + b"\0" * 6)


BEGIN, COMMIT = message(b"Q", b"BEGIN;\0"), message(b"Q", b"COMMIT;\0")
INSERT, SELECT = prepared(b"s1", b"\ninsert into syrup values ($1)"), prepared(b"s2", b"select 1")


def test_the_commit_of_a_written_row_is_seen() -> None:
    """BEGIN, an insert, COMMIT."""
    frames = FrontendFrames()
    assert not frames.feed(TLS_ASKED + STARTUP + BEGIN + INSERT + bound(b"s1"))
    assert frames.feed(COMMIT)


def test_the_commit_of_a_look_is_none() -> None:
    """A transaction that only read may end unnoticed."""
    assert not FrontendFrames().feed(STARTUP + BEGIN + SELECT + bound(b"s2") + COMMIT)


def test_each_transaction_counts_for_itself() -> None:
    """The second transaction does not inherit that the first one wrote, and a statement stays known."""
    frames = FrontendFrames()
    assert frames.feed(STARTUP + BEGIN + INSERT + bound(b"s1") + COMMIT)
    assert not frames.feed(BEGIN + COMMIT)
    assert frames.feed(BEGIN + bound(b"s1") + COMMIT)


@pytest.mark.parametrize("size", [1, 3, 7])
def test_messages_may_come_in_pieces(size: int) -> None:
    """The network cuts where it likes."""
    frames, stream = FrontendFrames(), STARTUP + BEGIN + INSERT + bound(b"s1") + COMMIT
    seen = [frames.feed(stream[at : at + size]) for at in range(0, len(stream), size)]
    assert seen.count(True) == 1
