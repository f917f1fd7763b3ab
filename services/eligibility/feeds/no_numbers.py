"""What senders write for a number of a vaccination or a patient that they don't have, 9999 by the guide itself."""

NO_NUMBERS = frozenset({
    "UNK", "UNKNOWN", "NA", "NONE", "NULL", "NIL", "TBD", "TBA", "TBC", "NOTAVAILABLE", "NOTAPPLICABLE", "UNSPECIFIED",
    "NOTKNOWN", "NOTGIVEN", "MISSING", "BLANK", "EMPTY", "DEFAULT", "TEST", "DUMMY", "HISTORICAL", "NOID", "NONUMBER",
    "UNDEFINED", "PENDING", "OTHER", "ND", "NOS",
})  # fmt: skip
COUNTED = "1234567890"


def names_nothing(number: str) -> bool:
    """Whether this is no number but what stands for one: zeros, nines, X's or a word. Any other number may be
    somebody's, also one digit many times."""
    plain = _plain(number)
    if set(plain) <= {"0"} or set(plain) == {"X"} or (set(plain) == {"9"} and len(plain) > 2):
        return True
    return plain in NO_NUMBERS


def is_counted(number: str) -> bool:
    """Whether these are the digits as one counts them."""
    plain = _plain(number)
    return len(plain) > 3 and (COUNTED.startswith(plain) or plain in {COUNTED[:-1], f"0{COUNTED[:-1]}"})


def _plain(number: str) -> str:
    return "".join(char for char in number.upper() if char.isalnum())
