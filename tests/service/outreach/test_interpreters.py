"""Whether an interpreter is needed, as whoever works on a case sees it."""

import pytest

from schemas.eligibility_v1 import InterpreterNeeded
from services.kit.postgres import Connection
from tests.facts import a_fact
from tests.service.outreach.builders import Outreach, Worker, case_id

pytestmark = pytest.mark.postgres
ADA = case_id("ada")
WORDS = [word.value for word in InterpreterNeeded]


async def four(outreach: Outreach) -> None:
    """A member for each word, by its name."""
    await outreach.hear(*(a_fact(word.value, interpreter_needed=word) for word in InterpreterNeeded))


async def test_the_case_shows_it(outreach: Outreach, worker: Worker) -> None:
    """On the list, in the file and when claimed; the file has the sentence."""
    await outreach.hear(a_fact(language="es", interpreter_needed="yes"))
    [listed] = (await worker.get("/cases")).json()["cases"]
    file = (await worker.get(f"/cases/{ADA}")).json()
    [claimed] = await worker.claim()
    assert [one["interpreter_needed"] for one in (listed, file, claimed)] == ["yes"] * 3
    assert "An interpreter is needed." in file["why"]


async def test_what_an_older_fact_does_not_say(outreach: Outreach, worker: Worker) -> None:
    """A record from before says nothing of it: unknown. The newest version holds, in whatever order they come."""
    await outreach.hear(a_fact())
    assert (await worker.get(f"/cases/{ADA}")).json()["interpreter_needed"] == "unknown"
    await outreach.hear(a_fact(version=3, interpreter_needed="no"))
    await outreach.hear(a_fact(version=2, interpreter_needed="yes"))
    assert (await worker.get(f"/cases/{ADA}")).json()["interpreter_needed"] == "no"


@pytest.mark.parametrize("word", WORDS)
async def test_list_and_claims_go_by_it(outreach: Outreach, worker: Worker, word: str) -> None:
    """Each word gives its own cases, and so do the pages; what is no word is refused."""
    await four(outreach)
    listed = (await worker.get("/cases", interpreter_needed=word)).json()["cases"]
    assert [case["case_id"] for case in listed] == [str(case_id(word))]
    assert [case["case_id"] for case in await worker.claim(interpreter_needed=word)] == [str(case_id(word))]
    assert (await worker.get("/cases", interpreter_needed="maybe")).status_code == 422


async def test_filters_go_together(outreach: Outreach, worker: Worker) -> None:
    """By interpreter and ZIP at once; another plan's cases are not among them."""
    await four(outreach)
    await outreach.hear(a_fact("zoe", interpreter_needed="yes", zip5="60601"))
    await outreach.hear(a_fact("pia", interpreter_needed="yes", zip5="60601", tenant_id="prairie"))
    listed = (await worker.get("/cases", interpreter_needed="yes", zip5="60601")).json()["cases"]
    assert [case["case_id"] for case in listed] == [str(case_id("zoe"))]
    assert [case["case_id"] for case in await worker.claim(interpreter_needed="no", zip5="60601")] == []
    assert [case["zip5"] for case in await worker.claim(interpreter_needed="yes", zip5="60601")] == ["60601"]


async def test_a_member_from_before(outreach: Outreach, worker: Worker) -> None:
    """A row that an older version of the service wrote, which does not know the column, is unknown."""
    await outreach.hear(a_fact())
    async with outreach.database.pool.acquire() as connection, connection.transaction():
        await connection.execute("select set_config('vcc.tenant', '*', true)")
        await _write_as_before(connection)
    assert (await worker.get(f"/cases/{ADA}")).json()["interpreter_needed"] == "unknown"


async def _write_as_before(connection: Connection) -> None:
    """Takes the row out and writes it again without the column."""
    columns = [
        row["column_name"]
        for row in await connection.fetch(
            "select column_name from information_schema.columns where table_name = 'enrolment'"
            " and column_name <> 'interpreter_needed'"
        )
    ]
    names = ", ".join(columns)
    await connection.execute(
        f"with gone as (delete from enrolment returning *) insert into enrolment ({names}) select {names} from gone"
    )
