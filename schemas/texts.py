"""Words that somebody writes for others to read, a name or a reason: nothing in them that nobody sees, and something
that everybody does. Pure."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

_UNSEEN_KINDS = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
"""Characters without a form of their own that Unicode counts among letters, marks and symbols; with the selectors of
variants (FE00 to FE0F)."""


def is_unseen(char: str) -> bool:
    """Whether it stands in a text without being seen: a control, a mark of direction or of width nought."""
    return unicodedata.category(char) in _UNSEEN_KINDS or char in _UNSEEN or "\ufe00" <= char <= "\ufe0f"


def _written(text: str) -> str:
    if any(map(is_unseen, text)) or not any(map(str.isalnum, text)):
        raise PydanticCustomError("text", "Expected letters or digits, and no character that is not seen")
    return text


READABLE = AfterValidator(_written)
Text = Annotated[str, StringConstraints(strip_whitespace=True), READABLE]
"""A line that people read."""
