"""A day that has come somewhere is none of a time to come."""

from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID

import pytest

from services.eligibility.clock.present import latest_day, latest_on
from services.eligibility.feeds.records import Consent, DoseOutcome, DoseRecord, Position, StatedPerson
from services.eligibility.vital.registry import person_statements
from services.eligibility.vital.rules import Override, VitalStatement, Word, vital_of

MONDAY, TUESDAY, WEDNESDAY = date(2021, 3, 1), date(2021, 3, 2), date(2021, 3, 3)
GUAM = timezone(timedelta(hours=10))


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (datetime(2021, 3, 1, 9, 59, tzinfo=UTC), MONDAY),
        (datetime(2021, 3, 1, 10, tzinfo=UTC), TUESDAY),
        (datetime(2021, 3, 1, 23, tzinfo=timezone(timedelta(hours=-8))), TUESDAY),
    ],
)
def test_the_latest_day_on_earth(at: datetime, day: date) -> None:
    """Kiribati is fourteen hours ahead of Greenwich."""
    assert latest_day(at) == day


@pytest.mark.parametrize(
    ("edge", "open_day", "latest"),
    [
        ("the calendar's day", MONDAY, TUESDAY),
        ("the day that has begun in the east only", TUESDAY, TUESDAY),
        ("a day ahead of every clock", WEDNESDAY, WEDNESDAY),
        ("a time of its own", date(2019, 3, 1), date(2019, 3, 1)),
    ],
)
def test_the_latest_day_beside_the_open_one(edge: str, open_day: date, latest: date) -> None:
    """Only a deployment that keeps the calendar's time knows of days elsewhere."""
    assert latest_on(open_day, datetime(2021, 3, 1, 18, tzinfo=UTC)) == latest, edge


@pytest.mark.parametrize(("death_on", "word"), [(TUESDAY, Word.DECEASED), (WEDNESDAY, Word.POSSIBLE)])
def test_a_death_of_today_in_the_east_is_declared(death_on: date, word: Word) -> None:
    """The message is stamped by Greenwich, where it is Monday, and the site lies where it is Tuesday; a day that has
    come nowhere must be checked."""
    record = DoseRecord(
        Position(1, 1), StatedPerson(is_deceased=True, death_on=death_on), DoseOutcome.ADMINISTERED, "A", MONDAY, "208",
        message_at=datetime(2021, 3, 1, 20, tzinfo=UTC), sender="IIS",
        consent=Consent(is_protected=False, protected_on=death_on),
    )  # fmt: skip
    said = person_statements(record, "*")
    assert [one.word for one in said.vital] == [word]
    assert said.consent.is_protected == (False if word is Word.DECEASED else None)


def test_a_report_after_a_decision_is_weighed_where_the_day_began_before_greenwich() -> None:
    """Guam decides on Tuesday morning and hears of a death half an hour later: in Greenwich it is Monday still."""
    decided_at = datetime(2021, 3, 2, 8, tzinfo=GUAM)
    member_token, began_at = UUID(int=1), datetime(2021, 3, 2, tzinfo=GUAM)
    ruling = Override(
        override_id=UUID(int=2), member_token=member_token, tenant_id="*", is_deceased=False, death_on=None,
        decided_on=TUESDAY, decided_at=decided_at, day_began_at=began_at,
    )  # fmt: skip
    said_at = (decided_at + timedelta(minutes=30)).astimezone(UTC)
    report = VitalStatement(member_token, "attempt:1", "lakeshore", Word.POSSIBLE, said_at, said_at, said_at)
    assert vital_of([report], [ruling], "lakeshore").is_reported
    old = report._replace(since_at=began_at - timedelta(minutes=1))
    assert not vital_of([old], [ruling], "lakeshore").is_reported
