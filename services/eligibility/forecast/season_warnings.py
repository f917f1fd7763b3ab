"""Where a release no longer speaks of the day: its seasons are over, and the next are for the next release to say."""

from datetime import date
from functools import lru_cache
from typing import NamedTuple

from services.eligibility.forecast.dates import DISTANT_FUTURE, add_months
from services.eligibility.forecast.schedule import SupportingData


class SeasonOver(NamedTuple):
    vaccine_group: str
    ended_on: date

    def text(self, release: str) -> str:
        return (
            f"{self.vaccine_group}: the last season in release {release} ended on {self.ended_on}; what is recommended "
            "after it is for a newer release to say."
        )


def seasons_over(supporting: SupportingData, on: date) -> list[SeasonOver]:
    return [season for season in _ends(supporting) if season.ended_on < on]


@lru_cache(maxsize=64)
def _ends(supporting: SupportingData) -> tuple[SeasonOver, ...]:
    """The last day of the last season of each vaccine group that has seasons; one that CDC leaves without an end is
    followed by another within a year."""
    ends: dict[str, int] = {}
    for group in supporting.groups:
        doses = (d for antigen in group.antigens for series in antigen.series for d in series.doses if d.seasonal)
        for dose in doses:
            end = dose.season_end if dose.season_end != DISTANT_FUTURE else add_months(dose.season_start, 12) - 1
            ends[group.name] = max(end, ends.get(group.name, 0))
    return tuple(SeasonOver(group, date.fromordinal(day)) for group, day in ends.items())
