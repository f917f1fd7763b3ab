"""Race and ethnicity, rolled up from the sources that say something of them. Pure."""

from collections.abc import Collection

from services.eligibility.people.enrolment import Enrolment
from services.eligibility.people.statement import Statement

RACE_OF_CODE = {
    "1002-5": "american-indian-or-alaska-native",
    "2028-9": "asian",
    "2054-5": "black-or-african-american",
    "2076-8": "native-hawaiian-or-pacific-islander",
    "2106-3": "white",
    "2131-1": "other",
}
HISPANIC = "2135-2"
SOURCES = ("self", "plan", "registry")
"""Who may say what race somebody is, the most believed first."""


def roll_up(enrolment: Enrolment, statements: Collection[Statement]) -> str:
    """Hispanic of any race first, then a single race, several races, unknown; the best source that says anything."""
    if not statements:
        return _roll_up(enrolment.races, enrolment.ethnicity)
    said = {statement.source: (statement.races, statement.ethnicity) for statement in statements}
    said["plan"] = (enrolment.races, enrolment.ethnicity)
    known = [said[source] for source in SOURCES if source in said]
    ethnicity = next((ethnicity for _, ethnicity in known if ethnicity), None)
    return _roll_up(next((races for races, _ in known if races), ()), ethnicity)


def _roll_up(races: tuple[str, ...], ethnicity: str | None) -> str:
    if ethnicity == HISPANIC:
        return "hispanic"
    named = {RACE_OF_CODE[code] for code in races if code in RACE_OF_CODE}
    if len(named) > 1:
        return "multiracial"
    return named.pop() if named else "unknown"
