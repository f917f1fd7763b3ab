"""A text in every field of a roster, a message and a request, found by walking what the generators and the interface
documents say: a field that is new is among them without a line here."""

import copy
import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from itertools import count
from typing import Any
from uuid import uuid4

from services.eligibility.feeds.ads_table import CONTROL, DOSES, PATIENTS
from tests.flow.feeds import REGISTRY, Member, Shot, a_member, a_registry_file, a_roster

Place = tuple[str | int, ...]
Rows = Sequence[Sequence[str]]
_numbers = count()
HEADER, ENCODING = ("ISA",), {("MSH", 1), ("FHS", 1), ("BHS", 1)}


def rosters(day: date, text: str) -> Iterator[bytes]:
    """One roster in whose n-th loop the n-th element of a member is the text, and one for each element of the envelope
    around it."""
    _, [one] = _loops(a_roster(day, *others(1)))
    places = _elements(one)
    envelope, loops = _loops(a_roster(day, *others(len(places))))
    yield _joined(envelope, [_put(loop, place, text) for loop, place in zip(loops, places, strict=True)])
    for place in _elements(envelope):
        around, loops = _loops(a_roster(day, *others(1)))
        if around[place[0]].split("*")[0] not in HEADER:
            yield _joined(_put(around, place, text), loops)


def _loops(roster: bytes) -> tuple[list[str], list[list[str]]]:
    """The segments around the members' loops, in whose place stands an empty one, and the loops."""
    around: list[str] = []
    loops: list[list[str]] = []
    for segment in re.split(r"~\s*", roster.decode("ascii").strip()):
        if segment.startswith("INS*"):
            loops.append([])
            around += [""] if len(loops) == 1 else []
        (loops[-1] if loops and segment.split("*")[0] not in {"SE", "GE", "IEA", ""} else around).append(segment)
    return around, loops


def _elements(segments: Sequence[str]) -> list[tuple[int, int]]:
    return [(n, element) for n, segment in enumerate(segments) for element in range(1, segment.count("*") + 1)]


def _put(segments: Sequence[str], place: tuple[int, int], text: str) -> list[str]:
    number, element = place
    parts = segments[number].split("*")
    parts[element] = text
    return [*segments[:number], "*".join(parts), *segments[number + 1 :]]


def _joined(around: Sequence[str], loops: Sequence[Sequence[str]]) -> bytes:
    at = around.index("")
    members = [segment for loop in loops for segment in loop]
    segments = [*around[:at], *members, *around[at + 1 :]]
    return "".join(f"{segment}~\n" for segment in segments if segment).encode("ascii")


def registry_files(day: date, text: str, flock: Sequence[Member]) -> Iterator[bytes]:
    """A batch in whose n-th message the n-th component is the text, and one for each field of the lines around it."""
    places = _components(_messages(a_registry_file(day, Shot(flock[0], day)))[1][0])
    around, messages = _messages(a_registry_file(day, *(Shot(member, day) for member in flock[: len(places)])))
    changed = [_put_component(message, place, text) for message, place in zip(messages, places, strict=True)]
    yield _batch(around, changed)
    for place in _components(around):
        around, messages = _messages(a_registry_file(day, Shot(flock[0], day)))
        yield _batch(_put_component(around, place, text), messages)


def _messages(batch: bytes) -> tuple[list[str], list[list[str]]]:
    around: list[str] = []
    messages: list[list[str]] = []
    for line in batch.decode().split("\r"):
        if line.startswith("MSH"):
            messages.append([])
            around += [""] if len(messages) == 1 else []
        if line:
            (around if line[:3] in {"FHS", "BHS", "BTS", "FTS"} else messages[-1]).append(line)
    return around, messages


def _components(lines: Sequence[str]) -> list[tuple[int, int, int]]:
    return [
        (n, number, component)
        for n, line in enumerate(lines)
        for number, field in enumerate(line.split("|"))
        if number and (line[:3], number) not in ENCODING
        for component in range(field.count("^") + 1)
    ]


def _put_component(lines: Sequence[str], place: tuple[int, int, int], text: str) -> list[str]:
    n, number, component = place
    fields = lines[n].split("|")
    parts = fields[number].split("^")
    parts[component] = text
    fields[number] = "^".join(parts)
    return [*lines[:n], "|".join(fields), *lines[n + 1 :]]


def _batch(around: Sequence[str], messages: Sequence[Sequence[str]]) -> bytes:
    at = around.index("")
    lines = [*around[:at], *(line for message in messages for line in message), *around[at + 1 :]]
    return "".join(f"{line}\r" for line in lines).encode()


def extracts(day: date, text: str, flock: Sequence[Member]) -> Iterator[bytes]:
    """A registry's extract in whose n-th row of patients and of doses the n-th column is the text, and one for each
    column of its control file. The registry knows the members by their numbers."""
    patients = [_patient(one, day) for one in flock[: len(PATIENTS)]]
    doses = [_dose(one, day) for one in flock[: len(DOSES)]]
    control = [[REGISTRY, f"{REGISTRY}_{part}.txt", part, str(len(rows)), "2026Q1", f"{day:%Y%m%d}"]
               for part, rows in (("D", patients), ("V", doses))]  # fmt: skip
    yield _extract(control, _diagonal(patients, text), _diagonal(doses, text))
    for column in range(len(CONTROL)):
        yield _extract([_put_column(control[0], column, text), *control[1:]], patients, doses)


def _patient(one: Member, day: date) -> list[str]:
    said = {"GRANTEE": REGISTRY, "PATIENTID": one.registry_id, "DOB": f"{one.birth_on}", "DEMESTDATE": f"{day}",
            "RACE1": "2106-3", "ETHNICITY": "2186-5", "SEX": one.sex, "STATUS": "1"}  # fmt: skip
    return [said.get(column, "") for column in PATIENTS]


def _dose(one: Member, day: date) -> list[str]:
    said = {"PATIENTID": one.registry_id, "VAXDATE": f"{day}", "MVX": "PFR", "CVX": "208", "LOTNUM1": "EN6200",
            "RECORDTYPE": "00", "VAXCOMPLETE": "CP", "VAXENTDATE": f"{day}"}  # fmt: skip
    return [said.get(column, "") for column in DOSES]


def _diagonal(rows: Sequence[list[str]], text: str) -> list[list[str]]:
    return [_put_column(row, n, text) for n, row in enumerate(rows)]


def _put_column(row: Sequence[str], column: int, text: str) -> list[str]:
    return [*row[:column], text, *row[column + 1 :]]


def _extract(
    control: Sequence[Sequence[str]], patients: Sequence[Sequence[str]], doses: Sequence[Sequence[str]]
) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for part, columns, rows in (("C", CONTROL, control), ("D", PATIENTS, patients), ("V1", DOSES, doses)):
            lines = ["\t".join(row) for row in (columns, *rows)]
            archive.writestr(f"{REGISTRY}_{part}.txt", "".join(f"{line}\r\n" for line in lines))
    return packed.getvalue()


def others(how_many: int) -> list[Member]:
    """Members of whom nothing sings, with everything that a roster says of one."""
    numbers = [next(_numbers) for _ in range(how_many)]
    return [a_member(phone=f"213555{n:04d}", email=f"m{n}@plan.example", medicaid_id=f"{n:08d}A") for n in numbers]


def bodies(document: dict[str, Any], text: str, ids: Mapping[str, str]) -> Iterator[tuple[str, str, Any]]:
    """Method, path and body of every operation that takes one, once for each text in the body, which is this one. What
    is named as one of the ids is that."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if content is None:
                continue
            asked = method.upper(), re.sub(r"\{(\w+)\}", lambda name: ids.get(name[1], str(uuid4())), path)
            examples = _resolved(document, content["schema"]).get("examples", [])
            for whole in map(_naming(ids), (_example(document, content["schema"]), *examples)):
                for place in _texts(whole):
                    yield *asked, _with(whole, place, text)


def _example(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    """Something of this form, with every field that it knows."""
    schema = _resolved(document, schema)
    if "properties" in schema:
        return {name: _example(document, field) for name, field in schema["properties"].items()}
    if schema.get("examples"):
        return copy.deepcopy(schema["examples"][0])
    if schema.get("type") == "array":
        return [_example(document, schema.get("items", {}))]
    known = {"integer": schema.get("minimum", 1), "number": 1, "boolean": True, "object": {}}
    formats = {"uuid": str(uuid4()), "date": "2021-03-01", "date-time": "2021-03-01T12:00:00Z"}
    usual = known.get(schema.get("type", ""), formats.get(schema.get("format", ""), "text"))
    return schema.get("const", schema.get("enum", [usual])[0])


def _naming(ids: Mapping[str, str]) -> Callable[[Any], Any]:
    return lambda whole: {**whole, **{name: ids[name] for name in ids.keys() & whole.keys()}}


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """What a reference names, and of several forms the first that is something."""
    if "$ref" in schema:
        return _resolved(document, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    for choice in ("allOf", "anyOf", "oneOf"):
        if choice in schema:
            return _resolved(document, next(form for form in schema[choice] if form.get("type") != "null"))
    return schema


def _texts(value: Any, place: Place = ()) -> Iterator[Place]:
    if isinstance(value, str):
        yield place
    elif isinstance(value, dict | list):
        for name, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _texts(one, (*place, name))


def _with(whole: Any, place: Place, text: str) -> Any:
    changed = copy.deepcopy(whole)
    if not place:
        return text
    holder = changed
    for step in place[:-1]:
        holder = holder[step]
    holder[place[-1]] = text
    return changed
