"""What can be a vaccine's lot number: it is copied by hand and told in a topic, where names and numbers of people must
not come with it. Pure."""

import re

EXPECTED = "a lot number as on the vial: at most 32 letters and digits, a digit or more, no number above 7 digits"
LONGEST_NUMBER = 7
_SHORT_DATE = re.compile(r"\d{1,4}(?: \d{1,2} |\.\d{1,2}\.|/\d{1,2}/|-\d{1,2}-)\d{1,4}")
_SHAPE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ./_#-]{0,30}[A-Za-z0-9])?")


def is_lot(text: str) -> bool:
    """Whether it has the shape of one. Words have no digit; dates, telephone and member numbers are longer numbers, or
    three short ones between the same signs."""
    if not _SHAPE.fullmatch(text) or _SHORT_DATE.fullmatch(text):
        return False
    plain = "".join(char for char in text if char.isalnum())
    return any(char.isdigit() for char in plain) and not (plain.isdigit() and len(plain) > LONGEST_NUMBER)
