"""What the API of briefings takes and gives."""

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StrictBool, StrictInt, StringConstraints, model_validator

from schemas.eligibility_v1 import InterpreterNeeded
from schemas.envelope import Day, Zip5
from schemas.member_contact_v1 import (
    AddressKind,
    ContactName,
    ContactSource,
    EmailAddress,
    PostalAddress,
    Representative,
    Telephone,
    TelephoneKind,
)
from schemas.outreach_v1 import Channel
from schemas.texts import Text
from services.kit.masking import protected
from services.outreach.cases import channels
from services.outreach.conversations.shapes import ConversationOut
from services.outreach.reach.rules import WORKER, Heard, HeardFrom, Reachable
from services.outreach.worklist import why
from services.outreach.worklist.rules import History, ListedCase
from services.outreach.worklist.shapes import AttemptRecordOut, CaseOut, Shape, case_of

TelephoneNumber = Annotated[str, StringConstraints(pattern=r"^[2-9][0-9]{2}[2-9][0-9]{6}$")]
"""Ten digits of the North American plan."""
Email = Annotated[str, StringConstraints(pattern=r"^[!-?A-~]{1,64}@[A-Za-z0-9.-]{1,253}$", max_length=254)]
State = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Line = Annotated[Text, Field(max_length=100)]


class NameOut(Shape):
    """What somebody is called."""

    family: Annotated[str, protected("names")]
    given: Annotated[str, protected("names")]
    middle: Annotated[str, protected("names")]
    suffix: Annotated[str, protected("names")]
    preferred: Annotated[str, protected("names")]
    pronouns: Annotated[str, protected("names")]


class TelephoneOut(Shape):
    """A telephone number, by who said it first and when. `wrong_since_on`: it is known to be wrong."""

    number: Annotated[str, protected("telephones")]
    kind: TelephoneKind
    source: ContactSource
    stated_on: date | None
    wrong_since_on: date | None


class EmailOut(Shape):
    """An e-mail address, likewise."""

    address: Annotated[str, protected("telephones")]
    source: ContactSource
    stated_on: date | None
    wrong_since_on: date | None


class PostalAddressOut(Shape):
    """A postal address, likewise; of each kind the newest."""

    kind: AddressKind
    street: Annotated[str, protected("addresses")]
    unit: Annotated[str, protected("addresses")]
    city: Annotated[str, protected("addresses")]
    state: Annotated[str, protected("addresses")]
    zip5: Annotated[str, protected("addresses")]
    country: Annotated[str, protected("addresses")]
    source: ContactSource
    stated_on: date | None
    wrong_since_on: date | None


class RepresentativeOut(Shape):
    """Somebody who may answer for the member."""

    relation: str
    name: NameOut
    telephones: tuple[TelephoneOut, ...]


class ReachOut(Shape):
    """How the member can be reached: what is newest and not known to be wrong comes first."""

    name: NameOut | None
    telephones: tuple[TelephoneOut, ...]
    emails: tuple[EmailOut, ...]
    addresses: tuple[PostalAddressOut, ...]
    language: str
    preferred_channel: Channel | None
    preferred_from: int | None = Field(description="The first hour of the day that suits the member.")
    preferred_until: int | None
    representatives: tuple[RepresentativeOut, ...]
    is_confidential: bool = Field(description="Nobody else is to hear of it: the member asked for that.")


class HourOut(Shape):
    """An hour of the day, in the programme's time zone, at which the member answered."""

    hour: int
    tried: int
    reached: int


class BarrierOut(Shape):
    """What stood in the way, and when that was last said."""

    code: Annotated[str, protected("barriers")]
    said_on: date


class HouseholdMemberOut(Shape):
    """Another member of the plan in the same household who is to be called too: one call will do, once both are
    identified. Nobody whose contact is protected, or who asked for confidential communications."""

    case_id: UUID
    programme_id: str
    name: NameOut | None


class BriefingOut(Shape):
    """Who is to be called, how, why and when, and what was said before."""

    case: CaseOut
    why: tuple[str, ...]
    reach: ReachOut | None = Field(description="None: nobody may contact the member, or his plan has not told it yet.")
    interpreter_needed: InterpreterNeeded
    said_before: tuple[AttemptRecordOut, ...] = Field(description="The newest first.")
    spoken_before: tuple[ConversationOut, ...] = Field(
        description="What was spoken of in attempts that stand; the newest first."
    )
    barriers: tuple[BarrierOut, ...]
    stopped_channels: tuple[Channel, ...]
    invalid_channels: tuple[Channel, ...]
    barred_channels: tuple[Channel, ...]
    best_hours: tuple[HourOut, ...] = Field(description="None of them: he never answered a call.")
    household: tuple[HouseholdMemberOut, ...]


class AddressIn(Shape):
    """A postal address that somebody was told."""

    kind: AddressKind
    street: Line
    unit: Line | None = None
    city: Line
    state: State
    zip5: Zip5


class CorrectionIn(Shape):
    """What a worker heard of how to reach the member: at least one thing. It holds until a roster of a later day brings
    something else."""

    source: HeardFrom
    said_on: Day | None = Field(default=None, description="The day on which it was said; the open one if not given.")
    new_telephone: TelephoneNumber | None = None
    new_telephone_kind: TelephoneKind = TelephoneKind.OTHER
    wrong_telephone: TelephoneNumber | None = None
    new_email: Email | None = None
    wrong_email: Email | None = None
    new_address: AddressIn | None = None
    wrong_address: AddressKind | None = None
    preferred_name: Line | None = None
    pronouns: Line | None = None
    preferred_channel: Channel | None = None
    preferred_from: StrictInt | None = Field(default=None, ge=0, le=23)
    preferred_until: StrictInt | None = Field(default=None, ge=1, le=24)
    is_confidential: StrictBool | None = None

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"source": "member", "new_telephone": "2135550100"}]},
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        said = self.model_dump(exclude={"source", "said_on", "new_telephone_kind"}, exclude_none=True)
        if not said:
            raise ValueError("expected at least one thing that was heard")
        hours = [hour for hour in (self.preferred_from, self.preferred_until) if hour is not None]
        if len(hours) == 1 or (len(hours) == 2 and hours[0] >= hours[1]):
            raise ValueError("expected preferred_from and a later preferred_until, or neither")
        return self

    def heard(self) -> Heard:
        said: dict[str, Any] = self.model_dump(exclude={"source", "said_on", "new_address"}, exclude_none=True)
        address = self.new_address
        if address is not None:
            said["new_address"] = PostalAddress(
                kind=address.kind, street=address.street, unit=address.unit or "", city=address.city,
                state=address.state, zip5=address.zip5, source=WORKER,
            )  # fmt: skip
        return Heard.model_validate(said)


class CorrectionOut(Shape):
    """Under which id it is kept."""

    correction_id: UUID


def reach_of(reach: Reachable) -> ReachOut:
    return ReachOut(
        name=None if reach.name is None else _name(reach.name),
        telephones=tuple(_telephone(way.what, way.wrong_since_on) for way in reach.telephones),
        emails=tuple(EmailOut.model_validate(_with(way.what, way.wrong_since_on)) for way in reach.emails),
        addresses=tuple(
            PostalAddressOut.model_validate(_with(way.what, way.wrong_since_on)) for way in reach.addresses
        ),
        language=reach.language,
        preferred_channel=reach.preferred_channel,
        preferred_from=reach.preferred_from,
        preferred_until=reach.preferred_until,
        representatives=tuple(map(_representative, reach.representatives)),
        is_confidential=reach.is_confidential,
    )


def told_before(case: ListedCase, history: History) -> dict[str, Any]:
    """What of a briefing stands in the case's history."""
    evidence = history.evidence
    return {
        "case": case_of(case),
        "why": tuple(why.reasons(case, history)),
        "interpreter_needed": case.interpreter_needed,
        "said_before": [asdict(attempt) for attempt in reversed(history.attempts)],
        "stopped_channels": sorted(channels.stopped_channels(evidence.statements, evidence.enrolment.tenant_id)),
        "invalid_channels": sorted(channels.invalid_channels(evidence)),
        "barred_channels": sorted(channels.barred_channels(evidence.enrolment)),
    }


def name_of(name: ContactName | None) -> NameOut | None:
    return None if name is None else _name(name)


def _name(name: ContactName) -> NameOut:
    return NameOut.model_validate(name.model_dump())


def _telephone(what: Any, wrong_since_on: date | None = None) -> TelephoneOut:
    return TelephoneOut.model_validate(_with(what, wrong_since_on))


def _with(what: Telephone | EmailAddress | PostalAddress, wrong_since_on: date | None) -> dict[str, Any]:
    return {**what.model_dump(), "wrong_since_on": wrong_since_on}


def _representative(one: Representative) -> RepresentativeOut:
    telephones = tuple(map(_telephone, one.telephones))
    return RepresentativeOut(relation=one.relation, name=_name(one.name), telephones=telephones)
