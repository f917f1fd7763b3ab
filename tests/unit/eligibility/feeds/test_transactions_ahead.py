"""Reading heads ahead of members: the same headers, and a digest of what each transaction says."""

import io
from pathlib import Path

import pytest

from services.eligibility.feeds.reader import read_stream
from services.eligibility.feeds.records import FeedSummary, RosterHeader
from services.eligibility.feeds.transactions_ahead import transactions_ahead
from services.eligibility.feeds.x12 import Separators
from tests.unit.eligibility.feeds.builders import a_member, an_834
from tests.unit.eligibility.feeds.golden_files import feed_files

CASES = sorted((Path(__file__).parents[3] / "data" / "cases").glob("*.*"))


def digests(raw: bytes) -> list[str | None]:
    return [one.digest for one in transactions_ahead(io.BytesIO(raw))]


def headers(raw: bytes) -> list[RosterHeader]:
    return [one for one in read_stream(io.BytesIO(raw)) if isinstance(one, RosterHeader)]


def damaged(raw: bytes) -> list[bytes]:
    """The same cut off, glued, without trailers, with a segment beyond all measure in a head and in a member."""
    long = b"N1*" + b"x" * 70_000 + b"~"
    return [
        raw, raw[: len(raw) // 2], raw + raw, raw.replace(b"SE*", b"XX*"), raw.replace(b"INS*", b"XNS*"),
        raw.replace(b"N1*", long + b"N1*", 1), raw.replace(b"HD*", long + b"HD*", 1), raw.replace(b"ST*834", b"ST*999"),
    ]  # fmt: skip


@pytest.mark.parametrize("path", [*feed_files(), *CASES], ids=lambda path: path.name)
def test_the_headers_are_the_readers(path: Path) -> None:
    """Whatever is wrong with a file, as many heads are read ahead as with its members, and the same."""
    for raw in damaged(path.read_bytes()) if path.suffix != ".zip" else [path.read_bytes()]:
        assert [one.header for one in transactions_ahead(io.BytesIO(raw))] == headers(raw)


def test_what_parts_the_segments_is_no_content() -> None:
    """Delimiters, line ends, lines broken in the middle and empty elements at the end leave the digest as it is."""
    usual = an_834(a_member())
    others = [
        an_834(a_member(), sep=Separators("|", ">", "!", "\n")),
        an_834(a_member(), newline="\r\n"),
        usual.replace(b"~", b"**~"),
        b"\r\n".join(usual[at : at + 80] for at in range(0, len(usual), 80)),
    ]
    assert {found for raw in others for found in digests(raw)} == set(digests(usual))
    assert len(digests(usual)) == 1


def test_what_a_transaction_says_is_content() -> None:
    """Another value, order, number or count of segments is another transaction."""
    usual = an_834(a_member("A"), a_member("B"))
    others = [
        an_834(a_member("B"), a_member("A")), an_834(a_member("A")), usual.replace(b"ST*834*0001", b"ST*834*0002"),
        usual.replace(b"SE*", b"SE*9"), usual[: usual.index(b"SE*")] + b"GE*1*1~",
    ]  # fmt: skip
    found = [digests(raw)[0] for raw in (usual, *others)]
    assert len(set(found)) == len(found)


def test_what_stands_around_a_transaction_is_none_of_it() -> None:
    """Nor is what follows one that lost its trailer."""
    usual = an_834(a_member())
    cut = usual[: usual.index(b"SE*")]
    assert digests(cut + usual)[0] == digests(cut + b"GE*1*1~")[0] == digests(cut + b"IEA*1*000000001~")[0]
    assert digests(usual + usual) == digests(usual) * 2


def test_no_roster_has_no_transactions() -> None:
    """Messages, an archive that is none, and nothing at all."""
    for raw in (b"MSH|^~\\&|A|B\r", b"PK\x03\x04broken", b"", b"ISA*00"):
        assert digests(raw) == []


def test_each_transaction_is_counted_by_itself() -> None:
    """Members, rows that name nobody, and its own counts; what is wrong around them is wrong with all."""
    fine, odd = an_834(a_member("A"), a_member("B")), an_834([["INS", "Y", "18", "999"]], a_member("C"))
    wrong = an_834(a_member("D")).replace(b"SE*", b"SE*9")

    def tallies(raw: bytes) -> list[tuple[int, int, int, bool]]:
        [summary] = [one for one in read_stream(io.BytesIO(raw)) if isinstance(one, FeedSummary)]
        return [(one.members, one.last_row, one.unidentified, one.is_complete) for one in summary.transactions]

    assert tallies(fine + odd + wrong) == [(2, 2, 0, True), (1, 4, 1, True), (1, 5, 0, False)]
    assert tallies(wrong * 40 + fine)[-2:] == [(1, 40, 0, False), (2, 42, 0, True)]
    assert [one[3] for one in tallies(fine + odd.replace(b"GE*1*", b"GE*7*"))] == [False, False]


@pytest.mark.parametrize(
    ("edge", "raw", "cut"),
    [
        ("whole", an_834(a_member()), [False]),
        ("no terminator at the end", an_834(a_member()).rstrip(b"~\r\n"), [False]),
        ("no IEA", an_834(a_member(), trailers="SE GE"), [False]),
        ("no GE", an_834(a_member(), trailers="SE"), [False]),
        ("no SE", an_834(a_member(), trailers="GE IEA"), [True]),
        ("stops before SE", an_834(a_member(), trailers=""), [True]),
        ("stops in SE", an_834(a_member(), trailers="") + b"SE*1", [True]),
        ("another number in SE", an_834(a_member()).replace(b"*0001~\nGE", b"*0002~\nGE"), [False]),
        ("the next interchange follows", an_834(a_member(), trailers="") + an_834(a_member()), [True, False]),
        ("it follows in a segment", an_834(a_member(), trailers="") + b"HD*02" + an_834(a_member()), [True, False]),
        ("IEA without a terminator", an_834(a_member()).rstrip(b"~\r\n") + an_834(a_member()), [False, False]),
        ("beyond all measure", an_834(a_member()).replace(b"SE*", b"SE*" + b"1" * 70_000), [True]),
    ],
)
def test_which_transactions_have_their_ends(edge: str, raw: bytes, cut: list[bool]) -> None:
    """Those with an SE of their own; whatever is wrong around them."""
    assert [one.is_cut for one in transactions_ahead(io.BytesIO(raw))] == cut, edge
