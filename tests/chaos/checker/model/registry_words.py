"""What a registry says of a person beside doses: race, home, and whether and how he may be reached."""

from dataclasses import dataclass, field
from datetime import date, datetime

from tests.chaos.checker.inputs.records import DoseRow

CHANNELS = ("phone", "text", "letter", "email", "visit")
NONE_BARRED, CALLS_BARRED = frozenset({"02", "04", "06"}), frozenset({"03", "05", "07"})


@dataclass(slots=True)
class Said:
    """What a registry said of a person."""

    races: tuple[str, ...] = ()
    ethnicity: str | None = None
    zip5: str = ""
    tract: str = ""
    consents: dict[str, "Consent"] = field(default_factory=dict)

    @property
    def protecting(self) -> frozenset[str]:
        """The registries that say so."""
        return frozenset(name for name, one in self.consents.items() if one.protection and one.protection[2])

    @property
    def is_protected(self) -> bool:
        """Whether any registry says so."""
        return bool(self.protecting)

    @property
    def shared(self) -> "Said":
        """Race and home as they may be told: not while any registry protects."""
        return Said() if self.is_protected else self

    @property
    def barred(self) -> tuple[str, ...]:
        """The channels that any registry bars."""
        codes = {one.publicity[2] for one in self.consents.values() if one.publicity}
        if codes - {"", *CALLS_BARRED, *NONE_BARRED}:
            return CHANNELS
        return CHANNELS[:1] if codes & CALLS_BARRED else ()


@dataclass(slots=True)
class Consent:
    """What one registry says of sharing and of reminders: from which day, in the message of which instant, and what."""

    protection: tuple[date, datetime, bool] | None = None
    publicity: tuple[date, datetime, str] | None = None

    def hear(self, other: "Consent") -> None:
        """The newest of each."""
        said = [one.protection for one in (self, other) if one.protection]
        codes = [one.publicity for one in (self, other) if one.publicity]
        self.protection, self.publicity = max(said, default=None), max(codes, default=None)


def consent_of(row: DoseRow, at: datetime) -> Consent:
    protection = None if row.is_protected is None else (row.protected_on or at.date(), at, row.is_protected)
    return Consent(protection, (at.date(), at, row.publicity) if row.publicity else None)
