"""The weekly report as one page that loads nothing: for the screen, for print, for a screen reader."""

from html import escape
from pathlib import Path

from services.reporting.figures.report import Report
from services.reporting.figures.rules import CONVERSATION
from services.reporting.pages import charts
from services.reporting.pages.sections import SECTIONS
from services.reporting.pages.words import number, percent, points, say, span

STYLE = Path(__file__).with_name("style.css")


def render(report: Report) -> str:
    """The whole page."""
    body = "".join(section(report) for section in SECTIONS)
    mark = escape(report.watermark)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(report.title)}: week to {report.as_of:%d %B %Y}</title>"
        f"<style>{STYLE.read_text('utf-8')}</style></head><body>"
        f'<div class="strip">{mark}</div><div class="watermark" aria-hidden="true">{mark}</div>'
        f"{charts.PATTERNS}{_head(report)}<main>{body}{_foot(report)}</main></body></html>\n"
    )


def headline(report: Report) -> str:
    """The report in a sentence or two."""
    target, gap = report.headline.target, report.disparity
    if target.vaccinated is None or target.share is None:
        group = (
            f"{number(target.members)} members are" if target.members is not None else "A hidden number of members is"
        )
        return f"{group} in the target group; how many of them are vaccinated is hidden."
    said = f"{target.vaccinated:,} of {number(target.members)} members in the target group are vaccinated"
    lately = report.headline.vaccinated_last_7_days
    recent = (
        "how many of them in the last 7 days is hidden" if lately is None else f"{lately:,} of them in the last 7 days"
    )
    said += f" ({percent(target.share.value)}), {recent}."
    if gap is not None:
        trails = "trails" if gap.difference.value < 0 else "leads"
        said += f" The most vulnerable quarter of areas {trails} the least vulnerable by {points(gap.difference)}."
    return said


def _head(report: Report) -> str:
    head, gap = report.headline, report.disparity
    share = head.target.share
    lately = head.vaccinated_last_7_days
    tiles = [
        (percent(share.value if share else None), f"of the target group vaccinated ({span(share) if share else ''})"),
        (number(head.target.unvaccinated), "members of the target group still without"),
        (number(lately) if lately is None else f"+{lately:,}", f"vaccinated in the 7 days to {report.as_of:%d %B}"),
        (f"{gap.ratio.value:.2f}" if gap else "hidden",
         "ratio of coverage, most to least vulnerable quarter"
         + (f" ({gap.ratio.low:.2f} to {gap.ratio.high:.2f})" if gap else "")),
    ]  # fmt: skip
    boxes = "".join(f'<div class="tile"><b>{escape(big)}</b><span>{escape(small)}</span></div>' for big, small in tiles)
    plan = f"plan {report.plan}" if report.plan else "all plans, each person once"
    return (
        f'<header><p class="kicker">Weekly report &middot; as of {report.as_of:%A, %d %B %Y} &middot; as known on '
        f"{report.known_on:%d %B %Y} &middot; {escape(plan)} &middot; programme version {report.programme_version}</p>"
        f'<h1>{escape(report.title)}</h1><p class="lead">{escape(headline(report))}</p>'
        f'<div class="tiles">{boxes}</div></header>'
    )


def _foot(report: Report) -> str:
    releases = ", ".join(report.svi_releases) or "none"
    notes = {
        "In scope": "Enrolled members against whom nothing stands but where they live, the vaccination itself or the "
        "programme's calendar. Coverage by quarter, age, race, ZIP and plan is of them.",
        "Target group": "Those in scope who live in a vulnerable area: they meet every criterion of the programme, "
        "vaccinated or not.",
        "Vaccinated": f"At least {report.doses_needed} day(s) with a dose of {report.vaccine_group} that counts under "
        f"the programme, given by {report.as_of:%d %B %Y} and known by {report.known_on:%d %B %Y}, whoever gave it.",
        "Persons": "Somebody in two plans counts once wherever plans are added up, if it was decided that both plans' "
        "members are one; else twice.",
        "Reached": f"Somebody spoke with the member: {', '.join(say(str(code)).lower() for code in CONVERSATION)}.",
        "Vulnerability": f"Social Vulnerability Index, release {releases}, of the member's tract, else of the ZIP, "
        "else of the county. Quarters of tracts and counties are of the index's own ranking; a ZIP's figure is a "
        "share of its residents.",
        "Intervals": "Wilson for a share, Newcombe for a difference, Katz for a ratio; 95 %.",
        "Hidden": report.why_internal,
        "Map": "County outlines: U.S. Census Bureau, 2017, by way of us-atlas. ZIP points: package zipcodes.",
    }
    entries = "".join(f"<dt>{escape(name)}</dt><dd>{escape(said)}</dd>" for name, said in notes.items())
    return f"<footer><b>{escape(report.watermark)}</b><dl>{entries}</dl></footer>"
