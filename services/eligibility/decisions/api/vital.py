"""Who must be checked whether he lives, and a person's decision about it. Each look and each decision is audited."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.eligibility.clock import store as clock_store
from services.eligibility.clock.present import latest_on
from services.eligibility.decisions.api.members import NO_MEMBER
from services.eligibility.decisions.flow import vital as vital_flow
from services.eligibility.decisions.shapes.vital import (
    DeathReportOut,
    DeathReportPage,
    SaidOut,
    VitalAnswerOut,
    VitalStatusIn,
    VitalStatusOut,
)
from services.eligibility.decisions.store import decisions as decision_store
from services.eligibility.people import flow as people_flow
from services.eligibility.people.enrolment import Enrolment
from services.eligibility.people.store import members as people_store
from services.eligibility.vital import store as vital_store
from services.eligibility.vital.rules import VitalStatement, Word
from services.eligibility.vital.store import Reported
from services.eligibility.vital.told import BY_KIND
from services.kit import audit
from services.kit.auth import Principal, may
from services.kit.idempotency import Answer, Identity
from services.kit.postgres import ALL_TENANTS, Connection, seeing
from services.kit.problem import Refusal
from services.kit.requests import Pool, reading, write
from services.kit.unit_of_work import UnitOfWork

NOBODY = UUID(int=0)
NOT_DECIDED = Refusal("vital-status-undecided", "Nothing Decided", "Nobody decided about this member for you.", 409)
WRONG_DAY = Refusal(
    "death-day", "Day of Death", "Expected a day from the birth to the open business day, and only of a death.", 422
)
Decider = Annotated[Principal, may("deaths.decide")]

routes = APIRouter()


@routes.get("/death-reports")
async def list_death_reports(
    pool: Pool,
    principal: Decider,
    after: Annotated[UUID, Query(description="The member token that the page before ended with")] = NOBODY,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> DeathReportPage:
    """Whom somebody must check: a worker, a site, another plan, or a registry's status alone says that they have died.
    Outreach and scheduling let them alone until `vital-status` is decided or whoever said it takes it back."""
    async with reading(pool, principal) as work:
        found = await vital_store.load_reported(work.connection, after, limit)
        tokens = sorted({reported.member_token for reported in found})
        statements = await vital_store.load_statements(work.connection, tokens)
        await audit.record(work, principal, "read", "death-report", tokens)
    reports = [_report(reported, statements.get(reported.member_token, ())) for reported in found]
    return DeathReportPage(reports=reports, next_after=tokens[-1] if len(tokens) == limit else None)


@routes.post("/members/{member_token}/vital-status", response_model=VitalStatusOut)
async def decide_vital_status(
    member_token: UUID, body: VitalStatusIn, pool: Pool, identity: Identity, principal: Decider
) -> Response:
    """Decide that a member has died, or lives, whatever was said before: for the plan that the caller acts for, or for
    all. What a source says anew afterwards counts again, what it repeats does not. Everybody's answers follow at
    once."""

    async def effect(work: UnitOfWork) -> Answer:
        member = await _find(work, principal, member_token)
        if not member:
            return Answer.of(NO_MEMBER)
        today = (await clock_store.share_clock(work.connection)).business_on
        if body.deceased_on is not None and not _may_have_died(body, member, today):
            return Answer.of(WRONG_DAY)
        async with seeing(work.connection, ALL_TENANTS):
            await vital_flow.decide(
                work, member[0].member_token, principal.tenant, body.is_deceased, body.deceased_on, body.reason,
                principal.subject, named_token=member_token,
            )  # fmt: skip
        return await _answer(work.connection, member[0].member_token, principal.tenant)

    return await write(pool, identity, effect)


@routes.delete("/members/{member_token}/vital-status", response_model=VitalStatusOut)
async def withdraw_vital_status(member_token: UUID, pool: Pool, identity: Identity, principal: Decider) -> Response:
    """Take back the newest decision that was made for the plan that the caller acts for, or for all: the one before it
    holds again, else what the sources say."""

    async def effect(work: UnitOfWork) -> Answer:
        member = await _find(work, principal, member_token)
        if not member:
            return Answer.of(NO_MEMBER)
        async with seeing(work.connection, ALL_TENANTS):
            if not await vital_flow.withdraw(work, member[0].member_token, principal.tenant, principal.subject):
                return Answer.of(NOT_DECIDED)
        return await _answer(work.connection, member[0].member_token, principal.tenant)

    return await write(pool, identity, effect)


async def _find(work: UnitOfWork, principal: Principal, member_token: UUID) -> list[Enrolment]:
    """The living enrolments that the caller may see of the person whom the token means today, who is locked."""
    connection = work.connection
    await audit.record(work, principal, "read", "vital-status", [member_token])
    await clock_store.share_clock(connection)
    async with seeing(connection, ALL_TENANTS):
        survivors = await people_flow.lock_survivors(connection, [member_token])
    enrolments = await people_store.load_enrolments(connection, list(survivors.values()))
    return [enrolment for enrolment in enrolments if not enrolment.is_retired]


def _may_have_died(body: VitalStatusIn, member: Sequence[Enrolment], today: date) -> bool:
    assert body.deceased_on is not None
    birth_on = max((enrolment.birth_on for enrolment in member if enrolment.birth_on), default=date.min)
    return body.is_deceased and birth_on <= body.deceased_on <= latest_on(today, datetime.now(UTC))


async def _answer(connection: Connection, member_token: UUID, tenant_id: str) -> Answer:
    facts = [row.fact for row in await decision_store.load_facts(connection, member_token) if row.fact is not None]
    out = VitalStatusOut(
        member_token=member_token,
        decides_for=tenant_id,
        answers=[
            VitalAnswerOut(
                enrolment_id=fact.enrolment_id,
                plan=fact.tenant_id,
                programme_id=fact.programme_id,
                status=fact.status,
                reasons=list(fact.reasons),
            )
            for fact in facts
        ],
    )
    return Answer(200, out.model_dump(mode="json"))


def _report(about: Reported, statements: Sequence[VitalStatement]) -> DeathReportOut:
    mine = [statement for statement in statements if statement.tenant_id in {ALL_TENANTS, about.tenant_id}]
    said = [
        SaidOut(by=BY_KIND[statement.kind], said_at=statement.said_at, deceased_on=statement.death_on)
        for statement in sorted(mine, key=lambda statement: statement.said_at)
        if statement.word in {Word.DECEASED, Word.POSSIBLE}
    ]
    return DeathReportOut(
        member_token=about.member_token,
        enrolment_id=about.enrolment_id,
        plan=about.tenant_id,
        member_id=about.member_id,
        said=said or [SaidOut(by="another-plan")],
    )
