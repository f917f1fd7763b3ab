"""Counting what a document would do: movements, reasons, groups, scores, and the cap over everybody."""

from typing import Any
from uuid import UUID

import pytest

from services.eligibility.programmes.cap import TIE_BITS, Cap
from services.eligibility.programmes.dry_run import DryRun, Judged, Movement, Scores, Trial

GROUPS = ("lakeshore", "06037", "white", "es", "F", "65-69", "medicaid")


def newcomer(number: int, *reasons: str, **changes: object) -> Judged:
    """Somebody who was not eligible until now."""
    values: dict[str, Any] = {"was_because": ("under-age",), "groups": GROUPS, "was_eligible": False} | changes
    return Judged(UUID(int=number), reasons=reasons, **values)


def insider(number: int, *reasons: str) -> Judged:
    """Somebody who was eligible until now."""
    return newcomer(number, *reasons, was_because=(), was_eligible=True)


def tried(*found: Judged, cap: Cap | None = None, sample_size: int = 9) -> DryRun:
    trial = Trial(cap, sample_size)
    for one in found:
        trial.take(one)
    return trial.result()


def test_movements_and_reasons() -> None:
    """Everybody enters, leaves, stays or stays out, and each movement has its reasons."""
    found = tried(
        newcomer(1), insider(2, "already-vaccinated"), insider(3), newcomer(4, "not-enrolled"),
        newcomer(5, was_because=()),
    )  # fmt: skip
    assert found.total == Movement(enter=2, leave=1, stay=1, out=1)
    assert found.left_by == {"already-vaccinated": 1}
    assert found.kept_out_by == {"already-vaccinated": 1, "not-enrolled": 1}
    assert found.entered_despite == {"under-age": 1, "not-decided": 1}
    assert (found.entering[0], found.leaving) == (
        (UUID(int=1), ("under-age",)), [(UUID(int=2), ("already-vaccinated",))],
    )  # fmt: skip
    assert found.movements["language", "es"] == found.total


def test_a_sample_has_its_size() -> None:
    """No more are named than were asked for; all are counted."""
    found = tried(*(newcomer(n) for n in range(5)), sample_size=2)
    assert (len(found.entering), found.total.enter) == (2, 5)


def test_impact_compares_a_group_with_everybody() -> None:
    """Half of all are in; all of one group and none of the other."""
    spanish = [newcomer(n) for n in range(2)]
    other = [newcomer(n, "under-age", groups=(*GROUPS[:3], "ko", *GROUPS[4:])) for n in range(2)]
    found = tried(*spanish, *other)
    assert (found.impact("language", "es"), found.impact("language", "ko")) == (2.0, 0.0)
    assert tried(newcomer(1, "under-age")).impact("language", "es") is None
    assert tried().impact("language", "es") is None


def test_a_cap_is_drawn_over_everybody() -> None:
    """The two highest of four; whom the cap leaves out has no arm, and who is outside the segment takes no place."""
    offered = [newcomer(n, cap_group="all", cap_rank=n << TIE_BITS, arm="offered") for n in (1, 3)]
    control = [newcomer(n, "control-arm", cap_group="all", cap_rank=n << TIE_BITS, arm="control") for n in (0, 2)]
    found = tried(*offered, *control, newcomer(9, "under-age"), cap=Cap(share=0.5))
    assert found.total == Movement(enter=1, out=4)
    assert found.kept_out_by == {"control-arm": 1, "below-cap": 2, "under-age": 1}
    assert found.arms == {"offered": 1, "control": 1}
    assert (found.cut_offs["all"].population, found.cut_offs["all"].score) == (4, 2)


@pytest.mark.parametrize(("share", "score"), [(0.0, 1), (0.25, 1), (0.26, 2), (0.5, 2), (0.75, 3), (1.0, 9)])
def test_quantiles(share: float, score: int) -> None:
    """The lowest score that at least this share does not exceed."""
    scores = Scores()
    scores.by_score.update([1, 2, 3, 9])
    assert (scores.quantile(share), scores.mean) == (score, 3.75)


def test_scores_are_told_by_group() -> None:
    """Only of whom a model scored."""
    found = tried(newcomer(1, score=40, tier="high"), newcomer(2))
    assert found.scores["sex", "F"].by_score == {40: 1}
    assert found.scores["all", "all"].tiers == {"high": 1}
