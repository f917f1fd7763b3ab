"""CDC's forecast of one vaccine group, as programmes store it. Pure."""

from datetime import date
from functools import lru_cache

from services.eligibility.forecast.engine import forecast, foremost
from services.eligibility.forecast.model import EvaluationStatus, History
from services.eligibility.forecast.overlay import as_of
from services.eligibility.forecast.schedule import SupportingData, VaccineGroup
from services.eligibility.forecast.turning_days import next_turn
from services.eligibility.programmes.aim import Forecasted

NOT_CONCERNED = "Not Recommended"


def forecasted(history: History, group_name: str, supporting: SupportingData, on: date) -> Forecasted:
    """The answer to act upon, and the day from which it must be asked again. A person whom no series concerns is not
    recommended anything."""
    supporting = as_of(supporting, on)
    group = group_named(supporting, group_name)
    stale_on = next_turn(history, group, supporting, on)
    best = foremost(forecast(history, supporting, on, only=group), on)
    if best is None:
        return Forecasted(supporting.release, NOT_CONCERNED, stale_on=stale_on)
    return Forecasted(
        release=supporting.release,
        status=best.status.value,
        dose_number=best.dose_number,
        earliest_on=best.earliest_on,
        recommended_on=best.recommended_on,
        past_due_on=best.past_due_on,
        latest_on=best.latest_on,
        doses_valid=sum(evaluation.status is EvaluationStatus.VALID for evaluation in best.evaluations),
        stale_on=stale_on,
    )


@lru_cache(maxsize=256)
def group_named(supporting: SupportingData, name: str) -> VaccineGroup:
    return next(group for group in supporting.groups if group.name == name)
