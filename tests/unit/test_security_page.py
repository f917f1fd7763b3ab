"""The page for security officers cites tests that there are."""

import re

from deploy.local.state import ROOT

CITED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_every_test_that_the_page_cites_exists() -> None:
    """Each evidence is a test of that name in that file."""
    cited = CITED.findall((ROOT / "docs" / "security.md").read_text("utf-8"))
    missing = [f"{path}::{name}" for path, name in cited if f"def {name}(" not in (ROOT / path).read_text("utf-8")]
    assert cited
    assert missing == []
