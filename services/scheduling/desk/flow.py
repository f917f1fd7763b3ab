"""Looks of a site's desk: each is audited, and says of whom a death was reported."""

from services.kit.auth import Principal
from services.kit.unit_of_work import UnitOfWork
from services.scheduling.appointments import store as appointments
from services.scheduling.appointments.flow.looks import Seen, record_look
from services.scheduling.desk import store


async def find_by_code(work: UnitOfWork, principal: Principal, site_id: str, booking_code: str) -> Seen:
    """The live booking at the site that has this code, or none."""
    found = await store.find_by_code(work.connection, site_id, booking_code)
    seen = [] if found is None else [found]
    await record_look(work, principal, [one.appointment_id for one in seen])
    return Seen(seen, await appointments.load_reported_dead(work.connection, seen))
