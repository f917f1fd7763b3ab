"""The reader of registry messages on everything senders do differently."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from services.eligibility.feeds.records import (
    Consent,
    DoseOutcome,
    EventKey,
    Evidence,
    Identifier,
    Notice,
    PersonName,
    VxuHeader,
)
from tests.unit.eligibility.feeds.builders import (
    a_dose,
    a_vxu,
    codes,
    doses,
    items_of,
    patients,
    rejections,
    summary,
)

FHS = b"FHS|^~\\&|REG|IIS||VCC|20260105090000||||F-1\r"
BHS = b"BHS|^~\\&|REG|IIS||VCC|20260105090000||||B-1\r"
PID = "PID|1||777^^^IIS^SR||Waffle^Walter|Syrup|19480229|M||{race}|{address}|||||||||||{ethnicity}"


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\r\r\n", "\n\n"])
def test_lines_may_end_in_any_way(end: str) -> None:
    """CR, LF and CRLF part segments alike."""
    items = items_of(a_vxu(a_dose(), a_dose("ORC|RE||D-2^IIS"), end=end))
    assert [one.event for one in doses(items)] == [EventKey("D-1", "IIS"), EventKey("D-2", "IIS")]


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b"\x0b", b"\r\n\r\n", b""])
def test_what_stands_before_the_header_is_passed_over(before: bytes) -> None:
    """A byte order mark, an MLLP block start and empty lines are no content."""
    assert len(doses(items_of(before + a_vxu(a_dose()) + b"\x1c\r"))) == 1


@pytest.mark.parametrize("lost", [b"MSH", b"MS", b"M"])
def test_a_header_that_lost_its_first_letters_is_mended(lost: bytes) -> None:
    """Some transports cut the beginning of a message; the delimiters still tell what it is."""
    items = items_of(a_vxu(a_dose()).removeprefix(lost))
    assert len(doses(items)) == 1
    assert ("MSH", "headless") in codes(items)


def test_delimiters_come_from_the_header() -> None:
    """MSH-1 and MSH-2 may declare other delimiters."""
    data = a_vxu(a_dose()).translate(bytes.maketrans(b"|^~", b"#@!"))
    (dose,) = doses(items_of(data))
    assert (dose.cvx, dose.event) == ("187", EventKey("D-1", "IIS"))


def test_escapes_become_the_characters_they_stand_for() -> None:
    r"""\T\ is &, \X41\ is A, \E\ the backslash itself, and a formatting command a space."""
    pid = r"PID|1||777^^^IIS^SR||O\T\Reilly^\X416E6E\^a\E\b\.br\c||19480229|F"
    (dose,) = doses(items_of(a_vxu(a_dose(), pid=pid)))
    assert dose.person.name == PersonName("O&Reilly", "Ann", "a\\b c")


@pytest.mark.parametrize(
    ("charset", "raw", "is_guess"),
    [
        ("UNICODE UTF-8", "Müller".encode(), False),
        ("", "Müller".encode(), False),
        ("8859/1", "Müller".encode("latin-1"), False),
        ("", "Müller".encode("latin-1"), True),
        ("UNICODE UTF-8", "Müller".encode("cp1252"), True),
    ],
)
def test_names_survive_their_charset(charset: str, raw: bytes, is_guess: bool) -> None:
    """MSH-18 decides, else UTF-8, else the Windows charset with a notice."""
    msh = f"MSH|^~\\&|REG|IIS|VCC|VCC|20260105090000-0600||VXU^V04|M-1|P|2.5.1||||||{charset}"
    data = a_vxu(a_dose(), msh=msh).replace(b"Waffle", raw)
    items = items_of(data)
    assert doses(items)[0].person.name == PersonName("Müller", "Walter", "W")
    assert (("MSH-18", "charset") in codes(items)) is is_guess


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20260105090000-0600", datetime(2026, 1, 5, 9, tzinfo=timezone(timedelta(hours=-6)))),
        ("20260105090000.655+0215", datetime(2026, 1, 5, 9, tzinfo=timezone(timedelta(hours=2, minutes=15)))),
        ("202601050900", datetime(2026, 1, 5, 15, tzinfo=UTC)),
        ("20260105090000+9999", datetime(2026, 1, 5, 15, tzinfo=UTC)),
        ("20260105", datetime(2026, 1, 6, 5, 59, 59, 999_999, tzinfo=UTC)),
        ("20260105-0500", datetime(2026, 1, 6, 4, 59, 59, 999_999, tzinfo=UTC)),
        ("20260705090000", datetime(2026, 7, 5, 14, tzinfo=UTC)),
        ("yesterday", None),
    ],
)
def test_message_times_have_odd_zones(text: str, expected: datetime | None) -> None:
    """Any zone on Earth is taken; without one the sender's own holds, with its summer; a day alone is its end."""
    msh = f"MSH|^~\\&|REG|IIS|VCC|VCC|{text}||VXU^V04^VXU_V04|M-1|P|2.5.1"
    items = items_of(a_vxu(a_dose(given="20251101"), msh=msh))
    assert doses(items)[0].message_at == expected
    assert (("MSH-7", "time") in codes(items)) is (expected is None)


def test_a_dose_has_all_that_was_said() -> None:
    """Vaccine, product, place and message of one event."""
    (dose,) = doses(items_of(a_vxu(a_dose() + "\nOBX|1|CE|64994-7^VFC^LN|1|V01^Not eligible^HL70064")))
    assert (dose.cvx, dose.mvx, dose.lot, dose.expires_on) == ("187", "SKB", "LOT7", date(2027, 12, 31))
    assert (dose.site, dose.route, dose.facility, dose.funding_eligibility) == ("LD", "IM", "CLINIC-9", "V01")
    assert (dose.outcome, dose.action, dose.message_control_id) == (DoseOutcome.ADMINISTERED, "A", "M-1")
    assert dose.person.identifiers == (Identifier("SR", "IIS", "777"),)
    assert dose.person.mother_maiden == "Syrup"
    assert dose.consent == Consent(
        is_protected=False, publicity="02", registry_status="A", protected_on=date(2025, 1, 1)
    )


@pytest.mark.parametrize(
    ("vaccine", "cvx", "ndc"),
    [
        ("187^zoster^CVX", "187", ""),
        ("8^HepB^CVX", "08", ""),
        ("00006-4121-01^GARDASIL 9^NDC^165^HPV9^CVX", "165", "00006-4121-01"),
        ("49281-0215-88^TENIVAC^NDC", "113", "49281-0215-88"),
        ("49281-215-88^TENIVAC^NDC", "113", "49281-215-88"),
        ("49281021588^TENIVAC^NDC", "113", "49281021588"),
        ("33^PPV23^HL70292^90732^PPV23^C4", "33", ""),
        ("33", "33", ""),
    ],
)
def test_a_vaccine_is_known_by_cvx_or_ndc(vaccine: str, cvx: str, ndc: str) -> None:
    """Either code in either place; an NDC alone is crossed to its CVX in any spelling."""
    (dose,) = doses(items_of(a_vxu(a_dose(vaccine=vaccine))))
    assert (dose.cvx, dose.ndc) == (cvx, ndc)


@pytest.mark.parametrize(
    ("vaccine", "code"), [("777^x^CVX", "cvx"), ("11111-1111-11^x^NDC", "ndc"), ("", "cvx"), ("90732^x^C4", "cvx")]
)
def test_an_unknown_vaccine_costs_only_its_own_dose(vaccine: str, code: str) -> None:
    """The other doses of the message are read."""
    items = items_of(a_vxu(a_dose(), a_dose("ORC|RE||D-2^IIS", vaccine=vaccine), a_dose("ORC|RE||D-3^IIS")))
    assert [one.position.row for one in doses(items)] == [1, 3]
    assert [(one.row, one.field, one.code) for one in rejections(items)] == [(2, "RXA-5", code)]


def test_an_ndc_of_another_vaccine_is_noticed() -> None:
    """Where the codes differ the CVX code holds."""
    items = items_of(a_vxu(a_dose(vaccine="00006-4121-01^GARDASIL 9^NDC^187^zoster^CVX")))
    assert doses(items)[0].cvx == "187"
    assert ("RXA-5", "ndc-differs") in codes(items)


@pytest.mark.parametrize(
    ("completion", "reason", "vaccine", "outcome"),
    [
        ("CP", "", "187^z^CVX", "administered"),
        ("", "", "187^z^CVX", "administered"),
        ("PA", "", "187^z^CVX", "partially-administered"),
        ("RE", "03^Patient decision^NIP002", "187^z^CVX", "refused"),
        ("RE", "02^Other^NIP002", "187^z^CVX", "refused"),
        ("RE", "02^Missed Appointment^NIP002", "187^z^CVX", "missed-appointment"),
        ("NA", "", "187^z^CVX", "not-administered"),
        ("CP", "", "998^no vaccine administered^CVX", "not-administered"),
    ],
)
def test_what_happened_is_told_by_status_reason_and_code(
    completion: str, reason: str, vaccine: str, outcome: str
) -> None:
    """A missed appointment is no refusal, and 998 is no vaccine."""
    (dose,) = doses(items_of(a_vxu(a_dose(completion=completion, reason=reason, vaccine=vaccine))))
    assert dose.outcome == DoseOutcome(outcome)


def test_a_refusal_keeps_its_reason_and_has_no_event() -> None:
    """ORC-3 9999 is the guide's filler of events that never were, shared by all of them."""
    (dose,) = doses(items_of(a_vxu(a_dose("ORC|RE||9999^IIS", completion="RE", reason="03^Patient decision"))))
    assert (dose.refusal_reason, dose.event) == ("03", None)


@pytest.mark.parametrize("action", ["A", "U", "D"])
def test_an_event_is_added_updated_or_deleted(action: str) -> None:
    """RXA-21 says what to do with the event of that key."""
    (dose,) = doses(items_of(a_vxu(a_dose(action=action))))
    assert (dose.action, dose.event) == (action, EventKey("D-1", "IIS"))


def test_a_deletion_needs_no_vaccine() -> None:
    """The key is enough to delete by."""
    (dose,) = doses(items_of(a_vxu(a_dose(action="D", vaccine=""))))
    assert (dose.action, dose.cvx) == ("D", "")


@pytest.mark.parametrize(("source", "is_historical"), [("00^New", False), ("01^Historical", True), ("", False)])
def test_history_is_told_by_its_source(source: str, is_historical: bool) -> None:
    """RXA-9 other than 00 is what somebody else gave."""
    (dose,) = doses(items_of(a_vxu(a_dose(source=source))))
    assert dose.is_historical is is_historical


@pytest.mark.parametrize(
    ("given", "code"),
    [("202511", "date"), ("30240101", "date"), ("", "date"), ("19480228", "order")],
)
def test_a_dose_of_an_impossible_day_is_rejected(given: str, code: str) -> None:
    """Not before the birth, and a whole date."""
    items = items_of(a_vxu(a_dose(given=given), a_dose("ORC|RE||D-2^IIS")))
    assert [(one.field, one.code) for one in rejections(items)] == [("RXA-3", code)]
    assert len(doses(items)) == 1


def test_a_dose_later_than_its_message_is_kept_with_a_notice() -> None:
    """Clocks and test messages are off by days; a dose that lies ahead counts only once its day has come."""
    items = items_of(a_vxu(a_dose(given="20260106")))
    assert [dose.administered_on for dose in doses(items)] == [date(2026, 1, 6)]
    assert [(one.field, one.code) for one in items if isinstance(one, Notice)] == [("RXA-3", "future")]


@pytest.mark.parametrize(
    ("wrong", "field", "code"),
    [({"completion": "XX"}, "RXA-20", "completion"), ({"action": "Z"}, "RXA-21", "action")],
)
def test_a_code_of_no_table_rejects_the_dose(wrong: dict[str, str], field: str, code: str) -> None:
    """Nobody guesses whether a vaccine was given."""
    items = items_of(a_vxu(a_dose(**wrong)))
    assert [(one.field, one.code) for one in rejections(items)] == [(field, code)]


@pytest.mark.parametrize(
    ("pid", "field", "code"),
    [
        ("", "PID", "patient"),
        ("PID|1||||||19480229|M", "PID-3", "identifier"),
        ("PID|1||777^^^IIS^SR||Waffle^Walter||1948-02-29|M", "PID-7", "date"),
    ],
)
def test_a_message_of_nobody_is_one_rejected_row(pid: str, field: str, code: str) -> None:
    """Without a patient no dose of the message can be used; the next message is read."""
    items = items_of(a_vxu(a_dose(), a_dose("ORC|RE||D-2^IIS"), pid=pid) + a_vxu(a_dose()))
    assert [(one.row, one.field, one.code) for one in rejections(items)] == [(1, field, code)]
    assert [one.position.row for one in doses(items)] == [2]


@pytest.mark.parametrize("kind", ["QBP^Q11^QBP_Q11", "ACK^V04^ACK", "ADT^A04", ""])
def test_other_messages_are_refused_with_a_sentence(kind: str) -> None:
    """Queries, answers and acknowledgements in a file cost nothing but themselves."""
    msh = f"MSH|^~\\&|REG|IIS|VCC|VCC|20260105||{kind}|M-2|P|2.5.1"
    items = items_of(a_vxu(msh=msh) + a_vxu(a_dose()))
    (rejection,) = rejections(items)
    assert (rejection.field, rejection.code) == ("MSH-9", "not-vxu")
    assert rejection.expected.startswith("VXU^V04")
    assert len(doses(items)) == 1


def test_a_message_without_doses_is_about_its_patient() -> None:
    """A VXU without RXA updates who somebody is."""
    (patient,) = patients(items_of(a_vxu()))
    assert patient.person.birth_on == date(1948, 2, 29)
    assert patient.consent.publicity == "02"


def test_an_old_message_without_orders_is_read() -> None:
    """2.3.1 has RXA without ORC, and races by letters."""
    msh = "MSH|^~\\&|REG|IIS|VCC|VCC|20260105||VXU^V04|M-1|P|2.3.1"
    pid = "PID|1||777||Waffle^Walter||19480229|M||B|||||||||||||H"
    items = items_of(a_vxu("RXA|0|1|20251101||33^PPV23^CVX|999", "RXA|0|1|20241101||88^flu^CVX", msh=msh, pid=pid))
    assert [(one.cvx, one.event) for one in doses(items)] == [("33", None), ("88", None)]
    assert doses(items)[0].person.races == ("2054-5",)
    assert doses(items)[0].person.identifiers == (Identifier("PI", "IIS", "777"),)
    assert ("PID-3", "assigner") in codes(items)


def test_an_order_without_a_vaccination_is_a_rejected_row() -> None:
    """ORC alone reports nothing."""
    items = items_of(a_vxu("ORC|RE||D-1^IIS", a_dose("ORC|RE||D-2^IIS")))
    assert [(one.row, one.code) for one in rejections(items)] == [(1, "no-vaccination")]
    assert [one.position.row for one in doses(items)] == [2]


def test_redacted_names_are_no_names() -> None:
    """What a de-identified extract took away must not link anybody."""
    pid = "PID|||5^^^IIS^SR||Redacted^Redacted^Redacted||20150826|F||UNK^^CDCREC|Redacted^Redacted^Redacted^MI^48877"
    (dose,) = doses(items_of(a_vxu(a_dose(), pid=pid)))
    assert dose.person.name is None
    assert dose.person.address is not None
    assert (dose.person.address.street, dose.person.address.zip5) == ("", "48877")


@pytest.mark.parametrize(
    ("race", "ethnicity", "races", "found"),
    [
        ("2106-3^White~2028-9^Asian", "2186-5^Not Hispanic", ("2106-3", "2028-9"), "2186-5"),
        ("2034-7^Chinese", "2148-5^Mexican", ("2028-9",), "2135-2"),
        ("2135-2^Hispanic", "", (), "2135-2"),
        ("UNK", "UNK", (), None),
    ],
)
def test_every_race_is_kept_beside_the_ethnicity(race: str, ethnicity: str, races: tuple[str], found: str) -> None:
    """Races repeat, detailed codes become their category, unknown stays unsaid."""
    items = items_of(a_vxu(a_dose(), pid=PID.format(race=race, address="", ethnicity=ethnicity)))
    person = doses(items)[0].person
    assert (person.races, person.ethnicity) == (races, found)
    assert not codes(items)


@pytest.mark.parametrize(
    ("address", "county", "tract"),
    [
        ("1 Elm^^LA^CA^90012^USA^H^^06037^206200", "06037", "06037206200"),
        ("1 Elm^^LA^CA^90012^USA^H^^06037^2062.00", "06037", "06037206200"),
        ("1 Elm^^LA^CA^90012^USA^H^^^06037206200", "06037", "06037206200"),
        ("1 Elm^^LA^CA^90012^USA^H^^06037^Downtown", "06037", ""),
        ("9 Bad^^LA^CA^94601^USA^BA^^06001~1 Elm^^LA^CA^90012^USA^H^^06037", "06037", ""),
    ],
)
def test_county_and_tract_are_codes_or_nothing(address: str, county: str, tract: str) -> None:
    """PID-11.9 and .10 in the ways they are written; words are no codes."""
    (dose,) = doses(items_of(a_vxu(a_dose(), pid=PID.format(race="", address=address, ethnicity=""))))
    assert dose.person.address is not None
    assert (dose.person.address.county, dose.person.address.tract) == (county, tract)


@pytest.mark.parametrize(("flag", "expected"), [("Y", True), ("N", False), ("", None), ('""', None)])
def test_protection_is_only_what_was_said(flag: str, expected: bool | None) -> None:
    """PD1-12: Y bars sharing and outreach, nothing is no answer."""
    (dose,) = doses(items_of(a_vxu(a_dose(), pd1=f"PD1|||||||||||02|{flag}")))
    assert dose.consent.is_protected is expected


def test_a_social_security_number_is_left_out() -> None:
    """PID-3 of type SS is never taken over."""
    pid = "PID|1||777^^^IIS^SR~078051120^^^SSA^SS||Waffle^Walter||19480229|M"
    assert "078051120" not in repr(items_of(a_vxu(a_dose(), pid=pid)))


def test_one_number_of_three_people_stays_three_people() -> None:
    """An identifier that a sender uses twice arrives with each person's own name and birth date."""
    people = ("Wong^Elise||19880417", "Peters^Nancy||19491221", "Benton^Ann||19700101")
    data = b"".join(a_vxu(a_dose(), pid=f"PID|1||89778^^^NIST-MPI-1^MR||{one.replace('||', '||')}|F") for one in people)
    assert len({(one.person.name, one.person.birth_on) for one in doses(items_of(data))}) == 3


def test_a_broken_line_breaks_its_message_only() -> None:
    """A line without a segment name may be the lost half of the one before."""
    broken = a_vxu(a_dose()).replace(b"Syrup", b"Sy\rrup")
    items = items_of(broken + a_vxu(a_dose()))
    assert [(one.row, one.code) for one in rejections(items)] == [(1, "broken-line")]
    assert len(doses(items)) == 1


def test_text_of_an_observation_may_go_on_in_the_next_line() -> None:
    """Free text with a line break in it costs nothing."""
    items = items_of(a_vxu(a_dose() + "\nOBX|1|ST|note^Note^L|1|first line", "and the second"))
    assert len(doses(items)) == 1
    assert not rejections(items)


# -- what registries say otherwise than the guide


Z32 = "MSH|^~\\&|IIS|IIS|VCC|VCC|20260105090000-0600||RSP^K11^RSP_K11|R-1|P|2.5.1|||||||||{profile}^CDCPHINVS"
QUERY = "MSA|AA|Q-1\rQAK|Q-1|OK|Z34^x^CDCPHINVS\rQPD|Z34^x^CDCPHINVS|Q-1\r"


@pytest.mark.parametrize("profile", ["Z32", "Z42", ""])
def test_an_answer_with_a_history_is_read(profile: str) -> None:
    """A registry's answer about one patient brings vaccinations as a message of them does; a forecast in it is none."""
    forecast = a_dose("ORC|RE||9999^IIS", vaccine="998^no vaccine administered^CVX", completion="NA")
    data = a_vxu(a_dose(), forecast, msh=Z32.format(profile=profile)).replace(b"PID|", QUERY.encode() + b"PID|")
    items = items_of(data)
    assert [(one.cvx, one.outcome, one.sender) for one in doses(items)] == [
        ("187", DoseOutcome.ADMINISTERED, "IIS"), ("998", DoseOutcome.NOT_ADMINISTERED, "IIS"),
    ]  # fmt: skip
    assert not rejections(items)


@pytest.mark.parametrize(("profile", "pids"), [("Z31", 2), ("Z33", 0), ("Z34", 1)])
def test_an_answer_without_a_history_says_what_is_missing(profile: str, pids: int) -> None:
    """Candidates, nobody found and errors are one rejected row that tells what an answer must bring."""
    pid = "\r".join(["PID|1||777^^^IIS^SR||Waffle^Walter||19480229|M"] * pids)
    (rejection,) = rejections(items_of(a_vxu(msh=Z32.format(profile=profile), pid=pid)))
    assert (rejection.row, rejection.field, rejection.code) == (1, "MSH-9", "no-history")
    assert "Z32" in rejection.expected


def test_an_answer_about_a_patient_without_doses_is_about_the_patient() -> None:
    """Z32 of somebody who had nothing is a row of its own."""
    assert len(patients(items_of(a_vxu(msh=Z32.format(profile="Z32"))))) == 1


def test_messages_in_one_line_are_parted() -> None:
    """A header that follows without a line's end begins its message, and the notice says so."""
    glued = a_vxu(a_dose()).removesuffix(b"\r") + a_vxu(a_dose("ORC|RE||D-2^IIS")).removesuffix(b"\r")
    items = items_of(glued + a_vxu(a_dose("ORC|RE||D-3^IIS")))
    assert [one.event and one.event.value for one in doses(items)] == ["D-1", "D-2", "D-3"]
    assert codes(items) == {("MSH", "glued")}


@pytest.mark.parametrize("end", ["", " ", "\\r"])
def test_segments_in_one_line_are_told(end: str) -> None:
    """A message without line ends, or with them written out, names what is missing and costs itself alone."""
    items = items_of(a_vxu(a_dose(), end=end) + b"\r" + a_vxu(a_dose()))
    assert [(one.row, one.field, one.code) for one in rejections(items)] == [(1, "MSH", "line-ends")]
    assert len(doses(items)) == 1


def test_names_of_segments_in_lower_case_are_read() -> None:
    """Said in a notice, for what is not the standard may stop others."""
    data = "\r".join(line[:3].lower() + line[3:] for line in a_vxu(a_dose()).decode().split("\r"))
    items = items_of(data.encode())
    assert len(doses(items)) == 1
    assert codes(items) == {("MSH", "lower-case")}


@pytest.mark.parametrize("size", [(1 << 20) + (1 << 17), 5 << 20])
def test_an_oversized_observation_loses_itself_only(size: int) -> None:
    """A document within an observation costs no dose, neither of its message nor of the next one."""
    big = f"OBX|9|ED|x^y^LN|1|{'A' * size}"
    items = items_of(a_vxu(a_dose() + "\n" + big, a_dose("ORC|RE||D-2^IIS")) + a_vxu(a_dose("ORC|RE||D-3^IIS")) * 2)
    assert len(doses(items)) == 4
    assert codes(items) == {("OBX", "segment-length")}


def test_an_oversized_patient_loses_its_message_only() -> None:
    """Without the segment that says who it is nothing of the message can be used; the next ones are whole."""
    data = a_vxu(a_dose()).replace(b"Syrup", b"S" * (2 << 20)) + a_vxu(a_dose()) * 2
    items = items_of(data)
    assert [(one.row, one.field, one.code) for one in rejections(items)] == [(1, "PID", "segment-length")]
    assert len(doses(items)) == 2


def test_a_batch_of_nothing_says_so() -> None:
    """Frames without a message are no silent success, unless the trailer counts none."""
    assert codes(items_of(FHS + BHS + b"BTS|1\rFTS|1\r")) >= {("file", "no-messages")}
    assert not codes(items_of(FHS + BHS + b"BTS|0\rFTS|1\r"))


@pytest.mark.parametrize(
    "number",
    [
        "9999",
        "UNK",
        "unknown",
        "N/A",
        "None",
        "0",
        "0000",
        "TBD",
        "99999",
        "999",
        "Not Available",
        "XXX",
        "-",
        "1234",
        "12345",
        "123456789",
        "1234567890",
        "0123456789",
        "N.A.",
        "000-000",
    ],
)
def test_a_word_in_place_of_a_number_names_nothing(number: str) -> None:
    """ORC-3 filled with what a sender writes where it has no number."""
    (dose,) = doses(items_of(a_vxu(a_dose(f"ORC|RE||{number}^IIS"))))
    assert dose.event is None


@pytest.mark.parametrize(
    "number", ["1", "22", "A1", "99", "1000", "NA-17", "12", "123", "1111", "22222", "777777", "AAAA", "12346", "2345"]
)
def test_a_short_number_is_a_number(number: str) -> None:
    """Clinics count from one."""
    (dose,) = doses(items_of(a_vxu(a_dose(f"ORC|RE||{number}^IIS"))))
    assert dose.event == EventKey(number, "IIS")


@pytest.mark.parametrize(
    ("names", "family"),
    [
        ("Lopez^Luz^^^^^M~Garcia^Luz", "Garcia"),
        ("Lulu^^^^^^N~Garcia^Luz^^^^^L", "Garcia"),
        ("Alias^A^^^^^A~Display^D^^^^^D~Garcia^Luz^^^^^L", "Garcia"),
        ("Lopez^Luz^^^^^M~Garcia^Luz^^^^^D", "Garcia"),
        ("^^^^^^L~Garcia^Luz^^^^^M", "Garcia"),
        ("Lopez^Luz^^^^^B~Garcia^Luz^^^^^l", "Garcia"),
        ("Garcia^Luz^^^^^A", "Garcia"),
        ("Garcia^Luz^^^^^L~Lopez^Luz^^^^^L", "Garcia"),
    ],
)
def test_a_name_is_chosen_by_its_type(names: str, family: str) -> None:
    """PID-5: the legal name, wherever it stands; another kind only where there is nothing better."""
    (dose,) = doses(items_of(a_vxu(a_dose(), pid=f"PID|1||777^^^IIS^SR||{names}||19500102|F")))
    assert dose.person.name is not None
    assert dose.person.name.family == family


@pytest.mark.parametrize(
    ("address", "zip5"),
    [
        ("^^Peoria^IL^61602^USA^BDL~1 Elm^^Chicago^IL^60601^USA^H", "60601"),
        ("1 Elm^^Peoria^IL^61602^USA^BR~1 Elm^^Chicago^IL^60601", "60601"),
        ("9 Mail^^Peoria^IL^61602^USA^M~1 Elm^^Chicago^IL^60601^USA^P", "60601"),
        ("9 Work^^Peoria^IL^61602^USA^B~1 Elm^^Chicago^IL^60601^USA^C", "60601"),
        ("1 Elm^^Chicago^IL^^USA^H~1 Elm^^Chicago^IL^60601^USA^M", "60601"),
        ("^^^^~1 Elm^^Chicago^IL^60601^USA^L", "60601"),
        ("^^Peoria^IL^61602^USA^BDL", None),
        ("^^Peoria^IL^61602^USA^N~9 Bad^^Peoria^IL^61602^USA^BA", None),
    ],
)
def test_an_address_is_chosen_by_its_type(address: str, zip5: str | None) -> None:
    """PID-11: where somebody lives, never where somebody was born."""
    (dose,) = doses(items_of(a_vxu(a_dose(), pid=PID.format(race="", address=address, ethnicity=""))))
    assert (dose.person.address.zip5 if dose.person.address else None) == zip5


def test_observations_tell_immunity_and_contraindications() -> None:
    """Coded, with their day, their end, and the vaccine they were sent with; what was withdrawn is not said."""
    told = (
        "\nOBX|1|CE|59784-9^Immunity^LN|1|38907003^Varicella^SCT||||||F"
        "\nOBX|2|CE|30945-0^Contraindication^LN|2|VXC23^fever^CDCPHINVS||||||F|||20251031"
        "\nOBX|3|TS|30946-8^from^LN|2|20251030||||||F\nOBX|4|TS|30944-3^until^LN|2|20251130||||||F"
        "\nOBX|5|CE|75505-8^Serology^LN|3|371113008^Immune^SCT||||||W"
    )
    (dose,) = doses(items_of(a_vxu(a_dose(vaccine="998^none^CVX", completion="NA") + told)))
    assert dose.evidence == (
        Evidence("immunity", "snomed", "38907003"),
        Evidence("contraindication", "cdcphinvs", "VXC23", date(2025, 10, 30), date(2025, 11, 30)),
    )


# -- batches


def test_a_batch_with_right_counts_is_complete() -> None:
    """FHS, BHS, BTS and FTS frame the messages and count them."""
    items = items_of(FHS + BHS + a_vxu(a_dose()) * 3 + b"BTS|3\rFTS|1\r")
    assert items[0] == VxuHeader("IIS", "VCC", "F-1", datetime(2026, 1, 5, 15, tzinfo=UTC), is_batch=True)
    assert len(doses(items)) == 3
    assert summary(items).is_complete


@pytest.mark.parametrize(
    ("trailer", "field", "code"),
    [
        (b"BTS|4\rFTS|1\r", "BTS-1", "message-count"),
        (b"BTS|3\rFTS|2\r", "FTS-1", "batch-count"),
    ],
)
def test_a_wrong_count_of_a_batch_is_told(trailer: bytes, field: str, code: str) -> None:
    """Lost messages show in the counts, and the messages that came are kept."""
    items = items_of(FHS + BHS + a_vxu(a_dose()) * 3 + trailer)
    assert codes(items) == {(field, code)}
    assert len(doses(items)) == 3
    assert not summary(items).is_complete


def test_the_last_row_of_a_batch_without_its_trailer_is_not_believed() -> None:
    """What follows a row proves it whole; where the trailer is missing nothing does."""
    items = items_of(FHS + BHS + a_vxu(a_dose()) * 3)
    assert codes(items) == {("file", "truncated")}
    assert [one.position.row for one in doses(items)] == [1, 2]
    assert not summary(items).is_complete


def test_a_batch_cut_within_a_message_keeps_the_doses_before_the_cut() -> None:
    """Only the last dose that came is in doubt, not the ones before it in the same message."""
    data = FHS + BHS + a_vxu(a_dose(), a_dose("ORC|RE||D-2^IIS"), a_dose("ORC|RE||D-3^IIS"))
    items = items_of(data[: data.rindex(b"RXR")])
    assert [one.event for one in doses(items)] == [EventKey("D-1", "IIS"), EventKey("D-2", "IIS")]
    assert [(one.row, one.code) for one in rejections(items)] == [(3, "truncated")]


def test_batches_in_a_file_are_counted_each() -> None:
    """BTS counts its own batch, FTS the batches."""
    batch = BHS + a_vxu(a_dose()) * 2 + b"BTS|2\r"
    items = items_of(FHS + batch + batch + b"FTS|2\r")
    assert summary(items).is_complete
    assert len(doses(items)) == 4


def test_a_dose_cut_off_by_the_end_of_the_file_is_not_believed() -> None:
    """A segment that lost its status could be a refusal."""
    data = a_vxu(a_dose(), a_dose("ORC|RE||D-2^IIS", completion="RE", reason="03"))
    items = items_of(data[: data.rindex(b"|RE|A")])
    assert [one.event for one in doses(items)] == [EventKey("D-1", "IIS")]
    assert [(one.row, one.code) for one in rejections(items)] == [(2, "truncated")]


def test_notices_name_the_row() -> None:
    """A notice tells which dose of the message it is about."""
    odd = a_dose("ORC|RE||D-2^IIS").replace("SKB^GSK^MVX", "QQQ^Who^MVX")
    (notice,) = [one for one in items_of(a_vxu(a_dose(), odd)) if isinstance(one, Notice)]
    assert (notice.row, notice.field, notice.code) == (2, "RXA-17", "mvx")
