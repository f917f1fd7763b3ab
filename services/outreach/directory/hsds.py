"""Reads a directory in Open Referral's Human Services Data Specification (HSDS 3), as JSON or as CSV tables in a zip.
What can't be read is named, and everything else is kept. Pure."""

import csv
import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.outreach.directory.hsds_service import Reading, service_in
from services.outreach.directory.rules import RowError, Service

MOST_UNPACKED_BYTES = 64 << 20
"""Of all tables of a zip; what says that it is more is refused before it is unpacked."""
_CHILDREN = {
    "languages": "language", "service_areas": "service_area", "schedules": "schedule", "cost_options": "cost_option",
    "phones": "phone", "capacities": "service_capacity",
}  # fmt: skip
"""What hangs on a service in JSON, and the table by whose `service_id` it does in CSV."""
_TABLES = {f"{name}s": name for name in ("service", "organization", "attribute", "taxonomy_term", "service_at_location",
           *_CHILDREN.values())} | {"addresses": "address", "service_capacities": "service_capacity"}  # fmt: skip
"""The tables' names in the plural; in the singular they are as good."""

Json = dict[str, Any]


class NotHsdsError(Exception):
    """Not a directory at all; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Directory:
    """What was read, and what could not be."""

    services: Sequence[Service]
    errors: Sequence[RowError]


def read(content: bytes) -> Directory:
    """Raises NotHsdsError where nothing of it is a directory."""
    reading = Reading()
    told = _of_zip(content) if content.startswith(b"PK") else _of_json(content)
    known: dict[str, Service] = {}
    for place, one in told:
        service = service_in(one, reading.at(place))
        if service is None:
            continue
        if service.service_id in known:
            reading.at(place).miss("id", "Expected an id that no service before has")
            continue
        known[service.service_id] = service
    return Directory(list(known.values()), reading.errors)


def _of_json(content: bytes) -> Iterator[tuple[str, Json]]:
    """A list of services, or an object with them: a page of HSDS' API (`contents`), or a package (`services`)."""
    try:
        told = json.loads(content)
    except (ValueError, RecursionError):
        raise NotHsdsError("Expected JSON, or a zip of CSV tables") from None
    if isinstance(told, dict):
        told = told.get("contents", told.get("services"))
    if not isinstance(told, list):
        raise NotHsdsError("Expected a list of services, or an object with `contents` or `services`")
    for number, one in enumerate(told, 1):
        yield f"service {number}", one if isinstance(one, dict) else {}


def _of_zip(content: bytes) -> Iterator[tuple[str, Json]]:
    """The tables' rows, put together as HSDS' JSON has them."""
    tables = _tables(content)
    if "service" not in tables:
        raise NotHsdsError("Expected a table services.csv")
    organizations = _by_id(tables.get("organization", ()))
    terms = _by_id(tables.get("taxonomy_term", ()))
    children = {name: _by(tables.get(table, ()), "service_id") for name, table in _CHILDREN.items()}
    attributes = _by(tables.get("attribute", ()), "link_id")
    addresses = _by(tables.get("address", ()), "location_id")
    places = _by(tables.get("service_at_location", ()), "service_id")
    for number, row in enumerate(tables["service"], 2):  # the header is the first line
        service_id = row.get("id", "")
        at = [{"location": {"addresses": addresses.get(one.get("location_id", ""), [])}}
              for one in places.get(service_id, ())]  # fmt: skip
        tags = [{"taxonomy_term": terms.get(one.get("taxonomy_term_id", ""), {})}
                for one in attributes.get(service_id, ())]  # fmt: skip
        yield (
            f"services.csv {number}",
            {
                **row,
                "organization": organizations.get(row.get("organization_id", ""), {}),
                **{name: rows.get(service_id, []) for name, rows in children.items()},
                "attributes": tags,
                "service_at_locations": at,
            },
        )


def _tables(content: bytes) -> dict[str, list[Json]]:
    """By their names in the singular. A field without a value is not there."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            infos = [one for one in packed.infolist() if one.filename.lower().endswith(".csv")]
            if sum(one.file_size for one in infos) > MOST_UNPACKED_BYTES:
                raise NotHsdsError("Expected tables of 64 MiB at the most")
            return {_singular(one.filename): _rows(packed.read(one)) for one in infos}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError):
        raise NotHsdsError("Expected a zip that can be read") from None
    except (UnicodeDecodeError, csv.Error):
        raise NotHsdsError("Expected CSV tables in UTF-8") from None


def _rows(content: bytes) -> list[Json]:
    reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig")))
    return [{name: value for name, value in row.items() if name and isinstance(value, str) and value.strip()}
            for row in reader]  # fmt: skip


def _singular(filename: str) -> str:
    stem = filename.rpartition("/")[2].lower().removesuffix(".csv")
    return _TABLES.get(stem, stem)


def _by_id(rows: Sequence[Json]) -> Mapping[str, Json]:
    return {row["id"]: row for row in rows if "id" in row}


def _by(rows: Sequence[Json], name: str) -> Mapping[str, list[Json]]:
    found: dict[str, list[Json]] = {}
    for row in rows:
        found.setdefault(row.get(name, ""), []).append(row)
    return found
