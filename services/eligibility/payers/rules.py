"""Which tenant a roster is of: the payer's identifier says it, not its name. Pure.

A tenant keeps the name under which its payer was first seen. Another payer of that name gets a name of its own.
"""

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

from services.eligibility.feeds.profiles import profiles
from services.eligibility.feeds.records import RosterHeader

GENERIC_PROFILES = frozenset({"tr3", "x307"})
"""Profiles of an implementation guide, not of a plan: there the plan is the payer that the file names."""

MOST_CHARS = 64
_SLUG = re.compile(r"[^a-z0-9.-]+")
_MARKS = re.compile(r"[^A-Z0-9]+")

PayerKey = tuple[str, str]
"""Whose identifier it is (N103: FI tax id, XV health plan id …) and the identifier (N104)."""


class Payer(NamedTuple):
    """Whom a roster names as payer. `tenant` is the plan of a named profile, which needs no identifier; `slug` is the
    name of the payer as a code, `sender` what tells payers without an identifier apart."""

    tenant: str
    key: PayerKey
    slug: str
    sender: str


def code_of(text: str) -> str:
    """A name as a code of the contracts."""
    return _SLUG.sub("-", text.lower()).strip("-.")[:MOST_CHARS] or "unknown"


def payer_key(system: str, value: str) -> PayerKey:
    """An identifier without its marks; empty without one."""
    value = _MARKS.sub("", value.upper())
    return (system.strip().upper(), value) if value else ("", "")


def payer_of(header: RosterHeader) -> Payer:
    """Whose members a roster lists."""
    is_generic = header.profile in GENERIC_PROFILES
    name = header.payer_name or header.payer_id or header.receiver or header.sender
    key = payer_key(header.payer_system, header.payer_id)
    return Payer("" if is_generic else header.profile, key, code_of(name), code_of(header.sender))


def tenant_of(payer: Payer, known: Mapping[PayerKey, str], taken: Collection[str]) -> str:
    """The tenant of a payer, from what is `known` of identifiers; `taken` are the tenants that have one."""
    if payer.tenant:
        return payer.tenant
    if payer.key in known:
        return known[payer.key]
    is_free = payer.slug not in profiles() and (payer.slug not in taken or not payer.key[1])
    if is_free:
        return payer.slug
    system, value = payer.key
    longer = (
        [value] if value and _joined(payer.slug, value) not in taken else [system, value] if value else [payer.sender]
    )
    return _joined(payer.slug, *longer)


def _joined(slug: str, *more: str) -> str:
    tail = code_of("-".join(more))[: MOST_CHARS // 2]
    return f"{slug[: MOST_CHARS - 1 - len(tail)].strip('-.')}-{tail}"
