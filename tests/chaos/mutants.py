"""Wrong versions of the chassis and the services, each with one guard taken out. None may pass the checker. They
are put in by the launcher; no such switch is in the services."""

import asyncio
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Mutant:
    """`install` breaks the process of a service that has just been imported; `faults` are those that show it best."""

    name: str
    says: str
    install: Callable[[str], None]
    faults: tuple[str, ...]
    least_members: int = 600
    faults_a_try: int = 4


MUTANTS: dict[str, Mutant] = {}
LATE, AWAY = "half of the commits late", "broker restarts cleanly"
ALONE = "a database restored from an old backup alone"
RESTORED = "reporting's database restored from an old backup"
STILL = "a relay stands still between reading and sending"
LEAK, VANISHES, FLOOD = "a cancellation leaks into the relay", "a machine vanishes", "a flood of garbage"
TO_DATABASE, TO_BROKER = "jittery lines to postgres", "jittery lines to kafka"


def mutant(name: str, says: str, *faults: str, faults_a_try: int = 4) -> Callable[[Callable[[str], None]], None]:
    def add(install: Callable[[str], None]) -> None:
        MUTANTS[name] = Mutant(name, says, install, faults, faults_a_try=faults_a_try)

    return add


def put(owner: object, name: str, wrong: object) -> None:
    setattr(owner, name, wrong)


@mutant("cursor-relay", "the relay reads on behind the last number that it has published", LATE, TO_BROKER)
def _cursor_relay(_service: str) -> None:
    from services.kit.relay import Relay

    async def publish_batch(self: Any, connection: Any, producer: Any, _held: Any) -> int:
        rows = await connection.fetch("select * from outbox where id > $1 order by id", getattr(self, "cursor", 0))
        if not rows:
            return 0
        failure, places = await self._send(producer, rows)
        if failure is not None:
            raise failure
        self.cursor = rows[-1]["id"]
        await connection.execute("delete from outbox where id <= $1", self.cursor)
        return len(places)

    put(Relay, "_publish_batch", publish_batch)


@mutant("skip-locked-relay", "four relays share the outbox by FOR UPDATE SKIP LOCKED", TO_BROKER, AWAY)
def _skip_locked_relay(_service: str) -> None:
    from services.kit.kafka import create_producer
    from services.kit.postgres import connect
    from services.kit.relay import Relay

    async def one_relay(self: Any) -> None:
        connection = await connect(self._settings)
        producer = await create_producer(self._settings.kafka, "vcc-skip-locked")
        while not self._stopping.is_set():
            async with connection.transaction():
                rows = await connection.fetch("select * from outbox order by id limit 5 for update skip locked")
                await self._send(producer, rows)
                await connection.execute("delete from outbox where id = any($1)", [row["id"] for row in rows])
            await asyncio.sleep(0.01)
        await producer.stop()
        await connection.close()

    async def hold_shards(self: Any) -> None:
        await asyncio.gather(*(one_relay(self) for _ in range(4)))

    put(Relay, "_hold_shards", hold_shards)


@mutant("no-deduplication", "what was applied before is applied again", "the whole log is delivered again")
def _no_deduplication(_service: str) -> None:
    from services.kit import inbox

    mark = inbox.drop_duplicates

    async def keep_duplicates(connection: Any, consumer: str, deliveries: Sequence[Any]) -> list[Any]:
        await mark(connection, consumer, deliveries)
        return list(deliveries)

    inbox.drop_duplicates = keep_duplicates


@mutant("acknowledge-on-error", "a batch that failed is acknowledged", "database is killed", "connections reset")
def _acknowledge_on_error(_service: str) -> None:
    from services.kit.subscriber import Subscriber

    apply = Subscriber.on_batch

    async def swallow(self: Any, raw: Any) -> None:
        with suppress(Exception):
            await apply(self, raw)
        self._faults = 0

    put(Subscriber, "on_batch", swallow)


@mutant("no-row-lock", "members are not locked before their news is numbered", TO_DATABASE, LATE)
def _no_row_lock(service: str) -> None:
    module = {
        "eligibility": "services.eligibility.people.store.members", "outreach": "services.replicas.persons.store",
        "scheduling": "services.replicas.persons.store",
    }.get(service)  # fmt: skip
    for name in [name for name in vars(sys.modules[module]) if name.startswith("LOCK_")] if module else ():
        query = getattr(sys.modules[str(module)], name)
        setattr(sys.modules[str(module)], name, query.replace("for update", ""))
    if service == "outreach":
        claims = sys.modules["services.outreach.claims.store"]
        for name in [name for name, query in vars(claims).items() if name.isupper() and isinstance(query, str)]:
            setattr(claims, name, getattr(claims, name).replace("for update", ""))


@mutant("read-then-decrement", "a booking looks for a free place and then takes it, without a lock", TO_DATABASE)
def _read_then_decrement(service: str) -> None:
    if service != "scheduling":
        return
    from services.scheduling.blocks import store as blocks

    async def take(connection: Any, slot_id: Any, place: int, appointment_id: Any) -> None:
        await connection.execute(
            "update slot_place set appointment_id = $3 where slot_id = $1 and place = $2",
            slot_id,
            place,
            appointment_id,
        )

    async def no_lock(*_: Any) -> None:
        await asyncio.sleep(0)

    blocks.FIND_PLACE = blocks.FIND_PLACE.replace("for update", "")
    blocks.take_place = take
    put(blocks, "lock_blocks", no_lock)


@mutant(
    "swallowed-header-error", "a record whose header can't be read is skipped", "poison: null-header",
    "poison: binary-header",
)  # fmt: skip
def _swallowed_header_error(_service: str) -> None:
    from services.kit.contract import Decoder, Delivery

    decode = Decoder.decode

    def skipping(self: Any, records: Any) -> list[Any]:
        return [one for one in decode(self, records) if isinstance(one, Delivery) or not one.reason.endswith("-header")]

    put(Decoder, "decode", skipping)


@mutant("replay-that-sends", "a rebuild announces what it reads again", "reporting is rebuilt", faults_a_try=2)
def _replay_that_sends(service: str) -> None:
    if service != "reporting":
        return
    app: Any = sys.modules["services.reporting.app"]
    said, handle = set[str](), app.facts.on_fact
    from services.kit import generation

    async def announcing(work: Any, events: Sequence[Any]) -> None:
        await handle(work, events)
        is_replay = (await generation.load(work.connection)).number > 1
        news = [
            event for event in events if is_replay and hasattr(event, "listed") and event.model_dump_json() not in said
        ]
        said.update(event.model_dump_json() for event in news)
        await work.announce(news)

    app.SUBSCRIPTIONS = tuple(
        replace(one, handler=announcing) if one.handler is handle else one for one in app.SUBSCRIPTIONS
    )


@mutant(
    "released-out-of-order",
    "a parked key is released while its records still wait",
    "a handler bug for a few members",
    faults_a_try=9,
)
def _released_out_of_order(_service: str) -> None:
    from services.kit import dead_letters

    lock = dead_letters.lock_waiting_of_key

    async def only_the_first(connection: Any, letter: Any) -> list[Any]:
        return (await lock(connection, letter))[:1]

    dead_letters.lock_waiting_of_key = only_the_first


@mutant("no-comparison", "a service begins without a look at what it has said", ALONE, faults_a_try=2)
def _no_comparison(_service: str) -> None:
    from services.kit.own_log import OwnLog

    async def believe(self: Any) -> None:
        self.trouble = None

    put(OwnLog, "compare", believe)


@mutant("silent-end", "a background task that is cancelled by a leak ends, and nobody is told", LEAK, faults_a_try=2)
def _silent_end(_service: str) -> None:
    from services.kit import faults
    from services.kit.workers import Workers

    tell = Workers._on_end

    def tell_of_errors(self: Any, task: Any) -> None:
        if not task.cancelled():
            tell(self, task)

    put(faults, "leaks_as_faults", nullcontext)
    put(Workers, "_on_end", tell_of_errors)


@mutant("patient-server", "the database keeps the sessions of a machine that is gone", VANISHES, faults_a_try=2)
def _patient_server(_service: str) -> None:
    from services.kit import lost_peer

    put(lost_peer, "server_settings", lambda _seconds: {})


@mutant("unfenced-relay", "a relay that was away sends what it had read", STILL, faults_a_try=2)
def _unfenced_relay(_service: str) -> None:
    from services.kit.fencing import Fence

    async def believe(_self: Any) -> None:
        """Who holds the shards by now is not asked."""

    put(Fence, "confirm", believe)


@mutant("believes-the-broker", "what groups have acknowledged is taken for read", RESTORED, faults_a_try=1)
def _believes_the_broker(_service: str) -> None:
    from services.kit.readings import Readings

    put(Readings, "complete", Readings.current)


@mutant("deaf-to-the-operator", "a lifted limit is not looked at", FLOOD, faults_a_try=1)
def _deaf_to_the_operator(_service: str) -> None:
    from services.kit import floods

    async def never(*_: Any) -> bool:
        return False

    put(floods, "is_lifted", never)


QUIET = "slow line"


@mutant("one-list-a-file", "of several plans' lists in one file only the first is judged", QUIET, faults_a_try=1)
def _one_list_a_file(service: str) -> None:
    if service != "eligibility":
        return
    ending: Any = sys.modules["services.eligibility.intake.flow.ending"]
    newest = ending.newest_lists
    put(ending, "newest_lists", lambda *told: newest(*told)[:1])


@mutant("joins-across-plans", "a plan's row alone is another plan's member, whom it copies", QUIET, faults_a_try=1)
def _joins_across_plans(service: str) -> None:
    if service != "eligibility":
        return
    from services.eligibility.people.matching import Acquaintances

    by_name: Any = Acquaintances._by_name

    def of_any_plan(self: Any, key: str, said: Any, tenant: str) -> Any:
        others = sorted(self.by_key.get(key, ())) if key else []
        return by_name(self, key, said, tenant) or (others if len(others) == 1 else [])

    put(Acquaintances, "_by_name", of_any_plan)


@mutant("joins-by-agreement", "a row by which two members come to agree makes them one", QUIET, faults_a_try=1)
def _joins_by_agreement(service: str) -> None:
    if service != "eligibility":
        return
    from services.eligibility.people import joining
    from services.eligibility.people.identity import SAME

    put(joining, "joins", lambda *_: SAME)


@mutant("reads-again", "what was read before, word by word, is read once more", QUIET, faults_a_try=1)
def _reads_again(service: str) -> None:
    if service != "eligibility":
        return
    from services.eligibility.intake.store import transactions

    async def nothing(*_: Any) -> dict[int, Any]:
        return {}

    put(transactions, "load_read_before", nothing)


@mutant("number-of-two", "a number that passes to somebody stays with its old holder too", QUIET, faults_a_try=1)
def _number_of_two(service: str) -> None:
    if service != "eligibility":
        return
    from services.eligibility.people.roster import Book

    put(Book, "_takes_number", lambda *_, **__: True)


@mutant("credulous", "a list that leaves out a quarter is believed at once", QUIET, faults_a_try=1)
def _credulous(service: str) -> None:
    if service != "eligibility":
        return
    from services.eligibility.intake.flow import absence

    put(absence, "is_believed", lambda *_: True)


@mutant("undecided", "a row that was decided waits on, and is decided again", QUIET, faults_a_try=1)
def _undecided(service: str) -> None:
    if service != "eligibility":
        return
    from services.eligibility.people.store import doubtful

    kept = doubtful.DECIDE.replace("state = $2, ", "").replace("document = null, sealed_document = null, ", "")
    put(doubtful, "DECIDE", f"{kept} and $2 <> ''")


@mutant("merges-whom-it-told-apart", "nobody notes whom a person told apart", QUIET, faults_a_try=1)
def _merges_whom_it_told_apart(service: str) -> None:
    if service != "eligibility":
        return
    from services.eligibility.people.store import doubtful

    async def forget(*_: Any) -> None:
        """Whom a person told apart is nowhere noted."""

    put(doubtful, "save_apart", forget)


@mutant("holds-nothing", "a file that does not come in its turn is read at once", QUIET, faults_a_try=1)
def _holds_nothing(service: str) -> None:
    if service != "eligibility":
        return
    ordering: Any = sys.modules["services.eligibility.intake.flow.ordering"]
    turn = ordering.FileOrder
    put(ordering, "FileOrder", lambda found, _held, notices: turn(found, None, notices))
