"""Columns of texts on their way into a real database."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from services.kit.postgres import text_array
from tests.servers import Database, OpenDatabase

STORABLE = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
TEXTS = st.lists(st.text(STORABLE | st.sampled_from('\\",{} ')))
READ = "select $1::text::text[]"


@pytest.fixture
async def opened(database: OpenDatabase) -> Database:
    return await database("kit")


@pytest.mark.postgres
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=TEXTS)
@example(texts=[])
@example(texts=[""])
@example(texts=["", "null", "NULL", '"', "\\", '\\"', "{}", ",", " padded ", "\x1f\r\n\t"])
async def test_any_texts_arrive_as_they_are(opened: Database, texts: list[str]) -> None:
    """Whatever texts a column holds, Postgres reads the same ones in the same order."""
    assert await opened.pool.fetchval(READ, text_array(texts)) == texts


@pytest.mark.parametrize("texts", [["\0"], ["a", "b\0c"], ["\0", ""]])
def test_a_nul_is_refused_and_splits_nothing(texts: list[str]) -> None:
    """A text that Postgres can't store is an error, never two texts."""
    with pytest.raises(ValueError, match=r"U\+0000"):
        text_array(texts)
