"""Whether an X12 interchange brings an 834: by its functional groups (GS), as far as its first bytes show them."""

import re

from services.eligibility.feeds.records import Unreadable
from services.eligibility.feeds.x12 import separators_of

ROSTERS = "BE"
ACKNOWLEDGEMENTS = frozenset({"FA", "TA"})
"""Functional groups that answer to others' files and may stand before the one with the roster."""


def not_834(head: bytes, is_all: bool) -> Unreadable | None:
    """Why the file that begins like this, and is no longer if that is all, is no 834; None where it is, or may be."""
    text = head.decode("latin-1").lstrip()
    separators = separators_of(text)
    if separators is None:
        return Unreadable("truncated-isa", "an ISA segment of 16 elements, whole")
    group = re.compile(rf"GS{re.escape(separators.element)}([A-Za-z]{{2}}){re.escape(separators.element)}")
    _, *segments = text.split(separators.terminator)
    groups = {found[1].upper() for segment in segments if (found := group.match(segment.lstrip()))}
    others = groups - {ROSTERS, *ACKNOWLEDGEMENTS}
    if groups and ROSTERS not in groups and (others or is_all):
        return Unreadable("not-834", "an 834 (functional group BE), not another X12 document")
    return None
