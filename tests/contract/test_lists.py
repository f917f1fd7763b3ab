"""No list ends in silence."""

from typing import Any

import pytest

from deploy.contracts import openapis

LISTS = {
    f"{name} {path}": (document, operation)
    for name, document in openapis().items()
    for path, operations in document["paths"].items()
    for method, operation in operations.items()
    if method == "get" and any(parameter["name"] == "limit" for parameter in operation.get("parameters", ()))
}


@pytest.mark.parametrize(("document", "operation"), LISTS.values(), ids=LISTS)
def test_a_list_with_a_limit_goes_on(document: dict[str, Any], operation: dict[str, Any]) -> None:
    """Whoever is shown so many at the most hears whether there are more (a header Link, or a field next…), and can ask
    for what follows."""
    answer = operation["responses"]["200"]
    schema = answer["content"]["application/json"]["schema"]
    shape = document["components"]["schemas"].get(schema.get("$ref", "").rpartition("/")[2], {})
    assert "Link" in answer.get("headers", {}) or any(name.startswith("next") for name in shape.get("properties", ()))
    assert {parameter["name"] for parameter in operation["parameters"]} & {"after", "before"}
