"""Which CDSi observations a clinical code stands for: CDC's own map for SNOMED, and ours for ICD-10-CM."""

from collections.abc import Iterator

from services.eligibility.forecast.schedule import SupportingData

SNOMED, ICD10, CDSI = "SNOMED", "ICD10", "CDSI"


def observations_of(system: str, code: str, supporting: SupportingData) -> frozenset[str]:
    """Every CDSi observation that the code stands for; none for a code that no rule looks at.

    A SNOMED code counts as it is written: descendants of a listed concept are not known here.
    """
    if system == ICD10:
        return frozenset(
            observation
            for found in _prefixes(code, supporting)
            for observation in found
            if observation in supporting.observations
        )
    if system == CDSI:
        return frozenset({code.zfill(3)} & supporting.observations.keys())
    return supporting.observations_coded(system, code)


def _prefixes(code: str, supporting: SupportingData) -> Iterator[tuple[str, ...]]:
    plain, known = code.strip().upper().replace(".", ""), supporting.lists.icd10
    return (known[plain[:length]] for length in range(1, len(plain) + 1) if plain[:length] in known)
