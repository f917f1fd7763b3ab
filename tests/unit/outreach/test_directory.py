"""Directories in HSDS 3, and the list of Community Supports."""

import csv
import io
import json
import zipfile
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.outreach.directory.hsds import NotHsdsError, read
from services.outreach.directory.rules import STALE_AFTER_DAYS, Opening, RowError, Service, is_stale
from services.outreach.directory.supports import Election, is_elected, listed_on

PANTRY: dict[str, Any] = {
    "id": "svc-1",
    "name": "Pantry",
    "description": "Groceries",
    "organization": {"id": "org-1", "name": "Harvest"},
    "email": "food@harvest.example",
    "url": "https://harvest.example",
    "eligibility_description": "Anybody",
    "minimum_age": 18,
    "assured_date": "2021-01-15",
    "attributes": [{"taxonomy_term": {"code": "food-insecurity", "taxonomy": "sdohcc"}}],
    "languages": [{"code": "es-MX"}, {"code": "en"}],
    "service_areas": [{"name": "ZIPs", "extent": "60623, 60608"}, {"name": "county 17031"}],
    "schedules": [{"byday": "MO,WE", "opens_at": "09:00", "closes_at": "17:00:00"}],
    "cost_options": [{"amount": 0}, {"amount": 12.5}],
    "capacities": [{"available": 4}, {"available": 3}],
    "phones": [{"number": "+13125550100"}],
}
READ = Service(
    service_id="svc-1", name="Pantry", organization="Harvest", description="Groceries",
    needs=frozenset({"food-insecurity"}), zips=frozenset({"60623", "60608"}), counties=frozenset({"17031"}),
    languages=frozenset({"es", "en"}), openings=(Opening((1, 3), "09:00", "17:00"),), capacity=7, cost=Decimal(0),
    eligibility="Anybody", minimum_age=18, telephone="+13125550100", email="food@harvest.example",
    url="https://harvest.example", last_assured_on=date(2021, 1, 15),
)  # fmt: skip
TABLES: dict[str, list[dict[str, Any]]] = {
    "services": [
        {
            "id": "svc-1", "organization_id": "org-1", "name": "Pantry", "description": "Groceries",
            "email": "food@harvest.example", "url": "https://harvest.example", "eligibility_description": "Anybody",
            "minimum_age": "18", "assured_date": "2021-01-15",
        }
    ],
    "organizations": [{"id": "org-1", "name": "Harvest"}],
    "taxonomy_terms": [{"id": "t-1", "code": "food-insecurity"}],
    "attributes": [{"id": "a-1", "link_id": "svc-1", "link_entity": "service", "taxonomy_term_id": "t-1"}],
    "languages": [{"service_id": "svc-1", "code": "es-MX"}, {"service_id": "svc-1", "code": "en"}],
    "service_areas": [
        {"service_id": "svc-1", "name": "ZIPs", "extent": "60623, 60608"},
        {"service_id": "svc-1", "name": "county 17031", "extent": ""},
    ],
    "schedules": [{"service_id": "svc-1", "byday": "MO,WE", "opens_at": "09:00", "closes_at": "17:00"}],
    "cost_options": [{"service_id": "svc-1", "amount": "0"}],
    "service_capacities": [{"service_id": "svc-1", "available": "7"}],
    "phones": [{"service_id": "svc-1", "number": "+13125550100"}],
}  # fmt: skip


def as_json(*services: Any) -> bytes:
    return json.dumps({"contents": services}).encode()


def as_zip(tables: dict[str, list[dict[str, Any]]], folder: str = "") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, rows in tables.items():
            text = io.StringIO()
            writer = csv.DictWriter(text, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
            archive.writestr(f"{folder}{name}.csv", "\ufeff" + text.getvalue())
    return packed.getvalue()


def test_json_and_csv_say_the_same() -> None:
    """One service in both forms is one service, with all that is looked for; so it is in a folder of the zip, and with
    the tables' names in the singular."""
    singular = {name.removesuffix("s").replace("capacitie", "capacity"): rows for name, rows in TABLES.items()}
    for content in (as_json(PANTRY), json.dumps([PANTRY]).encode(), as_zip(TABLES), as_zip(singular, "hsds/")):
        found = read(content)
        assert (list(found.services), list(found.errors)) == ([READ], [])


@pytest.mark.parametrize(
    ("changed", "field", "kept"),
    [
        ({"cost_options": [{"amount": "cheap"}, {"amount": 3}]}, "cost_options.amount", {"cost": Decimal(3)}),
        ({"capacities": [{"available": "some"}]}, "capacities.available", {"capacity": None}),
        ({"minimum_age": "old"}, "minimum_age", {"minimum_age": None}),
        ({"assured_date": "15.01.2021"}, "assured_date", {"last_assured_on": None}),
        ({"assured_date": "2021-02-30"}, "assured_date", {"last_assured_on": None}),
        ({"languages": [{"code": "spanish!"}, {"code": "pl"}]}, "languages.code", {"languages": frozenset({"pl"})}),
        ({"schedules": [{"byday": "ALWAYS", "opens_at": "9", "closes_at": "5"}]}, "schedules", {"openings": ()}),
    ],
)
def test_what_cant_be_read_is_named_and_nothing_else_is_lost(
    changed: dict[str, Any], field: str, kept: dict[str, Any]
) -> None:
    """The row, the field, and what was expected; the service stays with everything else, and so do its neighbours."""
    found = read(as_json(PANTRY | changed, PANTRY | {"id": "svc-2"}))
    [first, second] = found.services
    assert {name: getattr(first, name) for name in kept} == kept
    assert (first.name, first.needs, second.service_id) == ("Pantry", READ.needs, "svc-2")
    assert [(one.row, one.field) for one in found.errors] == [("service 1", field)]
    assert all(one.expected.startswith("Expected ") for one in found.errors)


def test_a_row_without_id_or_name_or_that_comes_twice_is_named() -> None:
    """It alone is left out: by the line of the table, its header being the first."""
    row = TABLES["services"][0]
    services = [row | {"id": ""}, row, row | {"name": " "}, row]
    found = read(as_zip(TABLES | {"services": services}))
    assert [one.service_id for one in found.services] == ["svc-1"]
    assert [(one.row, one.field) for one in found.errors] == [
        ("services.csv 2", "id"), ("services.csv 4", "name"), ("services.csv 5", "id"),
    ]  # fmt: skip


def test_without_an_area_it_is_where_its_addresses_are() -> None:
    """The ZIPs of its locations, by their first five digits."""
    at = [{"location": {"addresses": [{"postal_code": "60623-1234"}, {"postal_code": "?"}]}}]
    [found] = read(as_json(PANTRY | {"service_areas": [], "service_at_locations": at})).services
    assert (found.zips, found.counties) == (frozenset({"60623"}), frozenset())


def test_what_nobody_sees_is_no_text() -> None:
    """Controls become spaces, so that no text is refused by a database or turns a page around."""
    [found] = read(as_json(PANTRY | {"name": "Pan\u0000try\u202e", "description": "a\n\nb"})).services
    assert (found.name, found.description) == ("Pan try", "a b")


@pytest.mark.parametrize("content", [b"", b"hello", b"7", b'{"a": 1}', b"PK\x03\x04", b"[" * 100_000])
def test_what_is_no_directory_is_refused_whole(content: bytes) -> None:
    """So is a zip without the table of services."""
    with pytest.raises(NotHsdsError):
        read(content)
    with pytest.raises(NotHsdsError):
        read(as_zip({"phones": TABLES["phones"]}))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text("aé\x00 7-", max_size=6),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(sorted(PANTRY)), below, max_size=4),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(PANTRY)), JSON))
def test_no_shape_of_json_breaks_the_reader(changed: dict[str, Any]) -> None:
    """Whatever stands in whichever field, the service is read or named, and its neighbour is read."""
    found = read(as_json(PANTRY | changed, PANTRY | {"id": "neighbour"}))
    assert READ.name in {one.name for one in found.services if one.service_id == "neighbour"}
    if len(found.services) == 1:
        assert any(isinstance(one, RowError) and one.row == "service 1" for one in found.errors) or (
            changed.get("id") == "neighbour"
        )


def test_what_nobody_assured_lately_is_stale() -> None:
    """From the day after so many days, and where nobody ever did."""
    today = date(2021, 3, 1)
    assert not is_stale(today - timedelta(STALE_AFTER_DAYS), today)
    assert is_stale(today - timedelta(STALE_AFTER_DAYS + 1), today)
    assert is_stale(None, today)


def test_there_are_14_community_supports_and_from_july_2025_15() -> None:
    """The list is dated: transitional rent is on it from its first day on."""
    assert len(listed_on(date(2025, 6, 30))) == 14
    assert listed_on(date(2025, 7, 1)).keys() - listed_on(date(2025, 6, 30)).keys() == {"transitional-rent"}


def test_a_support_is_elected_by_county_on_its_days() -> None:
    """The last day among them; an election before the support is listed elects nothing."""
    first, last = date(2025, 1, 1), date(2025, 12, 31)
    elections = [Election("tailored-meals", "06037", first, last), Election("transitional-rent", "06037", first)]
    assert is_elected("tailored-meals", "06037", elections, last)
    assert not is_elected("tailored-meals", "06037", elections, last + timedelta(1))
    assert not is_elected("tailored-meals", "06013", elections, last)
    assert not is_elected("transitional-rent", "06037", elections, date(2025, 6, 30))
    assert is_elected("transitional-rent", "06037", elections, date(2025, 7, 1))
