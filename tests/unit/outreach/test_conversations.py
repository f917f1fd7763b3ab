"""What may be recorded of a conversation, as tables; and that the catalogue fits the code lists."""

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from schemas.languages import language_tag
from schemas.outreach_v1 import BesdDomain, Disposition, Given
from services.outreach.conversations.catalogue import CATALOGUE, Material, MaterialVersion
from services.outreach.conversations.rules import Handed, Misfit, Spoken, SpokenOf, TeachBack, misfit, version_of
from services.outreach.policy import CODES

DAY = date(2021, 3, 1)
NOON = datetime(2021, 3, 1, 12, tzinfo=UTC)
INTERVIEW = (Given.MOTIVATIONAL_INTERVIEWING,)
CALL = SpokenOf(
    UUID(int=1), UUID(int=2), UUID(int=3), "acme", "wanda", Disposition.COMPLETE, INTERVIEW, DAY, NOON, NOON,
    is_retracted=False,
)  # fmt: skip
SHEET = Handed("side-effects-sheet", "es")


@pytest.mark.parametrize(
    ("spoken", "attempt", "found"),
    [
        (Spoken(stage="evoking", techniques=("summary",), minutes=9), CALL, None),
        (Spoken(minutes=9), replace(CALL, is_retracted=True), Misfit.RETRACTED),
        (Spoken(stage="evoking"), replace(CALL, disposition=Disposition.NO_ANSWER), Misfit.NOBODY_REACHED),
        (
            Spoken(answers={"intention": "yes"}),
            replace(CALL, disposition=Disposition.LEFT_MESSAGE),
            Misfit.NOBODY_REACHED,
        ),
        (Spoken(teach_back=TeachBack.NO), replace(CALL, disposition=Disposition.THIRD_PARTY), Misfit.NOBODY_REACHED),
        (Spoken(notes="rang twice"), replace(CALL, disposition=Disposition.NO_ANSWER), None),
        (Spoken(materials=(SHEET,)), replace(CALL, disposition=Disposition.LEFT_MESSAGE), None),
        (Spoken(techniques=("summary",)), replace(CALL, given=(Given.INFORMATION,)), Misfit.NO_INTERVIEW),
        (Spoken(answers={"intention": "yes"}), replace(CALL, given=()), None),
        (Spoken(materials=(replace(SHEET, language="vi"),)), CALL, Misfit.MATERIAL),
        (Spoken(materials=(SHEET,)), replace(CALL, attempted_on=date(2020, 12, 31)), Misfit.MATERIAL),
    ],
)
def test_what_goes_with_an_attempt(spoken: Spoken, attempt: SpokenOf, found: Misfit | None) -> None:
    """Nobody is interviewed who was not reached; no interview without one being given; no material before its day."""
    assert misfit(spoken, attempt, CATALOGUE) is found


@pytest.mark.parametrize(("day", "version"), [(date(2021, 1, 31), 1), (date(2021, 2, 1), 2), (date(2021, 2, 2), 2)])
def test_the_material_is_of_the_attempts_day(day: date, version: int) -> None:
    """What was handed out is the version that was in use, also if the attempt is logged later."""
    versions = (MaterialVersion(1, date(2021, 1, 1), {"en": 6}), MaterialVersion(2, date(2021, 2, 1), {"en": 5}))
    catalogue = replace(CATALOGUE, materials={"sheet": Material("A sheet", "safety", versions)})
    assert version_of(Handed("sheet", "en"), day, catalogue) == version


def test_every_domain_is_asked_for() -> None:
    """The five priority questions cover all four domains of hesitancy, and each has at least two answers."""
    assert {question.domain for question in CATALOGUE.questions.values()} == set(BesdDomain)
    assert len(CATALOGUE.questions) == 5
    assert all(len(set(question.answers)) >= 2 for question in CATALOGUE.questions.values())


@pytest.mark.parametrize("code", sorted(CATALOGUE.materials))
def test_a_material_is_about_a_topic_in_english_and_spanish(code: str) -> None:
    """Each version can be had in both languages at a sixth grader's level, and versions follow each other."""
    material = CATALOGUE.materials[code]
    assert material.topic in CODES.topics
    days = [version.effective_on for version in material.versions]
    assert days == sorted(set(days))
    for version in material.versions:
        assert {"en", "es"} <= version.grades.keys()
        assert all(language_tag(language) == language and grade <= 6 for language, grade in version.grades.items())
