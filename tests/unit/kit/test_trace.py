"""Which trace context goes with which event, hop by hop."""

import re

from services.kit import trace
from services.kit.contract import Header, Record
from services.kit.trace import Traces

ONE, TWO = "4bf92f3577b34da6a3ce929d0e0e4736", "0af7651916cd43dd8448eb211c80319c"
SPAN = "00f067aa0ba902b7"


def a_record(key: str | None, *headers: Header) -> Record:
    return Record("vcc.sundial.v1", 0, 0, None if key is None else key.encode(), b"{}", headers)


def traced(key: str, of: str, flags: str = "01") -> Record:
    return a_record(key, ("ce_id", b"x"), ("traceparent", f"00-{of}-{SPAN}-{flags}".encode()))


def ids(traces: Traces, *keys: str) -> list[str | None]:
    return [trace.trace_id(traces.of(key) or "") for key in keys]


def test_each_hop_has_a_span_of_its_own() -> None:
    """The trace id and the flags stay, the span id is new, whether a request or a record came in."""
    for hop in (trace.of_request(f"00-{ONE}-{SPAN}-00"), trace.of_records([traced("ada", ONE, "00")])):
        sent = hop.of("ada")
        assert sent is not None
        assert re.fullmatch(rf"00-{ONE}-[0-9a-f]{{16}}-00", sent)
        assert SPAN not in sent


def test_an_event_belongs_to_the_record_of_its_key() -> None:
    """In a batch of two traces and a record of none, each key's events go on in that key's trace, and what is of no
    record's key in none."""
    traces = trace.of_records([traced("ada", ONE), traced("bob", TWO), a_record("cleo")])
    assert ids(traces, "ada", "bob", "cleo", "some-site") == [ONE, TWO, None, None]


def test_a_batch_of_one_trace_belongs_to_it_whole() -> None:
    """When all records are of one trace, so are the events of other keys that they bring forth; one span for all."""
    traces = trace.of_records([traced("ada", ONE), traced("bob", ONE)])
    assert ids(traces, "ada", "bob", "some-site") == [ONE] * 3
    assert traces.of("ada") == traces.of("some-site")


def test_records_without_a_trace_are_nobodys() -> None:
    """One traced record among others does not claim what the others bring forth."""
    assert ids(trace.of_records([traced("ada", ONE), a_record("bob")]), "bob", "some-site") == [None, None]


def test_the_last_record_of_a_key_counts() -> None:
    """What is announced of a key after several records is a consequence of the last one."""
    assert ids(trace.of_records([traced("ada", ONE), traced("ada", TWO)]), "ada") == [TWO]


def test_what_is_no_trace_context_is_dropped() -> None:
    """Null, binary and garbled headers, and a record without a key, trouble nobody and leave nothing behind."""
    odd = [a_record("ada", ("traceparent", None)), a_record("bob", ("traceparent", b"\xff\x00Ada Lovelace")),
           a_record(None, ("traceparent", f"00-{'0' * 32}-{SPAN}-01".encode()))]  # fmt: skip
    for record in odd:
        assert trace.of_records([record]) == Traces()
    assert trace.of_records(odd) == Traces()
