"""Who else stands in a member's loop of an 834, and where: mailing and drop-off address, and who answers for him."""

import pytest

from services.eligibility.feeds.records import Address, PersonName, Phone, Representative, StatedContact
from services.eligibility.feeds.roster_contact import MAX_RESPONSIBLE, RosterContact
from services.eligibility.feeds.values import zip_code


def read(*segments: str, withheld: str = "") -> tuple[StatedContact | None, list[bool]]:
    """What segments behind the member's own name say, and of each that is no NM1 whether it could be read."""
    found, readable = RosterContact(lambda text: bool(withheld) and text == withheld), []
    for segment in (text.split("*") for text in segments):
        if segment[0] == "NM1":
            found.begin(segment)
        else:
            readable.append(found.take(segment))
    return found.contact(lambda text, _: zip_code(text) or ("", "")), readable


def test_each_loop_says_its_own() -> None:
    """An address is of the loop that it stands in, and a telephone of the person whose loop it is."""
    found, _ = read(
        "NM1*31*1", "N3*PO BOX 77", "N4*PASADENA*CA*911011234",
        "NM1*36*2*ACME", "PER*EP**WP*2135550100", "N3*1 FACTORY RD", "N4*VERNON*CA*90058",
        "NM1*S3*1*GROUCH*OSCAR", "PER*PQ**HP*2135550109*CP*2135550110", "N3*2 CAN ST",
        "NM1*QD*1*BIRD*BIG", "NM1*45*1", "N3*9 SHELTER WAY*RM 2", "N4*BURBANK*CA*91502",
    )  # fmt: skip
    assert found == StatedContact(
        mailing=Address("PO BOX 77", "", "PASADENA", "CA", "91101", "1234"),
        alternate=Address("9 SHELTER WAY", "RM 2", "BURBANK", "CA", "91502"),
        representatives=(
            Representative(
                "custodial-parent", PersonName("GROUCH", "OSCAR"),
                (Phone("2135550109", "home"), Phone("2135550110", "mobile")),
            ),
            Representative("responsible-party", PersonName("BIRD", "BIG")),
        ),
    )  # fmt: skip


def test_a_loop_without_any_says_nothing() -> None:
    """An employer, a school, and a mailing loop without a street are none."""
    assert read("NM1*36*2*ACME", "PER*EP**WP*2135550100", "NM1*M8*2*SCHOOL", "NM1*31*1", "N4*PASADENA*CA*91101") == (
        None,
        [True, True],
    )


def test_an_unreadable_telephone_is_said_and_costs_nobody() -> None:
    """The person stays, without it."""
    found, readable = read("NM1*GD*1*GROUCH*OSCAR", "PER*RP**HP*12345*CP*2135550110")
    assert (found, readable) == (
        StatedContact(
            representatives=(
                Representative("guardian", PersonName("GROUCH", "OSCAR"), (Phone("2135550110", "mobile"),)),
            )
        ),
        [False],
    )


def test_what_the_sender_withholds_is_nobody() -> None:
    """Neither a person nor the telephones behind him."""
    found, readable = read("NM1*GD*1*PHI*OSCAR", "PER*RP**HP*2135550109", withheld="PHI")
    assert (found, readable) == (None, [True])


def test_as_many_people_as_the_guide_allows() -> None:
    """Of more the first ones are kept, and a telephone of a later one is nobody's."""
    more = [f"NM1*GD*1*GROUCH*N{number}" for number in range(MAX_RESPONSIBLE + 5)]
    found, _ = read(*more, "PER*RP**HP*2135550109")
    assert found is not None
    assert [one.name.given for one in found.representatives] == [f"N{number}" for number in range(MAX_RESPONSIBLE)]
    assert [one.phones for one in found.representatives] == [()] * MAX_RESPONSIBLE


@pytest.mark.parametrize("code", ["EXS", "GB", "9K", "6Y", "TZ", "EI"])
def test_who_may_not_answer_is_nobody(code: str) -> None:
    """A former spouse, an insured, a key person, a case manager and an executor are no representatives."""
    assert read(f"NM1*{code}*1*GROUCH*OSCAR", "PER*RP**HP*2135550109") == (None, [True])
