"""What is kept of forecasts: one of each release that is asked, until the engine or the history is another."""

from dataclasses import replace
from datetime import date

import pytest

from services.eligibility.decisions import basis
from services.eligibility.decisions.basis import Made, Needed, Stored, make_bases
from services.eligibility.forecast.schedule import SupportingData
from services.eligibility.forecast.supporting_data import bundled
from tests.unit.eligibility.test_decide import a_member

DAY = date(2025, 12, 1)
BOTH = Needed(False, frozenset({("Zoster", "4.64"), ("Zoster", "4.65")}), frozenset(), frozenset(), frozenset())  # noqa: FBT003


@pytest.fixture(autouse=True)
def _two_releases(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that ships, and the same under the next number."""
    known = {"4.64": bundled("4.64"), "4.65": replace(bundled("4.64"), release="4.65")}

    def named(release: str | None = None) -> SupportingData:
        return known[release or "4.65"]

    monkeypatch.setattr(basis, "bundled", named)
    monkeypatch.setattr(basis, "released", lambda: tuple((name, DAY) for name in known))


def made(before: Made | None = None) -> Made:
    one = a_member()
    stored = before.forecasts if before else {}
    return make_bases([one], {}, BOTH, Stored({}, stored, {}, {}), DAY)


def test_each_release_that_is_asked_is_kept() -> None:
    """One programme stays with a release, another follows the newest: neither's forecast displaces the other's."""
    first = made()
    assert {release for _, _, release in first.forecasts} == {"4.64", "4.65"}
    assert {release: one.forecasted.release for (_, _, release), one in first.forecasts.items()} == {
        "4.64": "4.64", "4.65": "4.65",
    }  # fmt: skip
    assert made(first).forecasts == {}


def test_another_engine_asks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an older one made of the same history stands no longer."""
    first = made()
    monkeypatch.setattr(basis, "ENGINE", basis.ENGINE + 1)
    assert made(first).forecasts.keys() == first.forecasts.keys()
