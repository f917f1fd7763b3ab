"""Times of coverage as rosters state them, one span a product and beginning. What is said of one product leaves every
other one alone; the population's products are all medical, and its rows name each with its begin."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from tests.chaos.checker.inputs.records import Cover, MemberRow

MAX_SPANS = 60


@dataclass(frozen=True, slots=True)
class Span:
    """Coverage of a line of business by a product; no end: open."""

    line: str
    begin_on: date | None = None
    end_on: date | None = None
    last_on: date | None = None
    product: str = ""

    def covers(self, day: date) -> bool:
        return (self.begin_on or date.min) <= day <= (self.last_on or date.max)

    def as_stored(self) -> list[str | None]:
        days = (self.begin_on, self.end_on, self.last_on)
        return [self.line, *(one.isoformat() if one else None for one in days), "medical", self.product]


Spans = tuple[Span, ...]


def restated(known: Spans, row: MemberRow, said_on: date) -> Spans:
    """The spans after a row: first each product that it names, then the end of the member."""
    if row.ends and not row.covers:
        return cut(known or (Span("", row.begin_on),), row.end_on or said_on)
    spans = known
    for cover in sorted(row.covers, key=lambda one: one.begin_on or date.min):
        spans = _with(spans, cover, row, said_on)
    if row.begin_on and row.end_on and row.end_on < row.begin_on:
        spans = tuple(one for one in spans if one.begin_on != row.begin_on)
    elif row.end_on:
        spans = _until(spans, row.end_on)
    return ordered(spans)


def cut(spans: Iterable[Span], ends_on: date) -> Spans:
    """Coverage that is over on this day at the latest."""
    return ordered(_until([one for one in spans if (one.begin_on or date.min) <= ends_on], ends_on))


def _until(spans: Iterable[Span], ends_on: date) -> Spans:
    """What began by this day is over by then."""
    return tuple(
        replace(one, end_on=ends_on, last_on=ends_on)
        if (one.begin_on or date.min) <= ends_on < (one.last_on or date.max)
        else one
        for one in spans
    )


def _with(known: Spans, cover: Cover, row: MemberRow, said_on: date) -> Spans:
    mine = [one for one in known if (one.line, one.product) == (cover.line, cover.product)]
    others = [one for one in known if one not in mine]
    begin_on, end_on = cover.begin_on or row.begin_on, cover.end_on
    kept = [one for one in mine if one.begin_on != begin_on]
    if begin_on and end_on and end_on < begin_on:
        return (*others, *kept)
    if cover.ends or row.ends:
        ends_on = end_on or row.end_on or said_on
        return (*others, *_until(kept, ends_on), Span(cover.line, begin_on, ends_on, ends_on, cover.product))
    span = Span(cover.line, begin_on, end_on, end_on, cover.product)
    return (*others, *(left for one in kept if (left := _yielding(one, span)) is not None), span)


def _yielding(known: Span, span: Span) -> Span | None:
    """An open span ends where a later one begins."""
    if known.last_on is not None or span.begin_on is None:
        return known
    if known.begin_on is None or known.begin_on < span.begin_on:
        ends_on = span.begin_on - timedelta(days=1)
        return replace(known, end_on=ends_on, last_on=ends_on)
    return None if span.last_on is None or known.begin_on <= span.last_on else known


def ordered(spans: Iterable[Span]) -> Spans:
    return tuple(sorted(spans, key=lambda one: (one.begin_on or date.min, one.line, one.product)))[-MAX_SPANS:]
