"""Why somebody is, or is not, eligible. Each look is audited, and sees the principal's own plan only."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from schemas.eligibility_v1 import MemberEligibilityDecidedV1
from services.eligibility.clock import store as clock_store
from services.eligibility.decisions.decision import REASONS
from services.eligibility.decisions.flow.redecide import benefits_of
from services.eligibility.decisions.shapes.members import (
    BenefitOut,
    ContributionOut,
    DoseOut,
    MemberOut,
    ProgrammeAnswerOut,
    ReasonOut,
    RemarkOut,
    RiskOut,
    SviOut,
)
from services.eligibility.decisions.store import decisions as decision_store
from services.eligibility.decisions.store import forecasts as forecast_store
from services.eligibility.decisions.store.decisions import StandingFact
from services.eligibility.decisions.stored import StoredScore
from services.eligibility.doses.remarks import meanings
from services.eligibility.doses.store import doses as dose_store
from services.eligibility.doses.store import remarks as remark_store
from services.eligibility.forecast.supporting_data import bundled
from services.eligibility.people.store import members as people_store
from services.eligibility.people.store import statements as statement_store
from services.eligibility.programmes.risk.documents import models
from services.kit import audit
from services.kit.auth import Principal, may
from services.kit.look_ups import Allowance
from services.kit.next_page import PAGED, end_of, link_next
from services.kit.postgres import Connection
from services.kit.problem import Refusal, refuse
from services.kit.requests import Pool, reading

NO_MEMBER = Refusal("unknown-member", "Unknown Member", "There is no such member in this plan.", 404)
Coordinator = Annotated[Principal, may("members.read")]

routes = APIRouter()


@routes.get("/members", responses=PAGED)
async def find_members(
    request: Request,
    response: Response,
    pool: Pool,
    principal: Coordinator,
    look_ups: Allowance,
    member_id: Annotated[str, Query(min_length=2, max_length=40)],
    limit: Annotated[int, Query(ge=1, le=20)] = 20,
    after: Annotated[UUID | None, Query(description="The last member of the page before")] = None,
) -> list[MemberOut]:
    """The members of the plan under this member number; a number may have passed from one to another. If nobody bears
    it in these letters, those who bear it in capitals or in small ones. 429 after too many look-ups: one that finds
    nobody counts ten times, further pages nothing."""
    look_ups.admit_page(principal, member_id, is_first=after is None)
    async with reading(pool, principal) as work:
        tokens = await people_store.find_by_member_id(work.connection, member_id, after, limit)
        found = [
            member for member_token in tokens if (member := await _member(work.connection, member_token)) is not None
        ]
        await audit.record(work, principal, "read", "member", tokens)
    if not found and after is None:
        look_ups.missed(principal)
    link_next(request, response, after=end_of([str(member_token) for member_token in tokens], limit))
    return found


@routes.get("/members/{member_token}", response_model=MemberOut)
async def read_member(pool: Pool, principal: Coordinator, member_token: UUID) -> Response | MemberOut:
    """Why this member is, or is not, eligible: each failing criterion, rule version, place and doses."""
    async with reading(pool, principal) as work:
        await audit.record(work, principal, "read", "member", [member_token])
        member = await _member(work.connection, member_token)
    return refuse(NO_MEMBER) if member is None else member


async def _member(connection: Connection, member_token: UUID) -> MemberOut | None:
    facts = await decision_store.load_facts(connection, member_token)
    if not facts:
        return None
    survivors = await people_store.load_survivors(connection, [member_token])
    doses, _ = await dose_store.load_doses(connection, [member_token])
    withheld = await statement_store.load_withheld(connection, [member_token])
    return MemberOut(
        member_token=member_token,
        merged_into=survivors[member_token] if survivors.get(member_token, member_token) != member_token else None,
        answers=[_answer(row) for row in facts],
        doses=[
            DoseOut(
                dose_id=dose.dose_id,
                vaccine_group=dose.vaccine_group,
                vaccine_groups=list(dose.vaccine_groups or (dose.vaccine_group,)),
                cvx=dose.cvx,
                administered_on=dose.administered_on,
                sources=list(dose.sources),
            )
            for dose in sorted(doses, key=lambda dose: dose.administered_on)
            if dose.is_announced
        ],
        risks=await _risks(connection, [row.enrolment_id for row in facts]),
        benefits=await _benefits(connection, member_token),
        is_history_withheld=bool(withheld),
        remarks=[
            _remark(stated)
            for stated in (await remark_store.load_remarks(connection, [member_token])).get(member_token, ())
        ],
    )


def _remark(stated: remark_store.Stated) -> RemarkOut:
    remark = stated.remark
    return RemarkOut(
        kind=remark.kind,
        system=remark.system,
        code=remark.code,
        cvx=remark.cvx or None,
        observed_on=remark.observed_on,
        expires_on=remark.expires_on,
        source=stated.sender,
        observations=sorted(meanings(remark.system, remark.code, remark.cvx, bundled())),
    )


async def _risks(connection: Connection, enrolment_ids: Sequence[UUID]) -> list[RiskOut]:
    scores = await forecast_store.load_scores(connection, set(enrolment_ids))
    return [_risk(score) for enrolment_id in sorted(scores) for score in scores[enrolment_id]]


def _risk(stored: StoredScore) -> RiskOut:
    model = models().get(stored.model)
    about = {factor.code: factor for factor in model.factors} if model else {}
    return RiskOut(
        model=stored.model,
        score=stored.score.score,
        tier=stored.score.tier,
        scored_on=stored.scored_on,
        inputs=dict(stored.inputs),
        contributions=[
            ContributionOut(
                factor=contribution.factor,
                title=about[contribution.factor].title if contribution.factor in about else contribution.factor,
                value=contribution.value,
                points=contribution.points,
                source=about[contribution.factor].source if contribution.factor in about else "",
            )
            for contribution in stored.score.contributions
        ],
    )


async def _benefits(connection: Connection, member_token: UUID) -> list[BenefitOut]:
    """By what is known today of the enrolments that may be seen; a benefit that is indicated in one of them is."""
    clock = await clock_store.load_clock(connection)
    if clock is None:
        return []
    found: dict[str, BenefitOut] = {}
    for entitlement in await benefits_of(connection, member_token, clock.business_on):
        if entitlement.benefit.code not in found or not entitlement.missing:
            found[entitlement.benefit.code] = BenefitOut(
                code=entitlement.benefit.code,
                title=entitlement.benefit.title,
                kind=entitlement.benefit.kind,
                rule=entitlement.cited,
                is_indicated=not entitlement.missing,
                because=list(entitlement.because),
                missing=list(entitlement.missing),
            )
    return list(found.values())


def _answer(row: StandingFact) -> ProgrammeAnswerOut:
    fact = row.fact
    about = {name: getattr(fact, name, None) for name in _CARRIED}
    return ProgrammeAnswerOut(
        enrolment_id=row.enrolment_id,
        plan=row.tenant_id,
        member_id=row.member_id,
        programme_id=row.programme_id,
        reasons=[ReasonOut(code=code, text=REASONS.get(code, code)) for code in (fact.reasons if fact else ())],
        svi=SviOut.model_validate(fact.svi.model_dump()) if fact else None,
        is_enrolled=fact.enrolled if fact else None,
        is_protected=fact.contact_protected if fact else None,
        **about,
    )


_GIVEN = {"enrolment_id", "programme_id", "reasons", "svi"}
_CARRIED = (ProgrammeAnswerOut.model_fields.keys() & MemberEligibilityDecidedV1.model_fields.keys()) - _GIVEN
"""What an answer has of the fact under the same name."""
