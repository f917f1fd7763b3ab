"""Programmes: which are live, what a document would do before it is, and its publication."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Response

from services.eligibility.clock import store as clock_store
from services.eligibility.decisions.basis import released
from services.eligibility.decisions.decision import REASONS
from services.eligibility.decisions.flow import publishing
from services.eligibility.decisions.flow.dry_run import dry_run
from services.eligibility.decisions.shapes.in_tens import in_tens
from services.eligibility.decisions.shapes.programmes import (
    CutOffOut,
    DocumentIn,
    DryRunOut,
    GroupOut,
    MovementOut,
    ProgrammeOut,
    ScoresOut,
    UnreadableOut,
    WhoOut,
)
from services.eligibility.programmes import store as programme_store
from services.eligibility.programmes.documents import (
    ProgrammeError,
    Published,
    library,
    live,
    parse_programme,
    unreadable,
    what_is_wrong,
)
from services.eligibility.programmes.dry_run import DIMENSIONS, DryRun
from services.eligibility.programmes.programme import Programme
from services.kit import audit
from services.kit.auth import Principal, may, may_for_all
from services.kit.idempotency import Answer, Identity
from services.kit.postgres import ALL_TENANTS, transaction
from services.kit.problem import Refusal, RefusedError, refuse
from services.kit.requests import Pool, reading, write
from services.kit.unit_of_work import UnitOfWork

WRONG_DOCUMENT = Refusal(
    "programme-document-wrong",
    "Wrong Programme Document",
    "The place in the document, and what is expected.",
    422,
)
TAKEN = Refusal(
    "programme-version-taken", "Version Taken", "This version was published with another text; give it a new one.", 409
)

BUDGET_SPENT = Refusal(
    "too-many-dry-runs", "Too Many Requests", "The day's dry runs are used up: try the next one tomorrow.", 429
)
RETRY_AFTER_BUDGET_S = "3600"
A_DAY, A_DAY_UNSEEING = 100, 20
"""Dry runs of one client in 24 hours; of one who must not learn of single members, who could by trying many documents
that differ by little."""

Reader = Annotated[Principal, may("programmes.read")]
TRY = "programmes.try"
Author = Annotated[Principal, may(TRY)]
Operator = Annotated[Principal, may_for_all("programmes.publish")]

routes = APIRouter()


@routes.get("/programmes")
async def list_programmes(pool: Pool, principal: Reader) -> list[ProgrammeOut | UnreadableOut]:
    """Every published version, and the documents that ship and wait to be published. A plan sees those in which it
    takes part, whole: who takes part with it stands in them. A published version that can't be read any more is shown
    to those who may see all plans."""
    async with reading(pool, principal) as work:
        stored = await programme_store.load_documents(work.connection)
    published = live(stored)
    unread = unreadable(stored) if principal.tenant == ALL_TENANTS else []
    known = {(programme.programme_id, programme.version) for programme in published}
    waiting = [programme for programme in library() if (programme.programme_id, programme.version) not in known]
    seen = (programme for programme in (*published, *waiting) if principal.tenant in {ALL_TENANTS, *programme.plans})
    told = [_programme(programme, is_live=programme in published) for programme in seen]
    return [*map(_unreadable, unread), *told]


@routes.post("/programmes", status_code=201, response_model=ProgrammeOut)
async def publish_programme(body: DocumentIn, pool: Pool, identity: Identity, principal: Operator) -> Response:
    """Let a version go live; everybody is asked anew, in the background. The same version and text again is 200. A
    wrong document is refused with line and field of everything that is wrong in it. A programme decides for every plan
    that it names, so this is for operators of all tenants."""
    read = _read(body)
    if isinstance(read, Refusal):
        return refuse(read)
    programme = read

    async def effect(work: UnitOfWork) -> Answer:
        stands = await programme_store.load_version(work.connection, programme.programme_id, programme.version)
        if stands not in {None, programme.sha256}:
            return Answer.of(TAKEN)
        is_new = await publishing.publish(work, programme)
        out = _programme(programme, is_live=True)
        return Answer(201 if is_new else 200, out.model_dump(mode="json"))

    return await write(pool, identity, effect)


@routes.post("/programmes/dry-runs", response_model=DryRunOut)
async def try_programme(
    body: DocumentIn,
    pool: Pool,
    principal: Author,
    sample: Annotated[int, Query(ge=0, le=1000, description="How many to name who enter, and who leave.")] = 0,
) -> Response | DryRunOut:
    """Who would enter and leave if this document were live today, why, by group and with the risk scores' distribution.
    Members are named to those who may look at members; who may not see small counts gets counts in tens, and none of
    fewer than 11. Each try is audited and counts against a budget of 24 hours: 429 when it is spent."""
    programme = _read(body)
    if isinstance(programme, Refusal):
        return refuse(programme)
    sees_few = principal.sees("small-counts", TRY)
    async with transaction(pool, ALL_TENANTS) as connection:
        clock = await clock_store.share_clock(connection)
        who = (principal.tenant, principal.subject, programme.sha256)
        is_admitted = await programme_store.take_dry_run(connection, *who, A_DAY if sees_few else A_DAY_UNSEEING)
    async with reading(pool, principal) as work:
        outcome = [programme.programme_id, programme.sha256, "tried" if is_admitted else "refused"]
        await audit.record(work, principal, "read", "dry-run", outcome)
    if not is_admitted:
        raise RefusedError(BUDGET_SPENT, {"Retry-After": RETRY_AFTER_BUDGET_S})
    named_at_most = sample if principal.may("members.read") else 0
    found = await dry_run(pool, principal.tenant, programme, clock.business_on, named_at_most)
    if named := [enrolment_id for enrolment_id, _ in (*found.entering, *found.leaving)]:
        async with reading(pool, principal) as work:
            await audit.record(work, principal, "read", "enrolment", named)
    told = _dry_run(programme, clock.business_on, found)
    return told if sees_few else in_tens(told)


def _read(body: DocumentIn) -> Programme | Refusal:
    try:
        return parse_programme(body.document, body.name)
    except ProgrammeError as error:
        return WRONG_DOCUMENT.saying(str(error))


def _unreadable(one: Published) -> UnreadableOut:
    wrong = what_is_wrong(one.document).splitlines()
    return UnreadableOut(programme_id=one.programme_id, version=one.version, wrong=wrong)


def _programme(one: Programme, *, is_live: bool) -> ProgrammeOut:
    return ProgrammeOut(
        programme_id=one.programme_id,
        version=one.version,
        title=one.title,
        effective_on=one.effective_on,
        time_zone=one.time_zone,
        plans=sorted(one.plans),
        vaccine_group=one.vaccine_group,
        risk_model=one.risk_model,
        arms=dict(one.arms.shares) if one.arms else {},
        lawful_purpose=one.segment.lawful_purpose,
        sha256=one.sha256,
        is_live=is_live,
        document=one.document,
    )


def _dry_run(programme: Programme, business_on: date, found: DryRun) -> DryRunOut:
    said = {*found.kept_out_by, *found.entered_despite}
    return DryRunOut(
        programme_id=programme.programme_id,
        version=programme.version,
        sha256=programme.sha256,
        business_on=business_on,
        releases=[name for name, _ in released()],
        total=MovementOut.model_validate(found.total),
        kept_out_by=dict(found.kept_out_by.most_common()),
        left_by=dict(found.left_by.most_common()),
        entered_despite=dict(found.entered_despite.most_common()),
        reasons={code: REASONS.get(code, "No answer stood.") for code in sorted(said)},
        arms=dict(found.arms),
        cut_offs=[
            CutOffOut(
                group=cut_off.group, population=cut_off.population, admitted=cut_off.admitted, least_score=cut_off.score
            )
            for _, cut_off in sorted(found.cut_offs.items())
        ],
        groups=[_group(found, *group) for group in sorted(found.movements, key=_in_order)],
        entering=[WhoOut(enrolment_id=who, reasons=list(why)) for who, why in found.entering],
        leaving=[WhoOut(enrolment_id=who, reasons=list(why)) for who, why in found.leaving],
    )


def _in_order(group: tuple[str, str]) -> tuple[int, str]:
    dimension, name = group
    return (DIMENSIONS.index(dimension) + 1 if dimension in DIMENSIONS else 0), name


def _group(found: DryRun, dimension: str, group: str) -> GroupOut:
    moved, scores = found.movements[dimension, group], found.scores.get((dimension, group))
    impact = found.impact(dimension, group)
    risk = None
    if scores is not None:
        at = {f"p{share}": scores.quantile(share / 100) for share in (25, 50, 75, 90)}
        risk = ScoresOut(mean=round(scores.mean, 2), tiers=dict(scores.tiers), **at)
    return GroupOut(
        **MovementOut.model_validate(moved).model_dump(),
        dimension=dimension,
        group=group,
        share_in=round(moved.share_in, 4),
        impact=None if impact is None else round(impact, 3),
        risk=risk,
    )
