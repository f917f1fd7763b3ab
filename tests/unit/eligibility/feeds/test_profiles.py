"""Sender profiles: the same segment means what its sender means."""

from datetime import date

import pytest

from services.eligibility.feeds.profiles import PROFILES, UnknownProfile, choose_profile, parse_profile, profiles
from services.eligibility.feeds.records import RosterHeader
from tests.unit.eligibility.feeds.builders import a_member, an_834, codes, items_of, rosters


def header_of(data: bytes, profile: str | None = None) -> RosterHeader:
    return next(item for item in items_of(data, profile) if isinstance(item, RosterHeader))


def test_every_profile_reads_and_bears_the_name_of_its_file() -> None:
    """Each YAML file is a profile of that name."""
    assert set(profiles()) == {path.stem for path in PROFILES.glob("*.yaml")}


@pytest.mark.parametrize(
    ("sender", "group", "implementation", "name"),
    [
        ("LAKESHORE", "x", "005010X220A1", "lakeshore"),
        ("x", "PRAIRIE", "005010X220A1", "prairie"),
        ("CADHCS_5010_834", "x", "005010X220A1", "dhcs"),
        ("x", "x", "005010X307", "x307"),
        ("x", "x", "005010X220A1", None),
    ],
)
def test_the_envelope_chooses_the_profile(sender: str, group: str, implementation: str, name: str | None) -> None:
    """ISA06 or GS02 name the sender, GS08 the guide."""
    found = choose_profile(sender, group, "CONNECT", implementation)
    assert (found.name if found else None) == name


def test_an_unknown_sender_is_read_by_the_guide_with_a_notice() -> None:
    """A file from a stranger is read, and says that it was."""
    data = an_834(a_member(), sender="STRANGER")
    assert header_of(data).profile == "tr3"
    assert ("ISA-06", "unknown-sender") in codes(items_of(data))


def test_a_profile_can_be_named_by_hand() -> None:
    """The operator's word goes before the envelope's; a wrong word is told with the right ones."""
    assert header_of(an_834(a_member(), sender="STRANGER"), "prairie").profile == "prairie"
    with pytest.raises(UnknownProfile, match="tr3"):
        items_of(an_834(a_member()), "bananas")


@pytest.mark.parametrize(
    ("sender", "bgn08", "is_full", "absence_terminates"),
    [
        ("PRAIRIE", "4", True, True),
        ("PRAIRIE", "RX", True, True),
        ("PRAIRIE", "2", False, False),
        ("LAKESHORE", "2", False, False),
        ("LAKESHORE", "4", False, False),
        ("STRANGER", "4", True, False),
    ],
)
def test_absence_ends_an_enrolment_only_where_the_profile_says_so(
    sender: str, bgn08: str, is_full: bool, absence_terminates: bool
) -> None:
    """Only a full file of a sender whose files list everybody makes absence mean anything."""
    header = header_of(an_834(a_member(), sender=sender, bgn08=bgn08))
    assert (header.is_full, header.absence_terminates) == (is_full, absence_terminates)


def test_lakeshore_knows_the_tract() -> None:
    """REF*ZZ of this plan is a census tract; what is none is noticed."""
    place = ["N4*LOS ANGELES*CA*90012"]
    good, bad = rosters(
        items_of(
            an_834(
                a_member("LS1", before=["REF*ZZ*06037206200"], after_name=place),
                a_member("LS2", before=["REF*ZZ*6037206200"], after_name=place),
            )
        )
    )
    assert good.person.address is not None
    assert good.person.address.tract == "06037206200"
    assert bad.person.address is not None
    assert bad.person.address.tract == ""


def test_dhcs_carries_its_client_number_where_others_have_a_group() -> None:
    """REF*1L is the CIN of a Medi-Cal member and the group of anybody else."""
    data = an_834(a_member("M1", before=["REF*1L*91234567A"]), sender="CADHCS_5010_834")
    (record,) = rosters(items_of(data))
    assert ("MA", "CA-MEDI-CAL", "91234567A") in {(o.type, o.assigner, o.value) for o in record.person.identifiers}
    assert record.group == ""
    (other,) = rosters(items_of(an_834(a_member("M1", before=["REF*1L*GRP"]), sender="STRANGER")))
    assert other.group == "GRP"


@pytest.mark.parametrize(
    ("ins", "begin", "end", "lapses"),
    [
        ("INS*Y*18*001*AI*A***AC", "20251001", "20251031", date(2025, 12, 15)),
        ("INS*Y*18*001*AI*A***AC", "20250101", "20251031", date(2025, 10, 31)),
        ("INS*Y*18*024*AI*A***TE", "20251001", "20251031", date(2025, 10, 31)),
    ],
)
def test_a_months_end_is_no_termination_before_the_grace(ins: str, begin: str, end: str, lapses: date) -> None:
    """DHCS confirms single months: only a longer span or an outspoken termination ends on its last day."""
    after = ["HD*001**HLT*010;51", f"DTP*348*D8*{begin}", f"DTP*349*D8*{end}"]
    (record,) = rosters(items_of(an_834(a_member(ins=ins, after=after), sender="CADHCS_5010_834")))
    assert record.coverages[0].lapses_on == lapses


def test_a_term_span_ends_on_its_last_day() -> None:
    """Elsewhere a single month is just that."""
    after = ["HD*001**HLT", "DTP*348*D8*20251001", "DTP*349*D8*20251031"]
    (record,) = rosters(items_of(an_834(a_member(after=after))))
    assert record.coverages[0].lapses_on == date(2025, 10, 31)


def test_withheld_values_are_unsaid() -> None:
    """A token in place of a name or birth date is no name and no bad date."""
    data = an_834(a_member(name="NM1*IL*1*randomLastName*randomFirst", dmg="DMG*D8*randomDoB*F"), sender="DHCS")
    items = items_of(data)
    (record,) = rosters(items)
    assert (record.person.name, record.person.birth_on) == (None, None)
    assert {("NM1-03", "withheld"), ("DMG-02", "withheld")} <= codes(items)


def test_a_member_of_a_semicolon_list_can_be_picked() -> None:
    """REF-3H;3 is the third of the values that a sender packs into one REF."""
    profile = parse_profile("{name: p, title: p, identifiers: [{type: MB, from: ['REF-3H;3', 'REF-0F']}]}")
    (source, _) = profile.identifiers[0].sources
    assert source.pick("19;10; C77 ;;") == "C77"
    assert source.pick("19;10") == ""


def test_california_counties_become_fips() -> None:
    """DHCS numbers counties alphabetically: 19 is Los Angeles, 06037."""
    dhcs = profiles()["dhcs"]
    found = [dhcs.county_fips(text) for text in ("19", "1", "58", "59", "0", "x", "")]
    assert found == ["06037", "06001", "06115", "", "", "", ""]


@pytest.mark.parametrize("text", ["XYZ-0F", "REF", "REF-"])
def test_a_wrong_source_is_its_authors_error(text: str) -> None:
    """A profile that names no segment fails when it is read, not when a file comes."""
    with pytest.raises(ValueError, match="source"):
        parse_profile(f"{{name: p, title: p, identifiers: [{{type: MB, from: ['{text}']}}]}}")
