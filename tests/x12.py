"""The envelopes of an 834 interchange of one transaction, for every test that writes one of its own."""

from collections.abc import Sequence

from services.eligibility.feeds.x12 import Separators

USUAL = Separators("*", ":", "^", "~")
ENDS = ("SE", "GE", "IEA")

Segments = list[list[str]]


def split(segments: Sequence[str]) -> Segments:
    """Segments that are written as text with "*"."""
    return [segment.split("*") for segment in segments]


def interchange(
    body: Segments,
    *,
    sender: str,
    day: str,
    hour: str,
    control: int,
    group: int = 1,
    receiver: str = "VCC",
    usage: str = "P",
    implementation: str = "005010X220A1",
    sep: Separators = USUAL,
    newline: str = "",
    isa11: str | None = None,
    se01: str | None = None,
    ends: Sequence[str] = ENDS,
) -> str:
    """With right counts, unless told otherwise. `body` is what stands between ST and SE; `day` is YYYYMMDD."""
    number = f"{control:09d}"
    repetition = sep.repetition if isa11 is None else isa11
    isa = ["ISA", "00", " " * 10, "00", " " * 10, "ZZ", sender.ljust(15), "ZZ", receiver.ljust(15), day[2:], hour]
    isa += [repetition, "00501", number, "0", usage, sep.component]
    closing = {"SE": [se01 or str(len(body) + 2), "0001"], "GE": ["1", str(group)], "IEA": ["1", number]}
    segments = [
        isa,
        ["GS", "BE", sender, receiver, day, hour, str(group), "X", implementation],
        ["ST", "834", "0001", implementation],
        *body,
        *([name, *closing[name]] for name in ends),
    ]
    return "".join(sep.element.join(one) + sep.terminator + newline for one in segments)
