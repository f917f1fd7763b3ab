"""Ages and birthdays, as of a day. Pure."""

from datetime import date

AGE_BANDS = ((85, "85+"), (80, "80-84"), (75, "75-79"), (70, "70-74"), (65, "65-69"), (0, "0-64"))


def birthday(birth_on: date, years: int) -> date:
    """The day on which this age is reached; who was born on 29 February comes of age on 1 March."""
    try:
        return birth_on.replace(year=birth_on.year + years)
    except ValueError:
        return date(birth_on.year + years, 3, 1)


def age_on(birth_on: date, day: date) -> int:
    """Completed years; negative before birth."""
    return day.year - birth_on.year - ((day.month, day.day) < (birth_on.month, birth_on.day))


def age_band(age: int | None) -> str | None:
    """The band of an age; none where it is not known, and for who is not yet born."""
    if age is None:
        return None
    for least, band in AGE_BANDS:
        if age >= least:
            return band
    return None
