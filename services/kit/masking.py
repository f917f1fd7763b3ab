"""What a role may not see of an answer is not sent. A shape says of a field what it protects (`Annotated[str,
protected("numbers")]`); the table of roles says who sees that; the edge takes the rest out of every answer. A field
that is protected in several ways goes to whoever sees all of them."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args, get_origin

from pydantic import BaseModel, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from services.kit.roles import TABLE

SEES = "vcc.sees"
"""Where a request's scope keeps the protected fields that its roles see on its route."""


@dataclass(frozen=True, slots=True)
class Protected:
    """Stands in a field's annotation, and in the published schema as `x-protected`."""

    kinds: frozenset[str]

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(core), "x-protected": sorted(self.kinds)}


def protected(*kinds: str) -> Protected:
    """Raises RolesError for a kind that the table does not know."""
    return Protected(TABLE.known_fields(kinds))


@dataclass(frozen=True, slots=True)
class Mask:
    """The protected kinds of an object's fields by name, and the masks of what stands below. `each` is that of all its
    values, where the names are data."""

    kinds: Mapping[str, frozenset[str]]
    below: Mapping[str, "Mask"]
    each: "Mask | None" = None

    def __bool__(self) -> bool:
        return bool(self.kinds or self.below or self.each)

    def over(self, body: Any, sees: Set[str]) -> Any:
        """The body without what is not seen."""
        if isinstance(body, list):
            return [self.over(entry, sees) for entry in body]
        if not isinstance(body, dict):
            return body
        return {name: self._below(name).over(value, sees) for name, value in body.items()
                if self.kinds.get(name, frozenset()) <= sees}  # fmt: skip

    def hides_from(self, sees: Set[str]) -> bool:
        """Whether anything of it is not seen."""
        parts = [*self.below.values(), *([self.each] if self.each else [])]
        return not all(kinds <= sees for kinds in self.kinds.values()) or any(part.hides_from(sees) for part in parts)

    def _below(self, name: str) -> "Mask":
        return self.below.get(name) or self.each or NO_MASK


NO_MASK = Mask({}, {})


@cache
def mask_of(shape: Any) -> Mask:
    """The mask of a type: a model, or lists, unions and mappings of such."""
    return _mask(shape, frozenset())


@cache
def mask_of_all(shapes: tuple[Any, ...]) -> Mask:
    """The mask of whatever comes in one of these types."""
    return merged(map(mask_of, shapes))


def merged(masks: Iterable[Mask]) -> Mask:
    """What is protected in one of them is protected."""
    kinds: dict[str, frozenset[str]] = {}
    below: dict[str, Mask] = {}
    each: list[Mask] = []
    for mask in masks:
        kinds |= {name: kinds.get(name, frozenset()) | own for name, own in mask.kinds.items()}
        below |= {name: merged([below[name], own]) if name in below else own for name, own in mask.below.items()}
        each += [mask.each] if mask.each else []
    return Mask(kinds, below, merged(each) if each else None)


def _mask(shape: Any, above: frozenset[Any]) -> Mask:
    if isinstance(shape, type) and issubclass(shape, BaseModel):
        return NO_MASK if shape in above else _of_model(shape, above | {shape})
    parts = [_mask(part, above) for part in get_args(shape) if part is not Ellipsis]
    found = merged(part for part in parts if part)
    if found and isinstance(origin := get_origin(shape), type) and issubclass(origin, Mapping):
        return Mask({}, {}, found)
    return found


def _of_model(model: type[BaseModel], above: frozenset[Any]) -> Mask:
    kinds, below = {}, {}
    for field_name, field in model.model_fields.items():
        name = field.serialization_alias or field.alias or field_name
        if marks := [mark for mark in field.metadata if isinstance(mark, Protected)]:
            kinds[name] = frozenset().union(*(mark.kinds for mark in marks))
        if mask := _mask(field.annotation, above):
            below[name] = mask
    return Mask(kinds, below)
