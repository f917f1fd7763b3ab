"""Looking people up is for those who know whom they look for."""

import pytest

from services.kit import look_ups
from services.kit.auth import Principal
from services.kit.look_ups import LookUps
from services.kit.problem import RefusedError
from tests.unit.kit.issuer import Clock

GUESSES = 300


def a_client(subject: str = "brock") -> Principal:
    return Principal(subject, frozenset({"coordinator"}), frozenset({"sett"}), "sett")


def answered(allowance: LookUps, *, found: bool, times: int = GUESSES) -> int:
    """How many of so many look-ups are answered."""
    count = 0
    for _ in range(times):
        try:
            allowance.admit(a_client())
        except RefusedError:
            continue
        count += 1
        if not found:
            allowance.missed(a_client())
    return count


def test_guesses_end_soon() -> None:
    """Of 300 guesses twelve are answered, and the wait that is named is the one that lets the next one in
    (v5.0.0-2.4.1)."""
    allowance = LookUps(120.0, clock := Clock())
    assert answered(allowance, found=False) == 12
    with pytest.raises(RefusedError) as refused:
        allowance.admit(a_client())
    assert (refused.value.refusal.status, refused.value.headers) == (429, {"Retry-After": "1"})
    clock.now += 1
    assert answered(allowance, found=False, times=1) == 1
    clock.now += 4
    assert answered(allowance, found=False, times=1) == 0
    clock.now += 1
    assert answered(allowance, found=False, times=1) == 1


def test_who_finds_goes_on() -> None:
    """Two found members a second are found for an hour, and another client has an allowance of his own."""
    allowance = LookUps(120.0, clock := Clock())
    for _ in range(3600):
        clock.now += 1
        assert answered(allowance, found=True, times=2) == 2
    assert answered(allowance, found=False) == 12
    allowance.admit(a_client("grey"))


def test_clients_of_long_ago_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as are remembered, whoever asked last."""
    monkeypatch.setattr(look_ups, "MOST_CLIENTS", 3)
    allowance = LookUps(1.0, Clock())
    for subject in "abcd":
        allowance.admit(a_client(subject))
    allowance.admit(a_client("a"))
    with pytest.raises(RefusedError):
        allowance.admit(a_client("d"))
