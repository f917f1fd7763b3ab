"""Under which licences the components come, and which of those the project may be delivered with.

`licences.toml` is the record, by component; what an installed package says of itself is compared with it.
"""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

from license_expression import ExpressionError, LicenseSymbol, get_spdx_licensing

from deploy.supply.components import Component, Scope

spdx = cache(get_spdx_licensing)  # it reads its list of licences each time
RECORD = Path(__file__).with_name("licences.toml")
Says = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Record:
    """`allowed`: SPDX identifiers by scope. `components`: an SPDX expression for each name."""

    allowed: Mapping[Scope, frozenset[str]]
    components: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Finding:
    """A component that may not be delivered as it stands, and why."""

    component: Component
    why: str


@cache
def load_record(path: Path = RECORD) -> Record:
    raw = tomllib.loads(path.read_text("utf-8"))
    everywhere = frozenset(raw["allowed"]["everywhere"])
    beside = frozenset(raw["allowed"]["beside"])
    allowed: dict[Scope, frozenset[str]] = {
        "runtime": everywhere,
        "embedded stack": everywhere | beside,
        "development": everywhere | beside,
    }
    return Record(allowed, raw["components"])


def installed(name: str) -> str | None:
    """The SPDX expression in the installed package's metadata, if it has one."""
    try:
        said = metadata(name).json.get("license_expression")
    except PackageNotFoundError:
        return None
    return said if isinstance(said, str) else None


def check(components: Iterable[Component], record: Record, says: Says = installed) -> list[Finding]:
    """Components without a licence on record, with one that is not allowed where they are used, or that say another
    one of themselves."""
    findings = []
    for component in components:
        why = _objection(component, record, says(component.name) if component.ecosystem == "PyPI" else None)
        if why:
            findings.append(Finding(component, why))
    return findings


def _objection(one: Component, record: Record, said: str | None) -> str | None:
    licence = record.components.get(one.name)
    if licence is None:
        return f"no licence on record; the package says {said or 'none'}"
    try:
        if said is not None and not _same(said, licence):
            return f"on record as {licence}, the package says {said}"
        if not _allows(licence, record.allowed[one.scope]):
            return f"{licence} is not allowed in the {one.scope}"
    except ExpressionError:
        return f"{licence} is no SPDX expression"
    return None


def _same(first: str, second: str) -> bool:
    return bool(spdx().is_equivalent(first, second))


def _allows(expression: str, allowed: frozenset[str]) -> bool:
    """Whether the expression can be met by allowed licences alone."""
    return _met(spdx().parse(expression, validate=True), allowed)


def _met(node: object, allowed: frozenset[str]) -> bool:
    if isinstance(node, LicenseSymbol):
        return node.render() in allowed
    operator, parts = getattr(node, "operator", "").strip(), getattr(node, "args", ())
    if operator == "OR":
        return any(_met(part, allowed) for part in parts)
    if operator == "AND":
        return all(_met(part, allowed) for part in parts)
    return getattr(node, "render", str)() in allowed  # one licence WITH an exception
