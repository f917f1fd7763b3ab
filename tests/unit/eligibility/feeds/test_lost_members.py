"""Members of an 834 whose INS, or one of whose segments, is lost: nobody else is taken for them."""

import pytest

from services.eligibility.feeds.records import RosterMention
from services.eligibility.feeds.x12 import MAX_SEGMENT_CHARS
from tests.unit.eligibility.feeds.builders import (
    a_member,
    an_834,
    codes,
    items_of,
    notices,
    rejections,
    rosters,
    summary,
)

BRUNO = a_member(
    "LS2", name="NM1*IL*1*BAGEL*BRUNO", dmg="DMG*D8*19610805*M", after=("HD*021**PPO", "DTP*348*D8*20250301")
)
LONG = "A" * (MAX_SEGMENT_CHARS * 3)


@pytest.mark.parametrize("coverage", [(), ("HD*021**HLT", "DTP*348*D8*20250101")])
def test_who_lost_his_ins_is_not_taken_for_the_one_before(coverage: tuple[str, ...]) -> None:
    """Two names behind one INS: the row is rejected, and neither person nor coverage of the second is the first's."""
    items = items_of(an_834(a_member("LS1", after=coverage), BRUNO[1:], a_member("LS3")))
    assert [one.person.identifiers[0].value for one in rosters(items)] == ["LS3"]
    assert [(one.row, one.field, one.code) for one in rejections(items)] == [(1, "NM1-01", "second-name")]


def test_a_row_of_two_members_leaves_it_open_who_is_absent() -> None:
    """The second one's numbers may be anybody's, so that the row names nobody who stands in the file."""
    items = items_of(an_834(a_member("LS1"), BRUNO[1:], bgn08="4"))
    assert not [one for one in items if isinstance(one, RosterMention)]
    assert summary(items).unidentified == 1


def test_a_first_member_without_ins_is_a_rejected_row() -> None:
    """What stands before the first INS and is a member's own does not vanish."""
    items = items_of(an_834(a_member("LS1")[1:], BRUNO))
    assert [(one.row, one.field, one.code) for one in rejections(items)] == [(1, "INS", "outside-loop")]
    assert [one.position.row for one in rosters(items)] == [2]


def test_an_only_member_without_ins_is_a_rejected_row() -> None:
    """Not a file of no rows in which nothing is wrong."""
    items = items_of(an_834(a_member("LS1")[1:]))
    assert (summary(items).rows, summary(items).rejected) == (1, 1)


def test_a_roster_of_nobody_says_so() -> None:
    """A transaction without a member is odd, and told; its sender may have nothing to say."""
    items = items_of(an_834())
    assert ("INS", "no-members") in codes(notices(items))
    assert not rejections(items)


def test_a_lost_former_name_is_no_second_member() -> None:
    """NM1*70, somebody else's names and providers may follow the member's own name."""
    more = ("NM1*70*1*PANCAKE*PETRA", "NM1*31*1", "NM1*QD*1*BAGEL*BRUNO")
    after = ("HD*021**HLT", "DTP*348*D8*20250101", "LX*1", "NM1*P3*1*WAFFLE*WALTER", "COB*P*X*5", "NM1*IN*2*ACME")
    assert len(rosters(items_of(an_834(a_member(after_name=more, after=after))))) == 1


@pytest.mark.parametrize("segment", [f"N3*{LONG}", f"MSG*{LONG}", f"PER*IP**TE*{LONG}", f"{LONG}"])
def test_a_segment_beyond_all_measure_loses_itself(segment: str) -> None:
    """What says neither who nor what is left out and told; its member and those after it are read."""
    items = items_of(an_834(a_member("LS1"), a_member("LS2", after_name=[segment]), a_member("LS3")))
    assert [one.position.row for one in rosters(items)] == [1, 2, 3]
    assert "segment-length" in {one.code for one in notices(items)}
    assert summary(items).is_complete
    assert not any("AAA" in str(one) for one in items)


@pytest.mark.parametrize("segment", [f"DTP*303*D8*{LONG}", f"HD*021**{LONG}", f"REF*ZZ*{LONG}", f"DMG*D8*{LONG}"])
def test_one_that_says_who_or_what_loses_its_member(segment: str) -> None:
    """The member is rejected at that segment; the others are read."""
    items = items_of(an_834(a_member("LS1"), a_member("LS2", after_name=[segment]), a_member("LS3")))
    assert [one.position.row for one in rosters(items)] == [1, 3]
    assert [(one.row, one.code) for one in rejections(items)] == [(2, "segment-length")]


def test_an_ins_beyond_all_measure_is_one_rejected_row() -> None:
    """It begins a member who can't be read, and ends the one before."""
    items = items_of(an_834(a_member("LS1"), a_member("LS2", ins=f"INS*Y*18*021*{LONG}"), a_member("LS3")))
    assert [one.position.row for one in rosters(items)] == [1, 3]
    assert [(one.row, one.code) for one in rejections(items)] == [(2, "segment-length")]


@pytest.mark.parametrize("head", [f"N1*P5*{LONG}", f"BGN*00*{LONG}"])
def test_a_head_beyond_all_measure_ends_the_reading(head: str) -> None:
    """Without it nobody knows whose members follow, or when it was said."""
    items = items_of(an_834(a_member("LS1"), head=[head]))
    assert not rosters(items)
    assert "segment-length" in {one.code for one in rejections(items)}
