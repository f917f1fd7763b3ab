"""Booking codes: how they are spelt, read and checked."""

import pytest

from services.scheduling.appointments import codes

SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODES = [codes.spell(number) for number in (0, 1, 31, 0x2_5A3C_96F1, (1 << codes.BITS) - 1)]


@pytest.mark.parametrize("code", CODES)
def test_a_code_is_read_as_it_was_spelt(code: str) -> None:
    """Parted, in small letters, with O for nought and I or L for one, a code is the same code."""
    assert codes.read(codes.spoken(code)) == code
    assert codes.read(f" {code[:4].lower()} {code[4:].lower()}") == code
    assert codes.read(code.replace("0", "o").replace("1", "l")) == code
    assert codes.read(code.replace("0", "O").replace("1", "I")) == code


@pytest.mark.parametrize("code", CODES)
def test_one_wrong_sign_is_no_code(code: str) -> None:
    """Whichever sign is heard as whichever other, nobody else's code comes of it."""
    wrong = [code[:at] + sign + code[at + 1 :] for at in range(8) for sign in SIGNS if sign != code[at]]
    assert [said for said in wrong if codes.read(said)] == []


@pytest.mark.parametrize("code", CODES[2:4])
def test_two_signs_that_change_places_are_no_code(code: str) -> None:
    """Whichever two different neighbours are told the other way round, nobody's code comes of it."""
    turned = [code[:at] + code[at + 1] + code[at] + code[at + 2 :] for at in range(7) if code[at] != code[at + 1]]
    assert turned
    assert [said for said in turned if codes.read(said)] == []


@pytest.mark.parametrize("said", ["", "1234", "0000-0000-0", "0000-00U0", "0000_0000", "0000-000é"])
def test_what_is_no_code_is_none(said: str) -> None:
    """What is too short, too long or has a sign that no code has is nobody's."""
    assert codes.read(said) is None


def test_every_number_has_its_own_code() -> None:
    """Two numbers never share a code, and what is shown of one is its last group."""
    spelt = {codes.spell(number << 20 | number) for number in range(4096)}
    assert len(spelt) == 4096
    assert codes.last_group("ABCDEFGH") == "EFGH"
