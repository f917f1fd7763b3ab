"""What a deployment may choose about outreach, read once."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.kit.settings import SettingsError

CLAIMS_ASK_GATE = "VCC_CLAIMS_ASK_GATE"
YES, NO = "yes", "no"


@dataclass(frozen=True, slots=True)
class OwnSettings:
    """`claims_ask_gate`: whether workers are handed only such cases as may be contacted now, by the clock."""

    claims_ask_gate: bool = True


def read_own_settings(environ: Mapping[str, str]) -> OwnSettings:
    """All of them, checked. `no` is for a deployment that lives in another time than its clock's: a demo, a test."""
    said = environ.get(CLAIMS_ASK_GATE) or YES
    if said not in {YES, NO}:
        raise SettingsError(f"{CLAIMS_ASK_GATE}: expected {YES} or {NO}")
    return OwnSettings(said == YES)
