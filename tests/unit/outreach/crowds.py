"""Small plans for tests of matching: workers and members as Hypothesis draws them, and one of each by hand."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from services.outreach.matching.batch import Member
from services.outreach.matching.rules import Avoided, Demand, Terms, Wish
from services.outreach.policy import POLICY
from services.outreach.workers.rules import Absence, Discipline, Grade, Level, OrganizationKind, Training, Worker

MONDAY = date(2021, 3, 1)
FRIDAY = MONDAY + timedelta(days=4)
COURSE = "motivational-interviewing"
TRAINED = Training(COURSE, date(2020, 1, 6), None, date(2020, 3, 9))
NAMES = tuple(f"w-{number}" for number in range(6))
ORGANIZATIONS = ("north", "south")
LANGUAGES = ("es", "zh")
CULTURES = ("mexican", "chinese")
ZIPS = ("90001", "90002")


def terms(*interpreted: str, **policy: Any) -> Terms:
    """A working week."""
    return Terms(MONDAY, FRIDAY, POLICY.matching, frozenset(interpreted))


def a_worker(worker_id: str = "w-0", **changes: Any) -> Worker:
    """A CHW who speaks English alone, five days a week."""
    said: dict[str, Any] = {
        "discipline": Discipline.CHW,
        "organization": "north",
        "organization_kind": OrganizationKind.CBO,
        "grade": Grade.SENIOR,
        "languages": {"en": Level.C2},
        "cultures": frozenset(),
        "zips": frozenset(),
        "working_days": dict.fromkeys(range(1, 6), "08:00-17:00"),
        "capacity": 4,
    }
    return Worker(worker_id=worker_id, **(said | changes))


ANYBODY, NO_WISH = Demand(), Wish()


def a_member(number: int = 0, demand: Demand = ANYBODY, wish: Wish = NO_WISH, rank: int = 0) -> Member:
    """Somebody with one case."""
    return Member(UUID(int=number), rank, (UUID(int=number),), demand, wish)


def _subsets(values: tuple[str, ...]) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(values), max_size=len(values))


@st.composite
def _workers(draw: st.DrawFn) -> list[Worker]:
    return [
        a_worker(
            name,
            discipline=draw(st.sampled_from(tuple(Discipline))),
            organization=draw(st.sampled_from(ORGANIZATIONS)),
            languages={"en": Level.C2} | {one: draw(st.sampled_from(Level)) for one in draw(_subsets(LANGUAGES))},
            cultures=draw(_subsets(CULTURES)),
            zips=draw(_subsets(ZIPS)),
            capacity=draw(st.integers(0, 3)),
            absences=draw(st.sampled_from([(), (Absence(MONDAY, FRIDAY),), (Absence(MONDAY, MONDAY),)])),
            trainings=draw(st.sampled_from([(), (TRAINED,), (Training(COURSE, MONDAY),)])),
        )
        for name in NAMES[: draw(st.integers(0, len(NAMES)))]
    ]


DEMANDS = st.builds(
    Demand,
    language=st.sampled_from([None, *LANGUAGES]),
    courses=_subsets((COURSE,)),
    disciplines=st.sampled_from([frozenset(), frozenset({Discipline.NURSE, Discipline.CHW})]),
    avoided=st.builds(Avoided, _subsets(NAMES[:2]), _subsets(ORGANIZATIONS[:1])),
    is_hard=st.booleans(),
)
WISHES = st.builds(
    Wish,
    manager=st.sampled_from([None, *NAMES]),
    last_worker=st.sampled_from([None, *NAMES]),
    cultures=_subsets(CULTURES),
    zip5=st.sampled_from([None, *ZIPS]),
)
WORKERS = _workers()
MEMBERS = st.lists(st.tuples(DEMANDS, WISHES, st.integers(0, 3)), max_size=25).map(
    lambda drawn: [a_member(number, *one) for number, one in enumerate(drawn)]
)
INTERPRETED = _subsets(LANGUAGES[:1])
