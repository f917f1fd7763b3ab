"""What the API of agreements and consents takes and gives."""

from datetime import date
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StrictBool, model_validator
from pydantic_core import PydanticCustomError

from schemas.envelope import Code, Day
from services.kit.masking import protected
from services.outreach.partners.shapes.partners import Line, Need
from services.outreach.sharing.rules import (
    Agreement,
    AgreementKind,
    Party,
    SharedField,
    SharingConsent,
    SharingPurpose,
)
from services.outreach.worklist.shapes import Shape


class PartyIn(Shape):
    """Who is bound, and in which role."""

    name: Line
    role: Code = Field(description="`discloser`, `recipient`, `backbone` …")


class AgreementIn(Shape):
    """An agreement with a partner, new or described anew. Once it is signed it may only be ended earlier."""

    partner_id: Code
    kind: AgreementKind
    parties: tuple[PartyIn, ...] = Field(min_length=2, max_length=20)
    purposes: tuple[SharingPurpose, ...] = Field(default=(), max_length=10)
    fields: tuple[SharedField, ...] = Field(default=(), max_length=20)
    from_on: Day
    until_on: Day | None = Field(default=None, description="The last day on which it is in force.")
    ended_on: Day | None = Field(default=None, description="The same, where it was ended early.")
    signed_on: Day | None = None
    document: Line | None = Field(default=None, description="Where what was signed is kept.")
    has_kept_apart: StrictBool = Field(default=False, description="It speaks of violence or substance use, too.")

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "partner_id": "harvest", "kind": "data-sharing", "purposes": ["referral"],
                    "parties": [{"name": "Lakeshore", "role": "discloser"}, {"name": "Harvest", "role": "recipient"}],
                    "fields": ["name", "telephone", "need"], "from_on": "2021-01-01", "until_on": "2021-12-31",
                    "signed_on": "2020-12-15", "document": "contracts/2021/17",
                }
            ]
        }
    )  # fmt: skip

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.until_on is not None and self.until_on < self.from_on:
            raise PydanticCustomError("agreement_order", "Expected until_on not before from_on")
        if (self.signed_on is None) is not (self.document is None):
            raise PydanticCustomError("agreement_document", "Expected signed_on and document, or neither")
        return self

    def agreement(self, agreement_id: str, tenant_id: str) -> Agreement:
        """The agreement as described."""
        return Agreement(
            agreement_id=agreement_id,
            tenant_id=tenant_id,
            partner_id=self.partner_id,
            agreement_kind=self.kind,
            parties=tuple(Party(one.name, one.role) for one in self.parties),
            purposes=frozenset(self.purposes),
            fields=frozenset(self.fields),
            from_on=self.from_on,
            until_on=self.until_on,
            ended_on=self.ended_on,
            signed_on=self.signed_on,
            document=self.document,
            has_kept_apart=self.has_kept_apart,
        )


class AgreementOut(Shape):
    """An agreement as it is known."""

    agreement_id: str
    version: int = Field(description="The ETag, by which a change is asked for.")
    partner_id: str
    kind: AgreementKind
    parties: tuple[PartyIn, ...]
    purposes: tuple[SharingPurpose, ...]
    fields: tuple[SharedField, ...]
    from_on: date
    until_on: date | None
    ended_on: date | None
    signed_on: date | None
    document: str | None
    has_kept_apart: bool
    is_in_force: bool = Field(description="On the open business day.")


class AgreementsOut(Shape):
    """A page of the plan's agreements, by their codes."""

    agreements: tuple[AgreementOut, ...]
    next: str | None = Field(description="What asks for the page that follows, as `after`. None: this was the last.")


class SharingConsentIn(Shape):
    """To which partner the member lets a referral go, and for which needs."""

    partner_id: Code
    needs: tuple[Need, ...] = Field(min_length=1, max_length=20)
    is_written: StrictBool = Field(default=False, description="Signed by him; else he said it.")
    given_on: Day
    until_on: Day | None = Field(default=None, description="The last day on which it holds.")

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"partner_id": "harvest", "needs": ["food-insecurity"], "given_on": "2021-03-01"}]
        }
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.until_on is not None and self.until_on < self.given_on:
            raise PydanticCustomError("consent_order", "Expected until_on not before given_on")
        return self

    def consent(self, consent_id: UUID, enrolment_id: UUID) -> SharingConsent:
        """The consent as told: to a referral."""
        whose = consent_id, enrolment_id, self.partner_id, SharingPurpose.REFERRAL
        return SharingConsent(*whose, frozenset(self.needs), self.is_written, self.given_on, self.until_on)


class SharingConsentOut(Shape):
    """What the member consented to."""

    consent_id: UUID
    partner_id: str
    purpose: SharingPurpose
    needs: Annotated[tuple[str, ...], protected("barriers")]
    is_written: bool
    given_on: date
    until_on: date | None
    withdrawn_on: date | None


class SharingConsentsOut(Shape):
    """All of a member's at the plan, the latest last."""

    consents: tuple[SharingConsentOut, ...]


def agreement_of(agreement: Agreement, version: int, today: date) -> AgreementOut:
    """The agreement as the API gives it."""
    return AgreementOut(
        agreement_id=agreement.agreement_id,
        version=version,
        partner_id=agreement.partner_id,
        kind=agreement.agreement_kind,
        parties=tuple(PartyIn(name=one.name, role=one.role) for one in agreement.parties),
        purposes=tuple(sorted(agreement.purposes)),
        fields=tuple(sorted(agreement.fields)),
        from_on=agreement.from_on,
        until_on=agreement.until_on,
        ended_on=agreement.ended_on,
        signed_on=agreement.signed_on,
        document=agreement.document,
        has_kept_apart=agreement.has_kept_apart,
        is_in_force=agreement.is_in_force(today),
    )


def consent_of(consent: SharingConsent) -> SharingConsentOut:
    """The consent as the API gives it."""
    return SharingConsentOut(
        consent_id=consent.consent_id,
        partner_id=consent.partner_id,
        purpose=consent.purpose,
        needs=tuple(sorted(consent.needs)),
        is_written=consent.is_written,
        given_on=consent.given_on,
        until_on=consent.until_on,
        withdrawn_on=consent.withdrawn_on,
    )
