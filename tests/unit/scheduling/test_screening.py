"""What the answers before a dose mean."""

import pytest

from services.scheduling.desk.screening import Finding, Question, Reply, finding_of

CLEAR = dict.fromkeys(Question, Reply.NO)


@pytest.mark.parametrize(
    ("said", "finding"),
    [
        ({}, Finding.NONE),
        ({Question.SICK_TODAY: Reply.YES}, Finding.PRECAUTION),
        ({Question.PREGNANT: Reply.UNKNOWN}, Finding.PRECAUTION),
        ({Question.ALLERGY_TO_COMPONENT: Reply.UNKNOWN}, Finding.PRECAUTION),
        ({Question.ALLERGY_TO_COMPONENT: Reply.YES}, Finding.CONTRAINDICATION),
        ({Question.REACTION_TO_VACCINE: Reply.YES, Question.SICK_TODAY: Reply.YES}, Finding.CONTRAINDICATION),
    ],
)
def test_the_gravest_answer_tells(said: dict[Question, Reply], finding: Finding) -> None:
    """A severe reaction or an allergy to a component contraindicates; any other yes, or what nobody knows, is
    weighed."""
    assert finding_of(CLEAR | said) is finding
