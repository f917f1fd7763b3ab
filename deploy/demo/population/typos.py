"""Misspells a person the way clerks do, so that an exact comparison fails and nobody else is hit."""

from datetime import date
from random import Random

# The key beside each letter.
KEYS = dict(zip("abcdefghijklmnopqrstuvwxyz", "svxfrghjoklknmpowtdyibecux", strict=True))


def misspell(family: str, given: str, birth_on: date, random: Random) -> tuple[str, str, date, str]:
    """The name and birth date with one mistake, and what kind of mistake it is."""
    draw = random.random()
    if draw < 0.12 and (other := _turned(birth_on)):
        return family, given, other, "birth-date"
    if draw < 0.20 and family != given:
        return given, family, birth_on, "swapped-names"
    if draw < 0.35 and " " in family:
        return family.split(" ", maxsplit=1)[0], given, birth_on, "second-name-dropped"
    if draw < 0.60:
        return family, _one_letter(given, random), birth_on, "given-name"
    return _one_letter(family, random), given, birth_on, "family-name"


def _turned(day: date) -> date | None:
    """Day and month the other way round, where that is a date and another one."""
    if day.day > 12 or day.day == day.month:
        return None
    return date(day.year, day.day, day.month)


def _one_letter(name: str, random: Random) -> str:
    """One letter dropped, doubled, swapped with the next or hit beside; the result always differs."""
    at = random.randrange(1, len(name)) if len(name) > 2 else len(name) - 1
    letter, rest = name[at], name[at + 1 :]
    options = [name[:at] + letter + letter.lower() + rest]
    if len(name) > 3:
        options.append(name[:at] + rest)
    if rest and rest[0] != letter:
        options.append(name[:at] + rest[0] + letter + rest[1:])
    if letter in KEYS and KEYS[letter] != letter:
        options.append(name[:at] + KEYS[letter] + rest)
    return random.choice([option for option in options if _key(option) != _key(name)] or [name + "s"])


def _key(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalpha())
