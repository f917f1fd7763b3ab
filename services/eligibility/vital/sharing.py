"""Which registries' words of a person are not shared onward (PD1-12 = Y). Pure."""

from collections.abc import Collection
from functools import lru_cache

from services.eligibility.feeds.registries import registries
from services.eligibility.payers.rules import code_of

ALL_REGISTRIES = "*"
"""Withheld is what any registry said: the mark from before each one's word was kept does not say whose it is."""


def is_withheld(sender: str, withheld: Collection[str]) -> bool:
    """Whether a sender's word is not shared: its registry protects the person, or, where the file came by a plan's
    token, that sender. A word from before senders were kept may be of any registry."""
    if not withheld:
        return False
    return not sender or ALL_REGISTRIES in withheld or not _names(sender).isdisjoint(withheld)


def counts_for(tenant: str, withheld: Collection[str]) -> bool:
    """Whether any of those who protect speaks of this plan's members: a registry, or a sender by the plan's token."""
    return any(source.rpartition("@")[2] == tenant or "@" not in source for source in withheld)


@lru_cache(maxsize=1 << 12)
def _names(sender: str) -> frozenset[str]:
    """As the sender's registry is called where what it says of sharing is kept: under each of the names that its
    profile knows, and, where the file came by a plan's token, as that plan's sender."""
    name, _, tenant = sender.rpartition("@")
    if not name:
        return registry_names(sender)
    mine = registry_names(name)
    return frozenset({code_of(sender), *mine, *(f"{code}@{tenant}" for code in mine)})


def registry_names(sender: str) -> frozenset[str]:
    """Under which the word of a registry is kept: each of the names that its profile knows."""
    profile = registries().get(sender.upper())
    return frozenset(map(code_of, profile.senders if profile else (sender,)))
