"""What a service keeps of its members as it came is sealed in its tables, and stays readable while keys come and go
(v5.0.0-11.2.2, v5.0.0-14.2.4)."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from services.kit import dead_letters, keys
from services.kit.contract import Record, Reject
from services.kit.dead_letters import DeadLetter
from services.kit.idempotency import KEY_REUSED, Answer, RequestIdentity, once
from services.kit.migrations import KIT_FOLDER
from services.kit.postgres import ALL_TENANTS, Pool, create_pool, transaction
from services.kit.resealing import count_keys
from services.kit.sealed import MARK, KeyRing, KeyRingError, new_line
from services.kit.settings import Settings
from services.kit.unit_of_work import UnitOfWork, working
from tests.keys import RING
from tests.servers import Database, OpenDatabase

pytestmark = pytest.mark.postgres
SONG = "quixwhistle 1937-11-23"
NEW = new_line("tests-2")
PLAIN_LETTER = """
insert into dead_letter (consumer, topic, "partition", "offset", key, value, headers, reason, detail, state)
values ('kit.before', 'vcc.t', 0, 7, 'k', $1, '[["ce_id", "MQ=="]]', 'bad-schema', 'd', 'dead')
"""
SEALED_LETTERS = """
insert into dead_letter (consumer, topic, "partition", "offset", headers, sealed, reason, detail, state)
select $2, 'vcc.t', 0, place - 1, '[]', sealed, 'r', 'd', 'dead'
from unnest($1::bytea[]) with ordinality as said (sealed, place)
"""
PLAIN_ANSWER = """
insert into idempotency_key (tenant_id, principal, key, method_path, request_sha256, status, response)
values ('lakeshore', 'ann', 'before-1', 'POST /x', $1, 200, $2)
"""


@pytest.fixture
async def kit(database: OpenDatabase) -> Database:
    return await database("kit")


def a_request(key: str = "key-00001", digest: bytes = b"d" * 32) -> RequestIdentity:
    return RequestIdentity("lakeshore", "ann", key, "POST /x", digest)


async def answering(work: UnitOfWork) -> Answer:
    return Answer(200, {"name": SONG})


async def fill(pool: Pool) -> None:
    """A dead letter and an answer, both with a song."""
    record = Record("vcc.t", 0, 3, b"key", SONG.encode(), (("ce_id", b"1"), ("odd", None)))
    async with working(pool) as work:
        await dead_letters.save_rejects(work.connection, "kit.now", [Reject(record, "bad-schema", "detail")])
        await once(work, a_request(), answering)


async def everything(pool: Pool) -> str:
    async with transaction(pool, ALL_TENANTS) as connection:
        rows = [
            *await connection.fetch("select * from dead_letter"),
            *await connection.fetch("select * from idempotency_key"),
        ]
    values = [value for row in rows for value in row.values()]
    return " ".join(one.decode("latin-1") if isinstance(one, bytes) else str(one) for one in values)


async def with_ring(kit: Database, ring: str) -> tuple[Settings, Pool]:
    settings = kit.settings(key_ring=ring)
    return settings, await create_pool(settings)


async def waiting(work: UnitOfWork) -> list[DeadLetter]:
    """The letters that wait, with their content."""
    found = await dead_letters.load_waiting(work.connection, None, 0, 10)
    letters = [await dead_letters.load_dead_letter(work.connection, letter.id) for letter in found]
    return [letter for letter in letters if letter is not None]


async def opened(pool: Pool) -> list[Any]:
    """The letters' bytes and headers, and the answers that are given again."""
    async with working(pool) as work:
        letters = await waiting(work)
        again = await once(work, a_request(), answering)
    assert again.replayed
    return [[letter.record.value, letter.record.headers] for letter in letters] + [again.body]


WANTED = [[SONG.encode(), (("ce_id", b"1"), ("odd", None))], {"name": SONG}]


async def test_dead_letters_and_answers_are_sealed(kit: Database) -> None:
    """The tables hold nothing of what came or was answered, and the service reads it as before."""
    await fill(kit.pool)
    assert "quix" not in await everything(kit.pool)
    assert await opened(kit.pool) == WANTED


async def test_another_request_under_a_used_key_is_refused(kit: Database) -> None:
    """The keyed digest tells requests apart as the plain one did."""
    await fill(kit.pool)
    async with working(kit.pool) as work:
        refused = await once(work, a_request(digest=b"e" * 32), answering)
    assert refused.body["type"].endswith(KEY_REUSED.code)


async def test_a_key_is_rotated(kit: Database) -> None:
    """With a new key first the old content is read; rotated, the old key seals nothing and may be taken away."""
    await fill(kit.pool)
    settings, pool = await with_ring(kit, NEW + RING)
    assert await opened(pool) == WANTED
    assert await keys.show(settings, ()) == ["tests-2\t0\tseals", "tests-1\t2\topens"]
    assert await keys.rotate(settings, ()) == 2
    assert await keys.rotate(settings, ()) == 0
    await pool.close()
    settings, pool = await with_ring(kit, NEW)
    assert await keys.show(settings, ()) == ["tests-2\t2\tseals"]
    async with working(pool) as work:
        [letter] = await waiting(work)
    assert letter.record.value == SONG.encode()
    await pool.close()


async def test_a_repeated_request_is_known_without_the_key_that_was_current(kit: Database) -> None:
    """After a rotation the old key may go: the request from before it is answered again, another one is refused."""
    await fill(kit.pool)
    settings, pool = await with_ring(kit, NEW + RING)
    await keys.rotate(settings, ())
    await pool.close()
    _, pool = await with_ring(kit, NEW)
    async with working(pool) as work:
        again = await once(work, a_request(), answering)
        refused = await once(work, a_request(digest=b"e" * 32), answering)
    assert (again.replayed, again.body) == (True, {"name": SONG})
    assert refused.body["type"].endswith(KEY_REUSED.code)
    await pool.close()


async def test_plain_text_from_before_is_read_and_sealed(kit: Database) -> None:
    """Rows from before there was a ring are read as they are, and the rotation seals them and takes the text away."""
    async with transaction(kit.pool, ALL_TENANTS) as connection:
        await connection.execute(PLAIN_LETTER, SONG.encode())
        body = {"headers": {}, "body": {"name": SONG}, "looks": []}
        await connection.execute(PLAIN_ANSWER, b"d" * 32, body)
    settings, pool = await with_ring(kit, RING)
    for _ in range(2):
        async with working(pool) as work:
            [letter] = await waiting(work)
            answer = await once(work, a_request("before-1"), answering)
        assert (letter.record.value, letter.record.headers) == (SONG.encode(), (("ce_id", b"1"),))
        assert (answer.replayed, answer.body) == (True, {"name": SONG})
        await keys.rotate(settings, ())
    assert "quix" not in await everything(pool)
    assert await keys.show(settings, ()) == ["tests-1\t2\tseals"]
    await pool.close()


async def test_the_version_before_reads_all_until_sealing_begins(kit: Database) -> None:
    """Before the migration's second phase everything is written as the version before reads it, and nothing is sealed;
    after it the running service seals within a minute, and the rotation seals what was written till then."""
    async with transaction(kit.owner, ALL_TENANTS) as connection:
        await connection.execute("delete from sealing")
    settings, pool = await with_ring(kit, RING)
    worker = keys.Keys(settings, pool, ())
    assert await worker.turn() == keys.UNTIL_BEGUN_S
    await fill(pool)
    async with transaction(pool, ALL_TENANTS) as connection:
        [letter] = await connection.fetch("select value, headers from dead_letter")
        [answer] = await connection.fetch("select request_sha256, response from idempotency_key")
    assert tuple(letter) == (SONG.encode(), [["ce_id", "MQ=="], ["odd", None]])
    assert (answer["request_sha256"], answer["response"]["body"]) == (b"d" * 32, {"name": SONG})
    assert await opened(pool) == WANTED
    with pytest.raises(KeyRingError, match="nothing is sealed before `migrate post`"):
        await keys.rotate(settings, ())
    async with transaction(kit.owner, ALL_TENANTS) as connection:
        await connection.execute((KIT_FOLDER / "0013_sealing.post.sql").read_text())
    assert await worker.turn() == keys.PERIOD_S
    async with working(pool) as work:
        await once(work, a_request("key-00002"), answering)
    assert await keys.show(settings, ()) == ["tests-1\t1\tseals", "plain text\t2"]
    assert await keys.rotate(settings, ()) == 2
    assert "quix" not in await everything(pool)
    assert await opened(pool) == WANTED
    await pool.close()


async def test_a_lacking_key_is_named(kit: Database) -> None:
    """A service whose ring lacks a key that rows are sealed with says which at /ready."""
    await fill(kit.pool)
    settings, pool = await with_ring(kit, NEW)
    worker = keys.Keys(settings, pool, ())
    assert worker.trouble() == "not asked yet"
    await worker.turn()
    assert worker.trouble() == "the key ring lacks tests-1"
    with pytest.raises(KeyRingError, match="lacks the key tests-1"):
        await opened(pool)
    await pool.close()


async def test_another_key_of_the_same_name_is_told(kit: Database) -> None:
    """A ring that was lost and made anew under the same name is named at /ready; one spoilt row of many is not."""
    await fill(kit.pool)
    settings, pool = await with_ring(kit, new_line("tests-1"))
    worker = keys.Keys(settings, pool, ())
    await worker.turn()
    assert worker.trouble() == "not the keys that sealed what is stored: tests-1"
    await pool.close()
    worker = keys.Keys(kit.settings(key_ring=RING), kit.pool, ())
    async with transaction(kit.pool, ALL_TENANTS) as connection:
        await dead_letters.save_rejects(
            connection, "kit.more", [Reject(Record("vcc.t", 0, 4, b"k", b"v", ()), "bad-schema", "d")]
        )
        await connection.execute("update dead_letter set sealed = sealed || '!' where \"offset\" = 3")
    await worker.turn()
    assert worker.trouble() is None


MANY = 1200
SLOW = replace(dead_letters.SEALED, plain='case when "offset" > 1000 then pg_sleep(1)::text::bytea end')
"""A table that takes longer to count than a statement may."""


async def fill_with_many(pool: Pool, ring: str) -> None:
    sealed = KeyRing.parse(ring).seal([b"song"] * MANY, [f"dead_letter {ring} vcc.t 0 {at}" for at in range(MANY)])
    async with transaction(pool, ALL_TENANTS) as connection:
        await connection.execute(SEALED_LETTERS, sealed, ring)


async def test_a_count_of_many_rows_gives_one_for_each_key(kit: Database) -> None:
    """However many rows a key seals, the database answers with one; bytes that end within the mark's header, too."""
    await fill_with_many(kit.pool, RING)
    await fill_with_many(kit.pool, NEW)
    async with transaction(kit.pool, ALL_TENANTS) as connection:
        await connection.execute(SEALED_LETTERS, [MARK, MARK + b"\xff", MARK + b"\x07tests"], "short")
        rows = await connection.fetch(dead_letters.SEALED.count_sql())
        assert len(rows) == 5
        counted = await count_keys(connection, [dead_letters.SEALED])
    assert (counted["tests-1"], counted["tests-2"]) == (MANY, MANY)


async def test_a_slow_count_does_not_hold_readiness(kit: Database) -> None:
    """Of a table that can't be counted in time its first rows are looked at, and the service gets ready, or says what
    the ring lacks for them."""
    await fill_with_many(kit.pool, RING)
    async with transaction(kit.pool, ALL_TENANTS) as connection:
        await connection.execute('update dead_letter set sealed = null where "offset" = 1100')
    for ring, trouble in ((RING, None), (NEW, "the key ring lacks tests-1")):
        settings = kit.settings(key_ring=ring, statement_timeout_s=0.5)
        pool = await create_pool(settings)
        worker = keys.Keys(settings, pool, (SLOW,))
        await worker.turn()
        assert worker.trouble() == trouble
        await pool.close()


def test_a_service_without_a_ring_or_as_root_does_not_start() -> None:
    """Both are refused in a sentence that names the setting."""
    settings = Settings.model_validate({
        "service": "kit", "kafka": {"bootstrap_servers": "x"}, "dsn": "postgresql://", "oidc_issuer": "http://x",
    })  # fmt: skip
    with pytest.raises(KeyRingError, match="VCC_KIT_KEY_RING_FILE: name a file"):
        keys.require_ring(settings)
    assert keys.require_ring(settings.model_copy(update={"key_ring": SecretStr(RING)})) == KeyRing.parse(RING)


def test_root_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As root a service starts only where a setting that says so allows it (v5.0.0-13.2.2)."""
    settings = Settings.model_validate({
        "service": "kit", "kafka": {"bootstrap_servers": "x"}, "dsn": "postgresql://", "oidc_issuer": "http://x",
    })  # fmt: skip
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert "VCC_KIT_MAY_RUN_AS_ROOT" in (keys.refuse_root(settings) or "")
    assert keys.refuse_root(settings.model_copy(update={"may_run_as_root": True})) is None
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert keys.refuse_root(settings) is None
