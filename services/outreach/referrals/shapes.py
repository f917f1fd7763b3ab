"""What the API of referrals takes and gives."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from schemas.envelope import Code
from schemas.referral_v1 import ReferralKind, ReferralStatus
from services.kit.masking import protected
from services.outreach.directory.supports import SUPPORTS
from services.outreach.partners.shapes.partners import Need
from services.outreach.policy import CODES
from services.outreach.referrals.rules import WITH_REASON, Demand, Notice, Recipient, Referral, ReferralAnswer
from services.outreach.referrals.shown import Shown
from services.outreach.sharing.rules import SharedField
from services.outreach.worklist.shapes import Shape

Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9./-]{0,63}$")]
"""By what a document is known, such as an authorization's number."""


def _known_reason(code: str) -> str:
    if code not in CODES.referral_reasons:
        raise PydanticCustomError("unknown_reason", "Expected a referral reason of codes.yaml")
    return code


def _known_support(code: str) -> str:
    if code not in SUPPORTS:
        raise PydanticCustomError("unknown_support", "Expected a Community Support")
    return code


ReferralReason = Annotated[
    Code, AfterValidator(_known_reason), Field(json_schema_extra={"enum": sorted(CODES.referral_reasons)})
]


class ReferralIn(Shape):
    """To whom the member is referred, for which need, and what of him leaves."""

    partner_id: Code
    kind: ReferralKind
    need: Need
    fields: tuple[SharedField, ...] = Field(
        default=(SharedField.NAME, SharedField.TELEPHONE, SharedField.LANGUAGE),
        max_length=10,
        description="What the partner is to see beside the need.",
    )
    support: Annotated[Code, AfterValidator(_known_support)] | None = Field(
        default=None, description="Which Community Support; of this kind alone."
    )
    authorization: Reference | None = Field(default=None, description="The plan's, by its number.")
    certification: Reference | None = Field(default=None, description="The physician's, of medical transport.")
    service_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")] | None = Field(
        default=None, description="Of the directory."
    )
    gates_appointment_id: UUID | None = Field(default=None, description="The appointment that can't be without it.")

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"partner_id": "harvest", "kind": "social-service", "need": "food-insecurity"}]}
    )

    @model_validator(mode="after")
    def _support_with_its_kind(self) -> Self:
        if (self.support is not None) is not (self.kind is ReferralKind.COMMUNITY_SUPPORT):
            raise PydanticCustomError("support_kind", "Expected support with the kind community-support, and only then")
        return self

    def demand(self) -> Demand:
        """The demand as told; what is asked for leaves in any case."""
        return Demand(
            partner_id=self.partner_id,
            kind=self.kind,
            need=self.need,
            fields=frozenset({*self.fields, SharedField.NEED}),
            support=self.support,
            authorization=self.authorization,
            certification=self.certification,
            service_id=self.service_id,
            gates_appointment_id=self.gates_appointment_id,
        )


class ReferralAnswerIn(Shape):
    """What is said to a referral: a reason with `reject`, `fail` and `cancel`, and with nothing else."""

    answer: ReferralAnswer
    reason: ReferralReason | None = None

    model_config = ConfigDict(json_schema_extra={"examples": [{"answer": "reject", "reason": "no-capacity"}]})

    @model_validator(mode="after")
    def _with_its_reason(self) -> Self:
        if (self.answer in WITH_REASON) is not (self.reason is not None):
            raise PydanticCustomError("reason", "Expected a reason with reject, fail and cancel, and only then")
        return self


class ProgressOut(Shape):
    """How far a referral has come; nothing of the member."""

    referral_id: UUID
    version: int
    status: ReferralStatus
    status_on: date
    status_reason: str | None
    due_on: date | None = Field(description="The last day for the next answer. None: it has ended.")


class ReferralOut(ProgressOut):
    """A referral as the plan sees it."""

    case_id: UUID
    enrolment_id: Annotated[UUID, protected("tokens")]
    partner_id: str
    kind: ReferralKind
    need: Annotated[str, protected("barriers")]
    fields: tuple[SharedField, ...]
    support: str | None
    authorization: str | None
    certification: str | None
    service_id: str | None
    gates_appointment_id: UUID | None
    requested_on: date
    requested_by: str
    is_escalated: bool = Field(description="The answer is overdue: somebody has to see to it.")


class StepOut(Shape):
    """A version of a referral, and who brought it."""

    version: int
    status: ReferralStatus
    status_reason: str | None
    status_on: date
    is_by_partner: bool
    answered_by: str


class ReferralDetail(ReferralOut):
    """The same with all its steps, in order."""

    steps: tuple[StepOut, ...]


class ReferralsOut(Shape):
    """A page of referrals, as they were made."""

    referrals: tuple[ReferralOut, ...]
    next: UUID | None = Field(description="What asks for the page that follows, as `after`. None: this was the last.")


class PartnerReferralsOut(Shape):
    """A page of a partner's referrals, as they were made."""

    referrals: tuple[ProgressOut, ...]
    next: UUID | None = Field(description="What asks for the page that follows, as `after`. None: this was the last.")


class AddressOut(Shape):
    """Where the member lives."""

    street: str
    unit: str
    city: str
    state: str
    zip5: str


class PartnerReferralOut(ProgressOut):
    """A referral as its partner sees it: the agreement's fields, and nothing else."""

    kind: ReferralKind
    support: str | None
    agreement_id: str
    need: Annotated[str, protected("barriers")]
    family: Annotated[str, protected("names")]
    given: Annotated[str, protected("names")]
    telephones: Annotated[tuple[str, ...], protected("telephones")]
    emails: Annotated[tuple[str, ...], protected("telephones")]
    address: Annotated[AddressOut | None, protected("addresses")]
    language: str


class NoticeOut(Shape):
    """Somebody has to hear that a referral has come so far."""

    notice_id: UUID
    referral_id: UUID
    recipient: Recipient
    status: ReferralStatus
    status_on: date


class NoticesOut(Shape):
    """A page of those that nobody was told yet, the oldest first."""

    notices: tuple[NoticeOut, ...]
    next: UUID | None = Field(description="What asks for the page that follows, as `after`. None: this was the last.")


def progress_of(referral: Referral) -> ProgressOut:
    """How far it is, as the API gives it."""
    return ProgressOut.model_validate({name: getattr(referral, name) for name in ProgressOut.model_fields})


def referral_of(referral: Referral) -> ReferralOut:
    """The referral as the API gives it."""
    return ReferralOut.model_validate(_told(referral))


def detail_of(referral: Referral, steps: Iterable[Any]) -> ReferralDetail:
    """The same with its steps."""
    told = [{name: getattr(one, name) for name in StepOut.model_fields} for one in steps]
    return ReferralDetail.model_validate(_told(referral) | {"steps": told})


def partner_referral_of(referral: Referral, shown: Shown) -> PartnerReferralOut:
    """What its partner sees of it."""
    address = shown.address
    return PartnerReferralOut(
        **progress_of(referral).model_dump(),
        kind=referral.demand.kind,
        support=referral.demand.support,
        agreement_id=shown.agreement_id,
        need=shown.need,
        family=shown.family,
        given=shown.given,
        telephones=tuple(shown.telephones),
        emails=tuple(shown.emails),
        address=None if address is None else AddressOut.model_validate(address.model_dump(include=_ADDRESS)),
        language=shown.language,
    )


def notice_of(notice: Notice) -> NoticeOut:
    """The notice as the API gives it."""
    return NoticeOut.model_validate({name: getattr(notice, name) for name in NoticeOut.model_fields})


_ADDRESS = set(AddressOut.model_fields)
_OF_DEMAND = (
    "partner_id", "kind", "need", "support", "authorization", "certification", "service_id", "gates_appointment_id",
)  # fmt: skip


def _told(referral: Referral) -> dict[str, Any]:
    own = {name: getattr(referral, name) for name in ReferralOut.model_fields if hasattr(referral, name)}
    demand = {name: getattr(referral.demand, name) for name in _OF_DEMAND}
    return own | demand | {"fields": sorted(referral.demand.fields)}
