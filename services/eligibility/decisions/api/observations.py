"""Conditions, needs, figures and services that a plan tells of its members: what segments, forecasts and risk see."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from services.eligibility.clock import store as clock_store
from services.eligibility.clock.present import latest_on
from services.eligibility.decisions.flow import observations
from services.eligibility.decisions.shapes.observations import (
    MemberObservationIn,
    ObservationsIn,
    ObservationsOut,
    RejectOut,
)
from services.eligibility.feeds.values import EARLIEST_ON
from services.eligibility.forecast.supporting_data import bundled
from services.eligibility.programmes.needs import MemberObservation, answers_of, is_figure, is_known, wants_value
from services.kit import audit
from services.kit.auth import Principal, may
from services.kit.idempotency import Answer, Identity
from services.kit.look_ups import Allowance
from services.kit.postgres import ALL_TENANTS
from services.kit.problem import Refusal, refuse
from services.kit.requests import Pool, write
from services.kit.unit_of_work import UnitOfWork

OTHER_PLAN = Refusal("other-plan", "Another Plan", "The sender may speak for its own plan only.", 403)
EXPECTED = {
    "member-unknown": "a member number of one member of the plan, or the token of one",
    "member-ambiguous": "a member number of one member of the plan",
    "code-unknown": "a code that some rule looks at: see bundled/codes and CDC's observations",
    "value-missing": "a value, for this code is a figure",
    "value-unexpected": "no value, for this code is no figure; what no longer holds is told with its end",
    "code-not-yours": "a question's code, such as interpreter-needed: the rest is told by the plan's own systems",
    "answer-missing": "an answer, for this code is a question; needs.yaml has those that it takes",
    "answer-unexpected": "no answer, for this code is no question",
    "end-unexpected": "no end, for this code is a question: a later answer takes the place of an earlier one",
    "value-range": "a figure from 0 to the most that bundled/codes allows it",
    "dates": f"a day from {EARLIEST_ON} to the open business day, and an end after it",
}

Sender = Annotated[Principal, may("observations.tell")]
"""A plan's system tells anything of its members, a worker what members answer."""

routes = APIRouter()


@routes.post("/member-observations", response_model=ObservationsOut)
async def take_observations(
    body: ObservationsIn, pool: Pool, identity: Identity, principal: Sender, look_ups: Allowance
) -> Response:
    """Take in what a plan says of its members, or what members answer to a worker; whoever it concerns is decided anew
    before this answers. Said again with an end, the same observation ends. A wrong row is rejected, others count. A
    worker's rows by member number are look-ups: 429 after too many."""
    if principal.tenant not in {ALL_TENANTS, body.plan}:
        return refuse(OTHER_PLAN)

    is_worker = not principal.may("observations.tell-any")
    numbers = {row.member_id for row in body.observations if row.member_id is not None}
    for _ in numbers if is_worker else ():
        look_ups.admit(principal)

    async def effect(work: UnitOfWork) -> Answer:
        today = (await clock_store.share_clock(work.connection)).business_on
        tokens = {row.member_token for row in body.observations if row.member_token is not None}
        members = await observations.lock_members(work.connection, body.plan, numbers, tokens)
        for _ in numbers - members.keys() if is_worker else ():
            look_ups.missed(principal)
        latest = latest_on(today, datetime.now(UTC))
        taken, rejected = _sort(body.observations, members, latest, is_worker=is_worker)
        await audit.record(work, principal, "told", "member", sorted({member_token for member_token, _ in taken}))
        changed = await observations.on_observations(work, body.plan, taken, today)
        out = ObservationsOut(accepted=len(taken), members_changed=len(changed), rejected=rejected)
        return Answer(200, out.model_dump(mode="json"))

    return await write(pool, identity, effect)


def _sort(
    rows: Sequence[MemberObservationIn],
    members: Mapping[str | UUID, Sequence[UUID]],
    latest: date,
    *,
    is_worker: bool,
) -> tuple[list[tuple[UUID, MemberObservation]], list[RejectOut]]:
    taken, rejected = [], []
    for position, row in enumerate(rows):
        whom = members.get(row.member_id or row.member_token or "", ())
        said = MemberObservation(row.system, row.code, row.observed_on, row.ended_on, row.value, row.answer)
        if code := _wrong(said, len(whom), latest, is_worker=is_worker):
            rejected.append(RejectOut(position=position, code=code, expected=EXPECTED[code]))
        else:
            taken.append((whom[0], said))
    return taken, rejected


def _wrong(said: MemberObservation, members: int, latest: date, *, is_worker: bool) -> str | None:
    if members != 1:
        return "member-ambiguous" if members else "member-unknown"
    if not is_known(said.system, said.code, bundled()):
        return "code-unknown"
    if is_worker and not answers_of(said.system, said.code):
        return "code-not-yours"
    return _wrong_value(said) or _wrong_answer(said) or _wrong_days(said, latest)


def _wrong_value(said: MemberObservation) -> str | None:
    wants = wants_value(said.system, said.code)
    if wants != (said.value is not None):
        return "value-missing" if wants else "value-unexpected"
    return "value-range" if wants and not is_figure(said) else None


def _wrong_answer(said: MemberObservation) -> str | None:
    answers = answers_of(said.system, said.code)
    if not answers:
        return None if said.answer is None else "answer-unexpected"
    if said.ended_on is not None:
        return "end-unexpected"
    return None if said.answer in answers else "answer-missing"


def _wrong_days(said: MemberObservation, latest: date) -> str | None:
    is_over = said.ended_on is not None and said.ended_on <= said.observed_on
    return "dates" if is_over or not EARLIEST_ON <= said.observed_on <= latest else None
