"""Whether a pattern may take longer than in proportion to a text: by its automaton, not by a clock. A pattern that
reads the same text in two ways within one loop, or in two loops that follow each other, and can fail behind them, tries
all the ways."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

said: Any = import_module("re._constants")
parser: Any = import_module("re._parser")
"""How Python itself reads a pattern; neither has types."""

Chars = frozenset[int]
EVERYTHING: Chars = frozenset(range(256))
CATEGORIES = {
    said.CATEGORY_DIGIT: r"\d", said.CATEGORY_NOT_DIGIT: r"\D", said.CATEGORY_SPACE: r"\s",
    said.CATEGORY_NOT_SPACE: r"\S", said.CATEGORY_WORD: r"\w", said.CATEGORY_NOT_WORD: r"\W",
}  # fmt: skip
UNROLLED = 2
"""A repetition with an end is a constant, however long; twice shows what lies behind it."""


@dataclass(slots=True)
class Automaton:
    """States by number; `moves` without a character are in `free`."""

    moves: list[list[tuple[Chars, int]]] = field(default_factory=list)
    free: list[set[int]] = field(default_factory=list)

    def state(self) -> int:
        self.moves.append([])
        self.free.append(set())
        return len(self.moves) - 1

    def closure(self, state: int) -> set[int]:
        found, left = {state}, [state]
        while left:
            for there in self.free[left.pop()] - found:
                found.add(there)
                left.append(there)
        return found

    def steps(self) -> list[dict[int, Chars]]:
        """By state, which states a character leads to, and which characters."""
        table: list[dict[int, Chars]] = []
        for state in range(len(self.moves)):
            found: defaultdict[int, Chars] = defaultdict(frozenset)
            for here in self.closure(state):
                for chars, there in self.moves[here]:
                    found[there] |= chars
            table.append(dict(found))
        return table


def is_linear(pattern: str | bytes, *, is_search: bool = False, flags: int = 0) -> bool:
    """`is_search`: it may begin anywhere, which is one more loop before it."""
    tree = parser.parse(pattern, flags)
    automaton = Automaton()
    begin = automaton.state()
    end = _built(automaton, tree, begin, flags | tree.state.flags)
    if is_search:
        automaton.moves[begin].append((EVERYTHING, begin))
    table = automaton.steps()
    looped = [state for state in range(len(table)) if state in _reached(table, table[state])]
    failing = {state for state in looped if end not in automaton.closure(state)}
    within = {state: _reached(table, table[state]) for state in looped}
    twice = any(_splits(table, state, within[state]) for state in looped if failing & within[state])
    return not twice and not any(
        _follows(table, one, other, within) for one in looped for other in failing & (within[one] - {one})
    )


def _reached(table: list[dict[int, Chars]], states: Iterable[int]) -> set[int]:
    found, left = set(states), list(states)
    while left:
        for there in table[left.pop()]:
            if there not in found:
                found.add(there)
                left.append(there)
    return found


def _splits(table: list[dict[int, Chars]], state: int, within: set[int]) -> bool:
    """Whether some text leads from a state back to it in two ways."""
    left, seen = [(state, state, False)], {(state, state, False)}
    while left:
        one, other, has_parted = left.pop()
        for here, chars in table[one].items():
            for there, others in table[other].items():
                pair = (here, there, has_parted or here != there)
                if here in within and there in within and chars & others and pair not in seen:
                    if pair == (state, state, True):
                        return True
                    seen.add(pair)
                    left.append(pair)
    return False


def _follows(table: list[dict[int, Chars]], one: int, other: int, within: dict[int, set[int]]) -> bool:
    """Whether some text stays in a loop, leads from it to a later one, and stays in that."""
    left, seen = [(one, one, other)], {(one, one, other)}
    while left:
        a, b, c = left.pop()
        for here, chars in table[a].items():
            if here not in within[one] or one not in _within(within, here):
                continue
            for between, middles in table[b].items():
                if not (both := chars & middles):
                    continue
                for there, lasts in table[c].items():
                    triple = (here, between, there)
                    if both & lasts and triple not in seen and other in _within(within, there):
                        if triple == (one, other, other):
                            return True
                        seen.add(triple)
                        left.append(triple)
    return False


def _within(within: dict[int, set[int]], state: int) -> set[int]:
    return within.get(state, set())


def _built(automaton: Automaton, tree: Any, begin: int, flags: int) -> int:
    here = begin
    for kind, about in tree:
        here = _part(automaton, kind, about, here, flags)
    return here


def _part(automaton: Automaton, kind: Any, about: Any, here: int, flags: int) -> int:
    if kind in {said.MAX_REPEAT, said.MIN_REPEAT, said.POSSESSIVE_REPEAT}:
        least, most, tree = about
        return _repeated(automaton, least, most, tree, here, flags)
    if kind is said.SUBPATTERN:
        return _built(automaton, about[-1], here, flags | about[1])
    if kind is said.ATOMIC_GROUP:
        return _built(automaton, about, here, flags)
    if kind is said.BRANCH:
        end = automaton.state()
        for branch in about[1]:
            automaton.free[_built(automaton, branch, here, flags)].add(end)
        return end
    if kind in {said.AT, said.ASSERT, said.ASSERT_NOT}:  # they only keep from going on
        return here
    end = automaton.state()
    automaton.moves[here].append((_chars(kind, about, flags), end))
    return end


def _repeated(automaton: Automaton, least: int, most: int, tree: Any, here: int, flags: int) -> int:
    for _ in range(min(least, UNROLLED)):
        here = _built(automaton, tree, here, flags)
    if most is not said.MAXREPEAT:
        end = automaton.state()
        for _ in range(min(most - min(least, most), UNROLLED)):
            automaton.free[here].add(end)
            here = _built(automaton, tree, here, flags)
        automaton.free[here].add(end)
        return end
    loop = automaton.state()
    automaton.free[here].add(loop)
    automaton.free[_built(automaton, tree, loop, flags)].add(loop)
    return loop


def _chars(kind: Any, about: Any, flags: int) -> Chars:
    found: set[int] = set()
    if kind is said.ANY:
        found = set(EVERYTHING) - (set() if flags & re.DOTALL else {10})
    elif kind is said.NOT_LITERAL:
        found = set(EVERYTHING) - {about}
    elif kind is said.LITERAL:
        found = {about}
    elif kind is said.RANGE:
        found = set(range(about[0], min(about[1], 255) + 1))
    elif kind is said.CATEGORY:
        found = {code for code in EVERYTHING if re.match(CATEGORIES[about], chr(code), re.ASCII)}
    else:
        assert kind is said.IN, kind
        members = [part for part in about if part[0] is not said.NEGATE]
        found = set().union(*(_chars(member, what, flags) for member, what in members))
        found = set(EVERYTHING) - found if len(members) < len(about) else found
    if flags & re.IGNORECASE:
        found |= {
            ord(turned) for code in found for turned in (chr(code).lower(), chr(code).upper()) if len(turned) == 1
        }
    return frozenset(code for code in found if code < 256)
