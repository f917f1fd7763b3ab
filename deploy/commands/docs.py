"""`./vcc docs`: where things are described."""

import argparse

from deploy.local.plan import SERVICES
from deploy.local.running import base_url
from deploy.local.state import ROOT, here

PAGES = {
    "README.md": "what it is",
    "CONTRIBUTING.md": "how to work on it",
    "docs/glossary.md": "the words",
    "docs/security.md": "what is protected from whom, and what is missing",
    "docs/adr": "what was decided, and why",
    "docs/guides": "how decisions are made, how to write a programme, take a release of CDC's, lay a state over it",
    "docs/operate.md": "probes, alerts, and what to do when one pages",
    "docs/runbooks": "what to do, step by step, for each alert that pages",
    "docs/capabilities.md": "what it has to be able to do, and which tests show it",
    "deploy/local/README.md": "the embedded stack, and Kafka or Postgres of your own",
    "services/replicas/README.md": "who is whom, programmes and the day, as several services keep them",
    "schemas/asyncapi.json": "every topic and event (AsyncAPI 3)",
    "schemas/json": "the JSON Schema of each event",
    "docs/openapi": "the interface of each service (OpenAPI)",
}


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    docs = commands.add_parser("docs", description="Says where documents, APIs and events are described.")
    docs.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    pages = {page: says for page, says in PAGES.items() if (ROOT / page).exists()}
    pages |= {f"services/{name}/README.md": f"the {name} service" for name in SERVICES}
    for page, says in pages.items():
        if (ROOT / page).exists():
            print(f"  {ROOT / page}\n      {says}")
    state = here().read()
    if not state.supervised:
        print("  The HTTP APIs (OpenAPI) are served by the running services: ./vcc up")
    for name in SERVICES if state.supervised else ():
        print(f"  {base_url(state, name)}/docs\n      the {name} API (OpenAPI: /openapi.json, metrics: /metrics)")
    return 0
