"""The small files `t…` of `tests/data/cases`, sent one after the other: who is there at the end, with cover, death and
days of doses, and what each row of the last one came to."""

import pytest

from tests.service.eligibility.cases import DAY, HELD, case, spans, told
from tests.service.eligibility.conftest import Office

pytestmark = pytest.mark.postgres
DORA, THEA = "M1 DORA FIX 1950-01-01 60601", "M2 THEA ROE 1962-02-02 60601"
ANN, EVE = "F1 ANN OAK 1980-01-01 60601", "F1 EVE OAK 2012-09-09 60601"
OPEN = ("medical", "2025-01-01", None)
Row = tuple[str, str]
LAST = "select outcome, coalesce(code, '') as code from feed_row where file_id = $1 and row > 0 order by row"
ROSTERS: dict[str, tuple[str, list[str], list[Row]]] = {
    "a child alone is of the family of her own number, wherever both families stood": (
        "t01a.834 t01b.834", [ANN, EVE, DORA, "M1 EVE OAK 2011-01-01 60605"], [("accepted", "")],
    ),
    "a former family name alone makes nobody somebody else": (
        "t02a.834 t02b.834", [DORA, f"{HELD} 1"], [("rejected", "doubtful-identity")],
    ),
    "a number passes on, and late word of the old holder is hers": (
        "t03a.834 t03b.hl7 t03c.834 t03d.834 t03e.hl7 t03f.834",
        ["M1 THEA ROE 1962-02-02 60601", "M5 DORA FIX 1950-01-01 60601 2025-03-01 2025-04-01"], [("accepted", "")],
    ),
    "each product of a family ends by itself": (
        "t08a.834 t08b.834 t08c.834", [ANN, EVE], [("accepted", "")],
    ),
    "the last day counts, and the first": (
        "t09.834",
        ["M1 LAST DAY 1950-01-01 60601", "M2 OVER DAY 1950-01-01 60601 out", "M3 FIRST DAY 1950-01-01 60601",
         "M4 SOON DAY 1950-01-01 60601 out", "M5 ONE DAY 1950-01-01 60601"],
        [("accepted", "")] * 5,
    ),
    "an audit takes no death back": ("t10a.834 t10b.834 t10c.834", [f"{DORA} out dead"], [("unchanged", "")]),
    "an addition does": ("t10a.834 t10b.834 t10c.834 t10d.834", [DORA], [("accepted", "")]),
    "separators that can't be seen": ("t11.834", [DORA], [("accepted", "")]),
    "a byte order mark, another edition of the guide, wrong counts": ("t12.834", [DORA], [("accepted", "")]),
    "payers in transactions and groups of their own": ("t13.834", [DORA, DORA, THEA], [("accepted", "")] * 3),
    "one value under two systems is two payers": ("t14a.834 t14b.834", [DORA, DORA], [("accepted", "")]),
    "a full list that stops within a segment ends nobody": (
        "t15a.834 t15b.834", [DORA, THEA], [("unchanged", ""), ("rejected", "truncated")],
    ),
    "control numbers are their sender's": ("t16a.834 t16b.834", [DORA, THEA], [("accepted", "")]),
    "test data beside others": ("t17.834", [DORA], [("accepted", ""), ("rejected", "test-data")]),
    "five digits of another country": ("t18a.834 t18b.834", ["M1 DORA FIX 1950-01-01 "], [("accepted", "")]),
}  # fmt: skip
COVERS: dict[str, tuple[str, str, list[tuple[str, str, str | None]]]] = {
    "what ends before it begins, or is deleted, under a begin that was never told": (
        "t04a.834 t04b.834 t04c.834", "DORA", [OPEN],
    ),
    "a termination by the coverage's own 303": ("t05a.834 t05b.834", "DORA", [("medical", "2025-01-01", "2025-04-30")]),
    "the old plan ends in the row that adds the new one": (
        "t06a.834 t06b.834", "DORA", [("medical", "2025-01-01", "2025-05-31"), ("medical", "2025-06-01", None)],
    ),
    "dental alone is reinstated": (
        "t07a.834 t07b.834 t07c.834", "DORA", [("dental", "2025-01-01", None), ("medical", "2025-01-01", "2025-03-31")],
    ),
    "a dependant's product ends with the subscriber's, the others with her eligibility": (
        "t08a.834 t08b.834 t08c.834", "EVE",
        [("dental", "2025-01-01", "2025-05-31"), ("medical", "2025-01-01", "2025-07-31")],
    ),
    "an HMO ends after a PPO was added": (
        "t19a.834 t19b.834 t19c.834", "DORA",
        [("medical", "2025-01-01", "2025-05-31"), ("medical", "2025-06-01", None)],
    ),
}  # fmt: skip
MESSAGES: dict[str, tuple[str, list[str], list[Row]]] = {
    "a deletion is older by the minutes of its zone": (
        "t20.834 t20a.hl7", [f"{DORA} 2025-03-01"], [("accepted", ""), ("unchanged", "older-message")],
    ),
    "a vaccine by the second triplet, by its product's code alone, by neither": (
        "t20.834 t21.hl7", [f"{DORA} 2025-03-01 2025-04-01"], [("accepted", ""), ("accepted", ""), ("rejected", "cvx")],
    ),
    "what was given in part is kept, what was not given is none": (
        "t20.834 t22.hl7", [f"{DORA} 2025-03-01"],
        [("accepted", ""), ("accepted", "not-administered"), ("accepted", "refused"), ("accepted", "not-administered")],
    ),
    "a bad address and one abroad link nobody, a home with the state for its country does": (
        "t20.834 t23.hl7", [f"{DORA} 2025-03-03"],
        [("unlinked", "no-candidate"), ("unlinked", "no-candidate"), ("accepted", "")],
    ),
    "a twin whom no plan lists, under a word for no number": (
        "t20.834 t24.hl7", [f"{DORA} 2025-03-01"], [("accepted", ""), ("unlinked", "no-candidate")],
    ),
    "a part is deleted and the combination stays": (
        "t20.834 t25.hl7", [f"{DORA} 2024-03-01"], [("accepted", "")] * 3,
    ),
    "a time of death beside its denial": ("t20.834 t27.hl7", [f"{DORA} reported 2025-03-01"], [("accepted", "")]),
    "the old number is deleted, the new one stays, and one that is said again is deleted": (
        "t20.834 t28.hl7", [f"{DORA} 2025-03-01"], [("accepted", "")] * 4 + [("unchanged", "")] + [("accepted", "")],
    ),
    "letters of another charset, and what an escape stands for": (
        "t29.834 t29.hl7", ["M1 DORA GARC\u00cdA&SONS 1950-01-01 60601 2025-03-01"], [("accepted", "")],
    ),
}  # fmt: skip
GROUPS = {
    "2024-03-01": ["dtap", "hepb", "hib", "polio"], "2024-03-02": ["mmr", "varicella"], "2024-03-03": ["hepa", "hepb"],
    "2024-03-04": ["dtap", "polio"], "2024-03-05": ["dtap", "hib", "polio"],
}  # fmt: skip


async def send(office: Office, names: str) -> list[Row]:
    """The files in their order; what the rows of the last one came to."""
    await office.open_day(DAY)
    for name in names.split():
        file = await office.read(case(name))
    return [(row["outcome"], row["code"]) for row in await office.fetch(LAST, file.file_id)]


@pytest.mark.parametrize("kind", ROSTERS | MESSAGES)
async def test_who_is_there(office: Office, kind: str) -> None:
    """Nobody is another, nobody is lost, and each row says what became of it."""
    names, people, rows = (ROSTERS | MESSAGES)[kind]
    came_to = await send(office, names)
    assert await told(office) == people
    assert came_to == rows


@pytest.mark.parametrize("kind", COVERS)
async def test_what_is_covered(office: Office, kind: str) -> None:
    """Each product has its own days."""
    names, given, expected = COVERS[kind]
    await send(office, names)
    assert await spans(office, given) == expected


async def test_combinations_count_for_all_their_groups(office: Office) -> None:
    """Vaxelis, ProQuad, Twinrix, Kinrix and Pentacel."""
    await send(office, "t20.834 t26.hl7")
    query = "select administered_on::text as day, vaccine_groups from dose where not is_retracted"
    assert {row["day"]: sorted(row["vaccine_groups"]) for row in await office.fetch(query)} == GROUPS
