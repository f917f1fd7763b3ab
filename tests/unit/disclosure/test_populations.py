"""Everything that a report says of small populations, attacked."""

import pytest

from tests.disclosure.files import attack
from tests.disclosure.populations import files_of

PART, PARTS = 5, 44


@pytest.mark.slow
@pytest.mark.capability("B9")
@pytest.mark.parametrize("part", range(PARTS))
def test_nobody_is_found_in_small_populations(part: int) -> None:
    """Whoever has all that one report writes and prints finds no count of 1 to 10 people, nor more of a hidden one than
    that it is one of ten values at least."""
    for seed in range(part * PART, (part + 1) * PART):
        files, printed = files_of(seed)
        assert (seed, attack(files, printed)) == (seed, [])
