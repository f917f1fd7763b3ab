"""What a deployment may choose about booking, read once."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.kit.settings import SettingsError

RELEASE_DAYS = "VCC_BOOKING_RELEASE_DAYS"
ESCALATE_DAYS = "VCC_BOOKING_ESCALATE_DAYS"
_FIELDS = {"release_days": RELEASE_DAYS, "escalate_days": ESCALATE_DAYS}


class OwnSettings(BaseModel):
    """Time passes in business days here: two of them are 48 hours before the slot's day begins."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    release_days: int = Field(default=2, ge=0, le=14)
    escalate_days: int = Field(default=7, ge=1, le=90)


def read_own_settings(environ: Mapping[str, str]) -> OwnSettings:
    """`VCC_BOOKING_RELEASE_DAYS`: how long before a slot's day its unclaimed places are opened to every plan.
    `VCC_BOOKING_ESCALATE_DAYS`: how long after its day an appointment without an outcome is the site's alone."""
    try:
        return OwnSettings.model_validate({field: environ[name] for field, name in _FIELDS.items() if name in environ})
    except ValidationError as error:
        errors = error.errors(include_input=False)
        expected = [(_FIELDS[str(wrong["loc"][0])], wrong["msg"].lower()) for wrong in errors]
        raise SettingsError("; ".join(f"{name}: {message}" for name, message in expected)) from None
