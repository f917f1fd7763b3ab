"""Outreach that sends messages."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.service.outreach.builders import Outreach
from tests.service.outreach.messages.post import Post, a_post


@pytest.fixture
async def post(outreach: Outreach, tmp_path: Path) -> AsyncIterator[Post]:
    async with a_post(outreach, tmp_path) as found:
        yield found
