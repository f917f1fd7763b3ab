"""Of whom a registry's message speaks: names, numbers, addresses, races, protection."""

from datetime import date

import pytest

from services.eligibility.feeds.records import Consent
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

PID = "PID|1||777^^^IIS^SR||Waffle^Walter|Syrup|19480229|M||{race}|{address}|||||||||||{ethnicity}"


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


PROTECTS = "PD1|||||||||||02|Y"
CROWDED = f"RXR|{'~'.join('x' * 101)}"
BROKEN_DOSE = a_dose().replace("|0.5|", "|0.5\n|")
CROWDED_PATIENT = f"PID|1||{'~'.join(f'{n}^^^REG^SR' for n in range(5000))}||Waffle^Walter||19480229|M"
BROKEN_PATIENT = "PID|1||12\n3456^^^REG^SR||Waffle^Walter||19480229|M"


@pytest.mark.parametrize(
    ("edge", "broken", "rejected"),
    [
        ("no such vaccine", a_dose(vaccine="9999^x^CVX"), {"cvx"}),
        ("no day", a_dose(given="soon"), {"date"}),
        ("two of them", f"{a_dose(given='soon')}\n{a_dose('ORC|RE||D-2^IIS', given='later')}", {"date"}),
        ("a line that breaks in the dose", BROKEN_DOSE, {"broken-line"}),
        ("a crowded segment", f"{a_dose()}\n{CROWDED}", {"repetitions"}),
        ("a dose of a mebibyte", a_dose(given="2" * (2 << 20)), {"segment-length"}),
    ],
)
def test_a_message_whose_dose_is_rejected_still_protects(edge: str, broken: str, rejected: set[str]) -> None:
    """Of a message of which no vaccination can be taken the patient is heard, who is not to be shared: a row of its own
    behind the rejected ones, with the message's instant."""
    items = items_of(a_vxu(broken, pd1=PROTECTS))
    assert {one.code for one in rejections(items)} == rejected, edge
    (patient,) = patients(items)
    assert (patient.consent.is_protected, patient.position.row) == (True, len(rejections(items)) + 1)
    assert patient.person.name is not None
    assert patient.message_at is not None
    assert (patient.sender, summary(items).rows) == ("IIS", patient.position.row)


@pytest.mark.parametrize(
    ("edge", "data"),
    [
        ("it says nothing of sharing", a_vxu(a_dose(given="soon"), pd1="")),
        ("it shares", a_vxu(a_dose(given="soon"))),
        ("its dose is taken", a_vxu(a_dose(), a_dose("ORC|RE||D-2^IIS", given="soon"), pd1=PROTECTS)),
        ("nobody knows whose it is", a_vxu(a_dose(given="soon"), pid="PID|1||777^^^IIS^SR||Waffle||x|M", pd1=PROTECTS)),
        ("two patients", a_vxu("PID|2||778^^^IIS^SR||Roe^Rita||19480229|F", a_dose(given="soon"), pd1=PROTECTS)),
        ("the line of the word is broken", a_vxu("|Y", a_dose(), pd1=PROTECTS)),
        ("the lines of the patient and of the dose are broken", a_vxu(BROKEN_DOSE, pid=BROKEN_PATIENT, pd1=PROTECTS)),
        ("a number alone", a_vxu(BROKEN_DOSE, pid="PID|1||12^^^REG^SR", pd1=PROTECTS)),
        ("no day of birth", a_vxu(BROKEN_DOSE, pid="PID|1||12^^^REG^SR||Waffle^Walter", pd1=PROTECTS)),
        ("numbers in a crowd", a_vxu(BROKEN_DOSE, pid=CROWDED_PATIENT, pd1=PROTECTS)),
        ("it is a query", a_vxu(a_dose(), pd1=PROTECTS).replace(b"VXU^V04^VXU_V04", b"QBP^Q11^QBP_Q11")),
    ],
)  # fmt: skip
def test_nobody_is_heard_of_any_other_rejected_message(edge: str, data: bytes) -> None:
    """A rejected message lifts nothing, and says nothing where its patient or its word can't be trusted; one of whose
    doses one is taken has said it with that."""
    items = items_of(data)
    assert rejections(items), edge
    assert not patients(items), edge


PROTECTS_SINCE = "PD1|||||||||||02|Y|20260104|||A||20260105"
PROTECTED_SINCE = Consent(is_protected=True, protected_on=date(2026, 1, 4))
WITH_DEATH = "PID|1||777^^^IIS^SR||Waffle^Walter||19480229|M" + "|" * 21


@pytest.mark.parametrize(
    ("edge", "pid", "pd1", "consent", "is_deceased"),
    [
        ("dead, and may be shared", f"{WITH_DEATH}20251224|Y", "PD1|||||||||||02|N", Consent(), True),
        ("protected, and lives", f"{WITH_DEATH}|N", PROTECTS_SINCE, PROTECTED_SINCE, False),
        ("protected, and may have died", f"{WITH_DEATH}20251224|N", PROTECTS, Consent(is_protected=True), False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("dose", [a_dose(given="soon"), BROKEN_DOSE])
def test_a_rejected_message_lifts_nothing(
    edge: str, pid: str, pd1: str, consent: Consent, is_deceased: bool, dose: str
) -> None:
    """Of its patient only that he is not to be shared, or has died, is taken: neither that he lives, nor that he may be
    shared or reminded, nor what else his registry knows of him."""
    (patient,) = patients(items_of(a_vxu(dose, pid=pid, pd1=pd1)))
    assert patient.consent == consent, edge
    assert (patient.person.is_deceased, patient.person.vital) == (is_deceased, ""), edge


def test_a_death_in_a_message_whose_dose_is_rejected_is_heard() -> None:
    """It only stops others, so it is not lost with the dose."""
    (patient,) = patients(items_of(a_vxu(a_dose(given="soon"), pid=f"{WITH_DEATH}20251224|Y", pd1="")))
    assert patient.person.is_deceased


def test_a_social_security_number_is_left_out() -> None:
    """PID-3 of type SS is never taken over."""
    pid = "PID|1||777^^^IIS^SR~078051120^^^SSA^SS||Waffle^Walter||19480229|M"
    assert "078051120" not in repr(items_of(a_vxu(a_dose(), pid=pid)))


@pytest.mark.parametrize("number", ["UNKNOWN", "0000", "999999999", "N/A", "XXX", ""])
def test_a_word_for_no_number_is_no_patients(number: str) -> None:
    """PID-3 filled with what a sender writes where it has no number would tie strangers to one person."""
    pid = f"PID|1||{number}^^^IIS^SR~777^^^CLINIC^MR||Waffle^Walter||19480229|M"
    (dose,) = doses(items_of(a_vxu(a_dose(), pid=pid)))
    assert [identifier.value for identifier in dose.person.identifiers] == ["777"]


def test_one_number_of_three_people_stays_three_people() -> None:
    """An identifier that a sender uses twice arrives with each person's own name and birth date."""
    people = ("Wong^Elise||19880417", "Peters^Nancy||19491221", "Benton^Ann||19700101")
    data = b"".join(a_vxu(a_dose(), pid=f"PID|1||89778^^^NIST-MPI-1^MR||{one.replace('||', '||')}|F") for one in people)
    assert len({(one.person.name, one.person.birth_on) for one in doses(items_of(data))}) == 3


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
        ("1 Avenida^^Mexico^DF^06600^MEX^H", ""),
        ("1 Elm^^Chicago^IL^60601^United States^H", "60601"),
        ("1 Elm^^Chicago^IL^60601^IL^H", "60601"),
    ],
)
def test_an_address_is_chosen_by_its_type(address: str, zip5: str | None) -> None:
    """PID-11: where somebody lives, never where somebody was born; five digits of a place abroad are no ZIP."""
    (dose,) = doses(items_of(a_vxu(a_dose(), pid=PID.format(race="", address=address, ethnicity=""))))
    assert (dose.person.address.zip5 if dose.person.address else None) == zip5
