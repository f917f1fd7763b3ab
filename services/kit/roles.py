"""What each role may do and which protected fields it sees: one table for all services, read once from `roles.yaml` and
held to itself. A service that asks for what the table does not know does not start. Pure, but for reading that file."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

SOURCE = Path(__file__).with_name("roles.yaml")
_KEYS = {"about", "purpose", "may", "sees", "acts_for_all", "at_sites"}


class RolesError(Exception):
    """The table contradicts itself, or does not know what somebody asks of it."""


class Purpose(StrEnum):
    """Why somebody asks: of the value set PurposeOfUse (2.16.840.1.113883.1.11.20448) of HL7 v3's ActReason
    (2.16.840.1.113883.5.8) what a deployment has a use for."""

    TREAT = "TREAT"
    CAREMGT = "CAREMGT"
    HOPERAT = "HOPERAT"
    HPAYMT = "HPAYMT"
    PUBHLTH = "PUBHLTH"
    HRESCH = "HRESCH"
    HQUALIMP = "HQUALIMP"
    HCOMPL = "HCOMPL"
    HSYSADMIN = "HSYSADMIN"
    PATRQT = "PATRQT"


@dataclass(frozen=True, slots=True)
class Role:
    """`acts_for_all`: a token may name it for all tenants at once. `at_sites`: it is meant to be bound to sites.
    `purpose`: what its requests are for that do not say so."""

    name: str
    about: str
    may: frozenset[str]
    sees: frozenset[str]
    acts_for_all: bool = False
    at_sites: bool = False
    purpose: Purpose = Purpose.HOPERAT


@dataclass(frozen=True, slots=True)
class Roles:
    """The table; `permissions` and `fields` are the names that it knows, each with a sentence."""

    permissions: Mapping[str, str]
    fields: Mapping[str, str]
    roles: Mapping[str, Role]

    @property
    def every_tenant(self) -> frozenset[str]:
        """The roles that may act for all tenants."""
        return frozenset(name for name, role in self.roles.items() if role.acts_for_all)

    def that_may(self, permission: str) -> frozenset[str]:
        """The roles that have a permission. Raises RolesError for one that the table does not know."""
        if permission not in self.permissions:
            raise RolesError(f"no such permission: {permission}")
        return frozenset(name for name, role in self.roles.items() if permission in role.may)

    def seen_by(self, roles: Iterable[str]) -> frozenset[str]:
        """The protected fields that these roles see between them."""
        return frozenset().union(*(self.roles[name].sees for name in roles if name in self.roles))

    def purpose_of(self, roles: Set[str]) -> Purpose:
        """What a request is for that does not say so: the first of these roles in the table decides. Somebody without a
        known role works for the deployment."""
        return next((role.purpose for name, role in self.roles.items() if name in roles), Purpose.HOPERAT)

    def known_fields(self, fields: Iterable[str]) -> frozenset[str]:
        """These fields. Raises RolesError for one that the table does not know."""
        asked = frozenset(fields)
        if unknown := asked - self.fields.keys():
            raise RolesError(f"no such protected field: {', '.join(sorted(unknown))}")
        return asked


def read(text: str) -> Roles:
    """The table that a document holds. Raises RolesError where it contradicts itself."""
    document = yaml.safe_load(text)
    permissions, fields = document["permissions"], document["fields"]
    roles = {name: _role(name, row, permissions.keys(), fields.keys()) for name, row in document["roles"].items()}
    if idle := permissions.keys() - frozenset().union(*(role.may for role in roles.values())):
        raise RolesError(f"permissions that no role has: {', '.join(sorted(idle))}")
    return Roles(permissions, fields, roles)


def _role(name: str, row: Mapping[str, Any], permissions: Set[str], fields: Set[str]) -> Role:
    may, sees = frozenset(row["may"]), frozenset(row["sees"])
    if unknown := (may - permissions) | (sees - fields) | (row.keys() - _KEYS):
        raise RolesError(f"{name}: unknown: {', '.join(sorted(unknown))}")
    if row["purpose"] not in Purpose.__members__:
        raise RolesError(f"{name}: no such purpose: {row['purpose']}")
    is_for_all, is_at_sites = row.get("acts_for_all", False), row.get("at_sites", False)
    return Role(name, row["about"], may, sees, is_for_all, is_at_sites, Purpose(row["purpose"]))


TABLE = read(SOURCE.read_text("utf-8"))
