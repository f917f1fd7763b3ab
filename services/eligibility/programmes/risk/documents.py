"""Risk models as YAML documents in `bundled/risk`; a wrong one is refused with line and field."""

from functools import cache
from hashlib import sha256
from pathlib import Path

from pydantic import Field, StrictFloat, StrictInt, field_validator

from schemas.envelope import Code
from services.eligibility.forecast.documents_read import Part, read_document
from services.eligibility.programmes.needs import vocabulary
from services.eligibility.programmes.risk.model import Factor, PointsModel, Step, Tier

MODELS = Path(__file__).parents[1] / "bundled" / "risk"
FIGURES = frozenset(
    {"age", "not-english", "svi", "svi-zip-share", "conditions", *(f"svi-theme-{n}" for n in range(1, 5))}
)


class RiskModelError(Exception):
    """A risk document is wrong; correct the named line and field."""


class _Step(Part):
    at_least: StrictFloat
    points: StrictInt = Field(ge=-100, le=100)


class _Factor(Part):
    code: Code
    title: str = Field(min_length=1)
    input: Code
    steps: tuple[_Step, ...] = Field(min_length=1)
    source: str = Field(min_length=1)
    missing: StrictInt = Field(default=0, ge=-100, le=100)

    @field_validator("input")
    @classmethod
    def _is_known(cls, name: str) -> str:
        words = vocabulary()
        if name not in FIGURES and name not in words["needs"] and name not in words["counts"]:
            raise ValueError(
                f"expected one of {', '.join(sorted(FIGURES))}, a need or a count of bundled/codes/needs.yaml"
            )
        return name

    @field_validator("steps")
    @classmethod
    def _rise(cls, steps: tuple[_Step, ...]) -> tuple[_Step, ...]:
        if sorted({step.at_least for step in steps}) != [step.at_least for step in steps]:
            raise ValueError("each step must begin above the one before it")
        return steps


class _Tier(Part):
    code: Code
    at_least: StrictInt = Field(ge=0, le=100)


class Document(Part):
    """The form of a risk document."""

    model_id: Code
    version: StrictInt = Field(ge=1)
    title: str = Field(min_length=1)
    factors: tuple[_Factor, ...] = Field(min_length=1)
    tiers: tuple[_Tier, ...] = Field(min_length=1)

    @field_validator("factors")
    @classmethod
    def _once(cls, factors: tuple[_Factor, ...]) -> tuple[_Factor, ...]:
        if len({factor.code for factor in factors}) != len(factors):
            raise ValueError("each factor needs a code of its own")
        return factors

    @field_validator("tiers")
    @classmethod
    def _from_zero_up(cls, tiers: tuple[_Tier, ...]) -> tuple[_Tier, ...]:
        starts = [tier.at_least for tier in tiers]
        if starts[0] != 0 or sorted(set(starts)) != starts:
            raise ValueError("the first tier must begin at 0 and each later one above the one before it")
        return tiers


def parse_model(text: str, name: str = "document") -> PointsModel:
    document = read_document(Document, text, name, RiskModelError)
    return PointsModel(
        model_id=document.model_id,
        version=document.version,
        title=document.title,
        factors=tuple(
            Factor(factor.code, factor.title, factor.input,
                   tuple(Step(step.at_least, step.points) for step in factor.steps), factor.source, factor.missing)
            for factor in document.factors
        ),
        tiers=tuple(Tier(tier.code, tier.at_least) for tier in document.tiers),
        sha256=sha256(text.encode()).hexdigest(),
    )  # fmt: skip


@cache
def models() -> dict[str, PointsModel]:
    """Every bundled version, by `<model>.<version>`."""
    found = [parse_model(path.read_text(encoding="utf-8"), path.name) for path in sorted(MODELS.glob("*.yaml"))]
    by_name = {model.cited: model for model in found}
    if len(by_name) < len(found):
        raise RiskModelError(f"{MODELS.name}: two documents are the same version of one model")
    return by_name
