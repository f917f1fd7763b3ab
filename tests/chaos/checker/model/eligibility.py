"""Who is eligible and why, by the programme document as it is written."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from functools import cache
from typing import Any

import yaml

from tests.chaos.checker.inputs.codes import ELIGIBILITY
from tests.chaos.checker.model.geography import Place, place
from tests.chaos.checker.model.member import Enrolment, Person
from tests.chaos.checker.model.registry_words import Said
from tests.chaos.checker.model.reports import Dose

Document = Mapping[str, Any]
BANDS = ((85, "85+"), (80, "80-84"), (75, "75-79"), (70, "70-74"), (65, "65-69"), (0, "0-64"))
RACES = {
    "1002-5": "american-indian-or-alaska-native", "2028-9": "asian", "2054-5": "black-or-african-american",
    "2076-8": "native-hawaiian-or-pacific-islander", "2106-3": "white", "2131-1": "other",
}  # fmt: skip
HISPANIC = "2135-2"
SEXES = {"F": "female", "M": "male", "X": "other"}
LINES = {"medicare-advantage": "medicare", "medicare": "medicare", "exchange": "commercial"}


@cache
def documents() -> tuple[Document, ...]:
    """The programme documents that the deployment bundles."""
    found = [
        yaml.safe_load(path.read_text("utf-8"))
        for path in sorted((ELIGIBILITY / "programmes" / "bundled").glob("*.yaml"))
    ]
    return tuple(sorted(found, key=lambda one: (one["programme_id"], one["version"])))


def in_effect(today: date) -> dict[str, Document]:
    """Of each programme the version that holds; before the first one, the first."""
    holding: dict[str, Document] = {}
    for one in documents():
        if one["effective_on"] <= today or one["programme_id"] not in holding:
            holding[one["programme_id"]] = one
    return holding


def decide(
    one: Enrolment, said: Said, doses: Iterable[tuple[str, date, Dose]], rule: Document, today: date,
    reported_dead: Collection[Person] = (),
) -> dict[str, Any]:  # fmt: skip
    """What the newest fact of this enrolment under the programme must say. Dose: its group, day and what it was."""
    phase = next((each for each in rule["phases"] if _runs(each, today)), None)
    area, person = rule["area"], one.person
    has_died = person.has_died(one.plan)
    is_reported = person in reported_dead or any(person.has_died(plan) for plan in person.deaths)
    shared = said.shared
    home = place(one.zip5, one.tract or (shared.tract if shared.zip5 == one.zip5 else ""), one.county)
    value = home.value(area["tract_cut_off"])
    is_vulnerable = _is_vulnerable(home, value, area)
    doses_valid = _counted(doses, rule, one.birth_on, today)
    is_vaccinated = doses_valid >= rule["vaccine"]["doses_needed"]
    band = age_band(one.birth_on, today)
    reasons = [*_reasons(one, rule, phase, today, is_vulnerable=is_vulnerable, is_vaccinated=is_vaccinated)]
    if person.merged_into is None and (has_died or is_reported):
        reasons.insert(0, "deceased" if has_died else "death-reported")
    is_enrolled = not (one.is_retired or has_died) and any(span.covers(today) for span in one.spans)
    return {
        "tenant_id": one.plan, "programme_version": rule["version"], "phase": phase["code"] if phase else None,
        "status": "ineligible" if reasons else "eligible", "reasons": reasons, "vaccinated": is_vaccinated,
        "doses_valid": doses_valid, "priority": 0 if reasons else _priority(rule["priority"], home, value, band),
        "age_band": band, "sex": SEXES.get(one.sex), "race_ethnicity": roll_up(one, shared),
        "language": one.language or None, "line_of_business": _line(one, today), "zip5": one.zip5 or None,
        "tract": home.tract, "county_fips": home.county, "svi": _svi(home, value, is_vulnerable),
        "enrolled": is_enrolled, "contact_protected": one.is_restricted or said.is_protected,
        "channels_barred": list(said.barred),
        "interpreter_needed": "possible" if one.spoken and "en" not in one.spoken else "unknown",
    }  # fmt: skip


NOT_TOLD = frozenset({"sex", "tract", "county_fips", "due_on", "risk_tier", "risk_model"})


def told(answer: Mapping[str, Any]) -> dict[str, Any]:
    """What the topic tells of an answer: nothing that none of its readers needs, and the quarter of the SVI value."""
    svi = dict(answer["svi"])
    if svi.get("value") is not None:
        svi["value"] = next(bound for bound in (0.75, 0.5, 0.25, 0.0) if svi["value"] >= bound)
    return {name: value for name, value in answer.items() if name not in NOT_TOLD} | {"svi": svi}


def _runs(phase: Mapping[str, Any], today: date) -> bool:
    return bool(phase["begins_on"] <= today and (phase["ends_on"] is None or today <= phase["ends_on"]))


def _is_vulnerable(home: Place, value: float | None, area: Mapping[str, Any]) -> bool | None:
    cut_off = {"tract": area["tract_cut_off"], "zip": area["zip_share"], "county": area["county_cut_off"]}
    least = cut_off.get(home.level)
    return None if value is None or least is None else bool(value >= least)


def _svi(home: Place, value: float | None, is_vulnerable: bool | None) -> dict[str, Any]:
    svi = {"level": home.level, "release": home.release, "value": None if value is None else round(value, 4),
           "vulnerable": is_vulnerable is True}  # fmt: skip
    return {name: each for name, each in svi.items() if each is not None}


def _counted(doses: Iterable[tuple[str, date, Dose]], rule: Document, birth_on: date | None, today: date) -> int:
    vaccine = rule["vaccine"]
    earliest = max(vaccine["since_on"] or date.min, birth_on or date.min)
    return len({
        on for _, on, dose in doses
        if vaccine["group"] in dose.groups and dose.cvx not in vaccine["cvx_not_counted"] and not dose.is_partial
        and earliest <= on <= today
    })  # fmt: skip


def _reasons(
    one: Enrolment, rule: Document, phase: Mapping[str, Any] | None, today: date, *, is_vulnerable: bool | None,
    is_vaccinated: bool,
) -> Iterator[str]:  # fmt: skip
    if one.person.merged_into is not None:
        yield "merged"
        return
    if not any(span.covers(today) for span in one.spans):
        begins_later = any(span.begin_on and span.begin_on > today for span in one.spans)
        yield "enrolment-not-begun" if begins_later else "not-enrolled"
    if one.plan not in rule["plans"]:
        yield "plan-not-participating"
    least = phase["age_from"] if phase else min(each["age_from"] for each in rule["phases"])
    if one.birth_on is None:
        yield "birth-date-unknown"
    elif age_on(one.birth_on, today) < least:
        yield "under-age"
    if not is_vulnerable:
        yield "area-unknown" if is_vulnerable is None else "area-not-vulnerable"
    if is_vaccinated:
        yield "already-vaccinated"
    if phase is None:
        later = [each["begins_on"] > today for each in rule["phases"]]
        yield "programme-not-begun" if all(later) else "between-phases" if any(later) else "programme-ended"


def age_on(birth_on: date, day: date) -> int:
    """Completed years; who was born on 29 February is a year older on 1 March."""
    return day.year - birth_on.year - ((day.month, day.day) < (birth_on.month, birth_on.day))


def age_band(birth_on: date | None, day: date) -> str | None:
    if birth_on is None or birth_on > day:
        return None
    return next(band for least, band in BANDS if age_on(birth_on, day) >= least)


def roll_up(one: Enrolment, said: Said) -> str:
    """Hispanic of any race, else one race, else several; the plan is believed before the registry."""
    if (one.ethnicity or said.ethnicity) == HISPANIC:
        return "hispanic"
    named = {RACES[code] for code in one.races or said.races}
    return "multiracial" if len(named) > 1 else next(iter(named), "unknown")


def _line(one: Enrolment, today: date) -> str:
    running = [span for span in one.spans if span.covers(today)] or list(one.spans[-1:])
    lines = {LINES.get(span.line, span.line) for span in running}
    if {"medicaid", "medicare"} <= lines:
        return "dual"
    return next((line for line in ("medicare", "medicaid", "commercial") if line in lines), "unknown")


def _priority(rule: Mapping[str, Any], home: Place, value: float | None, band: str | None) -> int:
    points: int = rule["base"] + round(rule["svi"].get(home.level, 0) * (value or 0.0)) + rule["age"].get(band, 0)
    return max(0, min(1000, points))
