"""What a registry message says of how to reach its patient, segment by segment."""

from datetime import date

import pytest

from services.eligibility.feeds.er7 import STANDARD, Field, Segment
from services.eligibility.feeds.vxu_contact import read_phone, stated_contact

SENT = date(2021, 3, 2)
PID = "PID|1||1^^^REG^SR||Sesame^Oma^^^^^L~Sesame^{0}^^^^^N||19400501|F|||1 A ST^^LA^CA^90011^USA^H~{0}^^LA^CA^90011^^M"


def segment(text: str) -> Segment:
    return Segment(1, text, STANDARD)


def nk1(family: str = "Montoya", number: str = "5550133", ended: str = "") -> Segment:
    return segment(f"NK1|1|{family}^Maria^^^^^L|MTH^Mother^HL70063||^PRN^CP^^^213^{number}||||{ended}")


@pytest.mark.parametrize(
    "text", ["^PRN^FX^^^213^5550177", "^PRN^MD^^^213^5550177", "^PRN^BP^^^213^5550177", "^PRN^TDD^^^213^5550177",
             "^EMR^PH^^^213^5550177", "^BPN^PH^^^213^5550177", "^VHN^PH^^^213^5550177", "^PRN^PH^^^213^REDACTED",
             "REDACTED^PRN^PH"],
)  # fmt: skip
def test_no_telephone_of_his(text: str) -> None:
    """A fax, a modem, a beeper, another one's line or what was taken away is no number of the member, and no fault."""
    assert read_phone(Field(text), "home") == (False, None)
    assert read_phone(Field("^PRN^PH^^^213^5550177"), "home")[1] is not None


def test_what_was_taken_away_is_not_said() -> None:
    """Neither a nickname, nor where letters go, nor a relative; a relative's telephone goes alone."""
    assert stated_contact(segment(PID.format("REDACTED")), [nk1("REDACTED")], SENT) is None
    found = stated_contact(segment(PID.format("Nana")), [nk1(number="REDACTED")], SENT)
    assert found is not None
    assert (found.preferred, found.mailing and found.mailing.street) == ("Nana", "Nana")
    assert [one.phones for one in found.representatives] == [()]


@pytest.mark.parametrize(
    ("ended", "is_told"), [("", True), ("20210301", False), ("20210302", True), ("20220101", True)]
)
def test_a_relation_that_is_over_is_none(ended: str, is_told: bool) -> None:
    """A relative whose NK1-9 lies before the day of the message answers for the member no more."""
    found = stated_contact(segment(PID.format("")), [nk1(ended=ended)], SENT)
    assert (found is not None) == is_told
