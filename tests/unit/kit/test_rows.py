"""Rows into objects and objects into columns go by names, whatever the order of the columns."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple, cast
from uuid import UUID

import pytest
from asyncpg import Record

from services.kit.rows import columns, columns_of, grouped, into, names, sql_types, transposed, unnested


@dataclass(frozen=True, slots=True)
class Dose:
    dose_id: int
    cvx: str
    sources: tuple[str, ...] = ()


class Stamp(NamedTuple):
    at: int
    by: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    plan: str
    stamp: Stamp


class Word(StrEnum):
    YES = "yes"


@dataclass(frozen=True, slots=True)
class Kept:
    kept_id: UUID
    at: datetime | None
    on: date
    no: int
    is_kept: bool
    share: float | None
    word: Word | None
    words: tuple[str, ...] = ()


def row(**values: object) -> Record:
    """What `into` takes of a row: its values by the names of the columns."""
    return cast(Record, cast(Mapping[str, Any], values))


def test_names_are_the_fields_in_order() -> None:
    """Of a dataclass as of a named tuple."""
    assert names(Dose) == ("dose_id", "cvx", "sources")
    assert names(Stamp) == ("at", "by")


def test_a_row_becomes_an_object_by_the_names_of_its_columns() -> None:
    """In whatever order they come, and beside columns that the type does not have."""
    assert into(Dose, row(sources=("plan",), cvx="208", dose_id=1, more=0)) == Dose(1, "208", ("plan",))
    assert into(Stamp, row(by="a", at=1)) == Stamp(1, "a")


def test_converted_values_stand_in_their_fields() -> None:
    """Wherever the field is; its column is not asked for."""
    assert into(Dose, row(cvx="208", dose_id=1), sources=("plan",)) == Dose(1, "208", ("plan",))
    assert into(Dose, row(cvx="208", sources=()), dose_id=7) == Dose(7, "208")
    assert into(Stamp, row(at=1), by="b") == Stamp(1, "b")
    assert into(Stamp, row(), by="b", at=2) == Stamp(2, "b")


def test_a_prefix_tells_columns_of_the_same_name_apart() -> None:
    """The fields' names stay as they are, those of converted ones too."""
    joined = row(at=1, by="a", case_at=2, case_by="b")
    assert into(Stamp, joined, prefix="case_") == Stamp(2, "b")
    assert into(Stamp, joined, prefix="case_", by="c") == Stamp(2, "c")


def test_what_a_type_does_not_have_is_refused() -> None:
    """A converted value without a field, and a field without a column, are faults and no defaults."""
    with pytest.raises(TypeError, match="Dose has no cvs"):
        into(Dose, row(dose_id=1, cvx="208", sources=()), cvs="208")
    with pytest.raises(KeyError):
        into(Dose, row(dose_id=1, cvx="208"))


def test_rows_are_grouped_in_their_order() -> None:
    """Each key has the objects of its rows."""
    rows = [row(at=2, by="b"), row(at=1, by="a"), row(at=3, by="b")]
    found = grouped(rows, lambda one: str(one["by"]), lambda one: into(Stamp, one))
    assert found == {"b": [Stamp(2, "b"), Stamp(3, "b")], "a": [Stamp(1, "a")]}


def test_objects_become_columns() -> None:
    """Of the named attributes, also an attribute's, and of every field with one converted."""
    said = [Said("p", Stamp(1, "a")), Said("q", Stamp(2, "b"))]
    assert columns(said, "plan", "stamp.at") == [["p", "q"], [1, 2]]
    assert columns_of(Said, said, stamp=[one.stamp.by for one in said]) == [["p", "q"], ["a", "b"]]
    assert columns_of(Stamp, [one.stamp for one in said]) == [[1, 2], ["a", "b"]]


def test_types_of_columns_are_those_of_the_fields() -> None:
    """Whether null may stand there or not; several values are told as one text."""
    kinds = sql_types(Kept)
    assert kinds == {"kept_id": "uuid", "at": "timestamptz", "on": "date", "no": "bigint", "is_kept": "boolean",
                     "share": "double precision", "word": "text", "words": "text"}  # fmt: skip
    assert unnested(Stamp) == "$1::bigint[], $2::text[]"
    assert unnested(Stamp, 7) == "$7::bigint[], $8::text[]"


def test_no_rows_are_as_many_empty_columns() -> None:
    """A statement gets every parameter."""
    assert columns([], "plan", "stamp", "more") == [[], [], []]
    assert columns_of(Dose, []) == [[], [], []]
    assert transposed([], 2) == [[], []]
    assert transposed([(1, "a"), (2, "b")], 2) == [[1, 2], ["a", "b"]]
