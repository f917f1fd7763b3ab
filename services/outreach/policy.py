"""The outreach policy and the code lists, read once from the data files beside this module."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import yaml
from pydantic import TypeAdapter

from schemas.outreach_v1 import CaseClosedReason, Channel


@dataclass(frozen=True, slots=True)
class RankWeights:
    """What is added to eligibility's priority; see `policy.yaml`."""

    target_zip: int
    no_show: int
    callback_due: int
    attempt: int
    skip: int
    lost_appointment: int


@dataclass(frozen=True, slots=True)
class Demanded:
    """What a programme demands of whoever reaches its members; see `policy.yaml`."""

    courses: tuple[str, ...] = ()
    disciplines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Matching:
    """Weights and limits of matching workers and members; see `policy.yaml` for the reason of each."""

    spoken_from: str
    hard_weight: int
    hard_cases_a_day: int
    spread: float
    days: int
    demanded: Mapping[str, Demanded]


@dataclass(frozen=True, slots=True)
class Policy:
    """Limits, pauses and weights; see `policy.yaml` for the reason of each."""

    version: int
    effective_on: date
    lease_minutes: int
    max_claims: int
    attempts_per_window: int
    window_days: int
    rest_days: int
    refusal_pause_days: int
    self_report_pause_days: int
    booking_grace_days: int
    recent_dose_days: int
    attempt_max_age_days: int
    callback_max_days: int
    clock_skew_minutes: int
    own_retraction_hours: int
    lost_attempts: int
    clinic_reasons: tuple[str, ...]
    channels: tuple[Channel, ...]
    do_not_call_stops: frozenset[Channel]
    rank: RankWeights
    closes_as: Mapping[str, CaseClosedReason]
    matching: Matching


@dataclass(frozen=True, slots=True)
class Codes:
    """Code → what it means."""

    version: int
    effective_on: date
    barriers: Mapping[str, str]
    topics: Mapping[str, str]
    retraction_reasons: Mapping[str, str]
    courses: Mapping[str, str]
    avoidance_reasons: Mapping[str, str]
    assignment_reasons: Mapping[str, str]
    partner_kinds: Mapping[str, str]
    needs: Mapping[str, str]
    kept_apart: frozenset[str]
    referral_reasons: Mapping[str, str]


_FOLDER = Path(__file__).parent


def load_policy(path: Path = _FOLDER / "policy.yaml") -> Policy:
    """The policy; a pydantic error for a file that does not fit."""
    return TypeAdapter(Policy).validate_python(yaml.safe_load(path.read_text("utf-8")))


def load_codes(path: Path = _FOLDER / "codes.yaml") -> Codes:
    """The code lists; a pydantic error for a file that does not fit."""
    return TypeAdapter(Codes).validate_python(yaml.safe_load(path.read_text("utf-8")))


POLICY: Final = load_policy()
CODES: Final = load_codes()
