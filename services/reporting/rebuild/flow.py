"""Wiping the tables for a rebuild."""

from services.kit import generation
from services.kit.postgres import Connection

EMPTY_TABLES = """
truncate programme_version, business_day, enrolment_version, member_merge, dose_version, case_version, contact_attempt,
    attempt_retraction, appointment_version, slot_pool_version, feed_file, target_zip, programme, enrolment, dose,
    coverage_cell
"""


async def wipe(connection: Connection) -> int:
    """Begin the next generation with empty tables, in the caller's transaction; the consumers notice and start again
    at the log's beginning. Gives the generation's number."""
    number = await generation.begin_next(connection)
    await connection.execute(EMPTY_TABLES)
    return number
