"""Whatever stands in a document, the answer names line and field: nothing of it is a fault of the reader."""

import argparse
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from services.eligibility.forecast import documents_read
from services.eligibility.forecast.documents_read import Part
from services.eligibility.programmes.cli import run_check
from services.eligibility.programmes.documents import ProgrammeError, bundled, parse_programme
from tests.service.eligibility.programmes import ARMS, SCREENING

TEXT = ARMS + "segment: {languages: [es]}\n"


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (
            "effective_on: 2021-01-01",
            "effective_on: 2021-02-30",
            "x.yaml:4: effective_on: expected a day as YYYY",
        ),
        ("begins_on: 2021-01-01", "begins_on: 2021-13-01", "x.yaml:9: phases.0.begins_on: expected a day"),
        ("version: 1", "version: !!int foo", "x.yaml:2: version: expected a whole number"),
        ("version: 1", "version: !!bool foo", "x.yaml:2: version: expected true or false"),
        ("version: 1", "version: !!float foo", "x.yaml:2: version: expected a number"),
        ("version: 1", "version: !!timestamp foo", "x.yaml:2: version: expected a day"),
        ("version: 1", "version: !!binary é", "x.yaml:2: version: expected a plain value"),
        ("version: 1", "version: !!set {a, b}", "x.yaml:2: version: expected a plain list or mapping"),
        ("version: 1", "version: !!python/name:os.system", "x.yaml:2: version: expected a plain value"),
        ("version: 1", "version: 99999999999", "x.yaml:2: version: Input should be less than or equal to"),
        ("version: 1", f"version: {'9' * 5000}", "x.yaml:2: version: expected a whole number"),
        ("version: 1", "version: 1\nversion: 2", "x.yaml:3: version: stands here twice"),
        ("offered: 0.5", "offered: .nan", "x.yaml:11: arms.shares.offered: Input should be a finite number"),
        ("offered: 0.5", "offered: .inf", "x.yaml:11: arms.shares.offered: Input should be a finite number"),
        ("offered: 0.5", "offered: 0.5, offered: 0.5", "x.yaml:11: arms.shares.offered: stands here twice"),
        ("title: A trial", 'title: "A\\0trial"', "x.yaml:3: title: expected text without control characters"),
        ("title: A trial", 'title: "A\\ud800trial"', "x.yaml:3: title: expected text without control characters"),
        ("languages: [es]", "languages: [es, spanish]", "x.yaml:12: segment.languages: "),
        ("languages: [es]", "languages: [und]", "x.yaml:12: segment.languages: "),
        ("ends_on: 2021-12-31", "ends_on: 9999-12-31", "x.yaml:9: phases.0.ends_on: Input should be less than"),
        ("svi: {}", "svi: {tract: 99999999999999999999}", "x.yaml:10: priority.svi.tract: "),
        ("plans: [lakeshore]", "plans: &a [*a]", "x.yaml:6: plans.0: "),
        ("plans: [lakeshore]", "? [plans]\n: lakeshore", "x.yaml:6: document: expected a name"),
        ("plans: [lakeshore]", "plans: [lakeshore", "document: "),
    ],
)
def test_what_is_no_value_is_told_by_line_and_field(old: str, new: str, complaint: str) -> None:
    """An impossible day, a value that its tag belies, a number beyond all bounds, a key that stands twice."""
    text = TEXT.replace("age_from: 18", "ends_on: 2021-12-31, age_from: 18")
    assert old in text
    with pytest.raises(ProgrammeError) as error:
        parse_programme(text.replace(old, new, 1), "x.yaml")
    assert complaint in str(error.value)


@pytest.mark.parametrize("months", [0, 1201])
def test_a_service_holds_for_a_century_at_most(months: int) -> None:
    """And a month at least."""
    with pytest.raises(ProgrammeError, match=r"x\.yaml:9: service\.holds_months: .*from 1 to 1200 months"):
        parse_programme(SCREENING.replace("colonoscopy: 120", f"colonoscopy: {months}"), "x.yaml")


def test_every_fault_is_told_at_once() -> None:
    """An author mends a document in one go."""
    wrong = TEXT.replace("effective_on: 2021-01-01", "effective_on: 2021-02-30").replace(
        "version: 1", "version: !!int x"
    )
    with pytest.raises(ProgrammeError) as error:
        parse_programme(wrong, "x.yaml")
    assert [line.split(": ")[1] for line in str(error.value).splitlines()] == ["version", "effective_on"]


def test_an_anchor_and_a_merge_are_fine() -> None:
    """What YAML offers an author to say something once."""
    both = "phases:\n  - &first {code: first, begins_on: 2021-01-01, ends_on: 2021-06-30, age_from: 65}\n"
    both += "  - {<<: *first, code: second, begins_on: 2021-07-01, ends_on: 2021-12-31}\n"
    text = ARMS.replace("phases:\n  - {code: all, begins_on: 2021-01-01, age_from: 18}\n", both)
    assert [(one.code, one.age_from) for one in parse_programme(text).phases] == [("first", 65), ("second", 65)]


@settings(deadline=None)
@given(st.data())
def test_no_document_is_a_fault(data: st.DataObject) -> None:
    """A shipped document with something put anywhere in it is read or refused; nothing else comes of it."""
    text = data.draw(st.sampled_from([one.document for one in bundled()] + [ARMS, SCREENING]))
    at = data.draw(st.integers(0, len(text)))
    odd = st.sampled_from(
        ["!!int ", "!!bool ", "&a ", "*a", "\0", "2021-02-30", ".nan", "[", "? ", "<<: ", "\t", "=", "~"]
    )
    put = data.draw(st.one_of(odd, st.text(max_size=8)))
    with suppress(ProgrammeError):
        parse_programme(text[:at] + put + text[at + data.draw(st.integers(0, 8)) :], "x.yaml")


def test_a_file_that_is_no_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command says so, and goes on to the next one."""
    bad, good = tmp_path / "bad.yaml", tmp_path / "good.yaml"
    bad.write_bytes(b"\xff\xfe\x00")
    good.write_text(ARMS)
    arguments = argparse.Namespace(documents=[bad, good])
    assert run_check(arguments) == 1
    said = capsys.readouterr()
    assert ("expected text in UTF-8" in said.err, "is fine" in said.out) == (True, True)


LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
)
MERGED = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 9))


@pytest.mark.parametrize(
    "text",
    [
        LAUGHS, MERGED, "a: " + "[" * 20_000, "".join(" " * n + "a:\n" for n in range(200)),
        "{a: " * 10_000, "- " * 20_000, "? " * 20_000, "[a," + "b," * 40_000 + "]",
    ],
    ids=["aliases", "merges", "lists", "mappings", "open", "dashes", "questions", "long"],
)  # fmt: skip
def test_a_document_that_would_become_huge_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it is made, by what its aliases stand for, its depth and its length; no more nodes are made than may be
    (v5.0.0-1.5.2, v5.0.0-2.2.1)."""
    made = 0

    def counting(self: Any, *given: Any) -> Any:
        nonlocal made
        made += 1
        return compose(self, *given)

    compose = yaml.composer.Composer.compose_node
    monkeypatch.setattr(yaml.composer.Composer, "compose_node", counting)
    with pytest.raises(ProgrammeError, match=r"x\.yaml:\d+: document: expected at most 32 lists"):
        parse_programme(text, "x.yaml")
    assert made <= documents_read.MOST_NODES


@pytest.mark.parametrize("number", ["1:" * 20_000 + "1", "1" * 20_000, "1_" * 20_000 + "1"])
def test_a_number_without_end_is_none(number: str) -> None:
    """A whole number is told from its looks; it is not made first."""
    with pytest.raises(ProgrammeError, match=r"x\.yaml:2: version: expected a whole number"):
        parse_programme(TEXT.replace("version: 1", f"version: {number}"), "x.yaml")


def test_every_yaml_is_read_by_the_safe_loader() -> None:
    """No source of the product calls another one (v5.0.0-1.5.2)."""
    root = Path(__file__).parents[4]
    loads = [
        (path.name, line.strip())
        for folder in ("services", "deploy", "schemas")
        for path in root.joinpath(folder).rglob("*.py")
        for line in path.read_text("utf-8").splitlines()
        if "yaml.load(" in line or "yaml.unsafe" in line or "yaml.full" in line
    ]
    assert [name for name, _ in loads] == ["documents_read.py"]
    assert issubclass(documents_read._Loader, yaml.SafeLoader)


def forms() -> Iterator[type[Part]]:
    """Every part of every document that an operator hands in."""
    waiting: list[type[Part]] = [Part]
    while waiting:
        waiting += (part := waiting.pop()).__subclasses__()
        if part.__module__.startswith("services."):
            yield part


ODD: Mapping[str, tuple[Any, ...]] = {
    "integer": ("5", 5.0, True), "number": ("0.5", True), "boolean": ("yes", 1, 0, "true"),
    "date": (1769904000, "1769904000", True, datetime(2026, 1, 26, tzinfo=UTC)), "string": (5, 5.0, True),
}  # fmt: skip
"""By kind of field, what a document may not say there."""


def fields() -> Iterator[Any]:
    """Every number, yes or no, day and text of every form; also those that stand by a name of the author's."""
    for form in forms():
        for name, said in form.model_json_schema()["properties"].items():
            either = [part for part in said.get("anyOf", [said]) if part.get("type") != "null"]
            if len(either) == 1 and (kind := _kind(either[0].get("additionalProperties") or either[0])) in ODD:
                by_name = "additionalProperties" in either[0]
                yield pytest.param(form, name, kind, by_name, id=f"{form.__module__}.{form.__name__}.{name}")


def _kind(said: Mapping[str, Any]) -> str:
    return str(said.get("format") or said.get("type"))


@pytest.mark.parametrize(("form", "name", "kind", "by_name"), list(fields()))
def test_a_number_is_a_number_and_a_day_a_day(form: type[Part], name: str, kind: str, by_name: bool) -> None:
    """No field takes a text, a yes, or 5.0 for a whole number, a number for a yes, or a count of seconds for a day."""
    for value in ODD[kind]:
        with pytest.raises(ValidationError) as refused:
            form.model_validate({name: {"key": value} if by_name else value})
        assert name in {fault["loc"][0] for fault in refused.value.errors()}, value
