"""Programme documents, and what they look at: observations, forecasts, scores, arms, cut-offs. All SQL, batch first."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from uuid import UUID

from services.eligibility.domain import ONE_DAY
from services.eligibility.doses.remarks import meanings
from services.eligibility.doses.store import remarks as remark_store
from services.eligibility.forecast.supporting_data import bundled
from services.eligibility.programmes.cap import CutOff
from services.eligibility.programmes.documents import Published
from services.eligibility.programmes.needs import MemberObservation
from services.eligibility.programmes.risk.model import Contribution, Score
from services.eligibility.programmes.target import Forecasted
from services.kit.postgres import Connection

LOAD_DOCUMENTS = "select programme_id, version, document from programme order by programme_id, version"
LOAD_VERSION = "select document_sha256 from programme where programme_id = $1 and version = $2"
LOAD_OBSERVATIONS = """
select token, tenant_id, system, code, observed_on, ended_on, value from member_observation
where token = any($1::uuid[])
"""
# What registries say of somebody holds in every plan.
LOAD_PLANS = "select distinct token, tenant_id from enrolment where token = any($1::uuid[])"
SAVE_OBSERVATIONS = """
insert into member_observation as known (token, tenant_id, system, code, observed_on, ended_on, value)
select distinct on (token, tenant_id, system, code, observed_on)
    token, tenant_id, system, code, observed_on, ended_on, value
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::date[], $6::date[], $7::double precision[])
    with ordinality as row (token, tenant_id, system, code, observed_on, ended_on, value, position)
order by token, tenant_id, system, code, observed_on, position desc
on conflict (token, tenant_id, system, code, observed_on) do update
set ended_on = excluded.ended_on, value = excluded.value
where (known.ended_on, known.value) is distinct from (excluded.ended_on, excluded.value)
returning token
"""
FIND_MEMBERS = """
select member_id, array_agg(token order by token) as tokens from enrolment
where tenant_id = $1 and member_id = any($2::text[]) and not is_retired group by member_id
"""
LOAD_FORECASTS = """
select enrolment_id, cdsi_group, inputs, release, status, dose_number, earliest_on, recommended_on, past_due_on,
    latest_on, doses_valid, stale_on
from forecast where enrolment_id = any($1::uuid[])
"""
SAVE_FORECASTS = """
insert into forecast (enrolment_id, cdsi_group, inputs, assessed_on, release, status, dose_number, earliest_on,
    recommended_on, past_due_on, latest_on, doses_valid, stale_on)
select * from unnest($1::uuid[], $2::text[], $3::text[], $4::date[], $5::text[], $6::text[], $7::integer[], $8::date[],
    $9::date[], $10::date[], $11::date[], $12::integer[], $13::date[])
on conflict (enrolment_id, cdsi_group, release) do update
set inputs = excluded.inputs, assessed_on = excluded.assessed_on, status = excluded.status,
    dose_number = excluded.dose_number, earliest_on = excluded.earliest_on, recommended_on = excluded.recommended_on,
    past_due_on = excluded.past_due_on, latest_on = excluded.latest_on, doses_valid = excluded.doses_valid,
    stale_on = excluded.stale_on
"""
LOAD_SCORES = """
select enrolment_id, model, score, tier, inputs, contributions, scored_on from risk_score
where enrolment_id = any($1::uuid[])
"""
SAVE_SCORES = """
insert into risk_score as known (enrolment_id, model, score, tier, inputs, contributions, scored_on)
select enrolment_id, model, score, tier, inputs::jsonb, contributions::jsonb, scored_on
from unnest($1::uuid[], $2::text[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::date[])
    as row (enrolment_id, model, score, tier, inputs, contributions, scored_on)
on conflict (enrolment_id, model) do update
set score = excluded.score, tier = excluded.tier, inputs = excluded.inputs, contributions = excluded.contributions,
    scored_on = excluded.scored_on
where known.inputs is distinct from excluded.inputs
"""
LOAD_ARMS = "select programme_id, token, arm from arm where token = any($1::uuid[])"
SAVE_ARMS = """
insert into arm (programme_id, token, arm, programme_version, drawn_on)
select distinct on (programme_id, token) * from unnest($1::text[], $2::uuid[], $3::text[], $4::integer[], $5::date[])
    as row (programme_id, token, arm, programme_version, drawn_on)
on conflict do nothing
"""
LOAD_CUT_OFFS = """
select distinct on (programme_id, programme_version, cap_group)
    programme_id, cap_group, rank, population, admitted, programme_version, drawn_on
from cut_off join unnest($1::text[], $2::integer[]) as wanted (programme_id, programme_version)
    using (programme_id, programme_version)
order by programme_id, programme_version, cap_group, drawn_on desc
"""
SAVE_CUT_OFF = """
insert into cut_off (programme_id, cap_group, drawn_on, rank, population, admitted, programme_version)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (programme_id, cap_group, drawn_on) do update
set rank = excluded.rank, population = excluded.population, admitted = excluded.admitted,
    programme_version = excluded.programme_version
"""
COUNT_GROUPS = """
select cap_group, count(*) as population from decision where programme_id = $1 and cap_group is not null group by 1
"""
LOAD_RANK = """
select cap_rank from decision where programme_id = $1 and cap_group = $2 order by cap_rank desc offset $3 limit 1
"""
ASK_BETWEEN = """
update decision set recheck_on = least(recheck_on, $3)
where programme_id = $1 and cap_group = $2 and cap_rank >= $4 and cap_rank < $5
"""
LOCK_CONSIDERED = """
insert into cap_considered (programme_id, programme_version, considered_on) values ($1, $2, $3)
on conflict (programme_id) do update
set considered_on = excluded.considered_on, programme_version = excluded.programme_version
where (cap_considered.considered_on, cap_considered.programme_version)
    is distinct from (excluded.considered_on, excluded.programme_version)
returning true
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


@dataclass(frozen=True, slots=True)
class Drawn:
    """A group's last cut-off, by which version and when."""

    cut_off: CutOff
    programme_version: int
    drawn_on: date


@dataclass(frozen=True, slots=True)
class StoredForecast:
    """`inputs`: a digest of what it was made from."""

    inputs: str
    forecasted: Forecasted


@dataclass(frozen=True, slots=True)
class StoredScore:
    """A score and the inputs that give it again."""

    model: str
    score: Score
    inputs: Mapping[str, float]
    scored_on: date


async def load_documents(connection: Connection) -> list[Published]:
    """Every version that went live."""
    return [Published(*row) for row in await connection.fetch(LOAD_DOCUMENTS)]


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
    found: defaultdict[tuple[UUID, str], list[MemberObservation]] = defaultdict(list)
    for token, tenant, *said in await connection.fetch(LOAD_OBSERVATIONS, list(tokens)):
        found[token, tenant].append(MemberObservation(*said))
    remarks = await remark_store.load_remarks(connection, tokens)
    plans = await connection.fetch(LOAD_PLANS, list(remarks)) if remarks else ()
    for token, tenant in plans:
        found[token, tenant] += observed(remarks[token])
    return found


def observed(remarks: Iterable[remark_store.Stated]) -> list[MemberObservation]:
    """What remarks mean to CDC's logic, each from its day on."""
    release = bundled()
    said = [
        (code, one.remark.observed_on, one.remark.expires_on) for one in remarks
        for code in meanings(one.remark.system, one.remark.code, one.remark.cvx, release)
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
        *((token, plan, one.system, one.code, one.observed_on, one.ended_on, one.value) for token, one in said),
        strict=True,
    )
    return {row["token"] for row in await connection.fetch(SAVE_OBSERVATIONS, *columns)}


async def find_members(connection: Connection, plan: str, member_ids: Collection[str]) -> dict[str, list[UUID]]:
    """Whom a plan's member numbers mean today."""
    rows = await connection.fetch(FIND_MEMBERS, plan, list(member_ids))
    return {row["member_id"]: row["tokens"] for row in rows}


# -- forecasts and scores


async def load_forecasts(
    connection: Connection, enrolment_ids: Collection[UUID]
) -> dict[tuple[UUID, str, str], StoredForecast]:
    """By enrolment, CDSi group and release."""
    return {
        (enrolment_id, group, forecasted[0]): StoredForecast(inputs, Forecasted(*forecasted))
        for enrolment_id, group, inputs, *forecasted in await connection.fetch(LOAD_FORECASTS, list(enrolment_ids))
    }


async def save_forecasts(
    connection: Connection, forecasts: Mapping[tuple[UUID, str, str], StoredForecast], assessed_on: date
) -> None:
    """By enrolment, CDSi group and release."""
    if forecasts:
        rows = (
            (enrolment_id, group, one.inputs, assessed_on, release, each.status, each.dose_number, each.earliest_on,
             each.recommended_on, each.past_due_on, each.latest_on, each.doses_valid, each.stale_on)
            for (enrolment_id, group, release), one in sorted(forecasts.items()) for each in (one.forecasted,)
        )  # fmt: skip
        await connection.execute(SAVE_FORECASTS, *zip(*rows, strict=True))


async def load_scores(connection: Connection, enrolment_ids: Collection[UUID]) -> dict[UUID, list[StoredScore]]:
    found: defaultdict[UUID, list[StoredScore]] = defaultdict(list)
    for row in await connection.fetch(LOAD_SCORES, list(enrolment_ids)):
        parts = tuple(Contribution(**each) for each in row["contributions"])
        score = Score(row["score"], row["tier"], parts)
        found[row["enrolment_id"]].append(StoredScore(row["model"], score, row["inputs"], row["scored_on"]))
    return found


async def save_scores(
    connection: Connection, scores: Mapping[tuple[UUID, str], tuple[Score, Mapping[str, float]]], scored_on: date
) -> None:
    if scores:
        rows = (
            (*identity, score.score, score.tier, json.dumps(inputs, sort_keys=True),
             json.dumps([asdict(one) for one in score.contributions]), scored_on)
            for identity, (score, inputs) in sorted(scores.items())
        )  # fmt: skip
        await connection.execute(SAVE_SCORES, *zip(*rows, strict=True))


# -- arms and caps


async def load_arms(connection: Connection, tokens: Collection[UUID]) -> dict[UUID, dict[str, str]]:
    """Each person's arms by programme."""
    found: defaultdict[UUID, dict[str, str]] = defaultdict(dict)
    for programme_id, token, arm in await connection.fetch(LOAD_ARMS, list(tokens)):
        found[token][programme_id] = arm
    return found


async def save_arms(connection: Connection, drawn: Iterable[tuple[str, UUID, str, int, date]]) -> None:
    """(programme, person, arm, version, day). Who has an arm keeps it."""
    if rows := sorted(drawn):
        await connection.execute(SAVE_ARMS, *zip(*rows, strict=True))


async def load_cut_offs(
    connection: Connection, versions: Collection[tuple[str, int]]
) -> dict[tuple[str, int, str], Drawn]:
    """The last one that each of these versions of programmes drew for a group: another version's says nothing."""
    return {
        (programme_id, version, group): Drawn(CutOff(group, rank, population, admitted), version, drawn_on)
        for programme_id, group, rank, population, admitted, version, drawn_on in await connection.fetch(
            LOAD_CUT_OFFS, *zip(*versions, strict=True)
        )
    }


async def save_cut_off(connection: Connection, programme_id: str, drawn: Drawn) -> None:
    one = drawn.cut_off
    await connection.execute(
        SAVE_CUT_OFF, programme_id, one.group, drawn.drawn_on, one.rank, one.population, one.admitted,
        drawn.programme_version,
    )  # fmt: skip


async def lock_considered(connection: Connection, programme_id: str, version: int, day: date) -> bool:
    """True for the one who looks at the cap of this version of the programme on this day first."""
    return await connection.fetchval(LOCK_CONSIDERED, programme_id, version, day) is not None


async def count_groups(connection: Connection, programme_id: str) -> dict[str, int]:
    """How many members of the segment each group has."""
    return {row["cap_group"]: row["population"] for row in await connection.fetch(COUNT_GROUPS, programme_id)}


async def load_rank(connection: Connection, programme_id: str, group: str, place: int) -> int:
    """The rank of the one on this place, counted from 0."""
    rank: int = await connection.fetchval(LOAD_RANK, programme_id, group, place)
    return rank


async def ask_between(connection: Connection, programme_id: str, group: str, day: date, ranks: tuple[int, int]) -> None:
    """Have those decided anew whose rank lies in this range, its end excluded."""
    await connection.execute(ASK_BETWEEN, programme_id, group, day, *ranks)
