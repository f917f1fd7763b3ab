"""What registries send otherwise than the guide: answers, lost line ends, oversized fields, words for numbers."""

from datetime import date

import pytest

from services.eligibility.feeds.records import (
    DoseOutcome,
    EventKey,
    Evidence,
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


def test_messages_without_a_lines_end_between_them_by_other_marks() -> None:
    """Whatever the file's own marks are, they show where the next message begins."""
    glued = a_vxu(a_dose()).removesuffix(b"\r") + a_vxu(a_dose("ORC|RE||D-2^IIS"))
    marks = bytes.maketrans(b"|^~&", b"#@!$")
    usual, others = items_of(glued), items_of(glued.translate(marks))
    assert [one.event for one in doses(others)] == [one.event for one in doses(usual)]
    assert (len(doses(others)), codes(others)) == (2, codes(usual))


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
        "xxxx",
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
    "number",
    ["1", "22", "A1", "99", "1000", "NA-17", "12", "123", "1111", "22222", "777777", "AAAA", "12346", "2345"],
)
def test_a_short_number_is_a_number(number: str) -> None:
    """Clinics count from one."""
    (dose,) = doses(items_of(a_vxu(a_dose(f"ORC|RE||{number}^IIS"))))
    assert dose.event == EventKey(number, "IIS")


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
