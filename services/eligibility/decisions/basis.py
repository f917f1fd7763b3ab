"""What decisions look at beyond members and doses, made of what is stored. Pure.

Programmes that ask for none of it, such as a dose rule by age and area, cost nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from hashlib import blake2b
from typing import NamedTuple
from uuid import UUID

from services.eligibility.decisions.decision import Basis, Member, Risk
from services.eligibility.decisions.stored import StoredForecast
from services.eligibility.doses.counted import CountedDose
from services.eligibility.forecast.model import Dose, History, Observation
from services.eligibility.forecast.overlay_documents import overlay_paths
from services.eligibility.forecast.supporting_data import bundled, releases
from services.eligibility.people.ages import age_on
from services.eligibility.places.rules import Geography, Placement
from services.eligibility.programmes.aim import Forecasted, ForecastRule, ServiceRule, covering
from services.eligibility.programmes.due import forecasted
from services.eligibility.programmes.needs import Circumstances, MemberObservation, circumstances
from services.eligibility.programmes.programme import Programme
from services.eligibility.programmes.risk.documents import models
from services.eligibility.programmes.risk.inputs import About, inputs_of
from services.eligibility.programmes.risk.model import Score, score
from services.eligibility.programmes.segment import EVERYBODY

ENGINE = 2
"""To be raised with every change by which the engine gives other answers from the same release: what is stored was made
by another one then."""
GENDERS = {"F": "Female", "M": "Male"}
Releases = tuple[tuple[str, date], ...]


@dataclass(frozen=True, slots=True)
class Needed:
    """What some programmes look at. `forecasts` are vaccine groups and releases, `capped` programmes and versions."""

    observations: bool
    forecasts: frozenset[tuple[str, str]]
    models: frozenset[str]
    capped: frozenset[tuple[str, int]]
    armed: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.observations or self.forecasts or self.models or self.capped or self.armed)


@dataclass(frozen=True, slots=True)
class Stored:
    """What is stored that a basis is made of."""

    observations: Mapping[tuple[UUID, str], Sequence[MemberObservation]]
    forecasts: Mapping[tuple[UUID, str, str], StoredForecast]
    cut_offs: Mapping[tuple[str, int, str], int]
    arms: Mapping[UUID, Mapping[str, str]]


@dataclass(slots=True)
class Made:
    """Situations by enrolment, and what is new in them."""

    bases: dict[UUID, Basis] = field(default_factory=dict)
    forecasts: dict[tuple[UUID, str, str], StoredForecast] = field(default_factory=dict)
    scores: dict[tuple[UUID, str], tuple[Score, Mapping[str, float]]] = field(default_factory=dict)


class ForecastInputs(NamedTuple):
    """What a forecast is made from, in an order of its own, so that equal histories have one digest."""

    birth_on: date
    sex: str
    doses: tuple[tuple[date, str, str, bool], ...]
    observations: tuple[tuple[str, date], ...]

    @staticmethod
    def of(member: Member, doses: Sequence[CountedDose], known: Circumstances) -> ForecastInputs:
        enrolment = member.enrolment
        assert enrolment.birth_on is not None, "CDC's rules turn on the birth date"
        given = tuple(sorted((dose.administered_on, dose.cvx, dose.mvx, dose.is_partial) for dose in doses))
        return ForecastInputs(enrolment.birth_on, enrolment.sex, given, tuple(sorted(known.dated)))

    def digest(self, edition: str = "") -> str:
        """`edition`: of the overlay that lies over the release."""
        made_of = (ENGINE, self, edition) if edition else (ENGINE, self)
        return blake2b(repr(made_of).encode(), digest_size=16).hexdigest()

    def history(self) -> History:
        return History(
            self.birth_on,
            GENDERS.get(self.sex, "Unknown"),
            tuple(Dose(on, cvx, mvx, sub_standard=is_partial) for on, cvx, mvx, is_partial in self.doses),
            tuple(Observation(code, on) for code, on in self.observations),
        )


@cache
def released() -> Releases:
    """The releases of CDC's rules that are here, with the day from which each speaks."""
    return tuple((name, bundled(name).released_on) for name in releases())


@cache
def overlays() -> tuple[str, ...]:
    """The states' overlays that are here, each with the digest of its text."""
    newest = releases()[-1]
    return tuple(f"{name}.{bundled(f'{newest}+{name}').edition}" for name in sorted(overlay_paths()))


def needed(programmes: Sequence[Programme], day: date) -> Needed:
    aims = [programme.aim for programme in programmes]
    rules = [aim for aim in aims if isinstance(aim, ForecastRule)]
    asked = {(rule.cdsi_group, covering(rule, released(), day)) for rule in rules} if rules else set()
    return Needed(
        observations=any(
            programme.segment is not EVERYBODY
            or programme.risk_model
            or isinstance(programme.aim, ForecastRule | ServiceRule)
            for programme in programmes
        ),
        forecasts=frozenset((group, release) for group, release in asked if release is not None),
        models=frozenset(programme.risk_model for programme in programmes if programme.risk_model),
        capped=frozenset((programme.programme_id, programme.version) for programme in programmes if programme.cap),
        armed=frozenset(programme.programme_id for programme in programmes if programme.arms),
    )


def make_bases(
    members: Sequence[Member], doses: Mapping[UUID, Sequence[CountedDose]], what: Needed, said: Stored, day: date
) -> Made:
    """Pure: the same stored things give the same bases."""
    made, rules = Made(), bundled()
    for member in members:
        enrolment, member_token = member.enrolment, member.person.member_token
        known = circumstances(said.observations.get((member_token, enrolment.tenant_id), ()), rules, day)
        told = (
            ForecastInputs.of(member, doses.get(member_token, ()), known)
            if what.forecasts and enrolment.birth_on
            else None
        )
        made.bases[enrolment.enrolment_id] = Basis(
            circumstances=known,
            forecasts=_forecasts(enrolment.enrolment_id, told, what, said, made, day) if told else {},
            releases=released() if what.forecasts else (),
            risks={model: _risk(model, member, known, made, day) for model in what.models},
            cut_offs=said.cut_offs,
            arms=said.arms.get(member_token, {}),
        )
    return made


def _forecasts(
    enrolment_id: UUID, told: ForecastInputs, what: Needed, said: Stored, made: Made, day: date
) -> dict[tuple[str, str], Forecasted]:
    found = {}
    for group, release in what.forecasts:
        inputs = told.digest(bundled(release).edition)
        stored = said.forecasts.get((enrolment_id, group, release))
        if stored is None or stored.inputs != inputs or not _stands(stored.forecasted, day):
            stored = StoredForecast(inputs, forecasted(told.history(), group, bundled(release), day))
            made.forecasts[enrolment_id, group, release] = stored
        found[group, release] = stored.forecasted
    return found


def _stands(stored: Forecasted, day: date) -> bool:
    return stored.stale_on is None or day < stored.stale_on


def _risk(model: str, member: Member, known: Circumstances, made: Made, day: date) -> Risk:
    birth_on = member.enrolment.birth_on
    age = age_on(birth_on, day) if birth_on is not None and birth_on <= day else None
    about = About(age, member.enrolment.language, member.placement, _themes(member.placement), known)
    inputs = inputs_of(about)
    found = score(models()[model], inputs)
    made.scores[member.enrolment.enrolment_id, model] = found, inputs
    return Risk(found.score, found.tier, model)


def _themes(placement: Placement) -> tuple[float | None, ...]:
    ranked = Geography.load().tables.tracts.get(placement.tract or "")
    return ranked.themes if ranked else ()
