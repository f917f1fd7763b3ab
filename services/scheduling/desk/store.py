"""SQL of the desk: who is found at a site. Connection first; nobody here commits."""

from services.kit.postgres import Connection
from services.scheduling.appointments.rules import Appointment
from services.scheduling.appointments.store import appointment_of

FIND_BY_CODE = "select * from appointment where site_id = $1 and booking_code = $2 and status = 'booked'"


async def find_by_code(connection: Connection, site_id: str, booking_code: str) -> Appointment | None:
    """The live booking at the site that has this code."""
    row = await connection.fetchrow(FIND_BY_CODE, site_id, booking_code)
    return None if row is None else appointment_of(row)
