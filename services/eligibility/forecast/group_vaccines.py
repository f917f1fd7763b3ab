"""The CVX code that stands for a whole vaccine group: the vaccine of unspecified formulation, where CVX has one."""

from functools import lru_cache

from services.eligibility.forecast.schedule import SupportingData, VaccineGroup

GENERAL = {
    "COVID-19": "213",
    "Cholera": "26",
    "DTaP/Tdap/Td": "107",
    "Dengue": "330",
    "Ebola": "214",
    "HPV": "137",
    "HepA": "85",
    "HepB": "45",
    "Hib": "17",
    "Influenza": "88",
    "Japanese Encephalitis": "129",
    "MMR": "03",
    "Meningococcal": "108",
    "Meningococcal B": "164",
    "Orthopoxvirus": "325",
    "Pneumococcal": "109",
    "Polio": "89",
    "RSV": "304",
    "Rabies": "90",
    "Rotavirus": "122",
    "TBE": "222",
    "Typhoid": "91",
    "Varicella": "21",
    "Yellow Fever": "184",
    "Zoster": "188",
}


@lru_cache(maxsize=256)
def general_code(group_name: str, supporting: SupportingData) -> str:
    """Of a group that the list does not have: an unspecified vaccine of it, else the first that is preferable."""
    if supporting.knows(known := GENERAL.get(group_name, "")):
        return known
    group = next(group for group in supporting.groups if group.name == group_name)
    of_group = [cvx for cvx in supporting.associations if group_name in supporting.vaccine_groups_of(cvx)]
    unspecified = (cvx for cvx in of_group if "unspecified" in supporting.vaccine_names.get(cvx, "").lower())
    return next(unspecified, "") or _preferable(group)


def _preferable(group: VaccineGroup) -> str:
    series = (candidate for antigen in group.antigens for candidate in antigen.series)
    return next((v.cvx for candidate in series for dose in candidate.doses for v in dose.preferable), "")
