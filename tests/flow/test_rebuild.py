"""A rebuild in a running stack: whoever waits for the backlog waits for the new reading of the log, too."""

import pytest

from tests.flow.feeds import a_member, a_roster
from tests.flow.world import World

pytestmark = [pytest.mark.slow, pytest.mark.kafka, pytest.mark.postgres, pytest.mark.timeout(400)]
ENROLMENTS = "select count(*) from enrolment_version"


async def test_a_rebuild_is_waited_for(world: World) -> None:
    """After a rebuild reporting reads in groups of another name: waiting ends when it has read all again, and news that
    come later are waited for as before."""
    await world.news(a_roster(await world.today(), *(a_member() for _ in range(12))))
    [before] = await world.rows("reporting", ENROLMENTS)
    status, answer = await world.ask("reporting", "operator").post("/rebuild", world.key())
    assert (status, answer["generation"] > 1) == (202, True)
    await world.settle()
    assert await world.rows("reporting", ENROLMENTS) == [before]
    await world.news(a_roster(await world.today(), *(a_member() for _ in range(3))))
    [after] = await world.rows("reporting", ENROLMENTS)
    assert after["count"] == before["count"] + 3
