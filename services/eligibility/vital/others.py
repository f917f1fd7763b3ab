"""What others than the plan say of some persons. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from services.eligibility.vital.registry import RegistryConsent
from services.eligibility.vital.rules import Override, VitalStatement


@dataclass(frozen=True, slots=True)
class Others:
    """What others than the plan say of some persons, by token."""

    vital: Mapping[UUID, Sequence[VitalStatement]] = field(default_factory=dict)
    overrides: Mapping[UUID, Sequence[Override]] = field(default_factory=dict)
    consents: Mapping[UUID, Sequence[RegistryConsent]] = field(default_factory=dict)


NOBODY_SAID = Others()
