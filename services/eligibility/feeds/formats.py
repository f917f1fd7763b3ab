"""The table of the formats that can be read. What a new one needs beside its row: CONTRIBUTING."""

import re
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

from schemas.eligibility_v1 import FeedKind
from services.eligibility.feeds.ads_maa import read_ads
from services.eligibility.feeds.hl7_vxu import read_vxu
from services.eligibility.feeds.records import AdsHeader, FeedItem, Header, RosterHeader, Unreadable, VxuHeader
from services.eligibility.feeds.registries import DEFAULT_ZONE
from services.eligibility.feeds.x12_834 import read_834
from services.eligibility.feeds.x12_group import not_834


class FileContext(NamedTuple):
    """What is known of a file beside its bytes. `profile` overrides the one that a roster's sender would choose;
    `assigner`: whose identifiers an extract has that comes without its control file; `default_zone`: by whose clock
    messages are read that name none."""

    profile: str | None = None
    assigner: str = ""
    default_zone: str = DEFAULT_ZONE


class Format(NamedTuple):
    """`name` and `title` are how senders are told of it, `marks` what they know it by. A file whose first bytes match
    the `signature` is of this format, unless `objection`, given these bytes and whether they are all, says why not.
    `header` is the first item of its stream. `reads_archives`: the reader opens a zip itself; `can_list_everybody`:
    who does not stand in it has left, so rows without a `RosterMention` matter."""

    name: str
    kind: FeedKind
    title: str
    marks: str
    signature: re.Pattern[bytes]
    read: Callable[[BinaryIO, FileContext], Iterator[FeedItem]]
    header: type[Header]
    objection: Callable[[bytes, bool], Unreadable | None] = lambda _head, _is_all: None
    reads_archives: bool = False
    can_list_everybody: bool = False


ROSTER = Format(
    name="834",
    kind=FeedKind.X12_834,
    title="an 834 roster",
    marks="ISA",
    signature=re.compile(rb"\s*ISA[^A-Za-z0-9]"),
    read=lambda stream, given: read_834(stream, given.profile),
    header=RosterHeader,
    objection=not_834,
    can_list_everybody=True,
)
VXU = Format(
    name="vxu",
    kind=FeedKind.HL7_VXU,
    title="HL7 VXU messages",
    marks="FHS, BHS, MSH",
    # Some transports lose the first letters of a message.
    signature=re.compile(rb"[\s\x0b]*(?:(?:MSH|FHS|BHS|msh|fhs|bhs)[^\w\s]|(?:M?SH|H)?\|\^~\\&)"),
    read=lambda stream, given: read_vxu(stream, given.default_zone),
    header=VxuHeader,
)
ADS = Format(
    name="ads",
    kind=FeedKind.ADS_MAA,
    title="an ADS extract",
    marks="the header line of an extract",
    # An archive is taken for an extract's: who reads files looks inside first.
    signature=re.compile(rb"(?i)PK\x03\x04|PK\x05\x06|[^\r\n]*\bPATIENTID\b[^\r\n]*|GRANTEECODE[\t,]"),
    read=lambda stream, given: read_ads(stream, given.assigner),
    header=AdsHeader,
    reads_archives=True,
)
FORMATS = (ROSTER, VXU, ADS)
"""In the order in which signatures are tried."""


def format_of(kind: FeedKind) -> Format:
    """The format of a kind of feed."""
    return next(entry for entry in FORMATS if entry.kind is kind)


def kind_of(header: Header) -> FeedKind:
    """The kind of feed that a header begins."""
    return next(entry.kind for entry in FORMATS if entry.header is type(header))
