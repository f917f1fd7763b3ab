"""Caps are drawn on a business day, once everybody has been decided: who is decided later is compared with the draw."""

from collections.abc import Sequence
from datetime import date

from services.eligibility.decisions.store import caps as cap_store
from services.eligibility.decisions.store.caps import Drawn
from services.eligibility.programmes.cap import Cap, CutOff, is_to_draw, places
from services.eligibility.programmes.documents import in_effect
from services.eligibility.programmes.programme import Programme
from services.kit.postgres import Connection

ABOVE_ALL = 1 << 62


async def draw_caps(connection: Connection, programmes: Sequence[Programme], day: date) -> bool:
    """Draw each cap that is to be drawn and have those asked whom that concerns. False if there was nothing to do;
    a version of a programme is looked at once a day."""
    is_new = False
    for programme, _ in in_effect(programmes, day):
        version = programme.programme_id, programme.version
        if programme.cap and await cap_store.lock_considered(connection, *version, day):
            is_new |= await _draw(connection, version, programme.cap, day)
    return is_new


async def _draw(connection: Connection, version: tuple[str, int], cap: Cap, day: date) -> bool:
    programme_id, version_no = version
    before = await cap_store.load_cut_offs(connection, [version])
    is_new = False
    for group, population in sorted((await cap_store.count_groups(connection, programme_id)).items()):
        last = before.get((programme_id, version_no, group))
        if not is_to_draw(cap, last.drawn_on if last else None, day):
            continue
        cut_off = await _cut_off(connection, programme_id, cap, group, population)
        await cap_store.save_cut_off(connection, programme_id, Drawn(cut_off, version_no, day))
        # Without a draw nobody was admitted, so everybody has a new answer; else those between the two ranks.
        between = sorted((cut_off.rank, last.cut_off.rank)) if last else [0, ABOVE_ALL]
        await cap_store.ask_between(connection, programme_id, group, day, (between[0], between[1]))
        is_new = True
    return is_new


async def _cut_off(connection: Connection, programme_id: str, cap: Cap, group: str, population: int) -> CutOff:
    admitted = places(cap, population)
    rank = await cap_store.load_rank(connection, programme_id, group, admitted - 1)
    return CutOff(group, rank, population, admitted)
