"""Of which programme, as of which day and as known on which, a figure is asked for."""

from datetime import date

from services.kit.postgres import Connection
from services.kit.problem import Refusal, RefusedError
from services.replicas.days import store as days
from services.replicas.programmes import store as programmes
from services.replicas.programmes.rules import Programme
from services.reporting.population.rules import Question

NO_PROGRAMME = Refusal("unknown-programme", "Unknown Programme", "No programme of this id was published.", 404)
WHICH_PROGRAMME = Refusal("programme-needed", "Programme Needed", "There are several programmes: name one.", 422)
NO_BUSINESS_DAY = Refusal("day-not-open", "Day Not Open", "No business day has been opened yet.")
FUTURE = Refusal("future-day", "Future Day", "The day asked for has not come yet.", 422)


async def list_programmes(connection: Connection) -> tuple[list[Programme], date | None]:
    """Every programme that was published, and the day that it is by now."""
    return await programmes.load_programmes(connection), await days.load_day(connection)


async def load_question(
    connection: Connection, programme_id: str | None, as_of: date | None, known_on: date | None
) -> tuple[Programme, Question]:
    """The question with what was left out filled in: the only programme, and today. Raises what is to be answered where
    that can't be."""
    published = await programmes.load_programmes(connection)
    if programme_id is None and len(published) > 1:
        raise RefusedError(WHICH_PROGRAMME)
    programme = next((candidate for candidate in published if programme_id in (None, candidate.programme_id)), None)
    if programme is None:
        raise RefusedError(NO_PROGRAMME)
    today = await days.load_day(connection)
    if today is None:
        raise RefusedError(NO_BUSINESS_DAY)
    if max(as_of or today, known_on or today) > today:
        raise RefusedError(FUTURE)
    return programme, Question(programme.programme_id, as_of or today, known_on or today)
