"""What a deployment may choose about booking, read once."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.kit.settings import SettingsError

RELEASE_DAYS = "VCC_BOOKING_RELEASE_DAYS"


class Rules(BaseModel):
    """Time passes in business days here, so 48 hours are two of them."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    release_days: int = Field(default=2, ge=0, le=14)


def read_rules(environ: Mapping[str, str]) -> Rules:
    """`VCC_BOOKING_RELEASE_DAYS`: how long before a slot's day its unclaimed places are opened to every plan."""
    given = {"release_days": environ[RELEASE_DAYS]} if RELEASE_DAYS in environ else {}
    try:
        return Rules.model_validate(given)
    except ValidationError as error:
        raise SettingsError(f"{RELEASE_DAYS}: {error.errors(include_input=False)[0]['msg'].lower()}") from None
