"""What others than the plan say of a person. Pure."""

from typing import NamedTuple
from uuid import UUID


class Statement(NamedTuple):
    """What somebody other than the plan says of a person. `is_protected` is from before each registry's own word was
    kept: it holds until one gives it."""

    token: UUID
    source: str
    races: tuple[str, ...] = ()
    ethnicity: str | None = None
    zip5: str = ""
    tract: str = ""
    is_protected: bool | None = None
