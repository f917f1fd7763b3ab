"""What the guides show works."""

import re
from pathlib import Path

from services.eligibility.programmes.document_form import Document
from services.eligibility.programmes.documents import parse_programme

GUIDES = Path(__file__).parents[4] / "docs" / "guides"


def test_the_documented_programme_can_be_read() -> None:
    """The example of the guide is a document, and shows every part that there is but the other two aims."""
    text = (GUIDES / "write-a-programme.md").read_text(encoding="utf-8")
    found = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert found is not None
    programme = parse_programme(found.group(1), "write-a-programme.md")
    assert programme.cap is not None
    assert programme.arms is not None
    shown = {line.split(":")[0] for line in found.group(1).splitlines() if line and line[0].isalpha()}
    assert shown == set(Document.model_fields) - {"vaccine", "service"}
