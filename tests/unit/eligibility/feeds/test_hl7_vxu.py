"""A registry's message and its doses, on everything senders do differently."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from services.eligibility.feeds.records import (
    Consent,
    DoseOutcome,
    EventKey,
    Identifier,
    Notice,
    PersonName,
)
from tests.unit.eligibility.feeds.builders import (
    a_dose,
    a_vxu,
    codes,
    doses,
    items_of,
    patients,
    rejections,
)


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
    [
        ("202511", "date"),
        ("30240101", "date"),
        ("", "date"),
        ("19480228", "order"),
        ("20160301", "before-product"),
    ],
)
def test_a_dose_of_an_impossible_day_is_rejected(given: str, code: str) -> None:
    """Not before the birth, and a whole date."""
    items = items_of(a_vxu(a_dose(given=given), a_dose("ORC|RE||D-2^IIS")))
    assert [(one.field, one.code) for one in rejections(items)] == [("RXA-3", code)]
    assert len(doses(items)) == 1


def test_a_dose_of_before_its_product_is_deleted_and_refused_like_any() -> None:
    """Only who says that it was given says what can't be: a deletion and a refusal of such a day are taken."""
    deleted, refused = a_dose(given="20160301", action="D"), a_dose(given="20160301", completion="RE", reason="03")
    assert not rejections(items_of(a_vxu(deleted, refused)))


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


@pytest.mark.parametrize(("text", "lot"), [("EL1", "EL1"), ("Quixwhistle", ""), ("19371123", ""), ("", "")])
def test_a_lot_that_is_none_is_left_out(text: str, lot: str) -> None:
    """The dose counts; what stands for its lot and can be none is told to the sender and kept nowhere."""
    items = items_of(a_vxu(a_dose().replace("LOT7", text)))
    assert [one.lot for one in doses(items)] == [lot]
    odd = [one.field for one in items if isinstance(one, Notice)]
    assert ("RXA-15" in odd) == (text != lot)


def test_notices_name_the_row() -> None:
    """A notice tells which dose of the message it is about."""
    odd = a_dose("ORC|RE||D-2^IIS").replace("SKB^GSK^MVX", "QQQ^Who^MVX")
    (notice,) = [one for one in items_of(a_vxu(a_dose(), odd)) if isinstance(one, Notice)]
    assert (notice.row, notice.field, notice.code) == (2, "RXA-17", "mvx")
