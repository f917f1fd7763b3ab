"""Forecasts and risk scores, kept with what they were made from. All SQL of it, batch first."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import date
from uuid import UUID

from services.eligibility.decisions.stored import StoredForecast, StoredScore
from services.eligibility.programmes.aim import Forecasted
from services.eligibility.programmes.risk.model import Contribution, Score
from services.kit.postgres import Connection

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


# -- forecasts and scores


async def load_forecasts(
    connection: Connection, enrolment_ids: Collection[UUID]
) -> dict[tuple[UUID, str, str], StoredForecast]:
    """By enrolment, CDSi group and release."""
    return {
        (enrolment_id, group, release): StoredForecast(inputs, Forecasted(release, *forecasted))
        for enrolment_id, group, inputs, release, *forecasted in await connection.fetch(
            LOAD_FORECASTS, list(enrolment_ids)
        )
    }


async def save_forecasts(
    connection: Connection, forecasts: Mapping[tuple[UUID, str, str], StoredForecast], assessed_on: date
) -> None:
    """By enrolment, CDSi group and release."""
    if forecasts:
        rows = (
            (enrolment_id, group, stored.inputs, assessed_on, release, forecast.status, forecast.dose_number,
             forecast.earliest_on, forecast.recommended_on, forecast.past_due_on, forecast.latest_on,
             forecast.doses_valid, forecast.stale_on)
            for (enrolment_id, group, release), stored in sorted(forecasts.items()) for forecast in (stored.forecasted,)
        )  # fmt: skip
        await connection.execute(SAVE_FORECASTS, *zip(*rows, strict=True))


async def load_scores(connection: Connection, enrolment_ids: Collection[UUID]) -> dict[UUID, list[StoredScore]]:
    found: defaultdict[UUID, list[StoredScore]] = defaultdict(list)
    for row in await connection.fetch(LOAD_SCORES, list(enrolment_ids)):
        parts = tuple(Contribution(**contribution) for contribution in row["contributions"])
        score = Score(row["score"], row["tier"], parts)
        found[row["enrolment_id"]].append(StoredScore(row["model"], score, row["inputs"], row["scored_on"]))
    return found


async def save_scores(
    connection: Connection, scores: Mapping[tuple[UUID, str], tuple[Score, Mapping[str, float]]], scored_on: date
) -> None:
    if scores:
        rows = (
            (*identity, score.score, score.tier, json.dumps(inputs, sort_keys=True),
             json.dumps([asdict(contribution) for contribution in score.contributions]), scored_on)
            for identity, (score, inputs) in sorted(scores.items())
        )  # fmt: skip
        await connection.execute(SAVE_SCORES, *zip(*rows, strict=True))
