"""Rows of Postgres into objects, and objects into the columns that a statement with `unnest` takes."""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from operator import attrgetter, itemgetter
from typing import Any, TypeVar

import asyncpg

Key = TypeVar("Key")
Kind = TypeVar("Kind")


def names(kind: type[Any]) -> tuple[str, ...]:
    """The names of a dataclass's fields, in order: those of the columns that are read into it."""
    return tuple(kind.__dataclass_fields__)


def into(kind: type[Kind], row: asyncpg.Record, prefix: str = "", **converted: object) -> Kind:
    """The row as an object: each field has the value of the column of its name (with the prefix), or the converted
    one."""
    key: Any = (kind, prefix, *converted)
    fields, values = _plain(*key)
    return kind(**dict(zip(fields, values(row), strict=True)), **converted)


@cache
def _plain(kind: type[Any], prefix: str, *converted: str) -> tuple[tuple[str, ...], Callable[[asyncpg.Record], Any]]:
    """The fields that a row's columns fill as they are, and how to get the values; made once, for rows are many."""
    fields = tuple(name for name in names(kind) if name not in converted)
    if len(fields) == 1:
        return fields, lambda row: (row[prefix + fields[0]],)
    return fields, itemgetter(*(prefix + name for name in fields))


def grouped(
    rows: Iterable[asyncpg.Record], key: Callable[[asyncpg.Record], Key], make: Callable[[asyncpg.Record], Kind]
) -> dict[Key, list[Kind]]:
    """The objects made of the rows, by the rows' keys, in the order of the rows."""
    by_key: dict[Key, list[Kind]] = {}
    for row in rows:
        by_key.setdefault(key(row), []).append(make(row))
    return by_key


def columns(rows: Iterable[object], first: str, second: str, *more: str) -> list[list[object]]:
    """A list for each of these attributes, with the value of every row."""
    return transposed([attrgetter(first, second, *more)(row) for row in rows], 2 + len(more))


def columns_of(kind: type[Kind], objects: Sequence[Kind], **converted: list[object]) -> list[list[object]]:
    """A list for each field of the dataclass, with the value of every object, or the converted list."""
    return [converted[name] if name in converted else [getattr(each, name) for each in objects] for name in names(kind)]


def transposed(rows: Sequence[tuple[object, ...]], width: int) -> list[list[object]]:
    """Columns of rows that are `width` values wide; as many empty ones if there is no row."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]
