"""Programme documents are data: read strictly, refused with line and field, and one version holds at a time."""

from dataclasses import replace
from datetime import date

import pytest

from services.eligibility.domain import REASONS
from services.eligibility.programmes import ProgrammeError, bundled, in_effect, parse_programme

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
    assert (programme.programme_id, programme.doses_needed, programme.area.county_cut_off) == (
        "illinois-connectors-65", 1, None,
    )  # fmt: skip
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
