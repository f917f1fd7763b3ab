"""What the API of conversations takes and gives."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StrictInt, model_validator
from pydantic_core import PydanticCustomError

from schemas.envelope import Code
from schemas.languages import Language
from schemas.outreach_v1 import BesdDomain
from schemas.texts import Text
from services.kit.masking import protected
from services.outreach.conversations.catalogue import CATALOGUE, Catalogue
from services.outreach.conversations.rules import Conversation, Handed, Spoken, TeachBack
from services.outreach.worklist.shapes import Shape

LONGEST_NOTES, LONGEST_MINUTES = 2000, 240


def _known_stage(code: str) -> str:
    if code not in CATALOGUE.stages:
        raise PydanticCustomError("unknown_stage", "Expected a stage of GET /conversation-codes")
    return code


def _known_technique(code: str) -> str:
    if code not in CATALOGUE.techniques:
        raise PydanticCustomError("unknown_technique", "Expected a technique of GET /conversation-codes")
    return code


def _known_material(code: str) -> str:
    if code not in CATALOGUE.materials:
        raise PydanticCustomError("unknown_material", "Expected a material of GET /conversation-codes")
    return code


def _known_question(code: str) -> str:
    if code not in CATALOGUE.questions:
        raise PydanticCustomError("unknown_question", "Expected a question of GET /conversation-codes")
    return code


Stage = Annotated[Code, AfterValidator(_known_stage), Field(json_schema_extra={"enum": sorted(CATALOGUE.stages)})]
Technique = Annotated[
    Code, AfterValidator(_known_technique), Field(json_schema_extra={"enum": sorted(CATALOGUE.techniques)})
]
MaterialCode = Annotated[
    Code, AfterValidator(_known_material), Field(json_schema_extra={"enum": sorted(CATALOGUE.materials)})
]
QuestionCode = Annotated[
    Code, AfterValidator(_known_question), Field(json_schema_extra={"enum": sorted(CATALOGUE.questions)})
]


class AnswerIn(Shape):
    """What the member answered to one of the questions on hesitancy."""

    question: QuestionCode
    answer: Code

    @model_validator(mode="after")
    def _of_the_question(self) -> Self:
        if self.answer not in CATALOGUE.questions[self.question].answers:
            raise PydanticCustomError(
                "unknown_answer", "Expected an answer of this question in GET /conversation-codes"
            )
        return self


class MaterialIn(Shape):
    """What was handed out or read aloud, in which language."""

    material: MaterialCode
    language: Language


class ConversationIn(Shape):
    """What was spoken of in an attempt: at least one thing. Told again, it takes the place of what was told before."""

    stage: Stage | None = Field(default=None, description="How far the interview came.")
    techniques: tuple[Technique, ...] = Field(default=(), max_length=10)
    answers: tuple[AnswerIn, ...] = Field(default=(), max_length=len(CATALOGUE.questions))
    materials: tuple[MaterialIn, ...] = Field(default=(), max_length=10)
    teach_back: TeachBack | None = Field(default=None, description="Whether he said it back in his own words.")
    minutes: StrictInt | None = Field(default=None, ge=0, le=LONGEST_MINUTES)
    notes: Annotated[Text, Field(max_length=LONGEST_NOTES)] | None = Field(
        default=None, description="For whoever calls next; kept sealed, told to no other service."
    )

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "stage": "evoking",
                    "techniques": ["open-question", "reflection"],
                    "answers": [{"question": "intention", "answer": "not-sure"}],
                    "materials": [{"material": "side-effects-sheet", "language": "es"}],
                    "teach_back": "partly",
                    "minutes": 12,
                }
            ]
        }
    )

    @model_validator(mode="after")
    def _says_something_once(self) -> Self:
        if not self.model_dump(exclude_defaults=True):
            raise PydanticCustomError("nothing_said", "Expected at least one thing that was spoken of")
        if len({answer.question for answer in self.answers}) < len(self.answers):
            raise PydanticCustomError("answered_twice", "Expected one answer to each question")
        return self

    def spoken(self) -> Spoken:
        """What was recorded."""
        return Spoken(
            stage=self.stage,
            techniques=tuple(dict.fromkeys(self.techniques)),
            answers={answer.question: answer.answer for answer in self.answers},
            materials=tuple(Handed(given.material, given.language) for given in self.materials),
            teach_back=self.teach_back,
            minutes=self.minutes,
            notes=self.notes,
        )


class ConversationRecordedOut(Shape):
    """Under which id the record is kept."""

    conversation_id: UUID


class AnswerOut(Shape):
    """An answer, and of which domain of hesitancy its question is."""

    question: str
    domain: BesdDomain
    answer: Annotated[str, protected("barriers")]


class MaterialOut(Shape):
    """What was given: the version is that of the attempt's day."""

    material: str
    language: str
    version: int


class ConversationOut(Shape):
    """What was spoken of in an attempt, as it was recorded last."""

    attempt_id: UUID
    stage: str | None
    techniques: tuple[str, ...]
    answers: tuple[AnswerOut, ...]
    materials: tuple[MaterialOut, ...]
    teach_back: TeachBack | None
    minutes: int | None
    notes: Annotated[str | None, protected("notes")]
    recorded_by: str
    recorded_at: datetime


class QuestionOut(Shape):
    """A question on hesitancy with its answers."""

    domain: BesdDomain
    asks: str
    answers: tuple[str, ...]


class MaterialVersionOut(Shape):
    """A version from its day on; the school grade that reading it takes, by language."""

    version: int
    effective_on: date
    grades: Mapping[str, int]


class MaterialKnownOut(Shape):
    """A material with its versions, in their order."""

    title: str
    topic: str
    versions: tuple[MaterialVersionOut, ...]


class ConversationCodesOut(Shape):
    """The codes that a conversation's record takes, and what each means."""

    version: int
    effective_on: date
    stages: Mapping[str, str]
    techniques: Mapping[str, str]
    questions: Mapping[str, QuestionOut]
    materials: Mapping[str, MaterialKnownOut]

    model_config = ConfigDict(from_attributes=True)


def conversation_of(one: Conversation) -> ConversationOut:
    """The conversation as the API gives it."""
    spoken = one.spoken
    return ConversationOut(
        attempt_id=one.attempt_id,
        stage=spoken.stage,
        techniques=spoken.techniques,
        answers=tuple(
            AnswerOut(question=code, domain=CATALOGUE.questions[code].domain, answer=answer)
            for code, answer in (spoken.answers or {}).items()
        ),
        materials=tuple(
            MaterialOut(material=given.material, language=given.language, version=given.version)
            for given in spoken.materials
        ),
        teach_back=spoken.teach_back,
        minutes=spoken.minutes,
        notes=spoken.notes,
        recorded_by=one.recorded_by,
        recorded_at=one.recorded_at,
    )


def codes_of(catalogue: Catalogue) -> ConversationCodesOut:
    """The catalogue as the API gives it."""
    return ConversationCodesOut.model_validate(catalogue, from_attributes=True)
