"""Two sets of rows side by side: what is there must be what was expected, and nothing more."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.chaos.checker.divergence import Divergence, differing

Say = Callable[[str, str, str], Divergence]
"""Where, what was expected, what was found."""

Key = tuple[str, ...]
Table = dict[Key, Mapping[str, Any]]


def saying(number: int, invariant: str) -> Say:
    """Divergences of this invariant."""
    return lambda where, expected, found: Divergence(number, invariant, where, expected, found)


def compare(
    say: Say, what: str, expected: Mapping[Key, Mapping[str, Any]], found: Mapping[Key, Mapping[str, Any]],
    name: Callable[[Key], str] = "/".join,
) -> Iterator[Divergence]:  # fmt: skip
    """Every row that is missing, that is too many, or that says something else; named by `name` of its key."""
    for key in sorted(expected.keys() - found.keys()):
        yield say(f"{what} {name(key)}", "a row", "none")
    for key in sorted(found.keys() - expected.keys()):
        yield say(f"{what} {name(key)}", "none", "a row")
    for key in sorted(expected.keys() & found.keys()):
        differs = differing(expected[key], found[key])
        if differs is not None:
            yield say(f"{what} {name(key)}", *differs)
