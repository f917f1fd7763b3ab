"""Why somebody is, or is not, eligible. Each look is audited, and sees the principal's own plan only."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from services.eligibility import store_decisions, store_doses, store_members
from services.eligibility.domain import REASONS
from services.kit import audit
from services.kit.auth import Principal, require
from services.kit.problem import Refusal, refuse
from services.kit.requests import Pool, reading

NO_MEMBER = Refusal("member-unknown", "Unknown Member", "There is no such member in this plan.", 404)
Coordinator = Annotated[Principal, require("coordinator", "supervisor")]

routes = APIRouter()


class SviOut(BaseModel):
    level: str = Field(description="Where the index was read: tract, zip, county or unknown.")
    release: str
    value: float | None
    vulnerable: bool


class ReasonOut(BaseModel):
    code: str
    text: str


class AnswerOut(BaseModel):
    """The answer that stands for one enrolment under one programme."""

    enrolment_id: UUID
    plan: str
    member_id: str
    programme_id: str | None
    programme_version: int | None
    phase: str | None
    status: str | None
    reasons: list[ReasonOut] = Field(description="Every criterion that fails; none for who is eligible.")
    priority: int | None
    age_band: str | None
    svi: SviOut | None
    is_enrolled: bool | None
    is_protected: bool | None
    version: int | None
    decided_on: date | None


class DoseOut(BaseModel):
    dose_id: UUID
    vaccine_group: str
    cvx: str
    administered_on: date
    sources: list[str]


class MemberOut(BaseModel):
    """What is known of one person in the asking plan, and what follows from it."""

    member_token: UUID
    merged_into: UUID | None
    answers: list[AnswerOut]
    doses: list[DoseOut]


@routes.get("/members")
async def find_members(
    pool: Pool, principal: Coordinator, member_id: Annotated[str, Query(min_length=2, max_length=40)]
) -> list[MemberOut]:
    """The members of the plan under this member number; a number may have passed from one to another."""
    async with reading(pool, principal) as connection:
        tokens = await store_members.find_by_member_id(connection, member_id)
        found = [member for token in tokens if (member := await _member(connection, token)) is not None]
        await audit.record(connection, principal, "read", "member", tokens)
    return found


@routes.get("/members/{token}", response_model=MemberOut)
async def read_member(pool: Pool, principal: Coordinator, token: UUID) -> Response | MemberOut:
    """Why this member is, or is not, eligible: each failing criterion, rule version, place and doses."""
    async with reading(pool, principal) as connection:
        await audit.record(connection, principal, "read", "member", [token])
        member = await _member(connection, token)
    return refuse(NO_MEMBER) if member is None else member


async def _member(connection: Any, token: UUID) -> MemberOut | None:
    facts = await store_decisions.load_facts(connection, token)
    if not facts:
        return None
    survivors = await store_members.load_survivors(connection, [token])
    doses, _ = await store_doses.load_doses(connection, [token])
    return MemberOut(
        member_token=token,
        merged_into=survivors[token] if survivors.get(token, token) != token else None,
        answers=[_answer(row) for row in facts],
        doses=[
            DoseOut(
                dose_id=one.dose_id,
                vaccine_group=one.vaccine_group,
                cvx=one.cvx,
                administered_on=one.administered_on,
                sources=list(one.sources),
            )
            for one in sorted(doses, key=lambda dose: dose.administered_on)
            if one.is_announced
        ],
    )


def _answer(row: Any) -> AnswerOut:
    fact: dict[str, Any] = row["fact"] or {}
    return AnswerOut(
        enrolment_id=row["enrolment_id"],
        plan=row["tenant_id"],
        member_id=row["member_id"],
        programme_id=row["programme_id"],
        programme_version=fact.get("programme_version"),
        phase=fact.get("phase"),
        status=fact.get("status"),
        reasons=[ReasonOut(code=code, text=REASONS[code]) for code in fact.get("reasons", ())],
        priority=fact.get("priority"),
        age_band=fact.get("age_band"),
        svi=SviOut(**fact["svi"]) if "svi" in fact else None,
        is_enrolled=fact.get("enrolled"),
        is_protected=fact.get("contact_protected"),
        version=fact.get("version"),
        decided_on=fact.get("decided_on"),
    )
