"""834 files as the population's and the odd plans' generators write them: interchanges of one group and as many
transactions as they like, subscribers only, terminated by `~`; the last transaction may be cut off."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from itertools import pairwise

from tests.chaos.checker.inputs.codes import day, digits, sorted_out
from tests.chaos.checker.inputs.records import Before, Cover, Identifier, MemberRow, Part, Roster, Who

Segment = list[str]
X12_RACES = {
    "A": "2028-9", "B": "2054-5", "C": "2106-3", "D": "2028-9", "E": "2131-1", "G": "1002-5", "H": "2135-2",
    "I": "1002-5", "J": "2076-8", "P": "2076-8",
}  # fmt: skip
WHOLE = frozenset({"PRAIRIE", "MESA", "DELTA"})
"""Plans whose full files are to be taken as such: whoever they do not list has left."""
TRACT_SENDER = "LAKESHORE"
LINES = (("COMMERCIAL", "commercial"), ("MEDI-CAL", "medicaid"), ("MEDICARE", "medicare-advantage"))
TAGS = {
    "ENG": "en", "SPA": "es", "CHI": "zh", "VIE": "vi", "TGL": "tl", "ARM": "hy", "KOR": "ko", "PAN": "pa", "SMO": "sm",
}  # fmt: skip
NUMBERS = (("MB", "", "0F"), ("MA", "US-MEDICAID", "1D"), ("MC", "US-MEDICARE", "F6"))


def read_roster(content: bytes) -> Roster:
    segments = [text.strip().split("*") for text in content.decode("latin-1").split("~") if text.strip()]
    parts: list[Part] = []
    rows = 0
    for isa, gs, transaction in _transactions(segments):
        parts.append(_part(isa, gs, transaction, rows))
        rows += len(parts[-1].rows)
    return Roster(tuple(parts))


def _transactions(segments: list[Segment]) -> Iterator[tuple[Segment, Segment, list[Segment]]]:
    """The segments from each ST to its SE, with the envelopes about them."""
    isa, gs, inside = Segment(), Segment(), list[Segment]()
    for segment in segments:
        if segment[0] == "ISA":
            isa = segment
        elif segment[0] == "GS":
            gs = segment
        elif segment[0] == "ST" or inside:
            inside.append(segment)
        if segment[0] == "SE":
            yield isa, gs, inside
            inside = []
    if inside:
        yield isa, gs, inside


def _part(isa: Segment, gs: Segment, segments: list[Segment], before: int) -> Part:
    """`before` rows of the file stand before it."""
    sender = isa[6].strip()
    begin = next(one for one in segments if one[0] == "BGN")
    sponsor = next((one for one in segments if one[0] == "N1" and at(one, 1) == "P5"), [])
    file_on = max(on for on in (day(f"20{isa[9]}"), day(gs[4])) if on)
    said_at = datetime.strptime(begin[3] + begin[4], "%Y%m%d%H%M")  # noqa: DTZ007 - all in one zone, the senders'
    is_full = at(begin, 8) == "4" and sender in WHOLE
    loops = enumerate(_loops(segments), before + 1)
    rows = tuple(_row(number, loop, sender, (file_on, said_at.date()), is_full=is_full) for number, loop in loops)
    is_cut = segments[-1][0] != "SE"
    if is_cut and rows:
        rows = *rows[:-1], replace(rows[-1], rejected="truncated")
    control = "/".join((isa[13], gs[6], at(segments[0], 2)))
    content = "~".join("*".join(segment) for segment in segments)
    said = said_at, int(isa[13])
    return Part(
        sender.lower(), at(sponsor, 4) or at(sponsor, 2), control, said, is_full, rows, content, is_cut
    )  # fmt: skip


def at(segment: Segment, index: int) -> str:
    return segment[index].strip() if len(segment) > index else ""


def _loops(segments: list[Segment]) -> Iterator[list[Segment]]:
    """The segments of each member."""
    loop: list[Segment] = []
    for segment in segments:
        if loop and segment[0] in {"INS", "SE"}:
            yield loop
            loop = []
        if segment[0] == "INS" or loop:
            loop.append(segment)
    if loop:
        yield loop


def _row(number: int, loop: list[Segment], sender: str, on: tuple[date, date], *, is_full: bool) -> MemberRow:
    """`on` are the days of the envelope and of the file within."""
    member, covers = _parted(loop)
    ins, refs = loop[0], {at(one, 1): at(one, 2) for one in reversed(member) if one[0] == "REF"}
    named, old = _named(member, {"IL", "74"}), _named(member, {"70"})
    name, demography = _first(named, "NM1"), _first(named, "DMG")
    place, born = _first(named, "N4"), at(demography, 2)
    tract = digits(refs.get("ZZ", ""), 11) if sender == TRACT_SENDER else ""
    races, ethnicity = sorted_out(_race_codes(at(demography, 5)))
    who = Who(
        identifiers=tuple((kind, by or sender, refs[mark]) for kind, by, mark in NUMBERS if refs.get(mark)),
        family=at(name, 3), given=at(name, 4), birth_on=day(born), sex=at(demography, 3) or "U",
        races=races, ethnicity=ethnicity, zip5=digits(at(place, 3), 5), tract=tract,
    )  # fmt: skip
    county = digits(at(place, 6), 5) if at(place, 5) == "CY" else ""
    death_on = day(at(ins, 12))
    return MemberRow(
        row=number, who=who, action=at(ins, 3), rejected=_rejected(who, born, on[0]), ends=at(ins, 3) == "024",
        died=(at(ins, 3) == "024" and at(ins, 4) == "03") or death_on is not None, death_on=death_on,
        is_back=_is_back(ins, member, covers, on[1], is_full=is_full),
        language=TAGS.get(at(_first(named, "LUI"), 2), ""), county=county or tract[:5], group=refs.get("1L", ""),
        is_restricted=at(ins, 13) == "R", has_address=bool(place or tract), begin_on=_date(member, "356"),
        end_on=_date(member, "357"), covers=tuple(_cover(one) for one in covers),
        before=_before(refs, old, sender),
        spoken=tuple(TAGS[at(one, 2)] for one in named if one[0] == "LUI" and at(one, 4) == "7" and at(one, 2) in TAGS),
    )  # fmt: skip


def _is_back(ins: Segment, member: list[Segment], covers: list[list[Segment]], said_on: date, *, is_full: bool) -> bool:
    """Whether the plan insures the member again: the dead have no coverage that goes on."""
    acts = {at(ins, 3), *(at(one[0], 1) for one in covers)}
    if at(ins, 3) == "024" or not acts & ({"025"} if is_full else {"021", "025"}):
        return False
    ends = [_date(one, "349") for one in covers if at(one[0], 1) != "024"] if covers else [_date(member, "357")]
    return any(one is None or one > said_on for one in ends)


def _rejected(who: Who, born: str, file_on: date) -> str | None:
    if not who.identifiers:
        return "identifier"
    if born and who.birth_on is None:
        return "date"
    return "future" if who.birth_on and who.birth_on > file_on else None


def _parted(loop: list[Segment]) -> tuple[list[Segment], list[list[Segment]]]:
    """The member's own segments, and those of each coverage."""
    starts = [place for place, one in enumerate(loop) if one[0] == "HD"]
    covers = [loop[start:end] for start, end in pairwise([*starts, len(loop)])]
    return loop[: starts[0]] if starts else loop, covers


def _named(member: list[Segment], kinds: set[str]) -> list[Segment]:
    """The segments from the NM1 of such a kind up to the next one."""
    found: list[Segment] = []
    is_in = False
    for segment in member:
        is_in = at(segment, 1) in kinds if segment[0] == "NM1" else is_in
        found += [segment] if is_in else []
    return found


def _first(segments: list[Segment], name: str) -> Segment:
    return next((one for one in segments if one[0] == name), [])


def _date(segments: list[Segment], kind: str) -> date | None:
    return next((day(at(one, 3)) for one in segments if one[0] == "DTP" and at(one, 1) == kind), None)


def _cover(segments: list[Segment]) -> Cover:
    described = at(segments[0], 4).upper()
    line = next((line for word, line in LINES if word in described), "medicare-advantage")
    product = f"{at(segments[0], 3)} {described}".strip()
    return Cover(line, _date(segments, "348"), _date(segments, "349"), at(segments[0], 1) == "024", product)


def _race_codes(text: str) -> list[str]:
    """CDC's codes behind a list's name (`:RET:2106-3`), or one letter of X12."""
    composites = text.split("^") if text else []
    return [one.split(":")[2] if ":" in one else X12_RACES.get(one, "") for one in composites]


def _before(refs: dict[str, str], old: list[Segment], sender: str) -> Before | None:
    numbers: tuple[Identifier, ...] = (("MB", sender, refs["Q4"]),) if refs.get("Q4") else ()
    name = _first(old, "NM1")
    if not (numbers or name):
        return None
    return Before(numbers, at(name, 3), at(name, 4), day(at(_first(old, "DMG"), 2)))
