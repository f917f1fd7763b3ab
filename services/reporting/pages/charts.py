"""Plots as SVG text: no script, no font, nothing to load. Figures stand beside every mark, and texture repeats what
colour says, so that nothing is lost in grey or to the colour-blind."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from math import ceil, log10

from services.reporting.pages.words import HIDDEN, number, percent
from services.reporting.population.rules import Coverage

ROW = 30
PATTERNS = """<svg width="0" height="0" aria-hidden="true" focusable="false"><defs>
<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
<rect width="6" height="6" class="f2"/><rect width="2.2" height="6" class="paper"/></pattern>
<pattern id="dots" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6" class="f3"/>
<circle cx="3" cy="3" r="1.3" class="paper"/></pattern></defs></svg>"""
FILLS = ("f1", "hatch", "dots", "f4")


@dataclass(frozen=True, slots=True)
class Series:
    """One kind of thing counted by week. None: hidden."""

    label: str
    counts: Sequence[int | None]


def picture(title: str, width: float, height: float, body: Iterable[str]) -> str:
    """An image with a text that says what is to be seen."""
    inside = "".join(body)
    return (
        f'<svg role="img" viewBox="0 0 {width:g} {height:g}" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{inside}</svg>"
    )


def text(x: float, y: float, said: str, *classes: str, anchor: str = "start") -> str:
    names = f' class="{" ".join(classes)}"' if classes else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{names}>{escape(said)}</text>'


def rect(x: float, y: float, width: float, height: float, fill: str, tip: str = "") -> str:
    shape = f'x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{max(height, 0):.1f}" {_paint(fill)}'
    return f"<rect {shape}><title>{escape(tip)}</title></rect>" if tip else f"<rect {shape}/>"


def _paint(fill: str) -> str:
    return f'fill="url(#{fill})"' if fill in {"hatch", "dots"} else f'class="{fill}"'


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def coverage_dots(title: str, rows: Sequence[tuple[str, Coverage]], label_width: float = 210) -> str:
    """A dot with its 95 % interval for each row on one scale from 0 to 100 %."""
    width, right = 560.0, 122.0
    left, span = label_width, width - label_width - right
    height = 24 + ROW * len(rows)
    body = []
    for tick in (0, 25, 50, 75, 100):
        x = left + span * tick / 100
        body += [line(x, 18, x, height - 4, "grid"), text(x, 11, f"{tick} %", "small", anchor="middle")]
    for i, (label, coverage) in enumerate(rows):
        y = 24 + ROW * (i + 0.5)
        body.append(text(left - 12, y + 4, label, anchor="end"))
        of = f"of {number(coverage.members)}"
        if coverage.share is None:
            body.append(text(left + 6, y + 4, HIDDEN, "muted"))
            body.append(text(width, y + 4, of, "muted", anchor="end"))
            continue
        share = coverage.share
        low, at, high = (left + span * value for value in (share.low, share.value, share.high))
        body.append(line(low, y, high, y, "whisker"))
        body.append(f'<circle cx="{at:.1f}" cy="{y:.1f}" r="6.5" class="f1"/>')
        body.append(text(left + span + 12, y + 4, percent(share.value), "strong"))
        body.append(text(width, y + 4, of, "muted", anchor="end"))
    said = "; ".join(
        f"{name}: {percent(coverage.share.value) if coverage.share else 'hidden'}" for name, coverage in rows
    )
    return picture(f"{title}. {said}.", width, height, body)


def bars(title: str, rows: Sequence[tuple[str, int | None, str]], label_width: float = 230) -> str:
    """A bar for each row, with its count and a note."""
    width = 560.0
    notes = 150.0 if any(note for _, _, note in rows) else 60.0
    span = width - label_width - notes
    most = max((count or 0 for _, count, _ in rows), default=0) or 1
    body = []
    for i, (label, count, note) in enumerate(rows):
        y = ROW * i
        body.append(text(label_width - 12, y + 19, label, anchor="end"))
        length = span * (count or 0) / most
        if count is None:
            body.append(f'<rect x="{label_width}" y="{y + 5}" width="14" height="19" class="hiddenbar"/>')
            length = 14
        else:
            body.append(rect(label_width, y + 5, length, 19, "f1"))
        body.append(text(label_width + length + 8, y + 19, number(count), "strong"))
        if note:
            body.append(text(width, y + 19, note, "muted", anchor="end"))
    said = "; ".join(f"{label}: {number(count)}" for label, count, _ in rows)
    return picture(f"{title}. {said}.", width, ROW * len(rows) + 4, body)


def columns(title: str, weeks: Sequence[date], series: Sequence[Series]) -> str:
    """Stacked columns by week, first series at the bottom, with the week's sum above."""
    width, height, left, bottom, top = 560.0, 250.0, 40.0, 34.0, 44.0
    stacks = [[kind.counts[i] for kind in series] for i in range(len(weeks))]
    most = max((sum(count or 0 for count in stack) for stack in stacks), default=0)
    scale, step = _nice(most)
    high = height - top - bottom
    body = []
    for tick in range(0, scale + 1, step):
        y = height - bottom - high * tick / scale
        body += [line(left, y, width, y, "grid"), text(left - 6, y + 4, f"{tick:,}", "small", anchor="end")]
    pitch = (width - left) / max(len(weeks), 1)
    for i, week in enumerate(weeks):
        x, y = left + pitch * (i + 0.18), height - bottom
        for fill, kind, count in zip(FILLS, series, stacks[i], strict=False):
            tip = f"week of {week:%d %b}: {kind.label} {number(count)}"
            tall = 4.0 if count is None else high * count / scale
            y -= tall
            if count is None:
                body.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{pitch * 0.64:.1f}" height="4" class="hiddenbar"/>')
            elif count:
                body.append(rect(x, y, pitch * 0.64, tall, fill, tip))
        middle = left + pitch * (i + 0.5)
        some_hidden = any(count is None for count in stacks[i])
        total = sum(count or 0 for count in stacks[i])
        if total:
            said = f"{total:,}+" if some_hidden else f"{total:,}"
            body.append(text(middle, y - 5, said, "small", "strong", anchor="middle"))
        if len(weeks) <= 8 or (len(weeks) - 1 - i) % 2 == 0:
            body.append(text(middle, height - bottom + 15, f"{week.day} {week:%b}", "small", anchor="middle"))
    body.append(text(left, height - 4, "week beginning", "small", "muted"))
    body.append(legend([kind.label for kind in series], left))
    said = "; ".join(f"{kind.label}: {', '.join(number(count) for count in kind.counts)}" for kind in series)
    return picture(f"{title}, by week. {said}.", width, height, body)


def legend(labels: Sequence[str], left: float) -> str:
    parts, x = [], left
    for fill, label in zip(FILLS, labels, strict=False):
        parts += [rect(x, 4, 14, 14, fill), text(x + 20, 15.5, label, "small")]
        x += 40 + 6.6 * len(label)
    return "".join(parts)


def _nice(most: int) -> tuple[int, int]:
    """The end of a scale and its step, both round."""
    rough = max(most, 4) / 4
    size = 10 ** int(log10(rough))
    step = next(factor * size for factor in (1, 2, 5, 10) if factor * size >= rough)
    return step * ceil(max(most, 1) / step), step


def hidden_note() -> str:
    return "A dashed mark and a plus sign stand for a count that is hidden; it need not be a small one."
