"""The 834 reader on everything senders do differently."""

import tracemalloc
from datetime import date

import pytest

from services.eligibility.feeds.records import (
    Maintenance,
    PersonName,
    RosterHeader,
    RosterMention,
)
from services.eligibility.feeds.x12 import Separators
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


def header_of(data: bytes) -> RosterHeader:
    return next(item for item in items_of(data) if isinstance(item, RosterHeader))


@pytest.mark.parametrize("newline", ["", "\n", "\r\n", " ", "\n\n"])
def test_segments_may_be_laid_out_in_any_way(newline: str) -> None:
    """One segment a line, many a line, or blank lines between: the members are the same."""
    items = items_of(an_834(a_member("LS1"), a_member("LS2"), newline=newline))
    assert [one.person.identifiers[0].value for one in rosters(items)] == ["LS1", "LS2"]
    assert summary(items).is_complete


def test_separators_come_from_the_isa() -> None:
    """A sender may part elements by | and segments by a newline."""
    sep = Separators("|", ">", "!", "\n")
    member = a_member(dmg="DMG*D8*19500704*F**>RET>2054-5!>RET>2186-5")
    (record,) = rosters(items_of(an_834(member, sep=sep, newline="")))
    assert (record.person.races, record.person.ethnicity) == (("2054-5",), "2186-5")


def test_an_isa_11_of_u_leaves_the_caret_to_repeat() -> None:
    """ISA11 = U of older senders is no separator; races still repeat by ^."""
    (record,) = rosters(items_of(an_834(a_member(dmg="DMG*D8*19500704*F**:RET:2054-5^:RET:2028-9"), isa11="U")))
    assert record.person.races == ("2054-5", "2028-9")


def test_a_second_interchange_may_have_its_own_separators() -> None:
    """Separators are learnt anew from every ISA of a file."""
    data = an_834(a_member("LS1")) + an_834(a_member("LS2"), sep=Separators("|", ":", "^", "'"))
    items = items_of(data)
    assert [one.person.identifiers[0].value for one in rosters(items)] == ["LS1", "LS2"]
    assert summary(items).is_complete


def test_an_interchange_that_ends_wrong_hides_no_other() -> None:
    """After a malformed IEA the next interchange's own separators hold, and its members are read."""
    first = an_834(a_member("LS1")).replace(b"IEA*", b"IEA *")
    second = an_834(a_member("LS2"), sep=Separators("|", ":", "^", "'"))
    assert len(rosters(items_of(first + second))) == 2


@pytest.mark.parametrize(
    ("text", "field"),
    [("DTP*348*D8*30240101", "DTP-03"), ("DTP*348*D8*18991231", "DTP-03"), ("DTP*348*D8*20250230", "DTP-03")],
)
def test_a_date_out_of_all_reason_rejects_its_row(text: str, field: str) -> None:
    """A day in the year 3024, before 1900 or not in the calendar rejects the row, and the next one is read."""
    items = items_of(an_834(a_member("LS1", after=["HD*021**HLT*GOLD", text]), a_member("LS2")))
    (rejection,) = rejections(items)
    assert (rejection.row, rejection.field, rejection.code) == (1, field, "date")
    assert rejection.expected.startswith("a date between 1900 and ")
    assert [one.position.row for one in rosters(items)] == [2]


def test_nobody_is_born_after_the_file_was_written() -> None:
    """A birth date after the file's own date is rejected."""
    (rejection,) = rejections(items_of(an_834(a_member(dmg="DMG*D8*20260106*F"))))
    assert (rejection.field, rejection.code) == ("DMG-02", "future")


def test_a_coverage_that_ends_before_it_begins_never_was() -> None:
    """An end before its begin is a void, not a termination."""
    member = a_member(after=["HD*024**HLT*GOLD", "DTP*348*D8*20260101", "DTP*349*D8*20251231"])
    (record,) = rosters(items_of(an_834(member)))
    assert record.coverages[0].is_void
    assert record.coverages[0].lapses_on is None


def test_a_deleted_coverage_never_was_and_a_foreign_one_is_left_out() -> None:
    """HD01 002 voids a coverage, 032 says it is not this member's."""
    after = ["HD*002**HLT*GOLD", "DTP*348*D8*20250101", "HD*032**DEN*TEETH", "DTP*348*D8*20250101"]
    (record,) = rosters(items_of(an_834(a_member(after=after))))
    assert [(one.description, one.is_void) for one in record.coverages] == [("GOLD", True)]


@pytest.mark.parametrize(
    ("code", "more", "end_on"),
    [("024", [], date(2025, 4, 30)), ("024", ["DTP*349*D8*20250331"], date(2025, 3, 31)), ("001", [], None)],
)
def test_the_day_of_a_termination_without_an_end(code: str, more: list[str], end_on: date | None) -> None:
    """Where HD01 024 says no end (349), it ends on the day of its own 303; a change's 303 ends nothing."""
    after = [f"HD*{code}**HLT", "DTP*303*D8*20250430", *more]
    (record,) = rosters(items_of(an_834(a_member(after=after))))
    assert record.coverages[0].end_on == end_on


def test_coverage_dates_are_not_the_members_dates() -> None:
    """DTP in the member's loop and in a coverage loop are kept apart, and open ends are no days."""
    after = ["HD*021**HLT*GOLD", "DTP*348*D8*20250301", "DTP*349*D8*99991231", "HD*021**DEN", "DTP*348*D8*20250401"]
    (record,) = rosters(items_of(an_834(a_member(before=["DTP*356*D8*20250101"], after=after))))
    assert (record.begin_on, record.end_on) == (date(2025, 1, 1), None)
    spans = [(one.insurance_line, one.begin_on, one.end_on) for one in record.coverages]
    assert spans == [("HLT", date(2025, 3, 1), None), ("DEN", date(2025, 4, 1), None)]


def test_a_reporting_loop_does_not_touch_the_coverage() -> None:
    """Dates and names between LS and LE, of providers and of other insurance belong to nobody here."""
    after = [
        "HD*021**HLT*GOLD", "DTP*348*D8*20250301", "LX*1", "NM1*P3*1*BROWN*BERNARD", "N4*ELSEWHERE*CA*90001",
        "COB*P*1", "DTP*348*D8*20200101", "DTP*356*D8*20200101", "NM1*GP*1*OTHER",
        "LS*2700", "LX*1", "DTP*348*D8*19990101", "LE*2700",
    ]  # fmt: skip
    (record,) = rosters(items_of(an_834(a_member(after=after))))
    assert record.person.name == PersonName("PANCAKE", "PETRA", "Q")
    assert record.person.address is None
    assert (record.begin_on, record.coverages[0].begin_on) == (None, date(2025, 3, 1))


def test_other_peoples_names_are_not_the_members() -> None:
    """An employer, a school and a responsible person come with names and addresses of their own."""
    after_name = ["N3*1 OWN ST", "N4*FRESNO*CA*93701"]
    others = ["NM1*36*1*BOSS*BOB", "N3*2 WORK ST", "N4*OAKLAND*CA*94601", "PER*IP**HP*5105550100", "NM1*QD*1*KID*DI"]
    (record,) = rosters(items_of(an_834(a_member(after_name=after_name, dmg="", after=others))))
    assert record.person.address is not None
    assert (record.person.address.street, record.person.address.zip5) == ("1 OWN ST", "93701")
    assert record.person.phones == ()


@pytest.mark.parametrize(
    ("race", "races", "ethnicity"),
    [
        (":RET:2054-5^:RET:2106-3", ("2054-5", "2106-3"), None),
        (":RET:2034-7^:RET:2039-6", ("2028-9",), None),
        (":RET:2135-2", (), "2135-2"),
        (":RET:2148-5", (), "2135-2"),
        ("H", (), "2135-2"),
        ("O", ("2106-3",), "2186-5"),
        ("7", (), None),
        ("", (), None),
    ],
)
def test_races_and_ethnicity_are_told_apart(race: str, races: tuple[str, ...], ethnicity: str | None) -> None:
    """Short and CDC codes alike become categories, several races stay several, 7 says nothing."""
    items = items_of(an_834(a_member(dmg=f"DMG*D8*19500704*F**{race}")))
    (record,) = rosters(items)
    assert (record.person.races, record.person.ethnicity) == (races, ethnicity)
    assert not notices(items)


def test_an_unknown_race_is_noticed_and_the_member_kept() -> None:
    """A code of no table leaves the race unsaid; the row stays."""
    items = items_of(an_834(a_member(dmg="DMG*D8*19500704*F**:RET:9999-9")))
    assert rosters(items)[0].person.races == ()
    assert ("DMG-05", "race") in codes(items)


def test_a_dependant_with_the_subscribers_number_has_none_of_his_own() -> None:
    """By the guide's words REF*0F of a dependant is the family's number."""
    family = [a_member("F1"), a_member("F1", ins="INS*N*19*021*20*A***FT", name="NM1*IL*1*PANCAKE*PIP")]
    parent, child = rosters(items_of(an_834(*family, sender="NOBODY")))
    assert [one.type for one in parent.person.identifiers] == ["SN", "MB"]
    assert [(one.type, one.value) for one in child.person.identifiers] == [("SN", "F1")]


def test_a_dependants_family_is_named_by_his_own_row() -> None:
    """REF*0F of a dependant names his family, whichever subscriber's row stands before his."""
    child = a_member("F2", ins="INS*N*19*021*20*A***FT", name="NM1*IL*1*PANCAKE*PIP")
    _, behind = rosters(items_of(an_834(a_member("F1"), child, sender="NOBODY")))
    (alone,) = rosters(items_of(an_834(child, sender="NOBODY")))
    assert behind.person.identifiers == alone.person.identifiers
    assert [(one.type, one.value) for one in alone.person.identifiers] == [("SN", "F2")]


def test_a_correction_gives_the_name_before() -> None:
    """NM1*74 is the name from now on, NM1*70 and REF*Q4 what was known before."""
    data = an_834(
        a_member(
            ins="INS*Y*18*001*25*A***FT",
            before=["REF*Q4*LS0000"],
            name="NM1*74*1*PANCAKE*PETRA",
            after=["NM1*70*1*PANCACKE*PETRA", "DMG*D8*19500407*F"],
        )
    )
    (record,) = rosters(items_of(data))
    assert record.person.name == PersonName("PANCAKE", "PETRA")
    assert record.person.birth_on == date(1950, 7, 4)
    assert record.reason == "25"
    assert record.previous is not None
    assert record.previous.name == PersonName("PANCACKE", "PETRA")
    assert record.previous.birth_on == date(1950, 4, 7)
    assert record.previous.identifiers[0].value == "LS0000"


def test_death_is_told_by_reason_or_day() -> None:
    """INS04 03 on a termination says deceased; INS12 gives the day; 14 voluntary says neither."""
    data = an_834(
        a_member("LS1", ins="INS*Y*18*024*03*A***TE"),
        a_member("LS2", ins="INS*Y*18*024*03*A***TE***D8*20251224"),
        a_member("LS3", ins="INS*Y*18*024*14*A***TE"),
    )
    found = [(one.person.is_deceased, one.person.death_on) for one in rosters(items_of(data))]
    assert found == [(True, None), (True, date(2025, 12, 24)), (False, None)]


@pytest.mark.parametrize(
    ("code", "maintenance"),
    [("001", "change"), ("021", "add"), ("024", "terminate"), ("025", "reinstate"), ("030", "audit")],
)
def test_every_maintenance_type_has_its_word(code: str, maintenance: str) -> None:
    """INS03 says what the row does to the enrolment."""
    (record,) = rosters(items_of(an_834(a_member(ins=f"INS*Y*18*{code}*20*A***FT"))))
    assert record.maintenance is Maintenance(maintenance)


@pytest.mark.parametrize(
    ("member", "field", "code"),
    [
        (a_member(ins="INS*Y*18*777*20*A"), "INS-03", "maintenance"),
        (a_member(ins="INS*Q*18*021*20*A"), "INS-01", "subscriber"),
        (a_member(ins="INS*Y**021*20*A"), "INS-02", "relation"),
        (a_member(number=""), "REF-02", "identifier"),
        (a_member(name=""), "NM1-03", "name"),
        (a_member(dmg="DMG*D8*1950*F"), "DMG-02", "date"),
        (a_member(ins="INS*Y*18*024*03*A***TE***D8*19400101"), "INS-12", "order"),
        (a_member(after=["HD*0**HLT"]), "HD-01", "maintenance"),
    ],
)
def test_a_broken_row_is_rejected_by_place_and_the_rest_goes_on(member: list[list[str]], field: str, code: str) -> None:
    """A row without what matters names the field that lacks it; its neighbours are read."""
    items = items_of(an_834(a_member("LS1"), member, a_member("LS3")))
    (rejection,) = rejections(items)
    assert (rejection.row, rejection.field, rejection.code) == (2, field, code)
    assert rejection.where > 8
    assert [one.position.row for one in rosters(items)] == [1, 3]


def test_what_is_said_names_the_segment() -> None:
    """A wrong birth date is found in its DMG segment, a wrong ZIP in its N4, counted from the ISA."""
    member = a_member("LS1", after_name=["N4*NOWHERE*CA*00000"])
    items = items_of(an_834(member, a_member("LS2", dmg="DMG*D8*1950*F")))
    assert [(one.field, one.where) for one in notices(items)] == [("N4-03", 10)]
    assert [(one.field, one.where) for one in rejections(items)] == [("DMG-02", 17)]


def test_a_rejected_member_is_still_mentioned() -> None:
    """Whose row was rejected stands in the file, even where the number follows the broken segment."""
    member = [["INS", "Y", "18", "021"], ["DTP", "356", "D8", "banana"], ["REF", "0F", "LS7"]]
    items = items_of(an_834(member, a_member(number=""), sender="PRAIRIE", bgn08="4"))
    mentions = [one for one in items if isinstance(one, RosterMention)]
    assert [one.identifiers[0].value for one in mentions] == ["LS7"]
    assert summary(items).unidentified == 1


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ((b"SE*13*", b"SE*114*"), "SE-01", "segment-count"),
        ((b"*0001~\nGE", b"*0009~\nGE"), "SE-02", "control-number"),
        ((b"GE*1*7", b"GE*3*7"), "GE-01", "transaction-count"),
        ((b"GE*1*7", b"GE*1*8"), "GE-02", "control-number"),
        ((b"IEA*1*000000042", b"IEA*2*000000042"), "IEA-01", "group-count"),
        ((b"IEA*1*000000042", b"IEA*1*000000043"), "IEA-02", "control-number"),
        ((b"QTY*TO*1", b"QTY*TO*2"), "QTY*TO-02", "declared-total"),
    ],
)
def test_a_wrong_count_is_told_and_the_rows_are_kept(change: tuple[bytes, bytes], field: str, code: str) -> None:
    """Every count and control number of the envelope is compared; a difference leaves the file incomplete."""
    data = an_834(a_member(before=["REF*1L*G"]), head=["QTY*TO*1"])
    assert summary(items_of(data)).is_complete
    assert change[0] in data
    items = items_of(data.replace(*change))
    assert codes(items) == {(field, code)}
    assert len(rosters(items)) == 1
    assert not summary(items).is_complete


@pytest.mark.parametrize("trailers", ["", "SE", "SE GE", "GE IEA", "IEA"])
def test_a_missing_trailer_leaves_the_file_incomplete(trailers: str) -> None:
    """Members before a missing SE, GE or IEA are kept where a later trailer proves them whole."""
    items = items_of(an_834(a_member("LS1"), a_member("LS2"), trailers=trailers))
    assert len(rosters(items)) == (2 if trailers else 1)
    assert not summary(items).is_complete
    assert {code for _, code in codes(items)} <= {"missing-trailer", "truncated", "segment-count"}


def test_a_roster_cut_within_a_member_rejects_only_that_member() -> None:
    """The last row of a file that just stops may lack its coverage, so it isn't believed."""
    data = an_834(a_member("LS1"), a_member("LS2"))
    items = items_of(data[: data.rindex(b"HD*")])
    assert [one.person.identifiers[0].value for one in rosters(items)] == ["LS1"]
    assert [(one.row, one.code) for one in rejections(items)] == [(2, "truncated")]


def test_an_empty_segment_loses_nothing() -> None:
    """Two terminators in a row end no file."""
    data = an_834(a_member("LS1"), a_member("LS2")).replace(b"REF*0F*LS2~", b"~~REF*0F*LS2~~")
    assert len(rosters(items_of(data))) == 2


def test_members_outside_a_transaction_are_rejected() -> None:
    """INS without ST has no header to go by."""
    data = an_834(a_member()).replace(b"ST*834*0001*005010X220A1~\n", b"")
    assert [(one.field, one.code) for one in rejections(items_of(data))] == [("INS", "outside-transaction")]


def test_another_transaction_in_the_group_is_refused_and_the_834_read() -> None:
    """ST01 other than 834 costs that transaction only."""
    alien = b"ST*820*0009~\nINS*Y*18*021~\nSE*3*0009~\n"
    data = an_834(a_member()).replace(b"ST*834", alien + b"ST*834").replace(b"GE*1*", b"GE*2*")
    items = items_of(data)
    assert len(rosters(items)) == 1
    assert {one.code for one in rejections(items)} == {"not-834"}


def test_utf8_and_windows_names_both_read() -> None:
    """A sender's umlaut survives, whichever of the two charsets he writes."""
    data = an_834(a_member(name="NM1*IL*1*MÜLLER*ZOË"))
    for raw in (data, data.decode().encode("cp1252")):
        (record,) = rosters(items_of(raw))
        assert record.person.name == PersonName("MÜLLER", "ZOË")


def test_contacts_come_in_one_form() -> None:
    """Telephones are ten digits with their use, an e-mail's host is lower case, nonsense is noticed."""
    per = "PER*IP**TE*(312) 555-0100*CP*1-213-555-0199*EM*Petra@HOST.Org"
    items = items_of(an_834(a_member(after_name=[per, "PER*IP**HP*12345"])))
    person = rosters(items)[0].person
    assert [(one.number, one.use) for one in person.phones] == [("3125550100", "other"), ("2135550199", "mobile")]
    assert person.email == "Petra@host.org"
    assert ("PER-04", "phone") in codes(items)


def test_a_bad_zip_is_noticed_and_a_foreign_one_is_none() -> None:
    """00000 is no ZIP code; a Canadian address has none to miss."""
    bad = items_of(an_834(a_member(after_name=["N4*NOWHERE*CA*00000"])))
    assert ("N4-03", "zip") in codes(bad)
    foreign = items_of(an_834(a_member(after_name=["N4*MONTREAL*QC*H2X1Y4*CA"])))
    assert not codes(foreign)
    assert rosters(foreign)[0].person.address is not None


@pytest.mark.parametrize(
    ("place", "zip5", "country"),
    [
        ("N4*MEXICO*DF*06600*MX", "", "MX"), ("N4*BERLIN**10115*DEU", "", "DEU"),
        ("N4*CHICAGO*IL*60601*US", "60601", ""), ("N4*CHICAGO*IL*60601*usa", "60601", ""),
        ("N4*SAN JUAN*PR*00901*PRI", "00901", ""), ("N4*FRESNO*CA*93701*CA", "93701", ""),
        ("N4*CHICAGO*IL*60601*UNK", "60601", ""), ("N4*CHICAGO*IL*60601*1", "60601", ""),
        ("N4*CHICAGO*IL*60601*NULL", "60601", ""), ("N4*CHICAGO*IL*60601*U S A", "60601", ""),
        ("N4*CHICAGO*IL*60601*UNITED STATES OF AMER", "60601", ""), ("N4*MAJURO*MH*96960*MHL", "96960", ""),
    ],
)  # fmt: skip
def test_five_digits_of_a_place_abroad_are_no_zip(place: str, zip5: str, country: str) -> None:
    """Another country's postal code is nobody's ZIP; a territory, the state said once more, a
    number or a word for none is at home."""
    (record,) = rosters(items_of(an_834(a_member(after_name=["N3*1 ELM ST", place]))))
    assert record.person.address is not None
    assert (record.person.address.zip5, record.person.address.country) == (zip5, country)


def test_restricted_access_is_passed_on() -> None:
    """INS13 = R is the sender's wish that few may see the member."""
    (record,) = rosters(items_of(an_834(a_member(ins="INS*Y*18*021*20*A***FT*****R"))))
    assert record.is_restricted


def test_social_security_numbers_stay_where_they_are() -> None:
    """NM109 with qualifier 34 is a social security number and is not taken over."""
    items = items_of(an_834(a_member(name="NM1*IL*1*PANCAKE*PETRA****34*078051120"), sender="NOBODY"))
    assert "078051120" not in repr(items)


def test_the_header_has_the_replay_key_and_the_parties() -> None:
    """Control numbers, sponsor, payer, purpose and totals come first."""
    header = header_of(an_834(a_member(), head=["QTY*TO*1"]))
    assert (header.interchange_control, header.group_control, header.transaction_control) == ("000000042", "7", "0001")
    assert (header.sponsor_id, header.payer_id, header.declared) == ("111222333", "444555666", (("TO", 1),))


def test_a_roster_without_members_has_a_header() -> None:
    """A full file of nobody is still a file of that plan."""
    items = items_of(an_834(sender="PRAIRIE", bgn08="4"))
    assert isinstance(items[0], RosterHeader)
    assert items[0].absence_terminates
    assert summary(items).is_complete


def test_an_endless_member_is_rejected_not_hoarded() -> None:
    """A loop of thousands of segments is no member."""
    items = items_of(an_834(a_member(after=["HD*021**HLT"] * 2100), a_member("LS2")))
    assert [(one.row, one.code) for one in rejections(items)] == [(1, "row-length")]
    assert len(rosters(items)) == 1


def test_a_file_without_terminators_is_refused_not_hoarded() -> None:
    """A segment longer than any is the end of the reading, with the rows before it kept."""
    items = items_of(an_834(a_member("LS1"), a_member("LS2"), trailers="") + b"X" * 70_000)
    assert len(rosters(items)) == 1
    assert "unreadable" in {one.code for one in rejections(items)}


@pytest.mark.slow
def test_a_member_of_long_segments_does_not_fill_the_memory() -> None:
    """One loop of hundreds of segments of nearly 64 kB each is read in the room of some of them."""
    long = "REF*ZZ" + "*ab" * 21_000
    data = an_834(a_member("LS1", before=[long] * 100))
    tracemalloc.start()
    try:
        items = items_of(data)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(rosters(items)) == 1
    assert peak_bytes < 80e6
