"""What a partner sees of a member: by the permit's fields, and nothing else. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.member_contact_v1 import EmailAddress, PostalAddress, Telephone
from services.outreach.reach.rules import Reachable
from services.outreach.referrals.rules import Referral
from services.outreach.sharing.rules import Permit, SharedField


@dataclass(frozen=True, slots=True)
class Shown:
    """Of one member for one referral; what is not permitted, or not known, is empty."""

    agreement_id: str
    family: str = ""
    given: str = ""
    telephones: Sequence[str] = ()
    emails: Sequence[str] = ()
    address: PostalAddress | None = None
    language: str = ""
    need: str = ""


def shown(permit: Permit, referral: Referral, reach: Reachable | None) -> Shown:
    """The permitted fields, by what holds of how to reach the member today."""
    whose, permitted = (referral.enrolment_id, referral.demand.partner_id), permit.asked
    assert (permitted.enrolment_id, permitted.partner_id) == whose, "a permit is of one member and one partner"
    may = permit.fields.__contains__
    need = referral.demand.need if may(SharedField.NEED) else ""
    if reach is None:
        return Shown(permit.agreement_id, need=need)
    name = reach.name if may(SharedField.NAME) else None
    return Shown(
        agreement_id=permit.agreement_id,
        family="" if name is None else name.family,
        given="" if name is None else name.preferred or name.given,
        telephones=_numbers(reach) if may(SharedField.TELEPHONE) else (),
        emails=_emails(reach) if may(SharedField.EMAIL) else (),
        address=_address(reach) if may(SharedField.ADDRESS) else None,
        language=reach.language if may(SharedField.LANGUAGE) else "",
        need=need,
    )


def _numbers(reach: Reachable) -> tuple[str, ...]:
    return tuple(one.what.number for one in reach.telephones if one.is_usable and isinstance(one.what, Telephone))


def _emails(reach: Reachable) -> tuple[str, ...]:
    return tuple(one.what.address for one in reach.emails if one.is_usable and isinstance(one.what, EmailAddress))


def _address(reach: Reachable) -> PostalAddress | None:
    usable = (one.what for one in reach.addresses if one.is_usable)
    return next((one for one in usable if isinstance(one, PostalAddress)), None)
