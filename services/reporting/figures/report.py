"""The shape of the weekly report. None stands for a hidden figure: of 1 to 10 people, or one that would tell of them. A
table of coverage is empty where no row of it may stand, and so are the plans' funnels."""

from dataclasses import dataclass
from datetime import date

from services.reporting.population.rules import Coverage
from services.reporting.population.shares import Interval
from services.reporting.targets.rules import TargetZip

WATERMARK = "INTERNAL - not for release"
WHY_INTERNAL = (
    "Hidden are counts of 1 to 10 people, and every figure of this report that beside the others would tell of so few: "
    "a hidden figure need not be small. Reports of several weeks or plans, laid side by side, may still reveal small "
    "counts."
)


@dataclass(frozen=True, slots=True)
class Disparity:
    """Coverage in the most vulnerable quarter of areas against the least vulnerable, at one level of area."""

    level: str
    most: Coverage
    least: Coverage
    difference: Interval
    ratio: Interval


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the funnel: everybody in it took all the steps before. `of_previous`: which share of them."""

    stage: str
    people: int | None
    of_previous: float | None


@dataclass(frozen=True, slots=True)
class Funnel:
    """How far outreach got; `outcomes` split those for whom a case was opened. `plan` None: persons over all plans."""

    plan: str | None
    stages: tuple[Stage, ...]
    outcomes: dict[str, int | None]


@dataclass(frozen=True, slots=True)
class Row:
    """Coverage of one group."""

    group: str
    coverage: Coverage


@dataclass(frozen=True, slots=True)
class Headline:
    """The target group: members who meet every criterion of the programme, vaccinated or not."""

    target: Coverage
    vaccinated_last_7_days: int | None
    in_scope: Coverage


@dataclass(frozen=True, slots=True)
class Week:
    """What happened in one week. Counts of events, not of people, and yet hidden like those."""

    week_on: date
    attempts: dict[str, int | None]
    bookings: int | None
    fulfilled: int | None
    walk_ins: int | None
    noshows: int | None
    cancellations: int | None
    doses_by_source: dict[str, int | None]
    doses_by_svi: dict[str, int | None]


@dataclass(frozen=True, slots=True)
class Reason:
    """How many people named a reason, or were stopped by a barrier."""

    code: str
    people: int | None


@dataclass(frozen=True, slots=True)
class Slots:
    """One site's blocks in one week; capacity is no count of people. `plan` None: open to every plan."""

    week_on: date
    site_id: str
    plan: str | None
    capacity: int
    booked: int | None
    used: int | None


@dataclass(frozen=True, slots=True)
class ZipRow:
    """One ZIP: everybody in scope there, and whether it is one of the listed targets."""

    zip5: str
    coverage: Coverage
    listed: bool


@dataclass(frozen=True, slots=True)
class FeedSum:
    """What became of the rows of one kind of feed file."""

    kind: str
    files: int
    rows_read: int
    rows_accepted: int
    rows_rejected: int
    rows_unlinked: int
    rows_unchanged: int


@dataclass(frozen=True, slots=True)
class Rejection:
    """Rows of one kind of feed file that were rejected for one reason."""

    kind: str
    reason: str
    rows: int


@dataclass(frozen=True, slots=True)
class Quality:
    """What stands behind the figures: the feeds, and how much of the log this service has read."""

    feeds: tuple[FeedSum, ...]
    rejections: tuple[Rejection, ...]
    dead_letters: int
    parked: int
    records_behind: int | None


@dataclass(frozen=True, slots=True)
class Report:
    """The weekly report of one programme. `plan` None: all plans."""

    watermark: str
    why_internal: str
    programme_id: str
    programme_version: int
    title: str
    vaccine_group: str
    doses_needed: int
    time_zone: str
    plan: str | None
    as_of: date
    known_on: date
    threshold: int
    svi_releases: tuple[str, ...]
    headline: Headline
    disparity: Disparity | None
    funnels: tuple[Funnel, ...]
    by_plan: tuple[Row, ...]
    by_svi: tuple[Row, ...]
    by_age: tuple[Row, ...]
    by_arm: tuple[Row, ...]
    by_race_ethnicity: tuple[Row, ...]
    by_zip: tuple[ZipRow, ...]
    weeks: tuple[Week, ...]
    refusals: tuple[Reason, ...]
    barriers: tuple[Reason, ...]
    slots: tuple[Slots, ...]
    targets_week_on: date | None
    targets: tuple[TargetZip, ...]
    quality: Quality
