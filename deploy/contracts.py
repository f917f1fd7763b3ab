"""Writes the published contract documents. Run it after a change of `schemas/`; a test notices when it was not run.

`python -m deploy.contracts` rewrites what is generated; `python -m deploy.contracts release` also keeps the schemas,
and how topics are kept and keyed, as a release, against which every later change is held.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from deploy import problems, roles
from schemas.compatibility import breaking_changes, breaking_terms
from schemas.documents import asyncapi, json_schemas, topic_terms
from schemas.vaccines import TABLE
from services.eligibility import app as eligibility
from services.eligibility.doses.registry import groups_of
from services.eligibility.feeds.codes import vaccines
from services.kit import build
from services.kit.app import create
from services.kit.settings import KafkaSettings, Settings
from services.outreach import app as outreach
from services.reporting import app as reporting
from services.scheduling import app as scheduling

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "schemas"
OPENAPI_FOLDER = ROOT / "docs" / "openapi"
PROBLEMS = ROOT / "docs" / "problems.md"
ROLES = ROOT / "docs" / "roles.md"


def generated() -> dict[Path, str]:
    """What each generated file must hold, by path."""
    files = {FOLDER / "json" / f"{name}.json": _dump(schema) for name, schema in json_schemas().items()}
    documents = openapis()
    interfaces = {OPENAPI_FOLDER / f"{name}.json": _dump(document) for name, document in documents.items()}
    pages = {PROBLEMS: problems.page(), ROLES: roles.page(documents)}
    groups = {cvx: groups_of(cvx) for cvx, vaccine in sorted(vaccines().items()) if vaccine.groups}
    told = {FOLDER / "asyncapi.json": _dump(asyncapi(build.version())), TABLE: _dump(groups)}
    return files | interfaces | pages | told


def openapis() -> dict[str, dict[str, Any]]:
    """The OpenAPI document of each service, by name."""
    documents = {}
    for service in (eligibility.build(), outreach.build(), scheduling.build(), reporting.build()):
        nowhere = KafkaSettings(bootstrap_servers="localhost:1")
        settings = Settings(service=service.name, kafka=nowhere, dsn=SecretStr(""), oidc_issuer="http://localhost:1")
        documents[service.name] = create(service, settings).openapi()
    return documents


def released() -> list[dict[str, Any]]:
    """The schemas of each release by event type, oldest first."""
    return [json.loads(path.read_text("utf-8")) for path in sorted((FOLDER / "released").glob("*.json"))]


def released_terms() -> list[dict[str, Any]]:
    """How topics were kept and keyed in each release, oldest first."""
    return [json.loads(path.read_text("utf-8")) for path in sorted((FOLDER / "released" / "topics").glob("*.json"))]


def refusals() -> list[str]:
    """Why today's contracts must not be published: breaking changes against any release."""
    schemas, terms = json_schemas(), topic_terms()
    said = [sentence for release in released() for sentence in breaking_changes(release, schemas)]
    return said + [sentence for release in released_terms() for sentence in breaking_terms(release, terms)]


def main(argv: list[str]) -> int:
    """Write the documents unless a change is breaking. Exit code 1: refused, with the sentences on standard error."""
    sentences = refusals()
    if sentences:
        print("\n".join(sentences), file=sys.stderr)
        return 1
    files = generated()
    for stale in set((FOLDER / "json").glob("*.json")) - set(files):
        stale.unlink()
    if argv == ["release"]:
        number = len(released()) + 1
        files[FOLDER / "released" / f"{number:04d}.json"] = _dump(json_schemas())
        files[FOLDER / "released" / "topics" / f"{number:04d}.json"] = _dump(topic_terms())
    for path, text in files.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    print(f"wrote {len(files)} files")
    return 0


def _dump(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
