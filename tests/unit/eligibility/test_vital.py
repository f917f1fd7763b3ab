"""Whose word on a death holds, and for whom: by each source's own dates, whatever order the words come in."""

from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from uuid import UUID

import pytest

from services.eligibility.people.statement import Statement, is_protected
from services.eligibility.vital.registry import RegistryConsent, channels_barred, combined_consent
from services.eligibility.vital.rules import Override, Vital, VitalStatement, Word, newest, vital_of

TOKEN = UUID(int=7)
NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
DEAD, ALIVE = "dead", "alive"


def a_word(
    word: Word, days: int = 0, source: str = "roster:lakeshore", plan: str = "lakeshore", on: date | None = None,
    heard: int | None = None,
) -> VitalStatement:  # fmt: skip
    at = NOON + days * DAY
    heard_at = NOON + (days if heard is None else heard) * DAY
    reported_at = at if source.startswith(("attempt", "appointment")) else None
    return VitalStatement(TOKEN, source, plan, word, at, at, heard_at, on, reported_at)


def a_decision(days: int, verdict: str, plan: str = "*", no: int = 1) -> Override:
    at = NOON + days * DAY
    return Override(UUID(int=no), TOKEN, plan, verdict == DEAD, None, at.date(), at)


def registry(word: Word, days: int = 0) -> VitalStatement:
    return a_word(word, days, "registry:cair", "*")


def attempt(days: int = 0, word: Word = Word.POSSIBLE, plan: str = "lakeshore") -> VitalStatement:
    return a_word(word, days, f"attempt:{days}", plan)


def held(*words: VitalStatement) -> VitalStatement:
    known: VitalStatement | None = None
    for one in words:
        known = newest(known, one)
    assert known is not None
    return known


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_newest_word_of_a_source_holds(order: tuple[int, ...]) -> None:
    """Death, alive and death again come in any order: the last by their own dates holds."""
    words = [a_word(Word.DECEASED, 0), a_word(Word.ALIVE, 1), a_word(Word.DECEASED, 2, on=date(2025, 6, 2))]
    now = held(*(words[n] for n in order))
    assert (now.word, now.death_on, now.said_at) == (Word.DECEASED, date(2025, 6, 2), NOON + 2 * DAY)


def test_what_is_repeated_is_no_news() -> None:
    """A repeated death keeps its day and the instant of its first telling; a later one without a day erases none."""
    now = held(a_word(Word.DECEASED, 0, on=date(2025, 5, 20)), a_word(Word.DECEASED, 5))
    assert (now.death_on, now.said_at, now.since_at) == (date(2025, 5, 20), NOON + 5 * DAY, NOON)


def test_two_words_of_one_instant_are_a_doubt() -> None:
    """Who is dead and alive by one source at one instant must be checked, whichever row stands first."""
    dead, alive = a_word(Word.DECEASED), a_word(Word.ALIVE)
    assert held(dead, alive).word == held(alive, dead).word == held(alive, dead, alive).word == Word.POSSIBLE


@pytest.mark.parametrize(
    ("words", "here", "elsewhere"),
    [
        ([a_word(Word.DECEASED)], "deceased", "reported"),
        ([registry(Word.DECEASED)], "deceased", "deceased"),
        ([attempt()], "reported", "reported"),
        ([a_word(Word.POSSIBLE, 0, "registry-status:cair", "*")], "reported", "reported"),
        ([registry(Word.ALIVE), a_word(Word.DECEASED)], "deceased", "reported"),
        ([registry(Word.ALIVE, 3), attempt()], "reported", "reported"),
        ([registry(Word.DECEASED), a_word(Word.ALIVE, 3)], "deceased", "deceased"),
        ([registry(Word.DECEASED), attempt()], "deceased", "deceased"),
        ([a_word(Word.NOTHING, 0, "registry-status:cair", "*")], "neither", "neither"),
        ([attempt(word=Word.NOTHING)], "neither", "neither"),
    ],
)
def test_who_declares_and_who_reports(words: list[VitalStatement], here: str, elsewhere: str) -> None:
    """A plan declares for its own members, a registry for all; all else is a report; nobody takes back another's
    word."""
    assert [standing(vital_of(words, (), plan)) for plan in ("lakeshore", "prairie")] == [here, elsewhere]


def standing(vital: Vital) -> str:
    assert not (vital.is_deceased and vital.is_reported)
    return "deceased" if vital.is_deceased else "reported" if vital.is_reported else "neither"


@pytest.mark.parametrize(
    ("words", "decisions", "expected"),
    [
        ([registry(Word.DECEASED)], [a_decision(1, ALIVE)], "neither"),
        ([registry(Word.DECEASED)], [a_decision(1, ALIVE, "prairie")], "deceased"),
        ([registry(Word.DECEASED)], [a_decision(1, ALIVE, "lakeshore")], "neither"),
        ([attempt()], [a_decision(1, ALIVE)], "neither"),
        ([attempt()], [a_decision(1, DEAD)], "deceased"),
        ([attempt(2)], [a_decision(1, ALIVE)], "reported"),
        ([a_word(Word.DECEASED, 2)], [a_decision(1, ALIVE)], "deceased"),
        ([a_word(Word.DECEASED, -3, heard=2)], [a_decision(1, ALIVE)], "neither"),
        ([a_word(Word.DECEASED, 1, heard=0)], [a_decision(1, ALIVE)], "neither"),
        ([held(a_word(Word.DECEASED, 0), a_word(Word.DECEASED, 2))], [a_decision(1, ALIVE)], "neither"),
        ([held(a_word(Word.DECEASED, 0), a_word(Word.DECEASED, 2, on=date(2025, 6, 2)))], [a_decision(1, ALIVE)],
         "deceased"),
        ([], [a_decision(1, DEAD, "prairie")], "reported"),
        ([], [a_decision(1, DEAD, "prairie"), a_decision(2, ALIVE, "prairie", 2)], "neither"),
        ([], [a_decision(1, DEAD, "prairie"), a_decision(2, ALIVE, "*", 2)], "neither"),
        ([], [a_decision(1, DEAD), a_decision(2, ALIVE, "lakeshore", 2)], "neither"),
        ([], [a_decision(1, ALIVE), a_decision(2, DEAD, "lakeshore", 2)], "deceased"),
    ],
)  # fmt: skip
def test_a_person_decides(words: list[VitalStatement], decisions: list[Override], expected: str) -> None:
    """The newest decision for a plan or for all sets aside what was heard before it; what is said anew counts again,
    what is repeated, or older than the decision's day, does not; another plan's decision is a report."""
    assert standing(vital_of(words, decisions, "lakeshore")) == expected


def test_reports_are_told_whatever_came_of_them() -> None:
    """The newest instant of a worker's or site's report is kept when it is taken back or set aside."""
    words = [attempt(1), attempt(3, Word.NOTHING), registry(Word.DECEASED, 9)]
    assert vital_of(words, [a_decision(8, ALIVE)], "lakeshore").reports_until == NOON + 3 * DAY
    assert vital_of([registry(Word.DECEASED)], (), "lakeshore").reports_until is None


# -- protection and publicity


def a_consent(protected: str = "", on: int = 1, sent: int = 1, code: str = "", source: str = "cair") -> RegistryConsent:
    day, at = date(2025, 6, on), NOON.replace(day=sent)
    consent = RegistryConsent(TOKEN, source)
    if protected:
        consent = consent._replace(is_protected=protected == "Y", protected_on=day, protected_at=at)
    return consent._replace(publicity=code, publicity_on=day, publicity_at=at) if code else consent


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (a_consent("Y", 1), a_consent("N", 2, 2), False),
        (a_consent("N", 1), a_consent("Y", 2, 2), True),
        (a_consent("Y", 1, 1), a_consent("N", 1, 2), False),
        (a_consent("Y", 3, 3), a_consent("", 4, 4), True),
        (a_consent("Y", 2, 2), a_consent("N", 2, 2), True),
        (a_consent("N", 9, 9), a_consent("Y", 2, 10), False),
    ],
)
def test_the_newest_protection_holds(first: RegistryConsent, second: RegistryConsent, expected: bool) -> None:
    """By its own day, then by its message's instant, whichever comes first; blank says nothing; a doubt protects."""
    assert combined_consent(first, second).is_protected is expected
    assert combined_consent(second, first).is_protected is expected


def test_each_registry_speaks_for_itself() -> None:
    """One registry's No lifts only its own Yes; the mark from before goes with the first word of any."""
    yes, no = a_consent("Y"), a_consent("N", 9, 9, source="i-care")
    legacy = [Statement(TOKEN, "registry", is_protected=True)]
    assert is_protected([yes, no], ())
    assert (is_protected([], legacy), is_protected([a_consent(code="02")], legacy)) == (True, True)
    assert not is_protected([no], legacy)


@pytest.mark.parametrize(
    ("codes", "barred"),
    [
        (["01"], ("phone", "text", "letter", "email", "visit")),
        (["02"], ()),
        (["03"], ("phone",)),
        (["04"], ()),
        (["05"], ("phone",)),
        (["06"], ()),
        (["07"], ("phone",)),
        (["08"], ("phone", "text", "letter", "email", "visit")),
        (["12"], ("phone", "text", "letter", "email", "visit")),
        (["99"], ()),
        (["02", "05"], ("phone",)),
    ],
)
def test_publicity_bars_channels(codes: list[str], barred: tuple[str, ...]) -> None:
    """PD1-11 by HL7 table 0215: what any registry bars is barred; an unknown code bars nothing."""
    assert channels_barred([a_consent(code=code) for code in codes]) == barred
