"""Every setting that the code reads is described where an operator looks, and nothing else is."""

import re
from pathlib import Path

from deploy.local.state import ROOT
from services.kit.settings import KafkaSettings, Settings

DESCRIBED = ROOT / "deploy" / "local" / "README.md"
NAME = re.compile(r"VCC_(?:<SERVICE>_|API_<SERVICE>|[A-Z0-9]+_?)[A-Z0-9_]*")
OF_ONE_SERVICE = re.compile(r"VCC_(?:ELIGIBILITY|OUTREACH|SCHEDULING|REPORTING)_")
GIVEN = {"service", "kafka"}
"""Fields that no variable of their own says."""


def described() -> set[str]:
    """The names in the table, for one service's own and likewise for each."""
    names = set(NAME.findall(DESCRIBED.read_text("utf-8")))
    return {OF_ONE_SERVICE.sub("VCC_<SERVICE>_", one).removesuffix("_FILE") for one in names if not one.endswith("_")}


def read() -> set[str]:
    """Those of the chassis's settings, and those that stand in the code as a text."""
    fields = Settings.model_fields.keys() - GIVEN
    common = {f"VCC_{one.upper()}" if one.startswith("oidc") else f"VCC_<SERVICE>_{one.upper()}" for one in fields}
    common |= {f"VCC_KAFKA_{one.upper()}" for one in KafkaSettings.model_fields}
    quoted = re.compile(r'"(VCC_[A-Z0-9_]*[A-Z0-9])"')
    sources = [path for part in ("services", "deploy") for path in Path(ROOT / part).rglob("*.py")]
    literal = {name for path in sources for name in quoted.findall(path.read_text("utf-8"))}
    literal = {one for one in literal if not one.startswith("VCC_ISSUER_")} | {"VCC_API_<SERVICE>"}
    own = {OF_ONE_SERVICE.sub("VCC_<SERVICE>_", one).removesuffix("_FILE") for one in literal}
    return common | {"VCC_API_<SERVICE>" if one.startswith("VCC_API_") else one for one in own}


def test_every_setting_is_described() -> None:
    """What the code reads and what the README of the stack names are the same settings."""
    assert read() - described() == set()
    assert described() - read() == set()
