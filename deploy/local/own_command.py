"""A command of a service's own (`python -m services.<name>.app …`) on this stack, told as that service is."""

import subprocess
import sys
from collections.abc import Mapping

from deploy.local.plan import Plan
from deploy.local.state import ROOT


def run_own_command(
    plan: Plan, service: str, command: str, kafka: Mapping[str, str]
) -> "subprocess.CompletedProcess[str]":
    """What it printed and how it ended. `kafka` are the settings of the broker that it is told of."""
    environment = dict(plan.service(service, 0, dict(kafka), "http://127.0.0.1:1").environment)
    environment.pop(f"VCC_{service.upper()}_AUDIT_DSN_FILE", None)  # the trail is nothing to it
    asked = [sys.executable, "-P", "-m", f"services.{service}.app", command]
    return subprocess.run(asked, capture_output=True, text=True, env=environment, check=False, cwd=ROOT)
