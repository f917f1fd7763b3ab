"""What a roster's row makes of the times of coverage."""

from datetime import date
from typing import Any

import pytest

from services.eligibility.feeds.profiles import INSURANCE_LINES
from services.eligibility.feeds.records import Coverage, Maintenance, Position, RosterRecord, StatedPerson
from services.eligibility.people.coverage import MAX_SPANS, family_spans, restated_spans
from services.eligibility.people.enrolment import Span

SAID_ON = date(2021, 3, 1)
MA = "medicare-advantage"
JAN, FEB, MAR = date(2021, 1, 1), date(2021, 2, 1), date(2021, 3, 1)
END = date(2021, 2, 15)
OPEN = Span(MA, JAN, product="HLT")
YEAR_BEGUN, YEAR_ENDED = date(2020, 1, 1), date(2020, 12, 31)
ADD, CHANGE, END_IT = Maintenance.ADD, Maintenance.CHANGE, Maintenance.TERMINATE


def a_span(
    line: str, begin: date | None = None, end: date | None = None, last: date | None = None,
    product: str = "HLT", kind: str = "medical",
) -> Span:  # fmt: skip
    return Span(line, begin, end, last or end, kind, product)


DENTAL = a_span(MA, JAN, kind="dental", product="DEN")


def a_row(maintenance: Maintenance = Maintenance.CHANGE, *coverages: Coverage, **changes: Any) -> RosterRecord:
    row = RosterRecord(Position(1, 1), maintenance, "", is_subscriber=True, relation="18", person=StatedPerson())
    return row._replace(coverages=coverages, **changes)


def cover(
    begin: date | None, end: date | None = None, maintenance: Maintenance = Maintenance.CHANGE, *, line: str = MA,
    lapses: date | None = None, void: bool = False, of: str = "HLT",
) -> Coverage:  # fmt: skip
    insurance, _, plan = of.partition(" ")
    kind = INSURANCE_LINES[insurance]
    return Coverage(insurance, line, maintenance, plan, begin, end, lapses or end, void, kind)


@pytest.mark.parametrize(
    ("edge", "known", "row", "expected"),
    [
        ("a new one", (), a_row(Maintenance.ADD, cover(JAN)), (OPEN,)),
        ("without any date it is open", (), a_row(Maintenance.ADD), (Span(""),)),
        ("a change without dates changes nothing", (OPEN,), a_row(), (OPEN,)),
        ("the same begin is replaced", (OPEN,), a_row(Maintenance.CHANGE, cover(JAN, END)), (a_span(MA, JAN, END),)),
        ("a later begin ends the open one before it", (OPEN,), a_row(Maintenance.CHANGE, cover(FEB)),
         (a_span(MA, JAN, date(2021, 1, 31), date(2021, 1, 31)), a_span(MA, FEB))),
        ("an end that begins elsewhere reaches the open one within", (a_span(MA, FEB),),
         a_row(Maintenance.CHANGE, cover(JAN, MAR)), (a_span(MA, JAN, MAR, MAR),)),
        ("a void removes what has its begin", (OPEN, a_span(MA, MAR)),
         a_row(Maintenance.CHANGE, cover(MAR, FEB, void=True)), (OPEN,)),
        ("another line is another matter", (OPEN,), a_row(Maintenance.ADD, cover(FEB, line="medicaid")),
         (OPEN, a_span("medicaid", FEB))),
        ("a grace counts longer than the end", (), a_row(Maintenance.ADD, cover(JAN, END, lapses=MAR)),
         (a_span(MA, JAN, END, MAR),)),
        ("an older month leaves the later ones", (a_span(MA, FEB, END, MAR),),
         a_row(Maintenance.ADD, cover(JAN, date(2021, 1, 31))),
         (a_span(MA, JAN, date(2021, 1, 31), date(2021, 1, 31)), a_span(MA, FEB, END, MAR))),
        ("a termination that names a product ends that one", (OPEN, a_span("medicaid", JAN)),
         a_row(Maintenance.TERMINATE, cover(JAN, END, Maintenance.TERMINATE)),
         (a_span("medicaid", JAN), a_span(MA, JAN, END, END))),
        ("one with an end of the member ends every product", (OPEN, a_span("medicaid", JAN)),
         a_row(Maintenance.TERMINATE, cover(JAN, END, Maintenance.TERMINATE), end_on=END),
         (a_span("medicaid", JAN, END, END), a_span(MA, JAN, END, END))),
        ("one that names none ends every product", (OPEN, a_span("medicaid", JAN)),
         a_row(Maintenance.TERMINATE, effective_on=END),
         (a_span("medicaid", JAN, END, END), a_span(MA, JAN, END, END))),
        ("and has no grace", (a_span(MA, JAN, END, MAR),), a_row(Maintenance.TERMINATE, end_on=END),
         (a_span(MA, JAN, END, END),)),
        ("in retrospect it voids what began later", (a_span(MA, FEB),), a_row(Maintenance.TERMINATE, end_on=JAN), ()),
        ("without a day it ends on the day it is said", (OPEN,), a_row(Maintenance.TERMINATE),
         (a_span(MA, JAN, SAID_ON, SAID_ON),)),
        ("of one coverage only", (OPEN, a_span("medicaid", JAN)),
         a_row(Maintenance.CHANGE, cover(JAN, END, Maintenance.TERMINATE)),
         (a_span("medicaid", JAN), a_span(MA, JAN, END, END))),
        ("of somebody unknown leaves its trace", (), a_row(Maintenance.TERMINATE, cover(JAN, END)),
         (a_span(MA, JAN, END, END),)),
        ("a reinstatement without dates opens the last one", (a_span(MA, JAN, END, END),), a_row(Maintenance.REINSTATE),
         (OPEN,)),
        ("with a begin it starts anew", (a_span(MA, JAN, END, END),), a_row(Maintenance.REINSTATE, cover(MAR)),
         (a_span(MA, JAN, END, END), a_span(MA, MAR))),
    ],
)  # fmt: skip
def test_spans(edge: str, known: tuple[Span, ...], row: RosterRecord, expected: tuple[Span, ...]) -> None:
    """The spans after the row, in order."""
    assert restated_spans(known, row, SAID_ON) == expected, edge


@pytest.mark.parametrize(
    ("edge", "known", "row", "expected"),
    [
        ("dental ends and medical stays", (DENTAL, OPEN), a_row(CHANGE, cover(JAN, END, END_IT, of="DEN")),
         (DENTAL._replace(end_on=END, last_on=END), OPEN)),
        ("so it does without a begin", (DENTAL, OPEN), a_row(CHANGE, cover(None, END, END_IT, of="DEN")),
         (DENTAL._replace(end_on=END, last_on=END), OPEN)),
        ("and in a termination", (DENTAL, OPEN), a_row(END_IT, cover(None, END, END_IT, of="DEN")),
         (DENTAL._replace(end_on=END, last_on=END), OPEN)),
        ("a drug plan begins later and medical stays open", (OPEN,), a_row(ADD, cover(FEB, MAR, ADD, of="PDG")),
         (OPEN, a_span(MA, FEB, MAR, kind="drug", product="PDG"))),
        ("dental that nobody knew of ends alone", (OPEN,), a_row(CHANGE, cover(None, END, END_IT, of="DEN")), (OPEN,)),
        ("a delete of dental leaves medical", (DENTAL, OPEN),
         a_row(CHANGE, cover(JAN, None, END_IT, of="DEN", void=True)), (OPEN,)),
        ("a reinstatement of dental alone", (DENTAL._replace(end_on=END, last_on=END), a_span(MA, JAN, END)),
         a_row(Maintenance.REINSTATE, cover(None, None, Maintenance.REINSTATE, of="DEN")),
         (DENTAL, a_span(MA, JAN, END))),
        ("the new plan is told before the old one ends", (a_span(MA, YEAR_BEGUN, product="HMO OLD"),
         a_span(MA, JAN, product="HMO NEW")), a_row(END_IT, cover(YEAR_BEGUN, YEAR_ENDED, END_IT, of="HMO OLD")),
         (a_span(MA, YEAR_BEGUN, YEAR_ENDED, product="HMO OLD"), a_span(MA, JAN, product="HMO NEW"))),
        ("they overlap", (a_span(MA, YEAR_BEGUN, product="HMO OLD"), a_span(MA, JAN, product="HMO NEW")),
         a_row(END_IT, cover(YEAR_BEGUN, END, END_IT, of="HMO OLD")),
         (a_span(MA, YEAR_BEGUN, END, product="HMO OLD"), a_span(MA, JAN, product="HMO NEW"))),
        ("the old one is told by another name", (a_span(MA, YEAR_BEGUN), a_span(MA, JAN, product="HMO NEW")),
         a_row(END_IT, cover(YEAR_BEGUN, YEAR_ENDED, END_IT, of="HMO OLD")),
         (a_span(MA, YEAR_BEGUN, YEAR_ENDED), a_span(MA, JAN, product="HMO NEW"))),
        ("the old one has the same name and is told without a begin",
         (a_span(MA, YEAR_BEGUN, YEAR_ENDED), OPEN), a_row(CHANGE, cover(None, YEAR_ENDED, END_IT)),
         (a_span(MA, YEAR_BEGUN, YEAR_ENDED), OPEN)),
        ("a past span ends sooner", (a_span(MA, YEAR_BEGUN, YEAR_ENDED), a_span(MA, FEB)),
         a_row(CHANGE, cover(YEAR_BEGUN, date(2020, 9, 30), END_IT)),
         (a_span(MA, YEAR_BEGUN, date(2020, 9, 30)), a_span(MA, FEB))),
        ("a termination of the only plan by another name", (OPEN,), a_row(END_IT, cover(FEB, MAR, END_IT, of="PPO")),
         (a_span(MA, JAN, MAR),)),
        ("a change names no plan that was known", (OPEN,), a_row(CHANGE, cover(FEB, MAR, END_IT, of="PPO")),
         (OPEN, a_span(MA, FEB, MAR, product="PPO"))),
        ("an end alone ends the open span", (OPEN,), a_row(CHANGE, cover(None, END)), (a_span(MA, JAN, END),)),
        ("by an audit too", (a_span(MA, YEAR_BEGUN, YEAR_ENDED), a_span(MA, FEB)),
         a_row(Maintenance.AUDIT, cover(None, MAR, Maintenance.AUDIT)),
         (a_span(MA, YEAR_BEGUN, YEAR_ENDED), a_span(MA, FEB, MAR))),
        ("an end alone before the only begin", (a_span(MA, FEB),), a_row(END_IT, cover(None, JAN, END_IT)), ()),
        ("a delete", (OPEN,), a_row(CHANGE, cover(JAN, None, END_IT, void=True)), ()),
        ("a delete without a begin", (OPEN,), a_row(CHANGE, cover(None, None, END_IT, void=True)), ()),
        ("a delete of a span that was never told leaves the one that was", (OPEN,),
         a_row(CHANGE, cover(MAR, None, END_IT, void=True)), (OPEN,)),
        ("so does an end before a begin that was never told", (OPEN,), a_row(CHANGE, cover(MAR, FEB, ADD, void=True)),
         (OPEN,)),
        ("a termination that ends before such a begin ends what began by then", (OPEN,),
         a_row(END_IT, cover(MAR, END, END_IT, void=True)), (a_span(MA, JAN, END),)),
        ("a delete leaves the span before", (a_span(MA, YEAR_BEGUN, YEAR_ENDED), OPEN),
         a_row(CHANGE, cover(JAN, None, END_IT, void=True)), (a_span(MA, YEAR_BEGUN, YEAR_ENDED),)),
        ("the member's end ends what the row states open", (),
         a_row(CHANGE, cover(JAN), begin_on=JAN, end_on=MAR, lapses_on=MAR), (a_span(MA, JAN, MAR),)),
        ("and every other product", (DENTAL, OPEN), a_row(CHANGE, cover(JAN), end_on=MAR, lapses_on=MAR),
         (a_span(MA, JAN, MAR, kind="dental", product="DEN"), a_span(MA, JAN, MAR))),
        ("and without a coverage in the row", (DENTAL, OPEN), a_row(CHANGE, end_on=MAR, lapses_on=MAR),
         (a_span(MA, JAN, MAR, kind="dental", product="DEN"), a_span(MA, JAN, MAR))),
        ("but not what ended sooner", (a_span(MA, JAN, END),), a_row(CHANGE, end_on=MAR, lapses_on=MAR),
         (a_span(MA, JAN, END),)),
        ("the member's begin again says nothing of a coverage that ended", (a_span(MA, JAN, END),),
         a_row(CHANGE, begin_on=JAN), (a_span(MA, JAN, END),)),
        ("nor does it touch dental", (DENTAL, OPEN), a_row(CHANGE, begin_on=JAN), (DENTAL, OPEN)),
        ("a month's grace ends with a termination", (a_span(MA, JAN, date(2021, 1, 31), MAR),),
         a_row(END_IT, cover(YEAR_BEGUN, date(2021, 2, 10), END_IT)),
         (a_span(MA, JAN, date(2021, 1, 31), date(2021, 2, 10)),)),
        ("a plan's description told later is the same product", (OPEN,), a_row(CHANGE, cover(JAN, of="HLT GOLD")),
         (a_span(MA, JAN, product="HLT GOLD"),)),
        ("and told no more it stays", (a_span(MA, JAN, product="HLT GOLD"),), a_row(CHANGE, cover(FEB)),
         (a_span(MA, JAN, date(2021, 1, 31), product="HLT GOLD"), a_span(MA, FEB, product="HLT GOLD"))),
        ("a span from before products were kept is the medical one", (Span(MA, JAN),),
         a_row(CHANGE, cover(JAN, END, END_IT), cover(JAN, None, CHANGE, of="DEN")),
         (DENTAL, a_span(MA, JAN, END))),
        ("and does not end with dental", (Span(MA, JAN),), a_row(CHANGE, cover(JAN, END, END_IT, of="VIS")),
         (Span(MA, JAN), a_span(MA, JAN, END, kind="vision", product="VIS"))),
    ],
)  # fmt: skip
def test_products(edge: str, known: tuple[Span, ...], row: RosterRecord, expected: tuple[Span, ...]) -> None:
    """What is said of one product leaves every other one alone."""
    assert restated_spans(known, row, SAID_ON) == expected, edge


@pytest.mark.parametrize(
    ("edge", "row", "expected"),
    [
        ("all of it with the subscriber's end", a_row(END_IT, end_on=END),
         (a_span(MA, JAN, END, kind="dental", product="DEN"), a_span(MA, JAN, END))),
        ("the product that the row names", a_row(END_IT, cover(YEAR_BEGUN, END, END_IT, of="DEN")),
         (a_span(MA, JAN, END, kind="dental", product="DEN"), OPEN)),
        ("nothing before it began", a_row(END_IT, end_on=YEAR_ENDED), ()),
    ],
)  # fmt: skip
def test_a_family_ends_with_its_subscriber(edge: str, row: RosterRecord, expected: tuple[Span, ...]) -> None:
    """A dependant's spans after the subscriber's termination; his own begins do not matter."""
    assert family_spans((DENTAL, OPEN), row, SAID_ON) == expected, edge


def test_spans_are_bounded() -> None:
    """Years of single months don't pile up without end; the newest stay."""
    spans: tuple[Span, ...] = ()
    for month in range(100):
        day = date(2012 + month // 12, month % 12 + 1, 1)
        spans = restated_spans(spans, a_row(Maintenance.ADD, cover(day, day)), SAID_ON)
    assert (len(spans), spans[-1].begin_on) == (MAX_SPANS, date(2020, 4, 1))
