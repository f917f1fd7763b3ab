"""What the API of the rebuild gives."""

from pydantic import BaseModel


class ReadingOut(BaseModel):
    """How far the log has been read. `records_behind` is unknown while the broker is away."""

    generation: int
    records_behind: int | None
