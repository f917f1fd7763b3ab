"""The vaccines of the spring of 2021, with the codes under which a registry reports them."""

from dataclasses import dataclass
from datetime import date

JANSSEN_FROM = date(2021, 3, 2)


@dataclass(frozen=True, slots=True)
class Product:
    """A vaccine with its codes: CVX, MVX, the NDC of the vial, and the days to a second dose (0: none)."""

    cvx: str
    label: str
    ndc: str
    trade: str
    mvx: str
    maker: str
    volume: str
    interval: int
    lots: tuple[str, ...]


PFIZER = Product(
    "208", "COVID-19, mRNA, LNP-S, PF, 30 mcg/0.3 mL dose", "59267-1000-01", "Pfizer-BioNTech COVID-19 Vaccine",
    "PFR", "Pfizer, Inc", "0.3", 21, ("EL3247", "EL9261", "EN5318", "EN6201", "ER8732", "ER2613"),
)  # fmt: skip
MODERNA = Product(
    "207", "COVID-19, mRNA, LNP-S, PF, 100 mcg/0.5 mL dose", "80777-0273-10", "Moderna COVID-19 Vaccine",
    "MOD", "Moderna US, Inc.", "0.5", 28, ("025L20A", "011M20A", "030A21A", "016B21A", "024M20A"),
)  # fmt: skip
JANSSEN = Product(
    "212", "COVID-19 vaccine, vector-nr, rS-Ad26, PF, 0.5 mL", "59676-0580-05", "Janssen COVID-19 Vaccine",
    "JSN", "Janssen", "0.5", 0, ("1805018", "1805022", "1805025"),
)  # fmt: skip
ASTRAZENECA = Product(  # given abroad
    "210", "COVID-19 vaccine, vector-nr, rS-ChAdOx1, PF, 0.5 mL", "00310-1222-10", "AstraZeneca COVID-19 Vaccine",
    "ASZ", "AstraZeneca", "0.5", 28, ("4120Z001", "4120Z003"),
)  # fmt: skip
