"""Restricted bytes at rest are sealed with a key of the ring, each for its own row (v5.0.0-11.3.2, v5.0.0-13.3.1)."""

import base64

import pytest

from services.kit.sealed import KeyRing, KeyRingError, SealError, key_id_of, new_line, new_named_line

OLD, NEW = new_line("k-1"), new_line("k-2")
SECRET = b"Quixwhistle, 1937-11-23"


def test_what_is_sealed_for_a_row_is_opened_for_it_alone() -> None:
    """Bytes that are moved to another row, or changed, are told; nothing of them shows in what is stored."""
    ring = KeyRing.parse(OLD)
    [sealed] = ring.seal([SECRET], ["feed_chunk a 0"])
    assert ring.open([sealed], ["feed_chunk a 0"]) == [SECRET]
    assert b"Quix" not in sealed
    for moved, row in ((sealed, "feed_chunk a 1"), (sealed[:-1] + bytes([sealed[-1] ^ 1]), "feed_chunk a 0")):
        with pytest.raises(SealError, match="a row of feed_chunk can't be opened with the key k-1"):
            ring.open([moved], [row])


def test_two_seals_of_one_content_differ() -> None:
    """A nonce is used once, so that equal contents don't show as equal."""
    ring = KeyRing.parse(OLD)
    first, second = ring.seal([SECRET, SECRET], ["t 1", "t 1"])
    assert first != second


def test_the_first_key_seals_and_all_open() -> None:
    """A key that is put first seals from then on, and what the older one sealed is opened still."""
    [old] = KeyRing.parse(OLD).seal([SECRET], ["t 1"])
    ring = KeyRing.parse(NEW + OLD)
    [new] = ring.seal([SECRET], ["t 1"])
    assert (key_id_of(old), key_id_of(new)) == ("k-1", "k-2")
    assert ring.open([old, new], ["t 1", "t 1"]) == [SECRET, SECRET]


def test_a_key_that_is_gone_is_named() -> None:
    """Whoever took a key away too early reads which one it was."""
    [old] = KeyRing.parse(OLD).seal([SECRET], ["t 1"])
    with pytest.raises(KeyRingError, match="the key ring lacks the key k-1"):
        KeyRing.parse(NEW).open([old], ["t 1"])


def test_plain_text_from_before_is_given_as_it_is() -> None:
    """What was stored before there was a ring stays readable."""
    assert KeyRing.parse(OLD).open([SECRET, b""], ["t 1", "t 2"]) == [SECRET, b""]


def test_a_keyed_digest_is_known_under_every_key_of_the_ring() -> None:
    """A repeated request is known after a rotation, and nobody without the ring can try guesses against the digest."""
    kept = KeyRing.parse(OLD).mac(SECRET)
    assert kept in KeyRing.parse(NEW + OLD).macs(SECRET)
    assert kept not in KeyRing.parse(NEW).macs(SECRET)


def test_the_id_of_a_new_key_tells_which_key_it_is() -> None:
    """Two keys made under one stem have two ids, short enough for a ring."""
    first, second = (KeyRing.parse(new_named_line("eligibility-1")) for _ in range(2))
    assert first.current.startswith("eligibility-1-")
    assert first.current != second.current


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has no key"),
        ("# none yet\n", "has no key"),
        ("k-1 c2hvcnQ=", "the key k-1 of the key ring: expected 32 bytes in base64"),
        ("k-1 not base64", "the key k-1 of the key ring: expected 32 bytes in base64"),
        (f"k/1 {base64.b64encode(bytes(32)).decode()}", "line 1 of the key ring"),
        (OLD + OLD, "two keys k-1"),
    ],
    ids=["empty", "only a remark", "short", "not base64", "odd id", "twice"],
)
def test_an_unusable_ring_says_what_is_wrong_and_shows_no_key(text: str, says: str) -> None:
    """The message names line or id; the key itself is never in it."""
    with pytest.raises(KeyRingError, match=says) as told:
        KeyRing.parse(text)
    assert "c2hvcnQ=" not in str(told.value)


def test_a_ring_shows_no_key_when_it_is_printed() -> None:
    """A ring in a traceback or a log tells nothing."""
    assert repr(KeyRing.parse(OLD)) == "KeyRing()"
