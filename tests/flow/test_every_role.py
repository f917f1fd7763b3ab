"""Every operation of every service, asked by every role with whatever its interface document allows and forbids."""

import itertools
import traceback
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from deploy.local.access import Client, add_clients, token
from deploy.local.plan import SERVICES
from deploy.local.running import connection
from services.kit.roles import TABLE
from tests.flow.stack import Stack, running_stack
from tests.servers import PostgresServer

ROLES = tuple(sorted(TABLE.roles))
EXAMPLES = 2
"""For each operation and role; Hypothesis draws them by the document, half of them against it."""

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def own_stack(postgres_server: PostgresServer) -> Iterator[Stack]:
    """Of this module alone: what is drawn opens days, publishes programmes and discards records."""
    with running_stack(postgres_server) as running:
        add_clients([Client(f"any-{role}", grants=[f"{role}@lakeshore"]) for role in ROLES], running.folder)
        yield running


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.kafka
@pytest.mark.postgres
@pytest.mark.parametrize("service", SERVICES)
def test_no_request_of_any_role_breaks_a_service(
    own_stack: Stack, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each answer is one that the document names, in its form, and none is a fault; nothing is logged as an
    error and the process lives on (v5.0.0-2.2.1, v5.0.0-4.1.1, v5.0.0-16.5.1)."""
    monkeypatch.setenv("VCC_STATE_DIR", str(own_stack.folder.path))
    before, base_url = own_stack.pid(service), connection(service).base_url
    document = httpx.get(f"{base_url}/openapi.json", timeout=10).json()
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=base_url)
    tokens, keys = {role: token(f"any-{role}") for role in ROLES}, itertools.count()
    failures: list[str] = []
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()

        @settings(
            max_examples=EXAMPLES * len(ROLES), deadline=None, derandomize=True, database=None,
            phases=[Phase.generate], suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy(), role=st.sampled_from(ROLES))
        def ask(case: schemathesis.Case[Any], role: str) -> None:
            headers = {"Authorization": f"Bearer {tokens[role]}", "X-Tenant": "lakeshore"}
            if case.method != "GET":
                headers["Idempotency-Key"] = f"any-{next(keys)}"
            response = case.call(headers=headers)
            case.validate_response(response, checks=CHECKS)

        try:
            ask()
        except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 - every operation is to be asked
            failures.append("".join(traceback.format_exception(error)[-40:]))
    assert not failures, "\n\n".join(failures)
    assert own_stack.errors() == []
    assert own_stack.pid(service) == before
