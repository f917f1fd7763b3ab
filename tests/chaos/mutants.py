"""Wrong versions of the chassis and the services, each with one guard taken out. None may pass the checker."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """`install` breaks the process of a service that has just been imported."""

    name: str
    says: str
    install: Callable[[str], None]


MUTANTS: dict[str, Mutant] = {}
