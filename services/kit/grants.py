"""What a token grants: roles and tenants as pairs, and the sites that a pair is bound to. Pure."""

import re
from collections.abc import Iterable, Set
from itertools import product
from typing import Any, NamedTuple

_CODE = r"[a-z0-9][a-z0-9.-]{0,63}"
_GRANT = re.compile(rf"(?P<role>{_CODE})@(?P<tenant>\*|{_CODE})(?:/(?P<site>{_CODE}))?")

Sites = frozenset[str] | None
"""The sites whose rows somebody may see and change. None: every site's."""


class Grant(NamedTuple):
    """`role@tenant[/site]`: a role for one tenant (`*`: for all), at one site or, without it, wherever."""

    role: str
    tenant: str
    site: str | None = None


def read(claim: Any, every_tenant_roles: Set[str]) -> frozenset[Grant]:
    """The grants of a claim, given as a list or as one string with spaces. What is none grants nothing; nor does a
    role for all tenants that may not act for all."""
    texts = claim.split() if isinstance(claim, str) else claim if isinstance(claim, list) else []
    found = (_GRANT.fullmatch(text) for text in texts if isinstance(text, str))
    granted = (Grant(*match.groups()) for match in found if match)
    return frozenset(grant for grant in granted if grant.tenant != "*" or grant.role in every_tenant_roles)


def paired(roles: Iterable[str], tenants: Iterable[str], every_tenant_roles: Set[str]) -> frozenset[Grant]:
    """What two lists grant: each role for each named tenant; for all tenants (`*`) only roles that may act for all."""
    pairs = (Grant(role, tenant) for role, tenant in product(roles, tenants))
    return frozenset(grant for grant in pairs if grant.tenant != "*" or grant.role in every_tenant_roles)


def for_tenant(grants: Iterable[Grant], tenant: str) -> frozenset[Grant]:
    """Those by which somebody acts for this tenant."""
    return frozenset(grant for grant in grants if grant.tenant in {tenant, "*"})


def roles_of(grants: Iterable[Grant]) -> frozenset[str]:
    return frozenset(grant.role for grant in grants)


def sites_of(grants: Iterable[Grant]) -> Sites:
    """The sites that these grants are bound to; one that is bound to none opens all."""
    sites = [grant.site for grant in grants]
    named = frozenset(site for site in sites if site is not None)
    return None if None in sites else named
