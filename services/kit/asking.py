"""The request under way, as the trail tells of it: who asks, by which route and for what purpose. The edge opens it;
whoever learns more writes it down here."""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from services.kit.roles import TABLE, Purpose

if TYPE_CHECKING:
    from services.kit.auth import Principal


@dataclass(slots=True)
class Asked:
    """`said`: the purpose that it names itself; `roles`: those that let it in; `outcomes`: of the rows that stand in
    the trail for it; `why`: the code of its refusal, or what is wrong with its token."""

    scope: Mapping[str, Any]
    principal: "Principal | None" = None
    said: Purpose | None = None
    roles: frozenset[str] = frozenset()
    why: str | None = None
    outcomes: set[str] = field(default_factory=set)

    def purpose(self, roles: frozenset[str]) -> Purpose:
        """What it is for: as it says, else by the roles that let it in, else by all that somebody has."""
        return self.said or TABLE.purpose_of(self.roles or roles)


_ASKED = "vcc.asked"


def opened(scope: MutableMapping[str, Any]) -> Asked:
    """What the edge begins with; it goes with the request's scope."""
    asked = scope[_ASKED] = Asked(scope)
    return asked


def of_request(scope: Mapping[str, Any]) -> Asked | None:
    """None where no edge lies around the application."""
    found: Asked | None = scope.get(_ASKED)
    return found
