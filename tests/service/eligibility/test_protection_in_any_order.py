"""A registry's newest word on sharing (PD1-12), by its own date, holds whatever order its messages come in and whenever
the patient comes to be known."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import count, permutations
from uuid import UUID

import pytest

from services.eligibility.clock import store as clock_store
from services.eligibility.intake.flow.possibly_one import join_pair
from services.eligibility.people.store import possibly_one as pair_store
from services.kit.unit_of_work import working
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.messages import Row, Shot, roster

pytestmark = pytest.mark.postgres
ALONE = "alone"


@dataclass(frozen=True, slots=True)
class Said:
    """A message of a day of March: with a dose (A, U or D), or about the patient alone; `on` is PD1-13."""

    day: int
    word: str
    kind: str = ALONE
    on: str = ""

    def message(self, given: str, number: str) -> str:
        shot = Shot(
            f"E-{number}", given=given, ids=(f"C-{number}^^^CAIR^SR",), sent=f"202103{self.day:02}060000",
            action="A" if self.kind == ALONE else self.kind,
        )  # fmt: skip
        head, patient, *dose = shot.segments()
        head = head.replace("|M-", f"|M-{self.kind}-{self.word}-")
        consent = f"PD1||||||||||||{self.word}|{self.on}"
        return "\r".join((head, patient, consent, *([] if self.kind == ALONE else dose))) + "\r"


TOLD: dict[str, tuple[tuple[Said, ...], bool]] = {
    "the patient's messages": ((Said(1, "Y"), Said(2, "N"), Said(3, "")), False),
    "a later day before the message": ((Said(1, "N"), Said(2, "Y"), Said(3, "N", on="20210228")), True),
    "of one instant": ((Said(1, "Y"), Said(1, "N"), Said(2, "")), True),
    "a dose that is told again": ((Said(1, "Y", "A"), Said(2, "", "U"), Said(3, "", "U")), True),
    "a dose that is told again, shared": ((Said(1, "Y", "A"), Said(2, "N", "U"), Said(3, "", "U")), False),
    "a dose that is deleted": ((Said(1, "N", "A"), Said(2, "Y", "U"), Said(3, "", "D")), True),
    "with a deletion": ((Said(1, "", "A"), Said(2, "N", "U"), Said(3, "Y", "D")), True),
    "alone and with a dose": ((Said(1, "Y"), Said(2, "", "A"), Said(3, "N", on="20210228")), True),
}
WHOLE, LATER, JOINED = ("before", "between", "after"), "by another plan", "in one person"
KNOWN = (*WHOLE, LATER, JOINED)


@pytest.mark.parametrize("name", TOLD)
async def test_the_newest_word_holds_in_any_order(office: Office, name: str) -> None:
    """Every order of three messages, of somebody who is listed before, between or after them, by a second plan after a
    dose was reported, or joined at the end with who heard the rest of them: all know the same."""
    told, is_protected = TOLD[name]
    numbers, listed = count(1), dict[str, str]()
    for order in permutations(told):
        for known in KNOWN:
            listed |= dict.fromkeys(await hear(office, order, known, next(numbers)), known)
    is_shared = any(said.kind != ALONE for said in told)
    alone = [number for number, known in listed.items() if known in WHOLE or (known == LATER and is_shared)]
    assert await protected(office, alone) == dict.fromkeys(alone, is_protected)
    await join_all(office)
    assert await protected(office, listed) == dict.fromkeys(listed, is_protected)


async def protected(office: Office, numbers: Iterable[str]) -> dict[str, bool]:
    facts = await office.last_facts()
    return {number: facts[number]["contact_protected"] for number in numbers}


async def hear(office: Office, order: Sequence[Said], known: str, number: int) -> list[str]:
    """Let messages and rosters come in this order; gives the numbers under which plans list the patient."""
    given = "Oma" + "".join(chr(ord("a") + int(digit)) for digit in f"{number:03}")
    before = f"{given}x"
    first, *later = (said.message(given, str(number)) for said in order)
    mine = Row(f"LS{number}", given=given)
    copied = replace(mine, member_id=f"P{number}")
    if known == JOINED:  # each plan lists another name, and hears some of it
        mine = replace(mine, given=before)
        later = [said.message(before, f"{number}x") for said in order[1:]]
    lakeshore, prairie = roster(mine), roster(copied, plan="PRAIRIE")
    files = {
        "before": [lakeshore, first, *later],
        "between": [first, lakeshore, *later],
        "after": [first, *later, lakeshore],
        LATER: [lakeshore, first, *later, prairie],
        JOINED: [
            prairie, lakeshore, first, *later,
            roster(replace(mine, given=given, action="001", was=(mine.member_id, "Sesame", before)),
                   day=date(2021, 3, 2)),
        ],
    }[known]  # fmt: skip
    for file in files:
        await office.read(file)
    return [mine.member_id, *([copied.member_id] if prairie in files else [])]


async def join_all(office: Office) -> None:
    """A person says of every pair that waits that it is one."""
    async with working(office.database.pool) as work:
        today = (await clock_store.share_clock(work.connection)).business_on
        for pair in await pair_store.load_page(work.connection, UUID(int=0), "waiting", 200):
            assert await join_pair(work, pair, "operator", "both plans confirm one number", today)
