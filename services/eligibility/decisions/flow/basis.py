"""What decisions look at beyond members and doses: loaded, brought up to date, and kept for the next time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from services.eligibility.decisions.basis import Needed, Stored, make_bases, needed
from services.eligibility.decisions.decision import Basis, Member
from services.eligibility.decisions.store import caps as cap_store
from services.eligibility.decisions.store import forecasts as forecast_store
from services.eligibility.doses.counted import CountedDose
from services.eligibility.programmes import store as programme_store
from services.eligibility.programmes.programme import Programme
from services.kit.postgres import Connection


async def load_bases(
    connection: Connection,
    members: Sequence[Member],
    doses: Mapping[UUID, Sequence[CountedDose]],
    programmes: Sequence[Programme],
    day: date,
) -> Mapping[UUID, Basis]:
    """By enrolment; forecasts that are missing, stale or made of something else are asked again, and kept."""
    what = needed(programmes, day)
    if not what or not members:
        return {}
    made = make_bases(members, doses, what, await load_stored(connection, members, what), day)
    await forecast_store.save_forecasts(connection, made.forecasts, day)
    await forecast_store.save_scores(connection, made.scores, day)
    return made.bases


async def load_stored(connection: Connection, members: Sequence[Member], what: Needed) -> Stored:
    tokens = {member.person.member_token for member in members}
    ids = [member.enrolment.enrolment_id for member in members]
    drawn = await cap_store.load_cut_offs(connection, what.capped) if what.capped else {}
    return Stored(
        observations=await programme_store.load_observations(connection, tokens) if what.observations else {},
        forecasts=await forecast_store.load_forecasts(connection, ids) if what.forecasts else {},
        cut_offs={identity: entry.cut_off.rank for identity, entry in drawn.items()},
        arms=await cap_store.load_arms(connection, tokens) if what.armed else {},
    )
