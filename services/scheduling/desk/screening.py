"""What is asked of everybody before a dose, and what an answer means for it: CDC's screening for vaccines. Pure."""

from collections.abc import Mapping
from enum import StrEnum


class Question(StrEnum):
    """Each is asked of everybody, in this order."""

    SICK_TODAY = "sick-today"
    REACTION_TO_VACCINE = "reaction-to-vaccine"
    ALLERGY_TO_COMPONENT = "allergy-to-component"
    ANAPHYLAXIS_TO_OTHER = "anaphylaxis-to-other"
    IMMUNOCOMPROMISED = "immunocompromised"
    PREGNANT = "pregnant"
    BLEEDING_DISORDER = "bleeding-disorder"
    GUILLAIN_BARRE = "guillain-barre"
    MYOCARDITIS = "myocarditis"
    ANTIBODY_PRODUCT = "antibody-product"
    RECENT_VACCINE = "recent-vaccine"


class Reply(StrEnum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Finding(StrEnum):
    """What the answers mean for a dose today; whoever vaccinates decides."""

    NONE = "none"
    PRECAUTION = "precaution"
    CONTRAINDICATION = "contraindication"


CONTRAINDICATE = frozenset({Question.REACTION_TO_VACCINE, Question.ALLERGY_TO_COMPONENT})
"""A severe reaction to a dose before, or an allergy to what is in it; any other yes is to be weighed by product."""


def finding_of(answers: Mapping[Question, Reply]) -> Finding:
    """The gravest. What somebody does not know is to be weighed like a yes that contraindicates nothing."""
    if any(answers[question] is Reply.YES for question in CONTRAINDICATE):
        return Finding.CONTRAINDICATION
    is_clear = all(reply is Reply.NO for reply in answers.values())
    return Finding.NONE if is_clear else Finding.PRECAUTION
