"""Senders whose test data count, as people write them into a setting."""

import pytest

from services.eligibility.payers.senders import read_senders, told_sender, unprofiled
from services.eligibility.settings import read_own_settings
from services.kit.settings import SettingsError


@pytest.mark.parametrize(
    ("text", "senders"),
    [
        ("", set()), (" , ;\n", set()), ("TestPlan", {"testplan"}), (" a , B;c\n'e'", {"a", "b", "c", "e"}),
        ("NORTH_PLAN", {"north-plan"}),
        ("TEST PLAN; x", {"test-plan", "x"}), ("none", set()), ("False", set()),
        ("[x, \"y\"]", {"x", "y"}), ("*", {"*"}), ("*, x", {"*", "x"}),
    ],
)  # fmt: skip
def test_senders_are_read_as_they_are_written(text: str, senders: set[str]) -> None:
    """Whatever divides them and whatever their case: as the codes by which files are compared."""
    assert read_senders(text) == senders
    assert read_own_settings({"VCC_TEST_DATA_FROM": text}).test_data_from == senders


@pytest.mark.parametrize("text", ["x, --", "**", "?"])
def test_what_names_nobody_fails_the_start(text: str) -> None:
    """The message names the setting and what is expected."""
    with pytest.raises(SettingsError, match="VCC_TEST_DATA_FROM: expected senders as codes"):
        read_own_settings({"VCC_TEST_DATA_FROM": text})


def test_senders_that_no_profile_knows_are_told() -> None:
    """They may be right, and they may be a slip of the pen."""
    assert unprofiled({"*", "lakeshore", "cair2", "lakeshor", "zed"}) == ["lakeshor", "zed"]


def test_only_senders_of_profiles_are_told() -> None:
    """What a file calls itself may be anything, a person's name too: the topic says `other` then."""
    assert [told_sender(code) for code in ("lakeshore", "cair2", "quixwhistle", "", None)] == [
        "lakeshore", "cair2", "other", "other", "other",
    ]  # fmt: skip
