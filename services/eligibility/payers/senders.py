"""Senders as a deployment names them in its settings: read as they are written, told where no profile knows one."""

import re
from collections.abc import Iterable

from services.eligibility.feeds.profiles import profiles
from services.eligibility.feeds.registries import registries
from services.eligibility.payers.rules import code_of

EVERYBODY = "*"
OTHER = "other"
NOBODY = frozenset({"none", "false"})
_BETWEEN = re.compile(r"[,;|\r\n]+")
_QUOTES = "'\"[]() \t"
_IS_NAMED = re.compile(r"[A-Za-z0-9]")


def read_senders(text: str) -> frozenset[str]:
    """The codes of senders that are divided by commas, semicolons or line ends, whatever their case; a sender's name
    may hold blanks. `*` is everybody, `none` and `false` are nobody. What else names nobody is a `ValueError`."""
    words = [word for word in (word.strip(_QUOTES) for word in _BETWEEN.split(text)) if word]
    words = [word for word in words if word.lower() not in NOBODY]
    if any(word != EVERYBODY and not _IS_NAMED.search(word) for word in words):
        raise ValueError("expected senders as codes divided by commas, or * for everybody")
    return frozenset(word if word == EVERYBODY else code_of(word) for word in words)


def told_sender(code: str | None) -> str:
    """A sender as the topic tells it: what a file calls itself is anybody's text, so that only names which a profile
    knows are told."""
    return OTHER if code is None or unprofiled([code]) else code


def unprofiled(senders: Iterable[str]) -> list[str]:
    """Those that no profile knows: they may be right, and they may be a slip of the pen."""
    rosters = [rule.get("sender", "") for profile in profiles().values() for rule in profile.match]
    known = {EVERYBODY, *(code_of(sender) for sender in (*rosters, *registries()))}
    return sorted(set(senders) - known)
