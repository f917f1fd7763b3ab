"""What the gate is asked of a case: the member and the history, from what is on record. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from schemas.outreach_v1 import CaseClosedReason, Channel
from services.outreach.cases import appointments, channels
from services.outreach.cases.changes import KnownCase
from services.outreach.cases.evidence import Evidence
from services.outreach.cases.rules import is_death_reported
from services.outreach.contacts.rules import tries
from services.outreach.gate.asked import Consent, Contact, Decision, History, Member, Permitted, Refused, Request
from services.outreach.gate.policy import CallKind, GatePolicy
from services.outreach.gate.rules import decide
from services.outreach.gate.zones import Reach
from services.outreach.policy import Policy


@dataclass(frozen=True, slots=True)
class Reservation:
    """A contact that a worker, or a sender of messages, is about to make. It counts as made until it runs out or its
    attempt is logged. `confirms_stop`: it is the one message that says that a STOP was heard, and counts for no cap."""

    reservation_id: UUID
    tenant_id: str
    case_id: UUID
    enrolment_id: UUID
    channel: Channel
    call_kind: CallKind
    worker_id: str
    reserved_at: datetime
    expires_at: datetime
    confirms_stop: bool = False

    def is_logged(self, evidence: Evidence) -> bool:
        """Whether its worker has logged since what came of it."""
        return any(
            (one.channel, one.worker_id) == (self.channel, self.worker_id) and one.attempted_at >= self.reserved_at
            for one in tries(evidence.attempts)
        )


@dataclass(frozen=True, slots=True)
class Known:
    """A case with what is reserved and agreed to for its member at the plan."""

    case: KnownCase
    reservations: Sequence[Reservation] = ()
    consents: Sequence[Consent] = ()


def member_of(evidence: Evidence, policy: Policy, consents: Sequence[Consent] = ()) -> Member:
    """As far as outreach knows him: by his ZIP; numbers and preferred hours it has not been told."""
    enrolment = evidence.enrolment
    is_deceased = CaseClosedReason.DECEASED in {policy.closes_as.get(code) for code in enrolment.reasons}
    return Member(
        reach=Reach(zip5=enrolment.zip5),
        is_deceased=is_deceased,
        is_death_reported=is_death_reported(evidence),
        is_enrolled=enrolment.enrolled,
        is_protected=enrolment.contact_protected,
        barred=channels.barred_channels(enrolment),
        stopped=channels.stopped_channels(evidence.statements, enrolment.tenant_id),
        invalid=channels.invalid_channels(evidence),
        consents=tuple(consents),
    )


def history_of(evidence: Evidence, reservations: Sequence[Reservation], now: datetime) -> History:
    """The tries at the plan, in all its programmes, and what is reserved; when the member stopped which channel, and
    when that was confirmed."""
    made = [Contact(one.channel, one.attempted_at) for one in channels.counted_tries(evidence)]
    reserved = [
        Contact(one.channel, one.reserved_at, one.call_kind)
        for one in reservations
        if one.expires_at > now and not one.confirms_stop and not one.is_logged(evidence)
    ]
    confirmed = [Contact(one.channel, one.reserved_at) for one in reservations if one.confirms_stop]
    stops = [Contact(channel, said.said_at) for said in evidence.statements for channel in said.stops]
    return History((*made, *reserved), tuple(stops), tuple(confirmed))


def is_promised(known: KnownCase, policy: Policy, now: datetime) -> bool:
    """Whether the member waits for it: he asked for the call, or must hear that his appointment is off."""
    callback_at = None if known.state is None else known.state.callback_at
    is_due = callback_at is not None and callback_at <= now
    return is_due or appointments.lifts_limits(appointments.lost(known.evidence, policy), policy)


def request_of(known: KnownCase, channel: Channel, kind: CallKind, policy: Policy, now: datetime) -> Request:
    """A contact with the member of this case."""
    return Request(channel, kind, is_promised=is_promised(known, policy, now))


def may_hand_out(known: Known, policy: Policy, gate: GatePolicy, now: datetime) -> Permitted | datetime:
    """Whether somebody may work on the case now, or not before when. It goes by channels at whose hours members are
    disturbed, as long as one of them is left; else by the others."""
    evidence = known.case.evidence
    member, history = member_of(evidence, policy), history_of(evidence, known.reservations, now)
    recheck_at = now + timedelta(hours=gate.limits.recheck_hours)
    decided = {
        channel: decide(request_of(known.case, channel, CallKind.MANUAL, policy, now), member, history, gate, now)
        for channel in policy.channels
    }
    left = {channel: one for channel, one in decided.items() if not _is_gone(one)}
    loud = {channel: one for channel, one in left.items() if channel in gate.limits.with_hours}
    asked = (loud or left).values()
    if any(isinstance(one, Permitted) for one in asked):
        return Permitted()
    return min([recheck_at, *_nexts(asked)])


def _is_gone(decision: Decision) -> bool:
    return isinstance(decision, Refused) and decision.next_permitted_at is None


def _nexts(decisions: Iterable[Decision]) -> Iterator[datetime]:
    for one in decisions:
        if isinstance(one, Refused) and one.next_permitted_at is not None:
            yield one.next_permitted_at
