"""One vaccination is one dose, whatever is said of it, by whom and in which order."""

import itertools
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.eligibility.doses.reports import APPOINTMENT, REGISTRY, Report
from services.eligibility.doses.rules import NEW, RETRACT, UPDATE, Codes, Dose, Ledger
from services.eligibility.vital.sharing import is_withheld

TODAY = date(2021, 3, 1)
OMA, OPA = UUID(int=1), UUID(int=2)
GROUPS = {
    "208": ("covid-19",), "207": ("covid-19",), "213": ("covid-19",), "187": ("zoster",), "20": ("dtap",),
    "110": ("dtap", "hepb", "polio"), "08": ("hepb",), "51": ("hepb", "hib"), "03": ("mmr",), "21": ("varicella",),
    "94": ("mmr", "varicella"),
}  # fmt: skip
CODES = Codes(lambda cvx: GROUPS.get(cvx, ("unknown",)), lambda cvx: cvx != "213")


def a_ledger() -> Ledger:
    ids = itertools.count(100)
    return Ledger(lambda: UUID(int=next(ids)), CODES)


def a_report(event: str = "E-1", **changes: Any) -> Report:
    base = Report(UUID(int=hash(event) % 2**64), REGISTRY, event, OMA, cvx="208", mvx="PFR", lot="EL1",
                  administered_on=date(2021, 2, 15))  # fmt: skip
    return base._replace(**changes)


def hear(ledger: Ledger, *reports: Report, today: date = TODAY) -> list[tuple[str, int, str]]:
    for report in reports:
        ledger.take(report)
    return [
        (action, dose.version, f"{dose.cvx} {dose.administered_on:%m-%d}")
        for dose, action in ledger.decide_doses(today)
    ]


def alive(ledger: Ledger) -> list[Dose]:
    return [dose for dose in ledger.doses.values() if not dose.is_retracted]


@pytest.mark.parametrize(
    ("edge", "other", "doses"),
    [
        ("the same event", a_report(), 1),
        ("another event on that day", a_report("E-2"), 1),
        ("another product of the group", a_report("E-2", cvx="207"), 1),
        ("the next day", a_report("E-2", administered_on=date(2021, 2, 16)), 2),
        ("another group", a_report("E-2", cvx="187"), 2),
        ("another person", a_report("E-2", member_token=OPA), 2),
        ("nobody yet", a_report("E-2", member_token=None), 1),
    ],
)
def test_what_is_one_dose(edge: str, other: Report, doses: int) -> None:
    """One person, one day, groups that overlap."""
    ledger = a_ledger()
    hear(ledger, a_report(), other)
    assert len(alive(ledger)) == doses, edge


def test_versions_count_what_was_told() -> None:
    """New, corrected, taken back and given after all: each told once, with the next version."""
    ledger = a_ledger()
    assert hear(ledger, a_report()) == [(NEW, 1, "208 02-15")]
    assert hear(ledger, a_report()) == []
    assert hear(ledger, a_report(cvx="207")) == [(UPDATE, 2, "207 02-15")]
    assert hear(ledger, a_report(is_retracted=True)) == [(RETRACT, 3, "207 02-15")]
    assert hear(ledger, a_report(is_retracted=True)) == []
    assert hear(ledger, a_report()) == [(NEW, 4, "208 02-15")]
    assert len(ledger.doses) == 1


def test_a_corrected_day_that_has_a_dose_already() -> None:
    """Moved onto another dose's day it joins that one, and its own is taken back."""
    ledger = a_ledger()
    hear(ledger, a_report(), a_report("E-2", administered_on=date(2021, 2, 16)))
    told = hear(ledger, a_report("E-2", lot="EL2"))
    assert (RETRACT, 2, "208 02-16") in told
    assert [dose.administered_on for dose in alive(ledger)] == [date(2021, 2, 15)]


def test_who_gave_it_knows_best() -> None:
    """Product and lot come from the site, then the registry, then history; a code without a product yields."""
    ledger = a_ledger()
    hear(ledger, a_report(cvx="213", lot="", is_historical=True))
    hear(ledger, a_report("E-2", lot="IIS"))
    [dose] = alive(ledger)
    assert (dose.cvx, dose.lot, dose.sources) == ("208", "IIS", ("iis",))
    visit = UUID(int=9)
    hear(ledger, a_report("A", source=APPOINTMENT, lot="SITE", appointment_id=visit, appointment_version=2))
    [dose] = alive(ledger)
    assert (dose.lot, dose.sources, dose.appointment_id) == ("SITE", ("appointment", "iis"), visit)
    hear(ledger, a_report("A", source=APPOINTMENT, is_retracted=True, appointment_version=3))
    [dose] = alive(ledger)
    assert (dose.lot, dose.sources, dose.appointment_id) == ("IIS", ("iis",), None)


def test_another_person_after_all() -> None:
    """A report that was corrected to be about somebody else leaves the one and becomes the other's."""
    ledger = a_ledger()
    hear(ledger, a_report())
    told = hear(ledger, a_report(member_token=OPA))
    assert [action for action, _, _ in told] == [RETRACT, NEW]
    assert [dose.member_token for dose in alive(ledger)] == [OPA]


def test_a_dose_that_lies_ahead_is_not_told() -> None:
    """It is told when its day opens, and taken back when it is moved ahead again."""
    ledger = a_ledger()
    assert hear(ledger, a_report(administered_on=date(2021, 3, 2))) == []
    ledger.dirty |= set(ledger.doses)
    assert hear(ledger, today=date(2021, 3, 2)) == [(NEW, 1, "208 03-02")]
    assert hear(ledger, a_report(administered_on=date(2021, 3, 9)), today=date(2021, 3, 2)) == [
        (RETRACT, 2, "208 03-09")
    ]


def test_a_nameless_delete() -> None:
    """Without an event it takes back what that source said of that day, and nothing of another source."""
    ledger = a_ledger()
    hear(ledger, a_report(), a_report("A", source=APPOINTMENT, appointment_version=2))
    said = a_report("D", is_retracted=True)
    assert ledger.alike(said._replace(cvx="187")) == []
    [mine] = ledger.alike(said._replace(cvx=""))
    assert hear(ledger, said._replace(event_key=mine.event_key)) == [(UPDATE, 2, "208 02-15")]
    assert alive(ledger)[0].sources == ("appointment",)


def test_a_merge_of_two_with_one_vaccination() -> None:
    """The survivor keeps one dose of the day, the other is superseded; other days move along."""
    ledger = a_ledger()
    hear(ledger, a_report(), a_report("E-2", member_token=OPA), a_report("E-3", member_token=OPA, cvx="187"))
    ledger.move(OPA, OMA)
    told = [(action, dose.vaccine_group) for dose, action in ledger.decide_doses(TODAY)]
    assert sorted(told) == [(RETRACT, "covid-19"), (UPDATE, "covid-19"), (UPDATE, "zoster")]
    assert {dose.member_token for dose in ledger.doses.values()} == {OMA}
    [kept] = [dose for dose in alive(ledger) if dose.vaccine_group == "covid-19"]
    assert kept.supersedes in ledger.doses
    assert hear(ledger, a_report("E-2", lot="EL2")) == []


@pytest.mark.parametrize(
    ("edge", "said", "doses"),
    [
        ("a combination", ["110"], [("110", ("dtap", "hepb", "polio"), ())]),
        ("beside one of its parts", ["20", "110"], [("110", ("dtap", "hepb", "polio"), ())]),
        ("its parts beside it, first", ["03", "21", "94"], [("94", ("mmr", "varicella"), ())]),
        ("its parts alone", ["03", "21"], [("03", (), ()), ("21", (), ())]),
        ("none in common", ["94", "110"], [("110", ("dtap", "hepb", "polio"), ()), ("94", ("mmr", "varicella"), ())]),
        ("partly in common", ["51", "110"], [("110", ("dtap", "hepb", "polio", "hib"), ("51",))]),
    ],
)
def test_a_combination_is_one_dose_of_all_its_groups(
    edge: str, said: list[str], doses: list[tuple[str, tuple[str, ...], tuple[str, ...]]]
) -> None:
    """Reports of one day whose groups overlap are one vaccination; it counts for all groups, and no vaccine is lost."""
    for order in (said, said[::-1]):
        ledger = a_ledger()
        hear(ledger, *(a_report(f"E-{cvx}", cvx=cvx) for cvx in order))
        assert sorted((one.cvx, one.vaccine_groups, one.more_cvx) for one in alive(ledger)) == doses, edge


def test_what_joined_two_doses_may_be_taken_back() -> None:
    """Then they are two again, and the one that was told first keeps its name."""
    ledger = a_ledger()
    hear(ledger, a_report("M", cvx="03"), a_report("V", cvx="21"))
    [first] = [one.dose_id for one in alive(ledger) if one.cvx == "03"]
    told = hear(ledger, a_report("MV", cvx="94"))
    assert sorted(action for action, _, _ in told) == [RETRACT, UPDATE]
    [joined] = alive(ledger)
    assert (joined.vaccine_group, joined.vaccine_groups) == ("mmr", ("mmr", "varicella"))
    hear(ledger, a_report("MV", cvx="94", is_retracted=True))
    assert sorted(one.cvx for one in alive(ledger)) == ["03", "21"]
    assert first in {one.dose_id for one in alive(ledger)}


SAID = st.builds(
    lambda event, day, cvx, taken, hour: a_report(
        f"E-{event}", administered_on=date(2021, 2, day), cvx=cvx, is_retracted=taken,
        stated_at=datetime(2021, 3, 1, tzinfo=UTC) + timedelta(hours=hour),
    ),
    st.integers(1, 3), st.integers(1, 3), st.sampled_from(["208", "207", "03", "21", "94", "110", "51"]),
    st.booleans(), st.integers(0, 99),
)  # fmt: skip


@given(st.lists(SAID, max_size=12))
def test_the_ledger_adds_up(said: list[Report]) -> None:
    """Whatever is said in whatever order: every live report stands for one live dose of its day and groups, no two
    doses share a day and group, and what was told last is what is."""
    ledger = a_ledger()
    told: dict[UUID, tuple[int, str]] = {}
    for report in said:
        ledger.take(report)
        for dose, action in ledger.decide_doses(TODAY):
            assert dose.version == told.get(dose.dose_id, (0, ""))[0] + 1
            told[dose.dose_id] = dose.version, action
    days = [
        (group, dose.administered_on)
        for dose in alive(ledger)
        for group in dose.vaccine_groups or (dose.vaccine_group,)
    ]
    live = [one for one in ledger.reports.values() if not one.is_retracted]
    assert len(days) == len(set(days))
    assert set(days) == {(group, one.administered_on) for one in live for group in GROUPS[one.cvx]}
    assert {dose.dose_id for dose in alive(ledger)} == {key for key, (_, action) in told.items() if action != RETRACT}


@given(st.lists(SAID, max_size=8, unique_by=lambda one: (one.event_key, one.stated_at)), st.randoms())
def test_messages_in_any_order_end_alike(said: list[Report], random: Random) -> None:
    """With their instants on them, messages of one event end in what was stated last."""
    ledger, shuffled = a_ledger(), a_ledger()
    hear(ledger, *said)
    random.shuffle(said)
    hear(shuffled, *said)
    ends = []
    for one in (ledger, shuffled):
        ends.append(sorted((dose.cvx, dose.vaccine_groups, dose.administered_on) for dose in alive(one)))
    assert ends[0] == ends[1]


# -- what may be shared


def test_a_withheld_report_stands_for_no_dose_until_it_is_shared() -> None:
    """Protecting takes the dose back, sharing tells it again, and another registry's word stands meanwhile."""
    ledger = a_ledger()
    assert hear(ledger, a_report("E-1", sender="CAIR"), a_report("E-2", sender="I-CARE", cvx="213", lot=""))
    ledger.withheld[OMA] = frozenset({"cair"})
    ledger.reconsider({OMA})
    [(action, version, said)] = hear(ledger)
    assert (action, version, said) == ("update", 2, "213 02-15")
    assert alive(ledger)[0].lot == ""
    ledger.withheld[OMA] = frozenset({"cair", "i-care"})
    ledger.reconsider({OMA})
    assert [action for action, _, _ in hear(ledger)] == ["retract"]
    ledger.withheld.clear()
    ledger.reconsider({OMA})
    assert hear(ledger) == [("new", 4, "208 02-15")]


def test_a_report_that_moves_to_a_withheld_person_leaves_its_dose() -> None:
    """Whose report turns out to be somebody's of whom it is withheld has the dose no more, nor does it move along; once
    it is shared it is that other person's own dose, though nothing of the first person is at hand."""
    ledger = a_ledger()
    hear(ledger, a_report("E-1", sender="CAIR"))
    ledger.withheld[OPA] = frozenset({"cair"})
    assert hear(ledger, a_report("E-1", sender="CAIR", member_token=OPA)) == [("retract", 2, "208 02-15")]
    assert ledger.reports["E-1"].dose_id is None
    later = a_ledger()
    later.add((), ledger.reports.values())
    later.reconsider({OPA})
    assert [(dose.member_token, action) for dose, action in later.decide_doses(TODAY)] == [(OPA, "new")]


@pytest.mark.parametrize(
    ("sender", "withheld", "is_kept_back"),
    [
        ("CAIR", set(), False), ("CAIR", {"i-care"}, False), ("CAIR", {"cair"}, True), ("CDPH", {"cair"}, True),
        ("", {"cair"}, True), ("CAIR", {"*"}, True), ("CAIR@lakeshore", {"cair"}, True),
        ("CAIR@lakeshore", {"cair@lakeshore"}, True), ("CAIR", {"cair@lakeshore"}, False),
        ("CAIR@prairie", {"cair@lakeshore"}, False), ("An Office", {"an-office"}, True),
    ],
)  # fmt: skip
def test_whose_word_is_withheld(sender: str, withheld: set[str], is_kept_back: bool) -> None:
    """A registry's by all its names, whichever way it came; a plan's sender's by the way it came."""
    assert is_withheld(sender, withheld) is is_kept_back
