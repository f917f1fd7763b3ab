"""`./vcc supply`: what the software is made of, under which licences, and what is known against it."""

import argparse
import sys
import tomllib
from pathlib import Path

from deploy.local.state import ROOT
from deploy.supply import components


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    supply = commands.add_parser("supply", description="Reads the lock files; needs no network.")
    asked = supply.add_subparsers(metavar="WHAT", required=True)
    sbom = asked.add_parser("sbom", help="the software bill of materials, CycloneDX 1.6 as JSON")
    sbom.add_argument("--out", type=Path, metavar="FILE", help="where to (standard output)")
    sbom.set_defaults(run=write_sbom)
    licences = asked.add_parser("licences", help="every component's licence; 1 if one is unknown or not allowed")
    licences.set_defaults(run=check_licences)
    advisories = asked.add_parser("advisories", help="compares with advisories in the OSV format; 1 if one applies")
    advisories.add_argument("files", nargs="+", type=Path, metavar="FILE", help="JSON, JSON lines, archive or folder")
    advisories.set_defaults(run=compare_advisories)


def write_sbom(arguments: argparse.Namespace) -> int:
    from deploy.supply.inventory import make
    from deploy.supply.licences import load_record

    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    text = make(components.load(), load_record().components, version) + "\n"
    if arguments.out is None:
        sys.stdout.write(text)
    else:
        arguments.out.write_text(text, "utf-8")
        print(f"written to {arguments.out}")
    return 0


def check_licences(_: argparse.Namespace) -> int:
    from deploy.supply.licences import check, load_record

    record, used = load_record(), components.load()
    findings = check(used, record)
    for component in used:
        print(
            f"{component.scope:<15} {record.components.get(component.name, 'none'):<45} "
            f"{component.name} {component.version}"
        )
    for finding in findings:
        print(f"{finding.component.name} {finding.component.version}: {finding.why}", file=sys.stderr)
    print(f"{len(used)} components, {len(findings)} objections")
    return 1 if findings else 0


def compare_advisories(arguments: argparse.Namespace) -> int:
    from deploy.supply.advisories import AdvisoryFileError, compare, read

    missing = [path for path in arguments.files if not path.exists()]
    if missing:
        raise AdvisoryFileError(f"there is no {missing[0]}")
    found = [advisory for path in arguments.files for advisory in read(path)]
    used = components.load()
    hits = compare(used, found)
    for hit in hits:
        word = "" if hit.is_certain else "  (its ranges can't be compared: look)"
        fixed = f"; fixed in {', '.join(hit.fixed_in)}" if hit.fixed_in else ""
        print(f"{hit.component.name} {hit.component.version} ({hit.component.scope}): {hit.advisory}{fixed}{word}")
    print(f"{len(found)} advisories read, {len(used)} components, {len(hits)} hits")
    return 1 if hits else 0
