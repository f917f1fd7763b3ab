"""Asks the gate about cases, and reserves a contact: in the transaction of the request."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from schemas.outreach_v1 import Channel
from services.kit.ids import new_id
from services.kit.postgres import Connection
from services.kit.problem import Refusal
from services.kit.unit_of_work import UnitOfWork
from services.outreach.cases import store as cases
from services.outreach.cases.changes import KnownCase
from services.outreach.gate import store
from services.outreach.gate.asked import Decision, Permitted
from services.outreach.gate.cases import Reservation, history_of, may_hand_out, member_of, request_of
from services.outreach.gate.policy import GATE, CallKind
from services.outreach.gate.rules import decide
from services.outreach.policy import POLICY
from services.outreach.worklist import store as worklist
from services.outreach.worklist.flow import NO_CASE
from services.replicas.persons import store as persons
from services.replicas.programmes import store as programmes

NOT_PERMITTED = Refusal("contact-not-permitted", "Contact Not Permitted", "The gate does not permit this contact now.")
NOT_HELD = Refusal("case-not-held", "Case Not Held", "Whoever reserves a contact has claimed the case.")


@dataclass(frozen=True, slots=True)
class Approach:
    """How a member is about to be contacted, and when it is asked."""

    channel: Channel
    kind: CallKind
    now: datetime


async def ask(connection: Connection, case_id: UUID, approach: Approach) -> Decision | Refusal:
    """Whether the case's member may be contacted so, as things stand."""
    member_token = await cases.load_member_token(connection, case_id)
    if member_token is None:
        return NO_CASE
    known = await _known(connection, await persons.load_persons(connection, [member_token]), approach.now)
    return _decide(*known[case_id], approach)


async def reserve(work: UnitOfWork, case_id: UUID, approach: Approach, worker_id: str) -> Reservation | Refusal:
    """Let a contact that is about to be made count as made; of two at once at the cap one is refused."""
    connection = work.connection
    member_token = await cases.load_member_token(connection, case_id)
    if member_token is None:
        return NO_CASE
    await programmes.share_reference(connection)
    person_of = await persons.lock_persons(connection, [member_token])
    case = await worklist.load_case(connection, case_id)
    if case is None or not case.is_claimed or case.claimed_by != worker_id:
        return NOT_HELD
    decision = _decide(*(await _known(connection, person_of, approach.now))[case_id], approach)
    if not isinstance(decision, Permitted):
        until = "" if decision.next_permitted_at is None else f", not before {decision.next_permitted_at.isoformat()}"
        return replace(NOT_PERMITTED, detail=f"The gate does not permit this contact: {decision.reason.value}{until}.")
    reservation = Reservation(
        new_id(), case.tenant_id, case_id, case.enrolment_id, approach.channel, approach.kind, worker_id, approach.now,
        approach.now + timedelta(minutes=GATE.limits.reservation_minutes),
    )  # fmt: skip
    await store.save_reservation(connection, reservation)
    return reservation


async def keep_back(
    connection: Connection, case_ids: Collection[UUID], of: Collection[UUID], now: datetime
) -> set[UUID]:
    """Those of these cases, of these persons, that may not be worked on now; they are not looked at again before they
    may."""
    known = await _known(connection, await persons.load_persons(connection, of), now)
    decided = {case_id: may_hand_out(*known[case_id], POLICY, GATE, now) for case_id in case_ids}
    until = {case_id: at for case_id, at in decided.items() if isinstance(at, datetime)}
    await cases.postpone(connection, until)
    return set(until)


Known = tuple[KnownCase, list[Reservation]]


async def _known(connection: Connection, person_of: Mapping[UUID, UUID], now: datetime) -> dict[UUID, Known]:
    """Every case of these persons, with what is reserved for them at its plan."""
    known = await cases.load_known(connection, person_of)
    by_enrolment = await store.load_reservations(
        connection, {one.evidence.enrolment.enrolment_id for one in known}, now
    )
    reserved: dict[tuple[UUID, str], list[Reservation]] = {}
    for one in {case.evidence.enrolment.enrolment_id: case for case in known}.values():
        reserved.setdefault(_whose(one, person_of), []).extend(
            by_enrolment.get(one.evidence.enrolment.enrolment_id, [])
        )
    return {one.case_id: (one, reserved[_whose(one, person_of)]) for one in known}


def _whose(known: KnownCase, person_of: Mapping[UUID, UUID]) -> tuple[UUID, str]:
    return person_of[known.evidence.enrolment.member_token], known.evidence.enrolment.tenant_id


def _decide(known: KnownCase, reservations: list[Reservation], approach: Approach) -> Decision:
    request = request_of(known, approach.channel, approach.kind, POLICY, approach.now)
    history = history_of(known.evidence, reservations, approach.now)
    return decide(request, member_of(known.evidence, POLICY), history, GATE, approach.now)
