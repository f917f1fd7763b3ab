"""A stack that the flow tests share, and a world of clients around it for each test."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.flow.stack import Stack, running_stack
from tests.flow.world import World
from tests.servers import PostgresServer


@pytest.fixture(scope="session")
def stack(postgres_server: PostgresServer) -> Iterator[Stack]:
    """Up for the whole run. Nothing that it logs is at level error."""
    with running_stack(postgres_server) as running:
        yield running
        errors = running.errors()
    assert not errors, "\n".join(errors)


@pytest.fixture
async def world(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setenv("VCC_STATE_DIR", str(stack.folder.path))
    async with World.of(stack) as world:
        yield world
