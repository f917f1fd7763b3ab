"""The small files on which the software once failed, others of their kinds made from a few words, and what is held of
the members in them."""

from collections import defaultdict
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from services.eligibility.clock import store as clock_store
from services.eligibility.intake.flow.roster import settle_book
from services.eligibility.people.flow import load_book
from services.kit.unit_of_work import working
from tests.service.eligibility.conftest import Office
from tests.x12 import interchange, split

CASES = Path(__file__).parents[2] / "data" / "cases"
DAY = date(2025, 6, 10)
"""Some days after the newest of them."""
HELD = "held"
CLINIC_ST = ("N3*1 ELM ST", "N4*CHICAGO*IL*60601")

PEOPLE = """
select member_token, concat_ws(' ', nullif(member_id, ''), given, family, birth_on, zip5) as who,
    bool_or((fact->>'enrolled')::boolean) as is_covered, bool_or(fact->'reasons' ? 'deceased') as is_dead,
    bool_or(fact->'reasons' ? 'death-reported') as is_reported
from enrolment join decision using (enrolment_id) where not is_retired group by enrolment_id order by 2
"""


def case(name: str) -> bytes:
    return (CASES / name).read_bytes()


def an_834(
    *members: str, payer: str = "NORTH TEST PLAN*FI*770000001", sender: str = "TESTPLAN", day: str = "20250601",
    control: int = 1, full: bool = False, usage: str = "P",
) -> str:  # fmt: skip
    """A file of one interchange; a member is the text of its loop."""
    body = [segment for one in members for segment in one.split("~")]
    head = [f"BGN*00*R{control}*{day}*1200****{4 if full else 2}", "N1*P5*AGENCY*FI*1", f"N1*IN*{payer}"]
    return interchange(
        split(head + body), sender=sender, day=day, hour="1200", control=control, group=control, usage=usage
    )


a_south_file = partial(an_834, payer="SOUTH PLAN*FI*880000002", sender="SOUTH")
"""Another plan's."""


def member(
    number: str, name: str, born: str = "", sex: str = "F", ins: str = "Y*18*021*20", was: str = "", prior: str = "",
    suffix: str = "", zip5: str = "60601", end: str = "", phones: str = "", street: str = "1 ELM ST",
) -> str:  # fmt: skip
    """An INS loop. `name` is FAMILY*GIVEN; `was` is FAMILY*GIVEN or FAMILY*GIVEN*birth of a record that was wrong."""
    former = was.split("*")
    kind = ins.split("*")[2]
    found = [f"INS*{ins}*A***{'TE' if kind == '024' else 'FT'}", f"REF*0F*{number}"]
    found += [f"REF*Q4*{prior}"] if prior else []
    found += [f"NM1*{'74' if was else 'IL'}*1*{name}{f'***{suffix}' if suffix else ''}"]
    found += [f"PER*IP**{phones}"] if phones else []
    found += [f"N3*{street}", f"N4*CHICAGO*IL*{zip5}"]
    found += [f"DMG*D8*{born}*{sex}"] if born else []
    found += [f"NM1*70*1*{former[0]}*{former[1]}"] if was else []
    found += [f"DMG*D8*{former[2]}"] if len(former) > 2 else []
    found += [f"HD*{kind}**HLT", "DTP*348*D8*20250101"]
    found += [f"DTP*349*D8*{end}"] if end else []
    return "~".join(found)


async def join_namesakes(office: Office) -> None:
    """Make one person of whoever agrees in name, birth date and ZIP, as several plans' members were before plans were
    kept apart: who was joined then stays so."""
    async with working(office.database.pool) as work:
        rows = await work.connection.fetch("select match_key, array_agg(member_token order by member_token) as tokens"
                                           " from person_key group by 1 having count(*) > 1")  # fmt: skip
        today = (await clock_store.share_clock(work.connection)).business_on
        book = await load_book(work.connection, (), [row["match_key"] for row in rows], ())
        for survivor, *retired in (row["tokens"] for row in rows):
            for member_token in retired:
                book._merge(survivor, member_token)
        await settle_book(work, book, 0, today)


async def enrolled(office: Office) -> dict[str, bool]:
    """Whether the last fact says that a member is covered, by given name."""
    query = "select given, fact from decision join enrolment using (enrolment_id) where not is_retired"
    return {row["given"]: row["fact"]["enrolled"] for row in await office.fetch(query)}


async def spans(office: Office, given: str) -> list[tuple[str, str | None, str | None]]:
    """Kind, begin and end of a member's times of coverage."""
    [row] = await office.fetch("select spans from enrolment where given = $1 and not is_retired", given)
    return [(one[4], one[1], one[2]) for one in row["spans"]]


async def changes(office: Office, file: Any) -> dict[int, tuple[str, str]]:
    """Outcome and changes of each row of a file."""
    query = "select row, outcome, coalesce(changes, '') as changes from feed_row where file_id = $1 and row > 0"
    return {row["row"]: (row["outcome"], row["changes"]) for row in await office.fetch(query, file.file_id)}


async def told(office: Office) -> list[str]:
    """Everybody in one line, and how many rows are held."""
    doses = defaultdict[Any, list[str]](list)
    for row in await office.fetch("select member_token, administered_on::text as day from dose where not is_retracted"):
        doses[row["member_token"]].append(row["day"])
    found = []
    for one in await office.fetch(PEOPLE):
        words = [one["who"], "" if one["is_covered"] else "out", "dead" if one["is_dead"] else ""]
        words += ["reported" if one["is_reported"] else "", *sorted(doses.pop(one["member_token"], ()))]
        found.append(" ".join(word for word in words if word))
    assert not doses, "a dose is of nobody who is there"
    held = await office.fetch("select from doubtful_row where state = 'waiting'")
    return [*found, *([f"{HELD} {len(held)}"] if held else [])]
