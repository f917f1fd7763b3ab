"""Whether data of a member may leave for a partner: the one rule, and what it looks at. Pure."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from uuid import UUID


class AgreementKind(StrEnum):
    """A memorandum says what both will do; data leave by a data-sharing agreement alone."""

    MEMORANDUM = "mou"
    DATA_SHARING = "data-sharing"


class SharingPurpose(StrEnum):
    """What data leave for."""

    REFERRAL = "referral"
    OUTREACH = "outreach"
    RESULTS = "results"


class SharedField(StrEnum):
    """What of a member may leave at all."""

    NAME = "name"
    TELEPHONE = "telephone"
    EMAIL = "email"
    ADDRESS = "address"
    LANGUAGE = "language"
    NEED = "need"


class SharingRefusal(StrEnum):
    """Why nothing leaves."""

    NO_AGREEMENT = "no-agreement-in-force"
    PURPOSE = "purpose-not-agreed"
    FIELD = "field-not-agreed"
    NO_CONSENT = "no-consent"
    KEPT_APART = "kept-apart"


@dataclass(frozen=True, slots=True)
class Party:
    """Who is bound by an agreement, and in which role."""

    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of a plan with a partner. `until_on` and `ended_on` (it was ended early) are the last days on which it is in
    force; `document` says where it is kept. `has_kept_apart`: it speaks of violence or substance use, too."""

    agreement_id: str
    tenant_id: str
    partner_id: str
    agreement_kind: AgreementKind
    parties: tuple[Party, ...]
    purposes: frozenset[SharingPurpose]
    fields: frozenset[SharedField]
    from_on: date
    until_on: date | None = None
    ended_on: date | None = None
    signed_on: date | None = None
    document: str | None = None
    has_kept_apart: bool = False

    def is_in_force(self, day: date) -> bool:
        """Whether it is signed and has begun by this day, which is not after its last one."""
        if self.signed_on is None or day < max(self.signed_on, self.from_on):
            return False
        return all(last_on is None or day <= last_on for last_on in (self.until_on, self.ended_on))


@dataclass(frozen=True, slots=True)
class SharingConsent:
    """The member's own: to this partner, for this purpose and these needs. From the day of its withdrawal on it holds
    no longer."""

    consent_id: UUID
    enrolment_id: UUID
    partner_id: str
    purpose: SharingPurpose
    needs: frozenset[str]
    is_written: bool
    given_on: date
    until_on: date | None = None
    withdrawn_on: date | None = None

    def holds(self, day: date) -> bool:
        """Whether it is given and neither over nor withdrawn on this day."""
        is_over = self.until_on is not None and self.until_on < day
        is_withdrawn = self.withdrawn_on is not None and self.withdrawn_on <= day
        return self.given_on <= day and not is_over and not is_withdrawn


@dataclass(frozen=True, slots=True)
class Sharing:
    """What is to leave: whose data, from which plan to which partner, for what, which fields, of which needs they
    speak, on which day."""

    tenant_id: str
    partner_id: str
    enrolment_id: UUID
    purpose: SharingPurpose
    fields: frozenset[SharedField]
    needs: frozenset[str]
    day: date


@dataclass(frozen=True, slots=True)
class Permit:
    """What may leave, by which agreement and consent. Made by `may_share` alone; whatever shows a member to a partner
    takes one, which is of this member and this partner."""

    agreement_id: str
    consent_id: UUID
    asked: Sharing

    @property
    def fields(self) -> frozenset[SharedField]:
        """What of the member may be shown."""
        return self.asked.fields


def may_share(
    agreements: Iterable[Agreement], asked: Sharing, consent: SharingConsent | None, kept_apart: Collection[str]
) -> Permit | SharingRefusal:
    """The permit, by one agreement that covers all that is asked, or the first reason against it."""
    in_force = [one for one in agreements if _is_between(one, asked) and one.is_in_force(asked.day)]
    if not in_force:
        return SharingRefusal.NO_AGREEMENT
    for_this = [one for one in in_force if asked.purpose in one.purposes]
    if not for_this:
        return SharingRefusal.PURPOSE
    covering = [one for one in for_this if asked.fields <= one.fields]
    if not covering:
        return SharingRefusal.FIELD
    if consent is None or not _consents(consent, asked):
        return SharingRefusal.NO_CONSENT
    if not asked.needs.isdisjoint(kept_apart):
        covering = [one for one in covering if one.has_kept_apart and consent.is_written]
    if not covering:
        return SharingRefusal.KEPT_APART
    agreement = min(covering, key=lambda one: one.agreement_id)
    return Permit(agreement.agreement_id, consent.consent_id, asked)


def _is_between(agreement: Agreement, asked: Sharing) -> bool:
    is_of_both = (agreement.tenant_id, agreement.partner_id) == (asked.tenant_id, asked.partner_id)
    return is_of_both and agreement.agreement_kind is AgreementKind.DATA_SHARING


def _consents(consent: SharingConsent, asked: Sharing) -> bool:
    is_for_this = (consent.enrolment_id, consent.partner_id, consent.purpose) == (
        asked.enrolment_id, asked.partner_id, asked.purpose,
    )  # fmt: skip
    return is_for_this and bool(asked.needs) and asked.needs <= consent.needs and consent.holds(asked.day)


def is_kept(known: Agreement, told: Agreement) -> bool:
    """Whether a new description leaves what was signed as it is: it may end earlier, and nothing else."""
    if known.signed_on is None:
        return True
    if known.ended_on is not None and (told.ended_on is None or told.ended_on > known.ended_on):
        return False
    return replace(told, ended_on=known.ended_on) == known


def newest(consents: Sequence[SharingConsent], asked: Sharing) -> SharingConsent | None:
    """The one that consents to this, the latest first; None where none does."""
    return next((one for one in reversed(consents) if _consents(one, asked)), None)
