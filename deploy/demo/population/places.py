"""The ZIPs of the demo: real Californian ones, with who lives there told roughly; tracts come from the tables."""

from bisect import bisect
from dataclasses import dataclass
from itertools import accumulate
from random import Random

from services.eligibility.places.rules import Geography

# ZIP, city, telephone area, and the mix of communities in percent; what is missing to 100 is White.
# H Hispanic, B Black, C Chinese, V Vietnamese, F Filipino, A Armenian, K Korean, I Indian, P Pacific Islander, N Native
TABLE = """
90001 Los Angeles|323|H84 B12
90011 Los Angeles|323|H86 B12
90022 Los Angeles|323|H92 C2
90033 Los Angeles|323|H84 C6 B2
90044 Los Angeles|323|H50 B46
90201 Bell Gardens|323|H90 B2
90210 Beverly Hills|310|H5 B2 C3 K2
90280 South Gate|323|H90 B2
90640 Montebello|323|H70 C8 A8
91205 Glendale|818|A52 H15 F8 K4
91331 Pacoima|818|H80 B4 F4
91754 Monterey Park|626|C52 H26 V6
91801 Alhambra|626|C42 H30 V6
92335 Fontana|909|H72 B8
92376 Rialto|909|H62 B14
92392 Victorville|760|H36 B14
92411 San Bernardino|909|H66 B16
92501 Riverside|951|H38 B5
92553 Moreno Valley|951|H48 B20 F3
92562 Murrieta|951|H18 B4 F5
92637 Laguna Woods|949|H4 K9 C6
92647 Huntington Beach|714|H14 V8
92683 Westminster|714|V48 H16
92701 Santa Ana|714|H80 V6
92804 Anaheim|714|H38 V9 K6 F6
92843 Garden Grove|714|V44 H32
92105 San Diego|619|H40 B12 V16
92114 San Diego|619|F30 B22 H32
92154 San Diego|619|H62 F16
92173 San Ysidro|619|H90
92037 La Jolla|858|H6 C4 I3
92262 Palm Springs|760|H22 F3 N2
93030 Oxnard|805|H66 F8
93230 Hanford|559|H38 B4 N2
93274 Tulare|559|H46 B3
93305 Bakersfield|661|H54 B8
93307 Bakersfield|661|H56 B10
93638 Madera|559|H56 N3
93701 Fresno|559|H60 B12 I3
93720 Fresno|559|H14 I6 A5
93722 Fresno|559|H36 I10 B7
95340 Merced|209|H38 B4
95205 Stockton|209|H50 F6 B9
95206 Stockton|209|H40 F16 B14 I5
95351 Modesto|209|H46 I4
95823 Sacramento|916|B22 H24 V8 P6
95828 Sacramento|916|V12 I12 H18 F8
95838 Sacramento|916|B16 H30 C4
95630 Folsom|916|H7 I9 C4
95122 San Jose|408|V36 H40 F8
95148 San Jose|408|V34 F16 I10 H16
94015 Daly City|650|F44 C20 H14
94112 San Francisco|415|C42 F16 H18
94124 San Francisco|415|B34 C32 P5 H14
94509 Antioch|925|H26 B20 F8
94565 Pittsburg|925|H32 B18 F14
94523 Pleasant Hill|925|H9 C4
94601 Oakland|510|H42 B18 V8 N2
94603 Oakland|510|B46 H38 P4
94804 Richmond|510|B30 H32 C3
"""
COMMUNITIES = {
    "H": "hispanic",
    "B": "black",
    "C": "chinese",
    "V": "vietnamese",
    "F": "filipino",
    "A": "armenian",
    "K": "korean",
    "I": "indian",
    "P": "pacific",
    "N": "native",
}


@dataclass(frozen=True, slots=True)
class Tract:
    fips: str
    svi: float


@dataclass(frozen=True, slots=True)
class Place:
    """A ZIP with its tracts (those that have a percentile), to be drawn by the people of 65 and older in them."""

    zip5: str
    city: str
    area_code: str
    county: str
    tracts: tuple[Tract, ...]
    tract_weights: tuple[float, ...]
    communities: tuple[str, ...]
    community_weights: tuple[float, ...]
    weight: float

    def draw_tract(self, random: Random) -> Tract:
        return self.tracts[bisect(self.tract_weights, random.random() * self.tract_weights[-1])]

    def draw_community(self, random: Random) -> str:
        return self.communities[bisect(self.community_weights, random.random() * self.community_weights[-1])]


def places() -> tuple[Place, ...]:
    tables = Geography.load().tables
    return tuple(_place(line, tables.counties_of_zip(line[:5])[0][0]) for line in TABLE.strip().splitlines())


def _place(line: str, county: str) -> Place:
    head, area_code, mix = line.split("|")
    zip5, city = head.split(" ", 1)
    tables = Geography.load().tables
    inside = [
        (Tract(part.tract, svi), part.residents_65)
        for part in tables.tracts_of_zip(zip5)
        if part.residents_65 and (svi := tables.tracts[part.tract].svi) is not None and part.tract.startswith(county)
    ]
    shares = {COMMUNITIES[word[0]]: float(word[1:]) for word in mix.split()}
    shares["white"] = 100 - sum(shares.values())
    seniors = [seniors for _, seniors in inside]
    return Place(
        zip5,
        city,
        area_code,
        county,
        tuple(tract for tract, _ in inside),
        tuple(accumulate(seniors)),
        tuple(shares),
        tuple(accumulate(shares.values())),
        sum(seniors) ** 0.5,
    )
