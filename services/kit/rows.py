"""Rows of Postgres into objects, and objects into the columns that a statement with `unnest` takes: by names, for
dataclasses and named tuples alike."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from enum import Enum
from functools import cache
from operator import attrgetter, itemgetter
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import asyncpg

Key = TypeVar("Key")
Kind = TypeVar("Kind")


def names(kind: type[Any]) -> tuple[str, ...]:
    """The names of the fields, in order: those of the columns that are read into the type."""
    return tuple(getattr(kind, "_fields", None) or kind.__dataclass_fields__)


_SQL_TYPES = {
    UUID: "uuid", datetime: "timestamptz", date: "date", bool: "boolean", int: "bigint", float: "double precision",
    str: "text",
}  # fmt: skip


def sql_types(kind: type[Any]) -> dict[str, str]:
    """The Postgres type of each field's values: `text` where several are told as one, as those of a tuple are."""
    return {name: _sql_type(hint) for name, hint in get_type_hints(kind).items() if name in names(kind)}


def unnested(kind: type[Any], first: int = 1) -> str:
    """The arguments of an `unnest` that takes a list for each field, as `columns_of` gives them: `$1::uuid[], …`."""
    return ", ".join(f"${no}::{sql_type}[]" for no, sql_type in enumerate(sql_types(kind).values(), first))


def _sql_type(hint: Any) -> str:
    if get_origin(hint) in {Union, UnionType}:
        [hint] = [argument for argument in get_args(hint) if argument is not NoneType]
    if get_origin(hint) is tuple or (isinstance(hint, type) and issubclass(hint, Enum)):
        return "text"
    return _SQL_TYPES[hint]


def into(kind: type[Kind], row: asyncpg.Record, prefix: str = "", **converted: object) -> Kind:
    """The row as an object: each field has the value of the column of its name (with the prefix), or the converted
    one."""
    key: Any = (kind, prefix, *converted)
    read, in_order = _plan(*key)
    return kind(*in_order((*read(row), *converted.values())) if converted else read(row))


@cache
def _plan(kind: type[Any], prefix: str, *converted: str) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """How to read the columns that fill fields as they are, and how to bring their values, followed by the converted
    ones, into the order of the fields; made once, for rows are many."""
    fields = names(kind)
    if unknown := set(converted).difference(fields):
        raise TypeError(f"{kind.__name__} has no {', '.join(sorted(unknown))}")
    plain = [name for name in fields if name not in converted]
    known = [*plain, *converted]
    return _picked([prefix + name for name in plain]), _picked([known.index(name) for name in fields])


def _picked(keys: Sequence[str] | Sequence[int]) -> Callable[[Any], Any]:
    """Gives the values under these keys as a tuple, for one key and for none too."""
    if len(keys) > 1:
        return itemgetter(*keys)
    return lambda row: tuple([row[key] for key in keys])


def grouped(
    rows: Iterable[asyncpg.Record], key: Callable[[asyncpg.Record], Key], make: Callable[[asyncpg.Record], Kind]
) -> dict[Key, list[Kind]]:
    """The objects made of the rows, by the rows' keys, in the order of the rows."""
    by_key: dict[Key, list[Kind]] = {}
    for row in rows:
        by_key.setdefault(key(row), []).append(make(row))
    return by_key


def columns(rows: Iterable[object], first: str, second: str, *more: str) -> list[list[object]]:
    """A list for each of these attributes (`said.at` is one of an attribute's), with the value of every row."""
    return transposed(list(map(attrgetter(first, second, *more), rows)), 2 + len(more))


def columns_of(kind: type[Kind], objects: Sequence[Kind], **converted: list[Any]) -> list[list[Any]]:
    """A list for each field of the type, with the value of every object, or the converted list."""
    return [converted[name] if name in converted else list(map(attrgetter(name), objects)) for name in names(kind)]


def transposed(rows: Sequence[tuple[object, ...]], width: int) -> list[list[object]]:
    """Columns of rows that are `width` values wide; as many empty ones if there is no row."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]
