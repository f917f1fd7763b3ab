"""Queues a message, if it may be sent as things stand; asked again when it is sent."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from schemas.outreach_v1 import Channel
from services.kit.ids import new_id
from services.kit.postgres import Connection
from services.kit.problem import Refusal
from services.kit.unit_of_work import UnitOfWork
from services.outreach.attempts.flow.refusals import REFUSALS
from services.outreach.attempts.rules import RefusalCode
from services.outreach.gate import flow as gate
from services.outreach.gate.asked import Permitted, Refused
from services.outreach.gate.cases import Known
from services.outreach.messages import store
from services.outreach.messages.flow.settings import MessageSettings
from services.outreach.messages.rules import KIND_OF, addresses, needless, where
from services.outreach.messages.store import NewMessage
from services.outreach.messages.wording import TEMPLATES, Purpose
from services.outreach.policy import POLICY
from services.outreach.reach import store as reach_store
from services.outreach.reach.rules import Reachable, reachable
from services.outreach.worklist import store as worklist
from services.outreach.worklist.flow import NO_CASE
from services.outreach.worklist.rules import ListedCase

NOT_SERVED = Refusal(
    "channel-not-served", "Channel Not Served", "The deployment sends nothing of this kind for the plan."
)
NO_TEMPLATE = Refusal("unknown-wording", "Unknown Wording", "The template has no wording for this channel.", 404)
NO_ADDRESS = Refusal(
    "no-usable-address", "No Usable Address", "No number or address is known that takes such messages."
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A message that a worker wants sent. `waits`: where the gate refuses it for now, at the instant that it names."""

    channel: Channel
    template: str
    waits: bool


@dataclass(frozen=True, slots=True)
class Queued:
    """It is queued, not before then."""

    message_id: UUID
    not_before_at: datetime


async def queue(
    work: UnitOfWork, case_id: UUID, wanted: Wanted, by: str, settings: MessageSettings, now: datetime
) -> Queued | Refusal:
    """Queue a message to the member of this case, or say why not."""
    connection = work.connection
    known = await gate.lock_known(connection, case_id, now)
    case = await worklist.load_case(connection, case_id)
    if known is None or case is None:
        return NO_CASE
    if (refused := _refused(case, known, wanted, by, settings)) is not None:
        return refused
    reach = await reach_of(connection, case.enrolment_id)
    address = None if reach is None else await address_of(connection, known, reach, wanted.channel)
    number = None if reach is None or address is None else where(reach, wanted.channel, address)
    approach = gate.Approach(wanted.channel, KIND_OF[wanted.channel], now, by_machine=True, number=number)
    decision = gate.decide_on(known, approach)
    if not isinstance(decision, Permitted) and not (wanted.waits and decision.next_permitted_at):
        return gate.refused(decision)
    if address is None:
        return NO_ADDRESS
    not_before_at = decision.next_permitted_at if isinstance(decision, Refused) else None
    message = NewMessage(
        new_id(), case.tenant_id, case_id, case.enrolment_id, wanted.channel, Purpose.OUTREACH, wanted.template, by,
        not_before_at or now,
    )  # fmt: skip
    await store.save_message(connection, message)
    return Queued(message.message_id, message.not_before_at)


def _refused(case: ListedCase, known: Known, wanted: Wanted, by: str, settings: MessageSettings) -> Refusal | None:
    """Why no message may be queued, beside what the gate says."""
    if not TEMPLATES[wanted.template].serves(wanted.channel):
        return NO_TEMPLATE
    if settings.sender_of(case.tenant_id, wanted.channel) is None:
        return NOT_SERVED
    if case.is_claimed and case.claimed_by != by:
        return REFUSALS[RefusalCode.NOT_CLAIMED]
    if (reason := needless(known.case, wanted.channel, None, by, POLICY)) is not None:
        return gate.NOT_PERMITTED.saying(f"The member is not to be reached by a message: {reason}.")
    return None


async def reach_of(connection: Connection, enrolment_id: UUID) -> Reachable | None:
    """How the member can be reached now, as far as anybody may."""
    details = (await reach_store.load_details(connection, [enrolment_id])).get(enrolment_id)
    if details is None:
        return None
    return reachable(details, await reach_store.load_corrections(connection, enrolment_id))


async def address_of(connection: Connection, known: Known, reach: Reachable, channel: Channel) -> str | None:
    """Where a message goes: nothing came back from there, and nobody there has said STOP since the member allowed the
    channel last; None where nothing is known that can be used."""
    resumed = [said.said_at for said in known.case.evidence.statements if channel in said.resumes]
    found = addresses(reach, channel)
    return await store.usable(connection, found, channel, max(resumed, default=None))
