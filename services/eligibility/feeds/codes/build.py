"""Makes the code tables beside this file, and that of languages in `schemas`, from what others compiled of the
standards; SOURCES.md tells their origin.

python -m services.eligibility.feeds.codes.build Compiled.xml
python -m services.eligibility.feeds.codes.build language-codes-full.csv
python -m services.eligibility.feeds.codes.build registry.json
"""

import csv
import json
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import schemas.languages

HERE = Path(__file__).parent
LANGUAGES = Path(schemas.languages.__file__).parent
NDC_SETS = ("VACCINATION_NDC_CODE_UNIT_OF_USE", "VACCINATION_NDC_CODE_UNIT_OF_SALE")


def codes_of(root: ET.Element, kind: str) -> Iterator[ET.Element]:
    for codeset in root:
        if codeset.findtext("type") == kind:
            yield from codeset.findall("code")


def text_of(code: ET.Element, path: str) -> str:
    return " ".join((code.findtext(path) or "").split())


def links(code: ET.Element, kind: str) -> list[str]:
    return [link.text or "" for link in code.iter("link-to") if link.get("codeset") == kind]


def cvx_rows(root: ET.Element) -> Iterator[tuple[str, ...]]:
    for code in codes_of(root, "VACCINATION_CVX_CODE"):
        groups = ";".join(links(code, "VACCINE_GROUP"))
        kind = text_of(code, "concept-type")
        yield text_of(code, "value"), text_of(code, "label"), kind, text_of(code, "use-date/not-after"), groups


def mvx_rows(root: ET.Element) -> Iterator[tuple[str, ...]]:
    for code in codes_of(root, "VACCINATION_MANUFACTURER_CODE"):
        yield text_of(code, "value"), text_of(code, "label"), text_of(code, "use-date/not-after")


def ndc_rows(root: ET.Element) -> Iterable[tuple[str, ...]]:
    """Valid codes only: the deprecated ones are other spellings of them. Diluents have no CVX code, kits several."""
    found: dict[str, set[str]] = {}
    for kind in NDC_SETS:
        for code in codes_of(root, kind):
            if text_of(code, "code-status/status") == "Valid":
                vaccines = links(code, "VACCINATION_CVX_CODE")
                found.setdefault(text_of(code, "value").replace("-", ""), set()).update(vaccines)
    return [(ndc, *vaccines) for ndc, vaccines in found.items() if len(vaccines) == 1]


def language_rows(rows: Iterable[dict[str, str]]) -> Iterator[tuple[str, ...]]:
    """Each three-letter code, bibliographic and terminological, with the tag of BCP 47: the shortest code there is, and
    of two long ones the terminological. The range for local use names no language."""
    for row in rows:
        tag = row["alpha2"] or row["alpha3-t"] or row["alpha3-b"]
        for code in filter(None, (row["alpha3-b"], row["alpha3-t"])):
            if len(code) == 3:
                yield code, tag, row["English"].strip()


def subtag_rows(registry: Iterable[dict[str, Any]]) -> Iterator[tuple[str, ...]]:
    """The languages of three letters that IANA registers for BCP 47: no group of languages, and none given up."""
    for entry in registry:
        is_language = entry["Type"] == "language" and "Scope" not in entry and "Deprecated" not in entry
        if is_language and len(entry["Subtag"]) == 3:
            yield entry["Subtag"], entry["Description"][0]


def write(name: str, header: tuple[str, ...], rows: Iterable[tuple[str, ...]], folder: Path = HERE) -> None:
    with (folder / name).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(sorted(set(rows)))


def main(source: Path) -> None:
    if source.suffix == ".csv":
        with source.open(newline="", encoding="utf-8") as file:
            rows = language_rows(csv.DictReader(file))
            write("language.csv", ("iso639_2", "tag", "name"), rows, LANGUAGES)
        return
    if source.suffix == ".json":
        write("subtag.csv", ("tag", "name"), subtag_rows(json.loads(source.read_text("utf-8"))), LANGUAGES)
        return
    root = ET.parse(source).getroot()  # noqa: S314 - a reviewed file, read once by a developer
    write("cvx.csv", ("cvx", "name", "kind", "not_after", "groups"), cvx_rows(root))
    write("mvx.csv", ("mvx", "name", "not_after"), mvx_rows(root))
    write("ndc.csv", ("ndc", "cvx"), ndc_rows(root))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
