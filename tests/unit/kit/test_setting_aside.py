"""What can't be borne is found by halving, and stands alone in the end."""

from collections.abc import Sequence

import pytest

from services.kit.setting_aside import each_or_aside


class Kitchen:
    """Cooks potatoes by their numbers; a pot with a bad one boils over. It remembers what was put where."""

    def __init__(self, *bad: int, error: Exception | None = None) -> None:
        self.bad, self.error = set(bad), error or KeyError("boiled over")
        self.pots: list[list[int]] = []
        self.away: list[int] = []

    async def cook(self, potatoes: Sequence[int]) -> int:
        self.pots.append(list(potatoes))
        if self.bad & set(potatoes):
            raise self.error
        return len(potatoes)

    async def put_away(self, potato: int, error: Exception) -> int:
        assert error is self.error
        self.away.append(potato)
        return 0


@pytest.mark.parametrize("bad", [(0,), (6,), (3, 4), tuple(range(7)), ()])
async def test_only_what_is_bad_is_put_away(bad: tuple[int, ...]) -> None:
    """Every item is applied once or set aside once, in the order in which they came."""
    kitchen = Kitchen(*bad)
    cooked = await each_or_aside(range(7), kitchen.cook, kitchen.put_away)
    assert sum(cooked) == 7 - len(bad)
    assert kitchen.away == list(bad)
    done = [one for pot in kitchen.pots for one in pot if not kitchen.bad & set(pot)]
    assert done == [one for one in range(7) if one not in bad]


async def test_one_bad_item_of_many_costs_few_tries() -> None:
    """A thousand with one that is bad take two tries for each halving, and not a thousand."""
    kitchen = Kitchen(617)
    await each_or_aside(range(1000), kitchen.cook, kitchen.put_away)
    assert len(kitchen.pots) <= 21


@pytest.mark.parametrize("error", [ConnectionResetError(), TimeoutError()])
async def test_a_fault_puts_nothing_away(error: Exception) -> None:
    """What a later try may outlive is raised at the first try."""
    kitchen = Kitchen(3, error=error)
    with pytest.raises(type(error)):
        await each_or_aside(range(7), kitchen.cook, kitchen.put_away)
    assert (len(kitchen.pots), kitchen.away) == (1, [])


async def test_what_is_no_items_matter_propagates() -> None:
    """The caller says which of its errors are nobody's fault among the items."""
    kitchen = Kitchen(3, error=LookupError())
    with pytest.raises(LookupError):
        await each_or_aside(
            range(7), kitchen.cook, kitchen.put_away, propagates=lambda error: isinstance(error, LookupError)
        )
    assert kitchen.away == []


async def test_an_error_without_items_propagates() -> None:
    """An empty batch that fails is nobody's fault."""

    async def fail(_: Sequence[int]) -> int:
        raise KeyError

    with pytest.raises(KeyError):
        await each_or_aside([], fail, Kitchen().put_away)
