"""What the API of reports gives beside the report itself."""

from datetime import date

from pydantic import BaseModel


class ProgrammeSummaryOut(BaseModel):
    """One programme that reports are made of."""

    programme_id: str
    version: int
    title: str
    business_on: date | None
