"""Programme documents, releases in use, and observations of members. All SQL of it, batch first."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

from schemas.eligibility_v1 import ProgrammePublishedV1
from schemas.envelope import Event
from services.eligibility.clock.rules import ONE_DAY
from services.eligibility.doses.remarks import meanings
from services.eligibility.doses.store import remarks as remark_store
from services.eligibility.forecast.supporting_data import bundled
from services.eligibility.programmes.documents import Published
from services.eligibility.programmes.needs import MemberObservation
from services.eligibility.programmes.programme import Programme
from services.kit.own_log import Owned
from services.kit.parts import Part
from services.kit.postgres import Connection
from services.kit.rows import into

LOAD_DOCUMENTS = "select programme_id, version, document from programme order by programme_id, version"
LOAD_VERSION = "select document_sha256 from programme where programme_id = $1 and version = $2"
LOAD_OBSERVATIONS = """
select member_token, tenant_id, system, code, observed_on, ended_on, value, answer from member_observation
where member_token = any($1::uuid[])
"""
# What registries say of somebody holds in every plan.
LOAD_PLANS = "select distinct member_token, tenant_id from enrolment where member_token = any($1::uuid[])"
ALONE_ASKING = "select pg_advisory_xact_lock(hashtextextended('dry-run ' || $1, 0))"
FORGET_DRY_RUNS = "delete from dry_run where principal = $1 and asked_at < clock_timestamp() - interval '1 day'"
COUNT_DRY_RUNS = "select count(*) from dry_run where principal = $1"
SAVE_DRY_RUN = "insert into dry_run (tenant_id, principal, sha256) values ($1, $2, $3)"
SAVE_OBSERVATIONS = """
insert into member_observation as known (member_token, tenant_id, system, code, observed_on, ended_on, value, answer)
select distinct on (member_token, tenant_id, system, code, observed_on)
    member_token, tenant_id, system, code, observed_on, ended_on, value, answer
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::date[], $6::date[], $7::double precision[], $8::text[])
    with ordinality as row (member_token, tenant_id, system, code, observed_on, ended_on, value, answer, position)
order by member_token, tenant_id, system, code, observed_on, position desc
on conflict (member_token, tenant_id, system, code, observed_on) do update
set ended_on = excluded.ended_on, value = excluded.value, answer = excluded.answer
where (known.ended_on, known.value, known.answer)
    is distinct from (excluded.ended_on, excluded.value, excluded.answer)
returning member_token
"""
LOAD_RELEASE = "select value from release_in_use where name = $1"
EXCHANGE_RELEASE = """
with known as (select value from release_in_use where name = $1),
    saved as (
        insert into release_in_use (name, value) values ($1, $2)
        on conflict (name) do update set value = excluded.value
    )
select value from known
"""

UNKNOWN_PROGRAMMES = """
select position from unnest($1::text[], $2::numeric[]) with ordinality as said (programme_id, version, position)
left join programme using (programme_id, version)
where document_sha256 is null
"""
OWNED: Mapping[type[Event], Owned] = {ProgrammePublishedV1: Owned(("programme_id", "version"), UNKNOWN_PROGRAMMES)}


async def load_documents(connection: Connection) -> list[Published]:
    """Every version that went live."""
    return [into(Published, row) for row in await connection.fetch(LOAD_DOCUMENTS)]


async def load_version(connection: Connection, programme_id: str, version: int) -> str | None:
    """The digest under which this version was published."""
    sha256: str | None = await connection.fetchval(LOAD_VERSION, programme_id, version)
    return sha256


async def load_release(connection: Connection, name: str) -> str | None:
    """What is in use."""
    value: str | None = await connection.fetchval(LOAD_RELEASE, name)
    return value


async def exchange_release(connection: Connection, name: str, value: str) -> str | None:
    """Keep what is in use now; gives what was before, None at the first time."""
    before: str | None = await connection.fetchval(EXCHANGE_RELEASE, name, value)
    return before


# -- observations


async def load_observations(
    connection: Connection, tokens: Collection[UUID]
) -> dict[tuple[UUID, str], list[MemberObservation]]:
    """By person and the plan that said it, or to which it matters: what registries say is said to all of them."""
    found = await load_told(connection, tokens)
    remarks = await remark_store.load_remarks(connection, tokens)
    plans = await connection.fetch(LOAD_PLANS, list(remarks)) if remarks else ()
    for member_token, tenant in plans:
        found[member_token, tenant] += observed(remarks[member_token])
    return found


async def load_told(
    connection: Connection, tokens: Collection[UUID]
) -> defaultdict[tuple[UUID, str], list[MemberObservation]]:
    """By person and the plan that said it: what was told under `POST /member-observations`."""
    found: defaultdict[tuple[UUID, str], list[MemberObservation]] = defaultdict(list)
    for row in await connection.fetch(LOAD_OBSERVATIONS, list(tokens)):
        found[row["member_token"], row["tenant_id"]].append(into(MemberObservation, row))
    return found


def observed(remarks: Iterable[remark_store.Stated]) -> list[MemberObservation]:
    """What remarks mean to CDC's logic, each from its day on."""
    release = bundled()
    said = [
        (code, stated.remark.observed_on, stated.remark.expires_on) for stated in remarks
        for code in meanings(stated.remark.system, stated.remark.code, stated.remark.cvx, release)
    ]  # fmt: skip
    return [
        MemberObservation("cdsi", code, on, last_on + ONE_DAY if last_on else None)
        for code, on, last_on in dict.fromkeys(said)
    ]


async def save_observations(
    connection: Connection, plan: str, said: Sequence[tuple[UUID, MemberObservation]]
) -> set[UUID]:
    """Of two about one day the later one in the sequence holds. Gives the persons of whom something is new."""
    if not said:
        return set()
    columns = zip(
        *(
            (
                member_token,
                plan,
                observation.system,
                observation.code,
                observation.observed_on,
                observation.ended_on,
                observation.value,
                observation.answer,
            )
            for member_token, observation in said
        ),
        strict=True,
    )
    return {row["member_token"] for row in await connection.fetch(SAVE_OBSERVATIONS, *columns)}


SAVE_PROGRAMME = """
insert into programme (programme_id, version, document_sha256, document) values ($1, $2, $3, $4)
on conflict do nothing returning true
"""
LOAD_SHA256 = "select document_sha256 from programme where programme_id = $1 and version = $2"


async def save_programme(connection: Connection, programme: Programme) -> bool:
    """True if this version is new here. A version that changed since it was published is a fault."""
    identity = programme.programme_id, programme.version
    if await connection.fetchval(SAVE_PROGRAMME, *identity, programme.sha256, programme.document):
        return True
    if await connection.fetchval(LOAD_SHA256, *identity) != programme.sha256:
        raise RuntimeError("a published programme document was changed; give the change a new version")
    return False


PART = Part("member_observation", ("tenant_id", "system", "code", "observed_on"))
MOVE_OBSERVATIONS = """
with gone as (delete from member_observation where member_token = $2 returning *)
insert into member_observation (member_token, tenant_id, system, code, observed_on, ended_on, value, answer)
select $1, tenant_id, system, code, observed_on, ended_on, value, answer from gone
on conflict do nothing
"""


async def move_observations(connection: Connection, survivor: UUID, retired: UUID) -> None:
    """What was observed of a person who was merged is of the survivor."""
    await connection.execute(MOVE_OBSERVATIONS, survivor, retired)


async def take_dry_run(connection: Connection, tenant: str, principal: str, sha256: str, a_day: int) -> bool:
    """Take one from a client's budget of dry runs in 24 hours. False: none is left. Needs a transaction that sees all
    tenants, for a client has one budget and not one for each of its plans."""
    await connection.execute(ALONE_ASKING, principal)
    await connection.execute(FORGET_DRY_RUNS, principal)
    if await connection.fetchval(COUNT_DRY_RUNS, principal) >= a_day:
        return False
    await connection.execute(SAVE_DRY_RUN, tenant, principal, sha256)
    return True
