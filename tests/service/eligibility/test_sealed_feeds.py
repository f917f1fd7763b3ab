"""Feed files' bytes and doubtful rows are sealed where they are kept (v5.0.0-14.2.4)."""

import io
import json

import pytest

from services.eligibility.app import build
from services.eligibility.intake.flow.worker import Intake
from services.eligibility.intake.store import chunks as chunk_store
from services.eligibility.intake.store import files as file_store
from services.eligibility.people.store import doubtful as doubtful_store
from services.eligibility.settings import OwnSettings
from services.kit import keys
from services.kit.postgres import ALL_TENANTS, create_pool, transaction
from services.kit.sealed import MARK, new_line, prefix_of
from tests.keys import RING
from tests.service.eligibility.cases import an_834, member
from tests.service.eligibility.conftest import Office

pytestmark = pytest.mark.postgres
DORA = member("M1", "FIX*DORA", "19500101")
THEA = member("M1", "ROE*THEA", "19620202", ins="Y*18*001*25", zip5="60609")
"""Another name and birth date under Dora's number: it waits for a person."""
IN_PLAIN_TEXT = """
update doubtful_row set document = $2, sealed_document = null where doubtful_id = $1
"""


async def stored(office: Office) -> bytes:
    chunks = await office.fetch("select bytes from feed_chunk")
    rows = await office.fetch("select sealed_document, document from doubtful_row")
    kept = [one["sealed_document"] or json.dumps(one["document"]).encode() for one in rows]
    return b" ".join([*(one["bytes"] for one in chunks), *kept])


async def test_files_and_doubtful_rows_are_sealed_and_rotated(office: Office) -> None:
    """Nothing of a file or of a row that waits can be read in the tables; with another key first all is read and sealed
    anew."""
    await office.read(an_834(DORA))
    await office.submit(an_834(THEA, control=2))
    assert b"DORA" not in await stored(office)
    settings = office.database.settings(key_ring=new_line("tests-2") + RING)
    sealed = build().sealed
    assert await keys.rotate(settings, sealed) == 2
    assert (await keys.show(settings, sealed))[1] == "tests-1\t0\topens"
    pool = await create_pool(settings)
    await Intake(settings, pool, OwnSettings()).work_once()
    [waiting] = await office.fetch("select doubtful_id from doubtful_row")
    async with transaction(pool, ALL_TENANTS) as connection:
        found = await doubtful_store.load_waiting(connection, waiting["doubtful_id"])
    assert found is not None
    assert "THEA" in str(found.row.record.person)
    assert b"THEA" not in await stored(office)
    await pool.close()


async def test_what_was_kept_in_plain_text_is_read_and_sealed(office: Office) -> None:
    """A file and a row from before there was a ring are read as they are, and the rotation takes their text away."""
    await office.read(an_834(DORA))
    await office.read(an_834(THEA, control=2))
    [one] = await office.fetch("select doubtful_id, file_id from doubtful_row")
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        row = await doubtful_store.load_one(connection, one["doubtful_id"])
        assert row is not None
        await connection.execute(IN_PLAIN_TEXT, one["doubtful_id"], row.document)
        plain = b"".join([chunk async for chunk in chunk_store.load_chunks(connection, one["file_id"])])
        await connection.execute("update feed_chunk set bytes = $2 where file_id = $1", one["file_id"], plain)
    assert b"THEA" in await stored(office)
    for _ in range(2):
        async with transaction(office.database.pool, ALL_TENANTS) as connection:
            again = await doubtful_store.load_one(connection, one["doubtful_id"])
            assert again is not None
            assert again.document == row.document
            chunks = [chunk async for chunk in chunk_store.load_chunks(connection, one["file_id"])]
            assert b"".join(chunks) == plain
        await keys.rotate(office.database.settings(), build().sealed)
    assert b"THEA" not in await stored(office)
    [chunk, _] = await office.fetch("select bytes from feed_chunk order by file_id")
    assert chunk["bytes"].startswith(MARK)


async def feeds(office: Office) -> list[tuple[str, str | None]]:
    rows = await office.fetch("select state, held from feed_file order by file_no")
    return [(row["state"], row["held"]) for row in rows]


async def test_a_file_that_cannot_be_opened_is_held_and_the_others_go_on(office: Office) -> None:
    """A key that is gone, or bytes that somebody changed, hold that file for a person; released when the key is back,
    it is read."""
    lost = await office.submit(an_834(DORA))
    spoilt = await office.submit(an_834(DORA, control=2))
    await office.submit(an_834(member("M3", "POE*ANN", "19700101"), control=3))
    [chunk] = await office.fetch("select bytes from feed_chunk where file_id = $1", lost)
    forged = b"tests-0".join(chunk["bytes"].split(b"tests-1", 1))
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        await connection.execute("update feed_chunk set bytes = $2 where file_id = $1", lost, forged)
        await connection.execute("update feed_chunk set bytes = bytes || '!' where file_id = $1", spoilt)
    await office.work()
    assert await feeds(office) == [("held", "bytes-unreadable")] * 2 + [("processed", None)]
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        await connection.execute("update feed_chunk set bytes = $2 where file_id = $1", lost, chunk["bytes"])
        await file_store.save_decision(connection, lost, "released", "olga", "the key is back")
    await office.work()
    assert (await feeds(office))[0] == ("processed", "bytes-unreadable")


async def test_a_doubtful_row_that_cannot_be_opened_waits_on(office: Office) -> None:
    """It holds up nobody: the files of the persons it may mean are read."""
    await office.read(an_834(DORA))
    await office.read(an_834(THEA, control=2))
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        await connection.execute("update doubtful_row set sealed_document = sealed_document || '!'")
    assert (await office.read(an_834(DORA, control=3))).state == "processed"
    [row] = await office.fetch("select doubtful_id, state from doubtful_row")
    assert row["state"] == "waiting"
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        shown = await doubtful_store.load_one(connection, row["doubtful_id"])
    assert shown is not None
    assert shown.roster_row is None


async def test_a_file_that_looks_sealed_is_read_as_it_came(office: Office) -> None:
    """Before sealing has begun, too, nobody can have a file taken for sealed by writing the mark into it."""
    raw = prefix_of("tests-1") + b"ISA*00*" + bytes(40)
    await office.database.owner.execute("delete from sealing")
    pool = await create_pool(office.database.settings())
    for sealing_began in (False, True):
        if sealing_began:
            await office.database.owner.execute("insert into sealing (begun_at) values (clock_timestamp())")
        file_id = await office.submit(an_834(DORA, control=7 + sealing_began))
        async with transaction(pool, ALL_TENANTS) as connection:
            await connection.execute("delete from feed_chunk")
            await chunk_store.save_chunks(connection, file_id, io.BytesIO(raw))
            chunks = [chunk async for chunk in chunk_store.load_chunks(connection, file_id)]
        assert b"".join(chunks) == raw
    await pool.close()
