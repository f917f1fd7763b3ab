"""A fact is told exactly when anything that it carries changes."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from schemas.eligibility_v1 import MemberEligibilityDecidedV1
from services.eligibility.decisions.answers import answer
from services.eligibility.decisions.decision import LastDecision
from services.eligibility.decisions.known import Known
from services.eligibility.decisions.told import quarter_of
from services.eligibility.doses.counted import CountedDose
from services.eligibility.people.enrolment import Enrolment, Person, Span
from services.eligibility.people.statement import Statement
from services.eligibility.programmes.documents import bundled, in_effect
from services.eligibility.programmes.needs import MemberObservation
from services.eligibility.vital.others import Others
from services.eligibility.vital.registry import RegistryConsent
from services.eligibility.vital.rules import VitalStatement, Word

TODAY = date(2021, 3, 1)
NOW = datetime(2021, 3, 1, 12, tzinfo=UTC)
TOKEN = UUID(int=7)
OMA = Enrolment(
    UUID(int=1), TOKEN, "lakeshore", "LS1", family="Sesame", given="Oma", birth_on=date(1940, 5, 1), sex="F",
    races=("2054-5",), language="eng", zip5="90011", tract="06037228410", spans=(Span("medicare"),),
)  # fmt: skip
NO_INTERPRETER = MemberObservation("vcc", "interpreter-needed", TODAY, answer="no")
COVID = CountedDose("covid-19", "208", date(2021, 2, 15))


def a_known(enrolment: Enrolment = OMA, **changes: Any) -> Known:
    known = Known(enrolments=[enrolment], persons={TOKEN: Person(TOKEN)}, statements={}, doses={}, last={})
    return replace(known, **changes)


def heard(source: str, word: Word, plan: str = "lakeshore", reported_at: datetime | None = None) -> Others:
    said = VitalStatement(TOKEN, source, plan, word, NOW, NOW, NOW, reported_at=reported_at)
    return Others(vital={TOKEN: [said]})


def told(known: Known, on: date = TODAY) -> tuple[list[MemberEligibilityDecidedV1], list[LastDecision]]:
    facts, decisions, _ = answer(known, in_effect(bundled(), on), on, NOW)
    return facts, [one for one, _ in decisions]


@pytest.mark.parametrize(
    ("change", "known"),
    [
        ("zip5", a_known(OMA._replace(zip5="90012"))),
        ("no tract", a_known(OMA._replace(tract=""))),
        ("spoken language", a_known(OMA._replace(spoken=("es",)))),
        ("interpreter", a_known(observed={(TOKEN, "lakeshore"): [NO_INTERPRETER]})),
        ("language", a_known(OMA._replace(language="spa"))),
        ("race", a_known(OMA._replace(races=("2106-3",)))),
        ("line of business", a_known(OMA._replace(spans=(Span("medicaid"),)))),
        ("coverage", a_known(OMA._replace(spans=()))),
        ("plan's protection", a_known(OMA._replace(is_restricted=True))),
        ("age band", a_known(OMA._replace(birth_on=date(1950, 5, 1)))),
        ("death", a_known(others=heard("roster:lakeshore", Word.DECEASED))),
        ("death told by another plan", a_known(others=heard("roster:prairie", Word.DECEASED, "prairie"))),
        ("report of a death", a_known(others=heard("attempt:1", Word.POSSIBLE, reported_at=NOW))),
        ("report that was taken back", a_known(others=heard("attempt:1", Word.NOTHING, reported_at=NOW))),
        ("publicity", a_known(others=Others(consents={TOKEN: [RegistryConsent(TOKEN, "cair", publicity="01")]}))),
        ("protection", a_known(others=Others(consents={TOKEN: [RegistryConsent(TOKEN, "cair", is_protected=True)]}))),
        ("merge", a_known(persons={TOKEN: Person(TOKEN, merged_into=UUID(int=8))})),
        ("registry's protection", a_known(statements={TOKEN: [Statement(TOKEN, "registry", is_protected=True)]})),
        ("dose", a_known(doses={TOKEN: [COVID]})),
        ("second dose", a_known(doses={TOKEN: [COVID, COVID._replace(administered_on=TODAY)]})),
    ],
)
def test_whatever_is_carried_is_told(change: str, known: Known) -> None:
    """A change of anything in the fact brings the next version, and the fact differs."""
    [first], [last] = told(a_known())
    [second], _ = told(replace(known, last={(last.enrolment_id, last.programme_id): last}))
    ignored = {"version"}
    assert second.version == 2, change
    assert second.model_dump(exclude=ignored) != first.model_dump(exclude=ignored), change


@pytest.mark.parametrize(
    ("change", "known"),
    [
        ("nothing", a_known()),
        ("spoken English", a_known(OMA._replace(spoken=("en",)))),
        ("another plan's word", a_known(observed={(TOKEN, "prairie"): [NO_INTERPRETER]})),
        ("name", a_known(OMA._replace(family="Street"))),
        ("street", a_known(OMA._replace(street="124 Sesame St"))),
        ("member number", a_known(OMA._replace(member_id="LS2"))),
        ("phone", a_known(OMA._replace(phones=("home 2135550101",)))),
        ("another vaccine's dose", a_known(doses={TOKEN: [COVID._replace(vaccine_group="zoster")]})),
    ],
)
def test_what_is_not_carried_is_not_told(change: str, known: Known) -> None:
    """Names, streets and numbers stay here, and their change is nobody's business."""
    _, [last] = told(a_known())
    assert told(replace(known, last={(last.enrolment_id, last.programme_id): last})) == ([], []), change


@pytest.mark.parametrize(
    "known", [a_known(OMA._replace(sex="M")), a_known(OMA._replace(tract="06037206200"))], ids=["sex", "tract"]
)
def test_what_no_reader_needs_is_kept_and_not_told(known: Known) -> None:
    """Another sex or tract is a new answer, which the service keeps whole; of the topic's readers none learns it."""
    stored = answer(known, in_effect(bundled(), TODAY), TODAY, NOW).decisions[0][1]
    [first], [last] = told(a_known())
    [second], [kept] = told(replace(known, last={(last.enrolment_id, last.programme_id): last}))
    assert (second.version, kept.version) == (2, 2)
    assert {second.sex, second.tract, second.county_fips} == {None}
    whole = MemberEligibilityDecidedV1.model_validate_json(stored or "")
    assert None not in {whole.sex, whole.tract, whole.county_fips}
    assert whole.svi.value not in {None, 0.0, 0.25, 0.5, 0.75}
    assert second.svi.value in {0.0, 0.25, 0.5, 0.75}
    assert (first.sex, first.tract) == (None, None)


@pytest.mark.parametrize(
    ("value", "told_as"), [(0.0, 0.0), (0.2499, 0.0), (0.25, 0.25), (0.74, 0.5), (0.75, 0.75), (1.0, 0.75)]
)
def test_the_svi_is_told_by_quarters(value: float, told_as: float) -> None:
    """The lower bound of the quarter that reporting counts the value in."""
    assert quarter_of(value) == told_as


def test_an_attribute_that_nobody_knows_is_no_news() -> None:
    """The digest of a member of whom nothing new is known is what it was before the attribute was carried."""
    _, [last] = told(a_known())
    assert last.digest == "68960cb77d311de43d1f8f1e8d511287"


def test_a_later_look_is_stored_without_a_fact() -> None:
    """When only the day of the next look changes, it is kept and nothing is told."""
    _, [last] = told(a_known())
    ending = OMA._replace(spans=(Span("medicare", last_on=date(2021, 4, 1)),))
    facts, [kept] = told(replace(a_known(ending), last={(last.enrolment_id, last.programme_id): last}))
    assert (facts, kept.version, kept.recheck_on) == ([], 1, date(2021, 4, 2))


def test_no_name_leaves() -> None:
    """Of a person a fact carries tokens, codes and a ZIP."""
    [fact], _ = told(
        a_known(OMA._replace(street="123 Sesame St", email="oma@sesame.example", phones=("home 2135550101",)))
    )
    text = fact.model_dump_json()
    assert not [secret for secret in ("Sesame", "Oma", "1940", "LS1", "213555", "oma@") if secret in text]


def test_an_odd_language_is_left_out() -> None:
    """What is no code is not carried; the fact is told all the same."""
    [fact], _ = told(a_known(OMA._replace(language="two words!")))
    assert fact.language is None
