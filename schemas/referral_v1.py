"""A member's referral to a partner: what kinds there are, and how far one has come (Gravity's Task)."""

from enum import StrEnum


class ReferralKind(StrEnum):
    """What a member is referred to."""

    SOCIAL_SERVICE = "social-service"
    TRANSPORT = "transport"
    MEDICAL_TRANSPORT = "medical-transport"
    IHSS = "ihss"
    CBAS = "cbas"
    ECM = "ecm"
    COMMUNITY_SUPPORT = "community-support"


class ReferralStatus(StrEnum):
    """FHIR Task.status, as far as Gravity uses it."""

    REQUESTED = "requested"
    ACCEPTED = "accepted"
    IN_PROGRESS = "in-progress"
    ON_HOLD = "on-hold"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    FAILED = "failed"
    COMPLETED = "completed"
