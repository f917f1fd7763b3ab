"""`./vcc capabilities`: what the software has to be able to do, and the tests that show it."""

import argparse

from deploy.capabilities.known import listed, shown_by
from deploy.capabilities.overview import document, lines
from deploy.local.state import ROOT

DOCUMENT = ROOT / "docs" / "capabilities.md"


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    asked = commands.add_parser("capabilities", description="Reads the tests' sources; runs none.")
    asked.add_argument("--missing", action="store_true", help="only those that no test shows")
    asked.add_argument("--write", action="store_true", help=f"write {DOCUMENT.relative_to(ROOT)} too")
    asked.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    shown, capabilities = shown_by(), list(listed().values())
    if arguments.write:
        DOCUMENT.write_text(document(capabilities, shown), "utf-8")
    *said, verdict = lines(capabilities, shown)
    if arguments.missing:
        said = [
            f"  {capability.id:<4} {capability.says}" for capability in capabilities if not shown.get(capability.id)
        ]
    print("\n".join([*said, verdict]).strip("\n"))
    return 0
