"""Booking codes, by which somebody who is booked is found at the site: seven signs drawn by lot and one that checks
them, in Crockford's base 32, which has no letter that is taken for another one. Pure."""

BITS = 35
"""So many are drawn: of 34 thousand million codes a guess hits one of a million live bookings once in 34,000."""

_SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TAKEN_FOR = str.maketrans("ILO", "110", " -")
_DRAWN = BITS // 5
_GROUP = 4


def spell(drawn: int) -> str:
    """The code of a number that was drawn."""
    values = [drawn >> 5 * place & 31 for place in reversed(range(_DRAWN))]
    return "".join(_SIGNS[value] for value in (*values, _check(values)))


def read(said: str) -> str | None:
    """The code as somebody said or typed it: in small letters, parted, with letters that are taken for digits. None:
    nobody has such a code, for a sign is wrong or two stand the other way round."""
    signs = said.upper().translate(_TAKEN_FOR)
    if len(signs) != _DRAWN + 1 or not set(signs) <= set(_SIGNS):
        return None
    *values, check = map(_SIGNS.index, signs)
    return signs if _check(values) == check else None


def spoken(code: str) -> str:
    """In two groups, as it is read out."""
    return f"{code[:_GROUP]}-{code[_GROUP:]}"


def last_group(code: str) -> str:
    """What is shown of it to whoever need not know it."""
    return code[_GROUP:]


def _check(values: list[int]) -> int:
    """A sum over GF(32), each value times another power of its generator: no single sign can be wrong, and no two
    neighbours change places, without another sum."""
    total = 0
    for value in values:
        total = _double(total ^ value)
    return total


def _double(value: int) -> int:
    return value << 1 if value < 16 else value << 1 ^ 0b100101
