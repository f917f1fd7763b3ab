"""Times of coverage: what a roster's row makes of those that are known. Pure.

A coverage is one product of one kind. What is said of one product leaves every other one alone.
"""

from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from services.eligibility.clock.rules import ONE_DAY
from services.eligibility.feeds.records import Coverage, Maintenance, RosterRecord
from services.eligibility.people.enrolment import Span

MAX_SPANS = 60
"""Of each kind: five years of single months; older ones can't matter to a decision."""

BEGUN = frozenset({Maintenance.ADD, Maintenance.REINSTATE})
Spans = tuple[Span, ...]


def restated_spans(known: Spans, record: RosterRecord, said_on: date, *, is_listed: bool = False) -> Spans:
    """The times of coverage after the row: what it says of each product, then what it says of the member. `is_listed`:
    another row of the file spoke of him before."""
    if not record.coverages:
        return _member_level(known, record, said_on, is_listed=is_listed)
    if len(known) < 2 and (plain := _plain(record)) is not None and known in {(), (plain,)}:
        return (plain,)
    spans = known
    for coverage in sorted(record.coverages, key=lambda coverage: coverage.begin_on or date.min):
        spans = _covered(spans, coverage, record, said_on)
    if record.is_void:
        spans = tuple(span for span in spans if span.begin_on != record.begin_on)
    elif record.end_on is not None:
        spans = _until(spans, record.end_on, record.lapses_on or record.end_on)
    return _ordered(spans)


def _plain(record: RosterRecord) -> Span | None:
    """What most rows say: one product that has begun and goes on."""
    [coverage, *more] = record.coverages
    if (
        more
        or coverage.begin_on is None
        or coverage.end_on is not None
        or coverage.is_void
        or _is_end(coverage, record)
    ):
        return None
    if record.end_on is not None or record.is_void:
        return None
    return Span(
        coverage.line_of_business, coverage.begin_on, None, coverage.lapses_on, coverage.kind, product_of(coverage)
    )


def family_spans(known: Spans, record: RosterRecord, said_on: date, *, is_listed: bool = False) -> Spans:
    """A dependant's times of coverage after the subscriber's own were terminated by the row. `is_listed`: the dependant
    has a row of his own in the file."""
    if not record.coverages:
        return _terminated(known, _ends_on(record, None, said_on), is_listed=is_listed)
    spans = known
    for coverage in record.coverages:
        if _is_end(coverage, record):
            mine = _of_product(spans, coverage, record)
            others = tuple(span for span in spans if span not in mine)
            spans = (*others, *_ended(mine, None, _ends_on(record, coverage, said_on)))
    return _ordered(spans if record.end_on is None else _until(spans, record.end_on, record.end_on))


def without_restated(known: Spans, record: RosterRecord) -> RosterRecord:
    """The row without coverages of which it says only how they began, and that are known to have ended."""
    if record.maintenance in BEGUN:
        return record
    return record._replace(coverages=tuple(one for one in record.coverages if not _is_restated(known, one, record)))


def _is_restated(known: Spans, coverage: Coverage, record: RosterRecord) -> bool:
    if coverage.maintenance in BEGUN or coverage.end_on is not None or coverage.is_void:
        return False
    begin_on = coverage.begin_on or record.begin_on
    return any(span.begin_on == begin_on and span.end_on for span in _of_product(known, coverage, record))


def cut(spans: Iterable[Span], ends_on: date) -> Spans:
    """Coverage that ends on this day at the latest; what would begin after it never was."""
    return _ordered(
        _until([span for span in spans if span.begin_on is None or span.begin_on <= ends_on], ends_on, ends_on)
    )


def ends_elsewhere(spans: Iterable[Span], among: Spans, *, by_product: bool) -> bool:
    """Whether one of these ends on a day that none among those covers for the same product, or kind of product."""
    return any(
        not any(
            span.kind == other.kind and (span.product == other.product or not by_product)
            and _covers(other, span.last_on)
            for other in among
        )
        for span in spans
    )  # fmt: skip


def _covers(span: Span, on: date | None) -> bool:
    on = on or date.max
    return (span.begin_on or date.min) <= on <= (span.last_on or date.max)


# -- what is said of the member


def _ends_on(record: RosterRecord, coverage: Coverage | None, said_on: date) -> date:
    return (coverage.end_on if coverage else None) or record.end_on or record.effective_on or said_on


def _terminated(known: Spans, ends_on: date, *, is_listed: bool) -> Spans:
    """All coverage ends; but what begins later may be told first by the same file, and is then another matter."""
    return _ordered(_until(known, ends_on, ends_on)) if is_listed else cut(known, ends_on)


def _member_level(known: Spans, record: RosterRecord, said_on: date, *, is_listed: bool) -> Spans:
    begin_on, end_on = record.begin_on, record.end_on
    if record.maintenance is Maintenance.TERMINATE:
        return _terminated(known or (Span("", begin_on),), _ends_on(record, None, said_on), is_listed=is_listed)
    if not known:
        return () if record.is_void else (Span("", begin_on, end_on, record.lapses_on),)
    if record.is_void:
        return tuple(period for period in known if period.begin_on != begin_on)
    if end_on is None and begin_on is None:
        return _reopened(known) if record.maintenance is Maintenance.REINSTATE else known
    if begin_on is not None and (record.maintenance in BEGUN or _is_after_all(known, begin_on)):
        last = next((period for period in reversed(known) if period.is_medical), known[-1])
        mine = tuple(
            period
            for period in known
            if (period.kind, period.product, period.line) == (last.kind, last.product, last.line)
        )
        span = last._replace(begin_on=begin_on, end_on=end_on, last_on=record.lapses_on)
        return _ordered((*(period for period in known if period not in mine), *_stated(mine, span)))
    return known if end_on is None else _ordered(_until(known, end_on, record.lapses_on or end_on))


def _is_after_all(known: Spans, begin_on: date) -> bool:
    return all(span.last_on is not None and span.last_on < begin_on for span in known)


def _reopened(known: Spans) -> Spans:
    """What ended last goes on: all of it, where several products ended together."""
    last_on = max(span.last_on or date.max for span in known)
    return _ordered(span._replace(end_on=None, last_on=None) if span.last_on == last_on else span for span in known)


# -- what is said of a product


def _is_end(coverage: Coverage, record: RosterRecord) -> bool:
    """Whether a row says no more of a product than that it ends."""
    if coverage.maintenance is Maintenance.TERMINATE:
        return True
    if record.maintenance is Maintenance.TERMINATE:
        return coverage.end_on is not None or coverage.maintenance not in BEGUN
    return coverage.end_on is not None and coverage.begin_on is None and record.begin_on is None


def _covered(known: Spans, coverage: Coverage, record: RosterRecord, said_on: date) -> Spans:
    mine = _of_product(known, coverage, record)
    others = tuple(period for period in known if period not in mine)
    if coverage.is_void:
        return (*others, *_voided(mine, coverage, is_end=_is_end(coverage, record)))
    said = product_of(coverage)
    product = max([said, *(period.product for period in mine if _is_alike(period.product, said))], key=len)
    fresh = Span(coverage.line_of_business, coverage.begin_on, kind=coverage.kind, product=product)
    if _is_end(coverage, record):
        ends_on = _ends_on(record, coverage, said_on)
        if known and not mine and coverage.begin_on is None:
            return known
        if not known and coverage.begin_on is None:
            fresh = fresh._replace(begin_on=record.begin_on)
        return (*others, *_ended(mine, fresh, ends_on))
    begin_on = coverage.begin_on or record.begin_on
    if begin_on is None and coverage.end_on is None and mine:
        return (*others, *_reopened(mine)) if coverage.maintenance is Maintenance.REINSTATE else known
    span = fresh._replace(begin_on=begin_on, end_on=coverage.end_on, last_on=coverage.lapses_on)
    return (*others, *_stated(mine, span))


def product_of(coverage: Coverage) -> str:
    """Insurance line (HD03) and, where it is told, the plan's description (HD04)."""
    return _product(coverage.insurance_line, coverage.description)


@lru_cache(maxsize=1 << 10)
def _product(insurance_line: str, description: str) -> str:
    return f"{insurance_line} {description.upper()}".strip()


def _of_product(known: Spans, coverage: Coverage, record: RosterRecord) -> Spans:
    """The spans that a coverage speaks of: its very product; else one of which either says less; and, if it ends, the
    one of the same line of business that began with it, or a terminated member's only product of the kind."""
    of_kind = tuple(span for span in known if span.kind == coverage.kind)
    in_line = tuple(span for span in of_kind if span.line == coverage.line_of_business)
    product = product_of(coverage)
    exact = tuple(span for span in in_line if span.product == product)
    if exact:
        return (*exact, *(span for span in in_line if not span.product))
    alike = tuple(span for span in in_line if _is_alike(span.product, product))
    if len({span.product for span in alike}) == 1:
        return alike
    if not _is_end(coverage, record):
        return ()
    if alike:
        began = {span.product for span in alike if coverage.begin_on and span.begin_on == coverage.begin_on}
        return tuple(span for span in alike if not began or span.product in began)
    if together := tuple(span for span in in_line if coverage.begin_on and span.begin_on == coverage.begin_on):
        return together
    is_only = len({(span.line, span.product) for span in of_kind}) == 1
    return of_kind if is_only and record.maintenance is Maintenance.TERMINATE else ()


def _is_alike(known: str, said: str) -> bool:
    """Whether the two differ only in that one of them is told without its description, or not at all."""
    if not known:
        return True
    line, _, description = known.partition(" ")
    said_line, _, said_description = said.partition(" ")
    return line == said_line and not (description and said_description)


def _voided(mine: Spans, coverage: Coverage, *, is_end: bool) -> Spans:
    """It never was: the span of this begin, or the last one where no begin is said. A begin that was never told voids
    nothing that was; a termination's end reaches it."""
    others = tuple(span for span in mine if span.begin_on != coverage.begin_on)
    if len(others) < len(mine):
        return others
    if coverage.begin_on is None:
        return mine[:-1]
    return _until(mine, coverage.end_on, coverage.end_on) if is_end and coverage.end_on else mine


def _ended(mine: Spans, fresh: Span | None, ends_on: date) -> Spans:
    """A product that ends. Its times that began by then end by then, later ones are another matter, for they may have
    been told first; where the end says no begin and precedes them all, what is open never was."""
    begin_on = fresh.begin_on if fresh else None
    same = tuple(span for span in mine if begin_on is not None and span.begin_on == begin_on)
    if same and begin_on is not None:
        rest = tuple(span for span in mine if span not in same)
        product = same[-1].product or (fresh.product if fresh else "")
        ended = same[-1]._replace(end_on=ends_on, last_on=ends_on, product=product)
        exact = () if ends_on < begin_on else (ended,)
        return (*_until(rest, ends_on, ends_on), *exact)
    begun = [span for span in mine if span.begin_on is None or span.begin_on <= ends_on]
    if begun:
        return _until(mine, ends_on, ends_on)
    if begin_on is None and mine:
        return tuple(span for span in mine if span.last_on is not None)
    if fresh is None or (begin_on is not None and ends_on < begin_on):
        return mine
    return (*mine, fresh._replace(end_on=ends_on, last_on=ends_on))


def _until(spans: Iterable[Span], end_on: date, last_on: date) -> Spans:
    """No span that began by this day counts longer; one that ends sooner has only its grace to lose."""
    return tuple([_shortened(span, end_on, last_on) for span in spans])


def _shortened(one: Span, end_on: date, last_on: date) -> Span:
    if (one.begin_on is not None and one.begin_on > end_on) or (one.last_on is not None and one.last_on <= last_on):
        return one
    if one.end_on is not None and one.end_on < end_on:
        return one._replace(last_on=max(one.end_on, last_on))
    return one._replace(end_on=end_on, last_on=last_on)


def _stated(mine: Spans, span: Span) -> Spans:
    """A product's spans after this one was stated: it replaces the one of the same begin, and an open one yields."""
    kept = [other for other in mine if other.begin_on != span.begin_on]
    return (*(left for other in kept if (left := _yielding(other, span)) is not None), span)


def _yielding(known: Span, span: Span) -> Span | None:
    if known.last_on is not None or span.begin_on is None:
        return known
    if known.begin_on is None or known.begin_on < span.begin_on:
        ends_on = span.begin_on - ONE_DAY
        return known._replace(end_on=ends_on, last_on=ends_on)
    return None if span.last_on is None or known.begin_on <= span.last_on else known


def _ordered(spans: Iterable[Span]) -> Spans:
    spans = tuple(spans)
    if len(spans) < 2:
        return spans
    found = sorted(spans, key=lambda span: (span.begin_on or date.min, span.line, span.kind, span.product))
    return tuple(found) if len(found) <= MAX_SPANS else _newest(found)


def _newest(spans: list[Span]) -> Spans:
    """So many of each kind, so that months of dental cover can't push out a medical one."""
    of_kind: dict[str, list[Span]] = {}
    for span in spans:
        of_kind.setdefault(span.kind, []).append(span)
    kept = {id(span) for found in of_kind.values() for span in found[-MAX_SPANS:]}
    return tuple(span for span in spans if id(span) in kept)
