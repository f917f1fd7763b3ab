"""What registries say of a person beside doses: refusals, evidence of immunity, contraindications. Kept with the sender
and the day, taken back by the sender alone; the forecast looks at those that CDC's logic knows. Pure."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from services.eligibility.feeds.records import DoseOutcome, DoseRecord
from services.eligibility.forecast.observation_codes import ICD10, SNOMED, observations_of
from services.eligibility.forecast.schedule import SupportingData

REFUSAL = "refusal"
NO_REASON = "unknown"
PHIN, CVX = "CDCPHINVS", "CVX"
CODED = {"snomed": SNOMED, "icd10": ICD10}


class Remark(NamedTuple):
    """One of them. `said_on` is the day of the event it was sent with, whose vaccine is `cvx`; `expires_on` the last
    day on which it holds."""

    kind: str
    system: str
    code: str
    cvx: str
    said_on: date
    observed_on: date
    expires_on: date | None = None

    def document(self) -> dict[str, str | None]:
        return {name: str(value) if value is not None else None for name, value in self._asdict().items()}

    @staticmethod
    def of_document(document: Mapping[str, Any]) -> "Remark":
        days = {
            name: date.fromisoformat(document[name]) if document[name] else None
            for name in ("said_on", "observed_on", "expires_on")
        }
        return Remark(**{**document, **days})


def remarks_of(record: DoseRecord) -> tuple[Remark, ...]:
    """What a vaccination event says of the person; a missed appointment is no refusal."""
    said_on = record.administered_on
    found = [
        Remark(
            evidence.kind,
            evidence.system,
            evidence.code,
            record.cvx,
            said_on,
            evidence.observed_on or said_on,
            evidence.expires_on,
        )
        for evidence in record.evidence
    ]
    if record.outcome is DoseOutcome.REFUSED:
        found.append(Remark(REFUSAL, "nip002", record.refusal_reason or NO_REASON, record.cvx, said_on, said_on))
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=1 << 12)
def meanings(system: str, code: str, cvx: str, supporting: SupportingData) -> frozenset[str]:
    """The observations of CDC's logic that a remark stands for. A code of a reaction (VXC20) that CDC pairs with
    vaccines stands for those of the vaccine that it was sent with."""
    if system in CODED:
        return observations_of(CODED[system], code, supporting)
    if system != PHIN.lower():
        return frozenset()
    coded = (supporting.observations[key] for key in supporting.observations_coded(PHIN, code))
    return frozenset(
        observation.code
        for observation in coded
        if (CVX, cvx) in observation.codes or all(paired != CVX for paired, _ in observation.codes)
    )
