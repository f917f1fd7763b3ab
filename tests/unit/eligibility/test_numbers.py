"""Which report a registry's row speaks of: by number within sender and patient, else by what it says."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.eligibility.doses.numbers import REUSED, fold, is_same_patient, named, of_another, to_delete
from services.eligibility.doses.reports import DAYS_END, REGISTRY, Report, is_older
from services.eligibility.doses.rules import Ledger
from tests.unit.eligibility.test_doses import CODES, OMA, OPA, a_ledger, alive

NOON = datetime(2021, 3, 1, 12, tzinfo=UTC)
DOCUMENT: dict[str, object] = {
    "identifiers": [["SR", "IIS", "1"]], "family": "Sesame", "given": "Oma", "birth_on": "1940-05-01", "zip5": "90011",
    "sex": "F",
}  # fmt: skip


def a_report(key: str = "n", event_id: str = "IIS 1", **changes: Any) -> Report:
    base = Report(
        UUID(int=hash((key, event_id)) % 2**64), REGISTRY, key, OMA, cvx="208", administered_on=date(2021, 2, 15),
        stated_at=NOON, event_id=event_id, sender="IIS", subject=DOCUMENT,
    )  # fmt: skip
    return base._replace(**changes)


def a_ledger_with(*reports: Report) -> Ledger:
    ledger = a_ledger()
    for one in reports:
        ledger.take(one)
    ledger.decide_doses(date(2021, 3, 1))
    return ledger


@pytest.mark.parametrize(
    ("edge", "action", "changes", "same", "note"),
    [
        ("the same again", "A", {}, True, None),
        ("another product of the group", "A", {"cvx": "207"}, True, None),
        ("another day", "A", {"administered_on": date(2021, 2, 16)}, False, REUSED),
        ("another vaccine", "A", {"cvx": "187"}, False, REUSED),
        ("a corrected day", "U", {"administered_on": date(2021, 2, 16)}, True, None),
        ("a corrected vaccine", "U", {"cvx": "187"}, True, None),
        ("somebody else's", "A", {"member_token": OPA}, False, None),
        ("somebody else's, as a correction", "U", {"member_token": OPA}, False, None),
        ("another sender's", "U", {"sender": "CLINIC"}, False, None),
        ("of a sender unknown then", "U", {"sender": ""}, True, None),
        ("no number", "U", {"event_id": ""}, False, None),
    ],
)
def test_what_a_number_names(edge: str, action: str, changes: dict[str, Any], same: bool, note: str | None) -> None:
    """A number is one vaccination of one patient of one sender: corrected under U, and never somebody else's."""
    ledger = a_ledger_with(a_report("known"))
    found = named(a_report("fresh")._replace(**changes), action, ledger)
    assert (found.report.event_key == "known", found.note) == (same, note), edge


def test_a_number_is_known_to_be_anothers() -> None:
    """So that the row can say it; one patient who is two plans' member is nobody else."""
    ledger, opa = a_ledger_with(a_report("known")), {**DOCUMENT, "given": "Opa", "birth_on": "1938-02-03"}
    assert of_another(a_report("fresh", member_token=OPA, subject=opa), ledger)
    assert not of_another(a_report("fresh", member_token=OPA), ledger)
    assert not of_another(a_report("fresh"), ledger)
    assert not of_another(a_report("fresh", member_token=OPA, subject=opa, sender="CLINIC"), ledger)


def test_of_two_reports_of_one_person_one_lives_on() -> None:
    """Two plans' members who turn out to be one had each a report of a numbered vaccination: the row's own stays, and a
    second vaccination of that number, and one without a number, stay as they are."""
    oma, further = UUID(int=7), f"n\x1fof\x1f{OPA}"
    ledger = a_ledger_with(
        a_report("n", member_token=oma), a_report(further, member_token=oma),
        a_report("n\x1f187\x1f2021", member_token=oma, cvx="187"),
        a_report("m", "", member_token=oma, cvx="33"), a_report(f"m\x1fof\x1f{OPA}", "", member_token=oma, cvx="33"),
    )  # fmt: skip
    fold(ledger, oma)
    assert [key for key, report in ledger.reports.items() if report.is_retracted] == [further]


@pytest.mark.parametrize("gone", [True, False])
@pytest.mark.parametrize("newer", ["the row's own", "the other's"])
def test_the_newest_of_two_reports_holds_of_who_is_one(newer: str, gone: bool) -> None:
    """What only one of both heard later, a deletion too, holds of the one person, under the row's own key."""
    keys = ("n", f"n\x1fof\x1f{OPA}")
    ledger = a_ledger_with(*(a_report(key) for key in keys))
    later = a_report(keys[newer == "the other's"])._replace(
        stated_at=NOON + timedelta(hours=1), administered_on=date(2021, 2, 16), is_retracted=gone
    )
    ledger.take(later)
    fold(ledger, OMA)
    living = [(key, report.administered_on) for key, report in ledger.reports.items() if not report.is_retracted]
    assert living == ([] if gone else [("n", date(2021, 2, 16))])
    ledger.decide_doses(date(2021, 3, 1))
    assert [dose.administered_on for dose in alive(ledger)] == [on for _, on in living]


def test_what_a_registry_deleted_it_says_to_nobody_later() -> None:
    """A deletion stands in the report of whoever was found, also for what the row said beside the dose."""
    said = {**DOCUMENT, "remarks": [{"kind": "immunity"}], "action": "A", "outcome": "CP"}
    gone = {**DOCUMENT, "remarks": [], "action": "D", "outcome": "CP"}
    ledger = a_ledger_with(a_report("n", subject=said))
    ledger.take(a_report("n", subject=gone, is_retracted=True))
    kept = ledger.reports["n"].subject
    assert kept is not None
    assert (kept["action"], kept["remarks"]) == ("D", [])


def test_what_was_deleted_may_be_added_again_otherwise() -> None:
    """Deleting and adding is how some correct: nothing of the number lives, so nothing is lost."""
    ledger = a_ledger_with(a_report("known", is_retracted=True))
    assert named(a_report("fresh", cvx="187"), "A", ledger).report.event_key == "known"


def test_an_old_addition_does_not_revive_what_was_corrected() -> None:
    """The first message sent again after its correction is history, not another vaccination."""
    ledger = a_ledger_with(a_report("known", administered_on=date(2021, 2, 16), is_corrected=True))
    early = a_report("fresh", stated_at=NOON - timedelta(hours=1))
    assert named(early, "A", ledger).report.event_key == "known"
    assert not ledger.take(named(early, "A", ledger).report)


@pytest.mark.parametrize(
    ("edge", "said", "is_given", "found"),
    [
        ("by its number", {"event_id": "IIS 1", "administered_on": date(2021, 2, 20)}, True, ["one"]),
        ("by a number that is new", {"event_id": "IIS 7"}, True, ["one", "two"]),
        ("without a number", {"event_id": ""}, True, ["one", "two"]),
        ("another product of the group", {"event_id": "", "cvx": "207"}, True, ["one", "two"]),
        ("no vaccine said", {"event_id": "", "cvx": ""}, True, ["one", "two"]),
        ("another vaccine", {"event_id": "", "cvx": "187"}, True, []),
        ("another day", {"event_id": "", "administered_on": date(2021, 2, 16)}, True, []),
        ("another sender", {"event_id": "", "sender": "CLINIC"}, True, []),
        ("somebody else's", {"event_id": "IIS 1", "member_token": OPA}, True, []),
        ("what was never given", {"event_id": ""}, False, []),
        ("a number taken back already", {"event_id": "IIS 3"}, True, ["three"]),
    ],
)
def test_what_a_deletion_finds(edge: str, said: dict[str, Any], is_given: bool, found: list[str]) -> None:
    """The patient's report of that number; else what the same sender said of that day and vaccine, and nothing else."""
    ledger = a_ledger_with(
        a_report("one"), a_report("two", event_id="IIS 2"), a_report("three", event_id="IIS 3", is_retracted=True),
        a_report("his", event_id="IIS 9", member_token=OPA, administered_on=date(2021, 1, 1)),
    )  # fmt: skip
    doomed = to_delete(a_report("fresh", is_retracted=True, **said), ledger, is_given=is_given)
    assert sorted(one.event_key for one in doomed) == sorted(found), edge


def test_a_deletion_finds_what_waits() -> None:
    """Also where nobody knows yet whom the report is about."""
    ledger = a_ledger()
    ledger.add((), [a_report("waiting", member_token=None)])
    [doomed] = to_delete(
        a_report("fresh", event_id="IIS 7", member_token=None, is_retracted=True), ledger, is_given=True
    )
    assert doomed.event_key == "waiting"


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"family": "Sesam"}, True),
        ({"birth_on": "1940-05-02"}, True),
        ({"birth_on": "1940-05-02", "given": "Opa"}, False),
        ({"identifiers": [["SR", "IIS", "2"]]}, True),
        ({"identifiers": [["SR", "IIS", "2"]], "zip5": "90012"}, False),
    ],
)
def test_who_is_the_same_patient(changes: dict[str, object], same: bool) -> None:
    """Before anybody is linked: a number with birth date or name, or name, birth date and ZIP."""
    one, other = (a_report(member_token=None, subject=DOCUMENT | part) for part in ({}, changes))
    assert is_same_patient(one, other) is same


@pytest.mark.parametrize(
    ("edge", "known_at", "said_at", "is_deletion", "older"),
    [
        ("an hour before", NOON, NOON - timedelta(hours=1), True, True),
        ("the same instant", NOON, NOON, True, False),
        ("against the same day without its hour", datetime.combine(NOON, DAYS_END, UTC), NOON, True, False),
        ("an addition against it", datetime.combine(NOON, DAYS_END, UTC), NOON, False, True),
        ("against the next day", datetime.combine(NOON, DAYS_END, UTC) + timedelta(days=1), NOON, True, True),
        ("no time said", NOON, None, True, False),
    ],
)
def test_what_is_older(edge: str, known_at: datetime, said_at: datetime | None, is_deletion: bool, older: bool) -> None:
    """A day without its hour counts as its end; a deletion of that day is not dropped for it."""
    said = a_report(stated_at=said_at, is_retracted=is_deletion)
    assert is_older(said, a_report(stated_at=known_at)) is older, edge


def test_the_codes_of_these_tests() -> None:
    """207 and 208 are of one group, 187 is of another."""
    assert CODES.groups_of("207") == CODES.groups_of("208") != CODES.groups_of("187")
