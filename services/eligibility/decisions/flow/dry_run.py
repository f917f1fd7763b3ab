"""A programme document tried on everybody who is stored: reads in batches, writes nothing."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

from services.eligibility.decisions.answers import shared_arms
from services.eligibility.decisions.basis import make_bases, needed
from services.eligibility.decisions.decision import Basis, Decision, Member
from services.eligibility.decisions.flow import basis as basis_flow
from services.eligibility.decisions.known import Known, members_of
from services.eligibility.decisions.rules import decide
from services.eligibility.decisions.store import decisions as decision_store
from services.eligibility.doses.store import doses as dose_store
from services.eligibility.people.store import members as people_store
from services.eligibility.people.store import statements as statement_store
from services.eligibility.programmes.dry_run import DryRun, Judged, Trial
from services.eligibility.programmes.programme import Programme
from services.kit.postgres import Connection, Pool, transaction

PERSONS_PER_BATCH = 1000
UNKNOWN = "unknown"


async def dry_run(pool: Pool, tenant: str, programme: Programme, business_on: date, sample_size: int = 0) -> DryRun:
    """Compares with the answers that stand for the same programme; a new programme finds everybody out."""
    trial = Trial(programme.cap, sample_size)
    async for judged in _judged(pool, tenant, programme, business_on):
        trial.take(judged)
    return trial.result()


async def _judged(pool: Pool, tenant: str, programme: Programme, business_on: date) -> AsyncIterator[Judged]:
    after = UUID(int=0)
    what = needed([programme], business_on)
    while True:
        async with transaction(pool, tenant) as connection:
            tokens = await people_store.load_next_tokens(connection, after, PERSONS_PER_BATCH)
            if not tokens:
                return
            known = await _load(connection, tokens)
            members = [
                member for member in members_of(known, business_on) if member.enrolment.tenant_id in programme.plans
            ]
            stands = await decision_store.load_standing(connection, tokens, programme.programme_id)
            said = await basis_flow.load_stored(connection, members, what)
        bases = make_bases(members, known.doses, what, replace(said, cut_offs={}), business_on).bases
        arms = shared_arms(known, [(replace(programme, cap=None), None)], business_on, members, bases)
        for member in members:
            enrolment_id, drawn = member.enrolment.enrolment_id, arms.get(member.person.member_token, {})
            basis = (
                replace(bases[enrolment_id], arms={**bases[enrolment_id].arms, **drawn})
                if drawn
                else bases[enrolment_id]
            )
            yield _judge(member, known, programme, business_on, basis, stands.get(enrolment_id, (False, ())))
        after = tokens[-1]


async def _load(connection: Connection, tokens: Sequence[UUID]) -> Known:
    return Known(
        enrolments=[
            enrolment
            for enrolment in await people_store.load_enrolments(connection, tokens)
            if not enrolment.is_retired
        ],
        persons=await people_store.load_persons(connection, tokens),
        statements=await statement_store.load_statements(connection, tokens),
        doses=await dose_store.load_counted(connection, tokens),
        last={},
        withheld=await statement_store.load_withheld(connection, tokens),
    )


def _judge(
    member: Member,
    known: Known,
    programme: Programme,
    business_on: date,
    basis: Basis,
    stands: tuple[bool, tuple[str, ...]],
) -> Judged:
    """Cap aside: who is admitted depends on everybody, and the arm on being admitted."""
    doses = known.doses.get(member.person.member_token, ())
    decision = decide(member, doses, replace(programme, cap=None), business_on, basis)
    group, rank = None, None
    if programme.cap is not None:
        ranked = decide(member, doses, programme, business_on, basis)
        group, rank = ranked.cap_group, ranked.cap_rank
    return Judged(
        enrolment_id=member.enrolment.enrolment_id,
        was_eligible=stands[0],
        was_because=stands[1],
        reasons=decision.reasons,
        groups=_groups(member, decision),
        score=decision.risk.score if decision.risk else None,
        tier=decision.risk.tier if decision.risk else None,
        arm=decision.arm,
        cap_group=group,
        cap_rank=rank,
    )


def _groups(member: Member, decision: Decision) -> tuple[str, ...]:
    enrolment = member.enrolment
    return (
        enrolment.tenant_id,
        member.placement.county_fips or UNKNOWN,
        decision.race_ethnicity,
        enrolment.language or UNKNOWN,
        enrolment.sex,
        decision.age_band or UNKNOWN,
        decision.line_of_business,
    )
