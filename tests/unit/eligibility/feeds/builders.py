"""Writes the feed files the tests need: whole rosters and messages, of which a test names only what it is about."""

import io
from collections.abc import Iterable, Sequence

from services.eligibility.feeds import read_stream
from services.eligibility.feeds.records import (
    DoseRecord,
    FeedItem,
    FeedSummary,
    Notice,
    PatientRecord,
    Rejection,
    RosterRecord,
)
from services.eligibility.feeds.x12 import Separators
from tests.x12 import USUAL, Segments, interchange, split


def a_member(
    number: str = "LS0001",
    *,
    ins: str = "INS*Y*18*021*20*A***FT",
    name: str = "NM1*IL*1*PANCAKE*PETRA*Q",
    dmg: str = "DMG*D8*19500704*F",
    before: Sequence[str] = (),
    after_name: Sequence[str] = (),
    after: Sequence[str] = ("HD*021**HLT*GOLD", "DTP*348*D8*20250101"),
) -> Segments:
    """One INS loop, every segment as text with "*"."""
    ref = [f"REF*0F*{number}"] if number else []
    lines = [ins, *ref, *before, name, *after_name, *([dmg] if dmg else []), *after]
    return [line.split("*") for line in lines if line]


def an_834(
    *members: Segments,
    sender: str = "LAKESHORE",
    bgn08: str = "2",
    head: Sequence[str] = (),
    sep: Separators = USUAL,
    newline: str = "\n",
    isa11: str | None = None,
    se01: str | None = None,
    trailers: str = "SE GE IEA",
    implementation: str = "005010X220A1",
) -> bytes:
    """An interchange with right counts, unless the test says otherwise."""
    lines = [f"BGN*00*W1*20260105*0900****{bgn08}", *head, "N1*P5*SPONSOR*FI*111222333", "N1*IN*PAYER*FI*444555666"]
    body = split(lines) + [segment for member in members for segment in member]
    return interchange(
        body, sender=sender, receiver="CONNECT", day="20260105", hour="0900", control=42, group=7, sep=sep,
        newline=newline, isa11=isa11, se01=se01, ends=trailers.split(), implementation=implementation,
    ).encode()  # fmt: skip


def a_vxu(
    *doses: str,
    msh: str = "MSH|^~\\&|REG|IIS|VCC|VCC|20260105090000-0600||VXU^V04^VXU_V04|M-1|P|2.5.1",
    pid: str = "PID|1||777^^^IIS^SR||Waffle^Walter^W^^^^L|Syrup|19480229|M||2106-3|1 Elm St^^Peoria^IL^61602",
    pd1: str = "PD1|||||||||||02|N|20250101|||A",
    end: str = "\r",
) -> bytes:
    """A message of these ORC/RXA groups, each a text whose lines are parted by newlines."""
    lines = [msh, pid, pd1, *(line for dose in doses for line in dose.split("\n"))]
    return "".join(line + end for line in lines if line).encode()


def a_dose(
    orc: str = "ORC|RE||D-1^IIS",
    *,
    given: str = "20251101",
    vaccine: str = "187^zoster recombinant^CVX",
    completion: str = "CP",
    reason: str = "",
    action: str = "A",
    source: str = "00^New^NIP001",
) -> str:
    """One ORC and RXA."""
    product = "LOT7|20271231|SKB^GSK^MVX"
    rxa = f"RXA|0|1|{given}||{vaccine}|0.5|mL||{source}||^^^CLINIC-9||||{product}|{reason}||{completion}|{action}"
    return "\n".join(line for line in (orc, rxa, "RXR|IM|LD") if line)


def items_of(data: bytes, profile: str | None = None, assigner: str = "") -> list[FeedItem]:
    return list(read_stream(io.BytesIO(data), profile, assigner))


def rosters(items: Iterable[FeedItem]) -> list[RosterRecord]:
    return [item for item in items if isinstance(item, RosterRecord)]


def doses(items: Iterable[FeedItem]) -> list[DoseRecord]:
    return [item for item in items if isinstance(item, DoseRecord)]


def patients(items: Iterable[FeedItem]) -> list[PatientRecord]:
    return [item for item in items if isinstance(item, PatientRecord)]


def rejections(items: Iterable[FeedItem]) -> list[Rejection]:
    return [item for item in items if isinstance(item, Rejection)]


def notices(items: Iterable[FeedItem]) -> list[Notice]:
    return [item for item in items if isinstance(item, Notice)]


def codes(items: Iterable[FeedItem]) -> set[tuple[str, str]]:
    """(field, code) of everything that was odd or refused."""
    return {(item.field, item.code) for item in items if isinstance(item, (Notice, Rejection))}


def summary(items: Sequence[FeedItem]) -> FeedSummary:
    last = items[-1]
    assert isinstance(last, FeedSummary)
    return last
