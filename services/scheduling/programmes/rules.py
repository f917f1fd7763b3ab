"""What booking knows of a vaccination programme. Pure."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Programme:
    """The version in effect. `began_on` is the first day of the first version: an older dose was not given for it."""

    programme_id: str
    version: int
    vaccine_group: str
    began_on: date
