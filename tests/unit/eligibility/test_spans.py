"""What a roster's row makes of the times of coverage."""

from datetime import date
from typing import Any

import pytest

from services.eligibility.domain import Span
from services.eligibility.feeds.records import Coverage, Maintenance, Person, Position, RosterRecord
from services.eligibility.roster import MAX_SPANS, restated_spans

SAID_ON = date(2021, 3, 1)
MA = "medicare-advantage"
JAN, FEB, MAR = date(2021, 1, 1), date(2021, 2, 1), date(2021, 3, 1)
END = date(2021, 2, 15)
OPEN = Span(MA, JAN)


def a_row(maintenance: Maintenance = Maintenance.CHANGE, *coverages: Coverage, **changes: Any) -> RosterRecord:
    row = RosterRecord(Position(1, 1), maintenance, "", is_subscriber=True, relation="18", person=Person())
    return row._replace(coverages=coverages, **changes)


def cover(
    begin: date | None, end: date | None = None, maintenance: Maintenance = Maintenance.CHANGE, *, line: str = MA,
    lapses: date | None = None, void: bool = False,
) -> Coverage:  # fmt: skip
    return Coverage("HLT", line, maintenance, "", begin, end, lapses or end, void)


@pytest.mark.parametrize(
    ("edge", "known", "row", "expected"),
    [
        ("a new one", (), a_row(Maintenance.ADD, cover(JAN)), (OPEN,)),
        ("without any date it is open", (), a_row(Maintenance.ADD), (Span(""),)),
        ("a change without dates changes nothing", (OPEN,), a_row(), (OPEN,)),
        ("the same begin is replaced", (OPEN,), a_row(Maintenance.CHANGE, cover(JAN, END)), (Span(MA, JAN, END, END),)),
        ("a later begin ends the open one before it", (OPEN,), a_row(Maintenance.CHANGE, cover(FEB)),
         (Span(MA, JAN, date(2021, 1, 31), date(2021, 1, 31)), Span(MA, FEB))),
        ("an end that begins elsewhere reaches the open one within", (Span(MA, FEB),),
         a_row(Maintenance.CHANGE, cover(JAN, MAR)), (Span(MA, JAN, MAR, MAR),)),
        ("a void removes what has its begin", (OPEN, Span(MA, MAR)),
         a_row(Maintenance.CHANGE, cover(MAR, FEB, void=True)), (OPEN,)),
        ("another line is another matter", (OPEN,), a_row(Maintenance.ADD, cover(FEB, line="medicaid")),
         (OPEN, Span("medicaid", FEB))),
        ("a grace counts longer than the end", (), a_row(Maintenance.ADD, cover(JAN, END, lapses=MAR)),
         (Span(MA, JAN, END, MAR),)),
        ("an older month leaves the later ones", (Span(MA, FEB, END, MAR),),
         a_row(Maintenance.ADD, cover(JAN, date(2021, 1, 31))),
         (Span(MA, JAN, date(2021, 1, 31), date(2021, 1, 31)), Span(MA, FEB, END, MAR))),
        ("a termination ends every line", (OPEN, Span("medicaid", JAN)),
         a_row(Maintenance.TERMINATE, cover(JAN, END, Maintenance.TERMINATE)),
         (Span("medicaid", JAN, END, END), Span(MA, JAN, END, END))),
        ("and has no grace", (Span(MA, JAN, END, MAR),), a_row(Maintenance.TERMINATE, end_on=END),
         (Span(MA, JAN, END, END),)),
        ("in retrospect it voids what began later", (Span(MA, FEB),), a_row(Maintenance.TERMINATE, end_on=JAN), ()),
        ("without a day it ends on the day it is said", (OPEN,), a_row(Maintenance.TERMINATE),
         (Span(MA, JAN, SAID_ON, SAID_ON),)),
        ("of one coverage only", (OPEN, Span("medicaid", JAN)),
         a_row(Maintenance.CHANGE, cover(JAN, END, Maintenance.TERMINATE)),
         (Span("medicaid", JAN), Span(MA, JAN, END, END))),
        ("of somebody unknown leaves its trace", (), a_row(Maintenance.TERMINATE, cover(JAN, END)),
         (Span(MA, JAN, END, END),)),
        ("a reinstatement without dates opens the last one", (Span(MA, JAN, END, END),), a_row(Maintenance.REINSTATE),
         (OPEN,)),
        ("with a begin it starts anew", (Span(MA, JAN, END, END),), a_row(Maintenance.REINSTATE, cover(MAR)),
         (Span(MA, JAN, END, END), Span(MA, MAR))),
    ],
)  # fmt: skip
def test_spans(edge: str, known: tuple[Span, ...], row: RosterRecord, expected: tuple[Span, ...]) -> None:
    """The spans after the row, in order."""
    assert restated_spans(known, row, SAID_ON) == expected, edge


def test_spans_are_bounded() -> None:
    """Years of single months don't pile up without end; the newest stay."""
    spans: tuple[Span, ...] = ()
    for month in range(100):
        day = date(2012 + month // 12, month % 12 + 1, 1)
        spans = restated_spans(spans, a_row(Maintenance.ADD, cover(day, day)), SAID_ON)
    assert (len(spans), spans[-1].begin_on) == (MAX_SPANS, date(2020, 4, 1))
