"""Conditions, needs, figures and services that a plan tells of its members: what segments, forecasts and risk see."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from services.eligibility.clock import store as clock_store
from services.eligibility.decisions.flow import observations
from services.eligibility.decisions.shapes.observations import (
    MemberObservationIn,
    ObservationsIn,
    ObservationsOut,
    RejectOut,
)
from services.eligibility.feeds.values import EARLIEST_ON
from services.eligibility.forecast.supporting_data import bundled
from services.eligibility.programmes.needs import MemberObservation, is_figure, is_known, wants_value
from services.kit.auth import Principal, require
from services.kit.idempotency import Answer, Identity
from services.kit.postgres import ALL_TENANTS
from services.kit.problem import Refusal, refuse
from services.kit.requests import Pool, write
from services.kit.unit_of_work import UnitOfWork

OTHER_PLAN = Refusal("other-plan", "Another Plan", "The sender may speak for its own plan only.", 403)
EXPECTED = {
    "member-unknown": "a member number of one member of the plan",
    "member-ambiguous": "a member number of one member of the plan",
    "code-unknown": "a code that some rule looks at: see rules/codes and CDC's observations",
    "value-missing": "a value, for this code is a figure",
    "value-unexpected": "no value, for this code is no figure; what no longer holds is told with its end",
    "value-range": "a figure from 0 to the most that rules/codes allows it",
    "dates": f"a day from {EARLIEST_ON} to the open business day, and an end after it",
}

Sender = Annotated[Principal, require("integration")]

routes = APIRouter()


@routes.post("/member-observations", response_model=ObservationsOut)
async def take_observations(body: ObservationsIn, pool: Pool, identity: Identity, principal: Sender) -> Response:
    """Take in what a plan says of its members; whoever it concerns is decided anew before this answers. Said again with
    an end, the same observation ends. A wrong row is rejected, the others count."""
    if principal.tenant not in {ALL_TENANTS, body.plan}:
        return refuse(OTHER_PLAN)

    async def effect(work: UnitOfWork) -> Answer:
        today = (await clock_store.share_clock(work.connection)).business_on
        numbers = {one.member_id for one in body.observations}
        members = await observations.lock_members(work.connection, body.plan, numbers)
        taken, rejected = _sort(body.observations, members, today)
        changed = await observations.on_observations(work, body.plan, taken, today)
        out = ObservationsOut(accepted=len(taken), members_changed=len(changed), rejected=rejected)
        return Answer(200, out.model_dump(mode="json"))

    return await write(pool, identity, effect)


def _sort(
    rows: Sequence[MemberObservationIn], members: Mapping[str, Sequence[UUID]], today: date
) -> tuple[list[tuple[UUID, MemberObservation]], list[RejectOut]]:
    taken, rejected = [], []
    for position, row in enumerate(rows):
        whom = members.get(row.member_id, ())
        said = MemberObservation(row.system, row.code, row.observed_on, row.ended_on, row.value)
        if code := _wrong(said, len(whom), today):
            rejected.append(RejectOut(position=position, code=code, expected=EXPECTED[code]))
        else:
            taken.append((whom[0], said))
    return taken, rejected


def _wrong(said: MemberObservation, members: int, today: date) -> str | None:
    if members != 1:
        return "member-ambiguous" if members else "member-unknown"
    if not is_known(said.system, said.code, bundled()):
        return "code-unknown"
    wants = wants_value(said.system, said.code)
    if wants != (said.value is not None):
        return "value-missing" if wants else "value-unexpected"
    if wants and not is_figure(said):
        return "value-range"
    is_over = said.ended_on is not None and said.ended_on <= said.observed_on
    return "dates" if is_over or not EARLIEST_ON <= said.observed_on <= today else None
