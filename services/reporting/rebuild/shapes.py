"""What the API of the rebuild gives."""

from pydantic import BaseModel


class Reading(BaseModel):
    """How far the log has been read. `records_behind` is unknown while the broker is away."""

    generation: int
    records_behind: int | None
