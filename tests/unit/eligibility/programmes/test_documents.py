"""Programme documents are data: read strictly, refused with line and field, and one version holds at a time."""

import re
from dataclasses import replace
from datetime import date

import pytest

from services.eligibility.decisions.decision import REASONS
from services.eligibility.places.rules import VulnerabilityRule
from services.eligibility.programmes.aim import ForecastRule, ServiceRule
from services.eligibility.programmes.documents import (
    LIBRARY,
    ProgrammeError,
    bundled,
    in_effect,
    library,
    parse_programme,
)
from services.eligibility.programmes.segment import EVERYBODY

TEXT = bundled()[0].document


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("tract_cut_off: 0.75", "tract_cut_off: 75", "x.yaml:16: area.tract_cut_off: Input should be less than"),
        ("America/Chicago", "Chicago", "x.yaml:7: time_zone: "),
        ("65-69: 0", "66-69: 0", "x.yaml:28: priority.age: "),
        ("tract: 500", "street: 500", "x.yaml:27: priority.svi: "),
        ("age_from: 65", "age_form: 65", "x.yaml:20: phases.0.age_from: Field required"),
        ("version: 1", "version: one", "x.yaml:4: version: "),
        ("group: covid-19", "group: COVID 19", "x.yaml:10: vaccine.group: "),
        ("plans: [lakeshore, prairie]", "plans: [lakeshore, prairie", "x.yaml:9: "),
        ("ends_on: null", "ends_on: 2020-12-31", "ends_on must not be before begins_on"),
        ("effective_on: 2021-01-01", "effective_on: soon", "x.yaml:6: effective_on: "),
    ],
)
def test_a_wrong_document_is_refused_with_line_and_field(old: str, new: str, complaint: str) -> None:
    """The author is told where and what was expected."""
    with pytest.raises(ProgrammeError) as error:
        parse_programme(TEXT.replace(old, new, 1), "x.yaml")
    assert complaint in str(error.value)


def test_an_empty_document_is_refused() -> None:
    """Nothing is no programme."""
    with pytest.raises(ProgrammeError, match=r"x\.yaml:1: document"):
        parse_programme("", "x.yaml")


def test_phases_that_overlap_are_refused() -> None:
    """Each phase ends before the next one begins."""
    second = "  - code: late\n    begins_on: 2021-06-01\n    ends_on: null\n    age_from: 65\npriority:"
    with pytest.raises(ProgrammeError, match="each phase must end"):
        parse_programme(TEXT.replace("priority:", second, 1))
    parse_programme(TEXT.replace("ends_on: null", "ends_on: 2021-05-31", 1).replace("priority:", second, 1))


def test_the_bundled_programme() -> None:
    """It reads, and says what its comments say."""
    programme = bundled()[0]
    assert (programme.programme_id, programme.doses_needed) == ("illinois-connectors-65", 1)
    assert programme.area == VulnerabilityRule(0.75, 0.5, None)
    assert programme.plans == {"lakeshore", "prairie"}


def test_the_version_in_effect() -> None:
    """A version holds from its day to the day before the next; before all of them the first one answers."""
    first = replace(bundled()[0], effective_on=date(2021, 1, 1))
    second = replace(first, version=2, effective_on=date(2021, 4, 1))
    days = (date(2020, 12, 31), date(2021, 1, 1), date(2021, 3, 31), date(2021, 4, 1))
    found = [in_effect([second, first], day)[0] for day in days]
    assert [(programme.version, later) for programme, later in found] == [
        (1, date(2021, 4, 1)), (1, date(2021, 4, 1)), (1, date(2021, 4, 1)), (2, None),
    ]  # fmt: skip


def test_reasons_are_codes_with_sentences() -> None:
    """Every reason can travel in a fact and be read by a coordinator."""
    for code, sentence in REASONS.items():
        assert code == code.lower()
        assert sentence.endswith(".")


def shipped(name: str) -> str:
    return (LIBRARY / f"{name}.yaml").read_text(encoding="utf-8")


HEALTH_WORKERS, PARTNERS, CONNECT = "la-care-health-workers", "phmi-partnerships", "community-connect"
NO_MODEL = "risk_model: social-risk.1\n"


@pytest.mark.parametrize(
    ("name", "old", "new", "at", "complaint"),
    [
        (HEALTH_WORKERS, "begins_on: 2025-12-01", "begins_on: 2025-11-09", "2025-11-09",
         "phases.0.begins_on: CDC's release 4.64 covers days from 2025-11-10"),
        (HEALTH_WORKERS, "Zoster\n", "Shingles\n", "Shingles", "forecast.cdsi_group: Value error, expected one of Chi"),
        (HEALTH_WORKERS, "opens: due", "opens: never", "never", "forecast.opens: String should match"),
        (HEALTH_WORKERS, NO_MODEL, "", "risk: 400", "priority.risk: expected a risk_model"),
        (PARTNERS, "release: null", "release: '3.1'", "3.1", "forecast.release: Value error, expected a bundled"),
        (PARTNERS, "need: food-insecurity", "need: food", "food", "segment.any_of.2: Value error, no CDSi"),
        (PARTNERS, "icd10: Z59.82", "icd10: Z00.0", "Z00.0", "segment.any_of.5: Value error, no CDSi observation"),
        (PARTNERS, "forecast:\n", "vaccine: {group: flu, doses_needed: 1}\nforecast:\n", "forecast:",
         "forecast: expected exactly one of vaccine, forecast and service"),
        (CONNECT, "control: 0.5", "control: 0.6", "0.6", "arms.shares: Value error, each share must be above 0"),
        (CONNECT, "offered: 0.5, control", "offered: 0.5, other", "other", "arms.shares: Value error, expected con"),
        (CONNECT, "share: 0.15", "share: 0.15\n  count: 5", "cap:", "cap: Value error, expected either share or count"),
        (CONNECT, NO_MODEL, "", "by: risk", "cap.by: expected a risk_model to rank by"),
        (CONNECT, "social-risk.1", "social-risk.9", "social-risk.9", "risk_model: Value error, expected a bundled"),
        (CONNECT, "risk_model:", "  risk_tiers: [alarming]\nrisk_model:", "alarming",
         "segment.risk_tiers: expected some of high, low, rising, very-high; not alarming"),
        ("colorectal-screening", "colonoscopy", "horoscopy", "holds_months",
         "service.holds_months: Value error, expected some of"),
        ("colorectal-screening", "age_to: 75", "age_to: 40", "age_to: 40", "phases.0: Value error, age_to must not"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_line_and_field(name: str, old: str, new: str, at: str, complaint: str) -> None:
    """Also what is right by itself and contradicts another part; `at` stands in the line that is named."""
    text = shipped(name)
    assert old in text
    wrong = text.replace(old, new, 1)
    with pytest.raises(ProgrammeError) as error:
        parse_programme(wrong, "x.yaml")
    [said] = [line for line in str(error.value).splitlines() if complaint in line]
    assert at in wrong.splitlines()[int(said.split(":")[1]) - 1]


@pytest.mark.capability("C18")
def test_race_needs_a_lawful_purpose() -> None:
    """A programme that looks at race or ethnicity says why it may."""
    segment = "segment:\n  race_ethnicity:\n    any_of: [hispanic]\n"
    with pytest.raises(ProgrammeError, match=r"segment\.race_ethnicity\.lawful_purpose: Field required"):
        parse_programme(TEXT.replace("phases:", segment + "phases:", 1))
    purpose = "    lawful_purpose: A consent decree of the county, section 4.2\n"
    read = parse_programme(TEXT.replace("phases:", segment + purpose + "phases:", 1))
    assert read.segment.race_ethnicity == {"hispanic"}


@pytest.mark.capability("A1", "A10")
def test_the_shipped_documents() -> None:
    """The programmes that the mission names are documents, each with the rule that it turns on."""
    by_id = {one.programme_id: one for one in (*bundled(), *library())}
    assert set(by_id) == {
        "illinois-connectors-65", "partners-in-vaccination", "community-connect", "phmi-partnerships",
        "la-care-health-workers", "colorectal-screening",
    }  # fmt: skip
    illinois = by_id["illinois-connectors-65"]
    assert (illinois.segment, illinois.aim, illinois.cap, illinois.arms) == (EVERYBODY, None, None, None)
    assert "homebound" in by_id["partners-in-vaccination"].segment.any_of[0]
    connect = by_id["community-connect"]
    assert connect.cap is not None
    assert (connect.cap.share, connect.cap.per, connect.risk_model) == (0.15, "county", "social-risk.1")
    assert by_id["phmi-partnerships"].aim == ForecastRule("Pneumococcal")
    assert by_id["la-care-health-workers"].segment.languages == {"es", "zh", "vi", "hy", "ko"}
    assert isinstance(by_id["colorectal-screening"].aim, ServiceRule)


def test_the_programme_that_is_live_stays_as_it_was_published() -> None:
    """A published document's digest is compared at every start; its bytes must not move."""
    assert bundled()[0].sha256 == "49f3d3e2353a437e3f4824d909ad077f17497c4b7ffa888f613b2e085c4bba4a"


@pytest.mark.parametrize("other", ["covid", "influenza", "cvx-208"])
def test_a_group_under_which_no_dose_is_told_is_refused(other: str) -> None:
    """Nobody would ever count as vaccinated; also where a forecast says when a dose is due."""
    with pytest.raises(ProgrammeError, match=r"vaccine\.group: .*expected a vaccine group of CDC's CVX codes: .*covid"):
        parse_programme(TEXT.replace("group: covid-19", f"group: {other}"))
    forecast = next(one.document for one in library() if "\nforecast:" in one.document)
    with pytest.raises(ProgrammeError, match=r"forecast\.vaccine_group: .*expected a vaccine group"):
        parse_programme(re.sub(r"vaccine_group: \S+", f"vaccine_group: {other}", forecast))
