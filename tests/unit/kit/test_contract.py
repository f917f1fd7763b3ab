"""Reading records that may hold anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.catalog import BUSINESS_DAY_OPENED
from services.kit.contract import Decoder, Delivery, Header, Record, Reject, headers_of
from services.kit.ids import derived_id, new_id
from tests.builders import a_day, a_record, decoded

CANARY = "Zebulon Quicksilver"


def _only(record: Record) -> Delivery | Reject:
    (one,) = decoded(record)
    return one


def test_event_is_read() -> None:
    """A well-formed record gives its event and its id."""
    event, event_id = a_day(), new_id()
    one = _only(a_record(event, event_id=event_id))
    assert isinstance(one, Delivery)
    assert (one.event, one.event_id) == (event, event_id)


def _headers(**changed: bytes | None) -> list[Header]:
    headers = dict(headers_of(new_id(), "/vcc/eligibility", a_day().event_type, "2021-03-01T06:00:00+00:00", None))
    headers.update(changed)
    return list(headers.items())


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (a_record(a_day(), headers=[]), "missing-header"),
        (a_record(a_day(), headers=_headers(ce_id=None)), "null-header"),
        (a_record(a_day(), headers=_headers(ce_id=b"\xff\xfe")), "binary-header"),
        (a_record(a_day(), headers=_headers(ce_id=b"not-a-uuid")), "bad-event-id"),
        (a_record(a_day(), headers=_headers(ce_type=b"vcc.other.v1")), "unknown-type"),
        (a_record(a_day(), headers=_headers(ce_specversion=b"9.9")), "unknown-specversion"),
        (a_record(a_day(), value=None), "tombstone"),
        (a_record(a_day(), value=b"{"), "bad-json"),
        (a_record(a_day(), value=b"{}"), "bad-schema"),
        (a_record(a_day(), value=b" " * 900_001), "too-large"),
        (a_record(a_day(), key=None), "null-key"),
        (a_record(a_day(), key=b"Mars/Olympus"), "wrong-key"),
        (a_record(a_day(), service="outreach"), "wrong-source"),
        (a_record(a_day(), headers=_headers(ce_source=None)), "wrong-source"),
        (a_record(a_day(), headers=_headers(ce_source=b"/vcc/eligibility/")), "wrong-source"),
        (a_record(a_day(), headers=_headers(ce_source=b"\xff")), "wrong-source"),
        (a_record(a_day(), headers=[one for one in _headers() if one[0] != "ce_source"]), "wrong-source"),
        (a_record(a_day(), headers=[*_headers(), ("ce_source", b"/vcc/outreach")]), "wrong-source"),
    ],
)
def test_unusable_record_has_a_reason(record: Record, reason: str) -> None:
    """Whatever is wrong with a record has a reason code of its own."""
    one = _only(record)
    assert isinstance(one, Reject)
    assert one.reason == reason


def test_unknown_headers_may_hold_anything() -> None:
    """A null or binary header that decoding does not need harms nobody."""
    one = _only(a_record(a_day(), headers=_headers(baggage=None, selfie=b"\xff\xd8\xff")))
    assert isinstance(one, Delivery)


def test_detail_names_the_field_and_no_value() -> None:
    """The detail of a schema error names the field, and holds nothing of the record."""
    one = _only(a_record(a_day(), value=f'{{"business_on": "{CANARY}", "{CANARY}": 1}}'.encode()))
    assert isinstance(one, Reject)
    assert "business_on: date_from_datetime_parsing" in one.detail
    assert CANARY not in f"{one.detail}{one.reason}"


@given(
    st.builds(
        Record,
        topic=st.just(BUSINESS_DAY_OPENED.name),
        partition=st.just(0),
        offset=st.integers(0),
        key=st.none() | st.binary(),
        value=st.none() | st.binary(),
        headers=st.lists(
            st.tuples(st.sampled_from(["ce_id", "ce_type", "ce_specversion", "x"]) | st.text(), st.none() | st.binary())
        ).map(tuple),
    )
)
def test_no_record_can_raise(record: Record) -> None:
    """Decoding gives a result for every record that there can be."""
    assert len(Decoder(BUSINESS_DAY_OPENED).decode([record])) == 1


def test_ids_sort_by_making_and_derived_ids_repeat() -> None:
    """New ids are version 7 and grow with time; the same parts give the same derived id."""
    earlier, later = new_id(), new_id()
    assert earlier.version == 7
    assert earlier.int >> 80 <= later.int >> 80
    assert derived_id("a", 1) == derived_id("a", 1) != derived_id("a", 2)
