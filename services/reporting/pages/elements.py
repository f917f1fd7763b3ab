"""The pieces of which a page is made: parts, halves, tables. Each gives HTML whose texts are escaped."""

from collections.abc import Iterable, Sequence
from html import escape

from services.reporting.figures.report import Row
from services.reporting.pages import charts
from services.reporting.pages.words import LEFT_OUT, say


def section(title: str, said: str, *body: str) -> str:
    """A part of the page with its question and the sentence that answers it."""
    return f'<section><h2>{escape(title)}</h2><p class="say">{escape(said)}</p>{"".join(body)}</section>'


def half(title: str, body: str, note: str = "") -> str:
    """A figure or table with its title, one of two side by side."""
    below = f'<p class="note">{escape(note)}</p>' if note else ""
    return f"<div><h3>{escape(title)}</h3>{body}{below}</div>"


def two(*halves: str) -> str:
    """Halves side by side."""
    return f'<div class="two">{"".join(halves)}</div>'


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], numbers_from: int = 1) -> str:
    """A table whose columns from `numbers_from` on are figures."""

    def cells(tag: str, row: Sequence[str]) -> str:
        kind = [' class="n"' if i >= numbers_from else "" for i in range(len(row))]
        return "".join(f"<{tag}{attribute}>{escape(cell)}</{tag}>" for attribute, cell in zip(kind, row, strict=True))

    lines = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    head = f"<caption>{escape(caption)}</caption><thead><tr>{cells('th', heads)}</tr></thead>"
    return f"<table>{head}<tbody>{lines}</tbody></table>"


def details(summary: str, body: str) -> str:
    """What is shown when somebody asks for it."""
    return f"<details><summary>{escape(summary)}</summary>{body}</details>"


def dots(title: str, rows: Iterable[Row], label_width: float = 210) -> str:
    """A plot of coverage by group, or a note that it is left out."""
    listed = [(say(row.group), row.coverage) for row in rows]
    return charts.coverage_dots(title, listed, label_width) if listed else left_out()


def left_out(of: str = "") -> str:
    """Stands where a table or plot would tell of few people whatever of it was shown."""
    return f'<p class="note">{escape(f"{of}: {LEFT_OUT}" if of else LEFT_OUT)}</p>'
