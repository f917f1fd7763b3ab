"""What registries say of a person beside doses: refusals, evidence of immunity, contraindications. Kept with the sender
and the day, taken back by the sender alone; the forecast looks at those that CDC's logic knows. Pure."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from services.eligibility.feeds.records import DoseOutcome, DoseRecord
from services.eligibility.forecast.observation_codes import ICD10, SNOMED, observations_of
from services.eligibility.forecast.schedule import SupportingData

REFUSAL = "refusal"
NO_REASON = "unknown"
PHIN, CVX = "CDCPHINVS", "CVX"
CODED = {"snomed": SNOMED, "icd10": ICD10}


class Remark(NamedTuple):
    """One of them. `said_on` is the day of the event it was sent with, whose vaccine is `cvx`."""

    kind: str
    system: str
    code: str
    cvx: str
    said_on: date
    observed_on: date

    def document(self) -> dict[str, str]:
        return {name: str(one) for name, one in self._asdict().items()}

    @staticmethod
    def of_document(document: Mapping[str, str]) -> "Remark":
        days = (date.fromisoformat(document[name]) for name in ("said_on", "observed_on"))
        return Remark(document["kind"], document["system"], document["code"], document["cvx"], *days)


def remarks_of(record: DoseRecord) -> tuple[Remark, ...]:
    """What a vaccination event says of the person; a missed appointment is no refusal."""
    said_on = record.administered_on
    found = [
        Remark(one.kind, one.system, one.code, record.cvx, said_on, one.observed_on or said_on)
        for one in record.evidence
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
    coded = (supporting.observations[one] for one in supporting.observations_coded(PHIN, code))
    return frozenset(
        one.code for one in coded if (CVX, cvx) in one.codes or all(paired != CVX for paired, _ in one.codes)
    )
