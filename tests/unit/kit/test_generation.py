"""How consumer groups are called, from one reading of the log to the next."""

import pytest

from services.kit.generation import Generation, group_of, is_of


@pytest.mark.parametrize(
    ("generation", "name"),
    [
        (None, "bakery.bread"),
        (Generation(), "bakery.bread"),
        (Generation(4), "bakery.bread.4"),
        (Generation(4, "0a1b2c3d"), "bakery.bread.4-0a1b2c3d"),
        (Generation(1, "0a1b2c3d"), "bakery.bread.1-0a1b2c3d"),
    ],
)
def test_a_group_is_called_after_its_generation(generation: Generation | None, name: str) -> None:
    """By number and name; the first, and a service that has none, by the subscription alone."""
    assert group_of("bakery.bread", generation) == name
    assert is_of("bakery.bread", name)


@pytest.mark.parametrize("other", ["bakery.bread.v2", "bakery.breadcrumbs", "bakery.bread.4-", "bakery"])
def test_groups_of_others_are_not_taken_for_generations(other: str) -> None:
    """Nor those of a later version of the topic: what is taken for an old one is deleted."""
    assert not is_of("bakery.bread", other)
