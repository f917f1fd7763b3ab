"""What others than the plan say of a person. Pure."""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from services.eligibility.vital.registry import RegistryConsent


class Statement(NamedTuple):
    """What somebody other than the plan says of a person. `is_protected` is from before each registry's own word was
    kept: it holds until one gives it."""

    member_token: UUID
    source: str
    races: tuple[str, ...] = ()
    ethnicity: str | None = None
    zip5: str = ""
    tract: str = ""
    is_protected: bool | None = None


def is_protected(consents: Iterable[RegistryConsent], statements: Iterable[Statement]) -> bool:
    """Whether any registry's newest word protects; the mark from before each one's was kept, until any gives one."""
    told = [consent.is_protected for consent in consents if consent.is_protected is not None]
    return any(told) if told else any(statement.is_protected for statement in statements)
