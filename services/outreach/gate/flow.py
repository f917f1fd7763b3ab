"""Asks the gate about cases, reserves a contact, records consents: in the transaction of whoever asks."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from schemas.outreach_v1 import Channel
from services.kit.ids import new_id
from services.kit.postgres import Connection
from services.kit.problem import Refusal
from services.kit.unit_of_work import UnitOfWork
from services.outreach.briefings.flow import SAID_LATER
from services.outreach.cases import store as cases
from services.outreach.gate import store
from services.outreach.gate.asked import Consent, Decision, Permitted, Refused
from services.outreach.gate.cases import Known, Reservation, history_of, may_hand_out, member_of, request_of
from services.outreach.gate.consents import ConsentOnRecord, ConsentSource
from services.outreach.gate.policy import GATE, CallKind
from services.outreach.gate.rules import decide
from services.outreach.gate.zones import Reach
from services.outreach.policy import POLICY
from services.outreach.worklist import store as worklist
from services.outreach.worklist.flow import NO_CASE
from services.replicas.days import store as days
from services.replicas.persons import store as persons
from services.replicas.programmes import store as programmes

NOT_PERMITTED = Refusal("contact-not-permitted", "Contact Not Permitted", "The gate does not permit this contact now.")
NOT_HELD = Refusal("case-not-held", "Case Not Held", "Whoever reserves a contact has claimed the case.")


@dataclass(frozen=True, slots=True)
class Approach:
    """How a member is about to be contacted, and when it is asked. `confirms_stop`: by the one message that says that a
    STOP was heard; `is_answer`: to what he has just written himself. `by_machine`: what was promised is a person's to
    keep; `number`: by which of his numbers, and when he likes to be reached."""

    channel: Channel
    kind: CallKind
    now: datetime
    confirms_stop: bool = False
    is_answer: bool = False
    by_machine: bool = False
    number: Reach | None = None


async def ask(connection: Connection, case_id: UUID, approach: Approach) -> Decision | Refusal:
    """Whether the case's member may be contacted so, as things stand."""
    member_token = await cases.load_member_token(connection, case_id)
    if member_token is None:
        return NO_CASE
    known = await _known(connection, await persons.load_persons(connection, [member_token]), approach.now)
    return decide_on(known[case_id], approach)


async def lock_known(connection: Connection, case_id: UUID, now: datetime) -> Known | None:
    """What the gate is asked of a case, its person locked; None where there is none, or another plan's."""
    member_token = await cases.load_member_token(connection, case_id)
    if member_token is None:
        return None
    await programmes.share_reference(connection)
    person_of = await persons.lock_persons(connection, [member_token])
    return (await _known(connection, person_of, now))[case_id]


async def reserve(work: UnitOfWork, case_id: UUID, approach: Approach, worker_id: str) -> Reservation | Refusal:
    """Let a contact that is about to be made count as made; of two at once at the cap one is refused."""
    known = await lock_known(work.connection, case_id, approach.now)
    if known is None:
        return NO_CASE
    case = await worklist.load_case(work.connection, case_id)
    if case is None or not case.is_claimed or case.claimed_by != worker_id:
        return NOT_HELD
    decision = decide_on(known, approach)
    if not isinstance(decision, Permitted):
        return refused(decision)
    return await keep(work.connection, known, approach, worker_id, timedelta(minutes=GATE.limits.reservation_minutes))


def refused(decision: Refused) -> Refusal:
    """What the API says of it: the reason, and the next permitted instant."""
    until = "" if decision.next_permitted_at is None else f", not before {decision.next_permitted_at.isoformat()}"
    return NOT_PERMITTED.saying(f"The gate does not permit this contact: {decision.reason.value}{until}.")


async def keep(connection: Connection, known: Known, approach: Approach, by: str, lasts: timedelta) -> Reservation:
    """Keep the reservation of a contact with somebody who is locked, whom the gate permits to contact."""
    enrolment = known.case.evidence.enrolment
    reservation = Reservation(
        new_id(), enrolment.tenant_id, known.case.case_id, enrolment.enrolment_id, approach.channel, approach.kind, by,
        approach.now, approach.now + lasts, approach.confirms_stop,
    )  # fmt: skip
    await store.save_reservation(connection, reservation)
    return reservation


async def keep_back(
    connection: Connection, case_ids: Collection[UUID], of: Collection[UUID], now: datetime
) -> set[UUID]:
    """Those of these cases, of these persons, that may not be worked on now; they are not looked at again before they
    may."""
    known = await _known(connection, await persons.load_persons(connection, of), now)
    decided = {case_id: may_hand_out(known[case_id], POLICY, GATE, now) for case_id in case_ids}
    until = {case_id: at for case_id, at in decided.items() if isinstance(at, datetime)}
    await cases.postpone(connection, until)
    return set(until)


async def _known(connection: Connection, person_of: Mapping[UUID, UUID], now: datetime) -> dict[UUID, Known]:
    """Every case of these persons, with what is reserved for them and what they agreed to at its plan."""
    found = await cases.load_known(connection, person_of)
    whose = {
        one.evidence.enrolment.enrolment_id: (
            person_of[one.evidence.enrolment.member_token], one.evidence.enrolment.tenant_id,
        )
        for one in found
    }  # fmt: skip
    reserved: dict[tuple[UUID, str], list[Reservation]] = {}
    for enrolment_id, reservations in (await store.load_reservations(connection, set(whose), now)).items():
        reserved.setdefault(whose[enrolment_id], []).extend(reservations)
    agreed: dict[tuple[UUID, str], list[Consent]] = {}
    for consent in await store.load_consents(connection, set(whose)):
        agreed.setdefault(whose[consent.enrolment_id], []).append(consent.asked())
    of = {one.case_id: whose[one.evidence.enrolment.enrolment_id] for one in found}
    return {
        one.case_id: Known(one, reserved.get(of[one.case_id], []), agreed.get(of[one.case_id], [])) for one in found
    }


def decide_on(known: Known, approach: Approach) -> Decision:
    """The gate's answer for what is known."""
    evidence = known.case.evidence
    request = request_of(known.case, approach.channel, approach.kind, POLICY, approach.now)
    is_promised = approach.is_answer or (request.is_promised and not approach.by_machine)
    asked = replace(request, confirms_stop=approach.confirms_stop, is_promised=is_promised)
    member = member_of(evidence, POLICY, known.consents)
    if (number := approach.number) is not None:
        reach = replace(member.reach, area_codes=number.area_codes, preferences=number.preferences)
        member = replace(member, reach=reach)
    return decide(asked, member, history_of(evidence, known.reservations, approach.now), GATE, approach.now)


@dataclass(frozen=True, slots=True)
class Agreed:
    """What a member agreed to, as somebody told it."""

    channel: Channel
    kind: CallKind
    scope: str
    source: ConsentSource
    given_on: date | None
    expires_on: date | None


async def record_consent(
    connection: Connection, case_id: UUID, agreed: Agreed, worker_id: str, now: datetime
) -> UUID | Refusal:
    """Keep that the member of this case agreed, on that day, else on the open one."""
    case = await worklist.load_case(connection, case_id)
    if case is None:
        return NO_CASE
    today = await days.load_day(connection) or now.date()
    given_on = agreed.given_on or today
    if given_on > today:
        return SAID_LATER
    consent = ConsentOnRecord(
        new_id(), case.tenant_id, case.enrolment_id, agreed.channel, agreed.kind, agreed.scope, agreed.source.value,
        given_on, agreed.expires_on, worker_id,
    )  # fmt: skip
    await store.save_consent(connection, consent)
    return consent.consent_id
