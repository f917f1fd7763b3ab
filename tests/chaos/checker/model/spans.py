"""Times of coverage as rosters state them, one span a line and beginning."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from tests.chaos.checker.inputs.records import Cover, MemberRow

MAX_SPANS = 60


@dataclass(frozen=True, slots=True)
class Span:
    """Coverage of a line of business; no end: open."""

    line: str
    begin_on: date | None = None
    end_on: date | None = None
    last_on: date | None = None

    def covers(self, day: date) -> bool:
        return (self.begin_on or date.min) <= day <= (self.last_on or date.max)

    def as_stored(self) -> list[str | None]:
        days = (self.begin_on, self.end_on, self.last_on)
        return [self.line, *(one.isoformat() if one else None for one in days)]


Spans = tuple[Span, ...]


def restated(known: Spans, row: MemberRow, said_on: date) -> Spans:
    """The spans after a row."""
    if row.ends:
        stated = tuple(Span(one.line, one.begin_on or row.begin_on) for one in row.covers)
        ends_on = row.end_on or max((one.end_on for one in row.covers if one.end_on), default=said_on)
        return cut(known or stated or (Span("", row.begin_on),), ends_on)
    spans = known
    for cover in sorted(row.covers, key=lambda one: one.begin_on or date.min):
        spans = _with(spans, cover, row, said_on)
    return ordered(spans)


def cut(spans: Iterable[Span], ends_on: date) -> Spans:
    """Coverage that is over on this day at the latest."""
    kept = [one for one in spans if (one.begin_on or date.min) <= ends_on]
    return ordered(
        one if one.last_on is not None and one.last_on <= ends_on else replace(one, end_on=ends_on, last_on=ends_on)
        for one in kept
    )


def _with(known: Spans, cover: Cover, row: MemberRow, said_on: date) -> Spans:
    mine = [one for one in known if one.line == cover.line]
    others = [one for one in known if one.line != cover.line]
    if cover.ends:
        ended = cut(mine or (Span(cover.line, cover.begin_on),), cover.end_on or row.end_on or said_on)
        return (*others, *ended)
    begin_on, end_on = cover.begin_on or row.begin_on, cover.end_on
    kept = [one for one in mine if one.begin_on != begin_on]
    if begin_on and end_on and end_on < begin_on:
        return (*others, *kept)
    span = Span(cover.line, begin_on, end_on, end_on)
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
    return tuple(sorted(spans, key=lambda one: (one.begin_on or date.min, one.line)))[-MAX_SPANS:]
