"""The canonical dose as programmes count it. Pure."""

from datetime import date
from typing import NamedTuple


class CountedDose(NamedTuple):
    """A canonical dose as far as counting goes. `vaccine_groups` are all of a combination vaccine's."""

    vaccine_group: str
    cvx: str
    administered_on: date
    is_partial: bool = False
    mvx: str = ""
    vaccine_groups: tuple[str, ...] = ()

    @property
    def groups(self) -> tuple[str, ...]:
        """Every vaccine group that the dose counts for."""
        return self.vaccine_groups or (self.vaccine_group,)
