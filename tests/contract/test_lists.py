"""No list ends in silence."""

import pytest

from deploy.contracts import openapis

LISTS = [
    (f"{name} {path}", {parameter["name"] for parameter in operation.get("parameters", ())})
    for name, document in openapis().items()
    for path, operations in document["paths"].items()
    for method, operation in operations.items()
    if method == "get"
]


@pytest.mark.parametrize(("operation", "parameters"), [one for one in LISTS if "limit" in one[1]], ids=str)
def test_a_list_with_a_limit_goes_on(operation: str, parameters: set[str]) -> None:
    """Whoever is shown so many at the most can ask for what follows."""
    assert parameters & {"after", "before"}, operation
