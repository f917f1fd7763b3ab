"""What grows with the data: pruning, a programme's new version, the weekly report, at the size of a state. The rows are
made by SQL; of each work the longest statement counts, which must stay far below the limit of a statement."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Self

import asyncpg

from deploy.errors import StackError
from services.kit import pruning
from services.kit.postgres import Pool, create_pool, transaction
from services.kit.settings import KafkaSettings, Settings
from services.kit.unit_of_work import working
from services.replicas.programmes.store import load_programmes
from services.reporting.coverage import flow as coverage
from services.reporting.figures.flow import load_cross, load_report
from services.reporting.population.rules import Question
from tests.facts import DAY, PROGRAMME, a_day, a_programme
from tests.keys import RING
from tests.load.report import Aim, Figure, Result
from tests.load.rounds import Options
from tests.load.stage import Stage, stage

LONGEST_S = 5.0
MAKE_INBOX = """
insert into inbox (consumer, event_id, received_at)
select 'soak', lpad(to_hex(n), 32, '0')::uuid, now() - interval '90 days' + n * interval '100 ms'
from generate_series(1, {rows}) as n
"""
GIVEN = {
    "day": f"date '{DAY}'", "member": "md5('member' || n)::uuid", "enrolment": "md5('enrolment' || n)::uuid",
}  # fmt: skip
MAKE_REPORTING = (
    """
    insert into enrolment_version (
        enrolment_id, programme_id, version, tenant_id, member_token, programme_version, status, reasons, enrolled,
        age_band, race_ethnicity, language, line_of_business, zip5, county_fips, svi_level, svi_release, svi_value,
        vulnerable, decided_on
    )
    select {enrolment}, '{programme}', version, 'plan-' || n % 3, {member}, 1,
        case when version = 1 then 'eligible' else 'ineligible' end,
        case when version = 1 then '{{}}' else array['already-vaccinated'] end, true,
        (array['65-69', '70-74', '75-79', '80+'])[1 + n % 4], (array['unknown', 'white', 'asian'])[1 + n % 3], 'en',
        'medicare', (60000 + n % 900)::text, '17031', 'tract', '2018', (n % 100) / 100.0, n % 4 = 0,
        {day} + version - 1
    from generate_series(1, {members}) as n cross join generate_series(1, 2) as version
    """,
    "insert into enrolment select * from enrolment_version where version = 2",
    """
    insert into dose_version (
        dose_id, version, action, member_token, vaccine_group, cvx, administered_on, known_on, sources
    )
    select md5('dose' || n || '/' || d)::uuid, 1, 'new', {member}, 'covid-19', '212', {day} + d, {day} + d,
        array[(array['iis', 'appointment', 'plan'])[1 + (n + d) % 3]]
    from generate_series(1, {members}) as n cross join generate_series(1, {doses}) as d
    """,
    "insert into dose select * from dose_version",
    """
    insert into case_version
    select md5('case' || n)::uuid, 1, 'plan-' || n % 3, '{programme}', {enrolment}, {member}, 'open', null,
        {day}, {day}
    from generate_series(1, {members}) as n
    """,
    """
    insert into contact_attempt
    select md5('attempt' || n || '/' || a)::uuid, 'plan-' || n % 3, '{programme}', {enrolment}, {member},
        'call', (array['no-answer', 'booked', 'initial-refusal'])[1 + (n + a) % 3], {day} + a, '{{}}', '{{}}',
        array['transport'], null
    from generate_series(1, {members}) as n cross join generate_series(1, 3) as a
    """,
    """
    insert into appointment_version
    select md5('appointment' || n)::uuid, version, 'plan-' || n % 3, '{programme}', {enrolment}, {member},
        (array['booked', 'fulfilled'])[version], 'soak-hall', {day} + 5, false, null, {day} + version
    from generate_series(1, {members}) as n cross join generate_series(1, 2) as version
    """,
    """
    insert into member_merge select md5('old' || n)::uuid, {member}, {day} from generate_series(1, {members} / 20) as n
    """,
    "analyze",
)
LOAD_LONGEST = """
select max_exec_time / 1000 as seconds, regexp_replace(query, '\\s+', ' ', 'g') as query
from pg_stat_statements join pg_database on pg_database.oid = dbid
where datname = $1 order by 1 desc limit 3
"""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many rows there are."""

    inbox: int = 6_000_000
    members: int = 300_000
    doses: int = 10


QUICK = Sizes(60_000, 3_000)


@dataclass(frozen=True, slots=True)
class Taken:
    """How long a work took in all, and its longest statements."""

    what: str
    seconds: float
    longest: Sequence[tuple[float, str]]


def run(options: Options) -> Result:
    sizes = QUICK if options.quick else Sizes()
    if options.members:
        sizes = replace(sizes, members=options.members[0])
    with stage(options.profile) as servers:
        if not servers.counts_statements:
            raise StackError("the statements can't be counted", "install Postgres with its contributed modules")
        taken = [*asyncio.run(_prune(servers, sizes)), *asyncio.run(_report(servers, sizes))]
    figures = [figure for one in taken for figure in _figures(one)]
    settings = {
        "inbox rows": f"{sizes.inbox:,}",
        "members": f"{sizes.members:,}",
        "doses": f"{sizes.members * sizes.doses:,}",
    }
    details = {one.what: [f"{seconds:.2f} s  {query[:150]}" for seconds, query in one.longest] for one in taken}
    return Result("soak", "What grows with the data", figures, settings, details)


def _figures(one: Taken) -> Sequence[Figure]:
    longest = one.longest[0][0] if one.longest else float("nan")
    return (
        Figure(f"{one.what}: in all", one.seconds, "s"),
        Figure(f"{one.what}: longest statement", longest, "s", Aim("at most", LONGEST_S)),
    )


async def _prune(servers: Stage, sizes: Sizes) -> list[Taken]:
    async with _Made(servers, "outreach", [MAKE_INBOX.format(rows=sizes.inbox), "analyze inbox"]) as made:

        async def work() -> None:
            pruned = await pruning.prune(made.pool, pruning.all_kept(30))
            assert pruned["inbox"] == sizes.inbox

        return [await made.measure("pruning", work)]


async def _report(servers: Stage, sizes: Sizes) -> list[Taken]:
    fill = {"members": sizes.members, "doses": sizes.doses, "programme": PROGRAMME, **GIVEN}
    async with _Made(servers, "reporting", [one.format(**fill) for one in MAKE_REPORTING]) as made:
        today = DAY + timedelta(days=20)

        async def publish(version: int) -> None:
            async with working(made.pool) as work:
                await coverage.on_programme(work, [a_programme(version)])

        async def open_day() -> None:
            async with working(made.pool) as work:
                await coverage.on_business_day(work, [a_day(20)])

        async def report() -> None:
            async with transaction(made.pool, "*") as connection:
                [programme] = await load_programmes(connection)
                made_of = await load_report(connection, programme, Question(PROGRAMME, today, today), "*", 0)
            assert made_of.headline.in_scope.members

        async def cross() -> None:
            async with transaction(made.pool, "*") as connection:
                await load_cross(connection, Question(PROGRAMME, today, today))

        await publish(1)
        await open_day()
        return [
            await made.measure("a programme's new version", lambda: publish(2)),
            await made.measure("the weekly report", report),
            await made.measure("coverage by everything at once", cross),
        ]


class _Made:
    """A database with these rows, and a pool as the service has it, whose statements are counted."""

    pool: Pool

    def __init__(self, servers: Stage, service: str, rows: Sequence[str]) -> None:
        self._servers, self._service, self._rows = servers, service, rows

    async def __aenter__(self) -> Self:
        self._dsn = await self._servers.make_database(self._service, self._rows)
        self._admin = await asyncpg.connect(self._servers.admin_dsn)
        await self._admin.execute("create extension if not exists pg_stat_statements")
        nowhere = KafkaSettings(bootstrap_servers="127.0.0.1:1")
        given = {"service": self._service, "dsn": self._dsn, "kafka": nowhere, "key_ring": RING, "topic_key_ring": RING}
        self.pool = await create_pool(Settings.model_validate({**given, "oidc_issuer": "http://127.0.0.1:1"}))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.pool.close()
        await self._admin.close()
        await self._servers.server.drop(self._dsn)

    async def measure(self, what: str, work: Callable[[], Awaitable[None]]) -> Taken:
        await self._admin.execute("select pg_stat_statements_reset()")
        began = time.perf_counter()
        await work()
        seconds = time.perf_counter() - began
        rows = await self._admin.fetch(LOAD_LONGEST, self._dsn.rpartition("/")[2])
        return Taken(what, seconds, [(row["seconds"], row["query"]) for row in rows])
