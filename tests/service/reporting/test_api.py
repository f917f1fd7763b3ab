"""Who may ask reporting for what, and what it announces."""

import csv
from collections.abc import AsyncIterator
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from schemas.envelope import Event
from services.kit.app import create
from services.kit.generation import Generation
from services.kit.http import unguarded
from services.kit.postgres import transaction
from services.reporting.app import build
from services.reporting.figures.report import WATERMARK
from services.reporting.rebuild import flow as rebuild
from services.reporting.rebuild.api.progress import log_reader_of
from tests.facts import DAY, PROGRAMME, a_day, a_dose, a_fact, a_programme
from tests.service.reporting.builders import Reporting, a_pool, app_of, client_of
from tests.service.reporting.world import LAST_DAY, a_season

pytestmark = pytest.mark.postgres
WEEK = {"programme_id": PROGRAMME, "week_on": str(DAY), "least_unvaccinated": 20, "at_most": 2}


@pytest.fixture
async def client(reporting: Reporting) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(reporting.database) as asking:
        yield asking


def _members(zip5: str, members: int, vaccinated: int, **changes: Any) -> list[Event]:
    facts: list[Event] = [a_fact(f"{zip5}-{n}", zip5=zip5, **changes) for n in range(members)]
    return facts + [a_dose(f"{zip5}-{n}") for n in range(vaccinated)]


async def _three_zips(reporting: Reporting) -> None:
    elsewhere = _members("60614", 90, 30, status="ineligible", reasons=("area-not-vulnerable",))
    zips = [*_members("60623", 60, 20), *_members("60624", 40, 15), *_members("60621", 30, 5), *elsewhere]
    await reporting.hear(a_programme(), a_day(), *sorted(zips, key=lambda event: type(event).__name__))


def test_every_operation_is_guarded(reporting: Reporting) -> None:
    """Every operation needs a token, every write an idempotency key."""
    assert unguarded(create(build(), reporting.database.settings())) == []


@pytest.mark.parametrize(
    "path", ["/reports/weekly", "/reports/weekly.html", "/coverage.csv", "/programmes", "/rebuild"]
)
async def test_other_roles_are_denied(client: httpx.AsyncClient, path: str) -> None:
    """A coordinator gets no report."""
    assert (await client.get(path, headers={"X-Role": "coordinator"})).status_code == 403


async def test_nothing_to_report_yet(reporting: Reporting, client: httpx.AsyncClient) -> None:
    """Before a programme is published, or a day opened, the answer says which is missing."""
    assert (await client.get("/reports/weekly")).json()["type"] == "urn:vcc:problem:unknown-programme"
    await reporting.hear(a_programme())
    assert (await client.get("/reports/weekly")).json()["type"] == "urn:vcc:problem:day-not-open"
    await reporting.hear(a_day(), a_programme(programme_id="shingles-50"))
    assert (await client.get("/reports/weekly")).json()["type"] == "urn:vcc:problem:programme-needed"
    query = {"programme_id": PROGRAMME, "as_of": str(DAY + timedelta(days=1))}
    assert (await client.get("/reports/weekly", params=query)).json()["type"] == "urn:vcc:problem:future-day"


@pytest.mark.capability("B12")
async def test_a_plans_analyst_sees_that_plan(reporting: Reporting, client: httpx.AsyncClient) -> None:
    """The plan's own members only, in the report and in the coverage file."""
    facts = [a_fact(f"m-{n}", tenant_id="lakeshore" if n < 40 else "prairie") for n in range(80)]
    await reporting.hear(a_programme(), a_day(), *facts, *(a_dose(f"m-{n}") for n in range(0, 80, 2)))
    analyst = {"X-Role": "analyst", "X-Plan": "lakeshore"}
    report = (await client.get("/reports/weekly", headers=analyst)).json()
    assert (report["plan"], report["headline"]["in_scope"]["members"]) == ("lakeshore", 40)
    assert [row["group"] for row in report["by_plan"]] == ["lakeshore"]
    coverage = (await client.get("/coverage.csv", headers=analyst)).text
    assert "prairie" not in coverage
    assert "prairie" in (await client.get("/coverage.csv")).text


async def test_every_export_is_in_the_trail(reporting: Reporting, client: httpx.AsyncClient) -> None:
    """Each report and file that leaves is an audit row."""
    await _three_zips(reporting)
    for path in ("/reports/weekly", "/reports/weekly.html", "/coverage.csv"):
        assert (await client.get(path)).status_code == 200
    rows = await reporting.fetch("select principal, action, kind from audit where action = 'export' order by audit_id")
    assert rows == [("vera", "export", kind) for kind in ("weekly-report", "weekly-report", "coverage")]


@pytest.mark.capability("B9")
async def test_the_coverage_file(reporting: Reporting, client: httpx.AsyncClient) -> None:
    """Opens with the watermark and the days; a small cell has no row, nor has one that would give it away."""
    await _three_zips(reporting)
    first, *rest = (await client.get("/coverage.csv")).text.splitlines()
    assert first.startswith(f"# {WATERMARK}. {PROGRAMME} as of {DAY}, as known on {DAY}.")
    rows = {row["zip5"]: row for row in csv.DictReader(rest)}
    assert (rows["60623"]["members"], rows["60623"]["vaccinated"], rows["60623"]["coverage"]) == ("60", "20", "0.3333")
    assert rows.keys() == {"60614", "60623"}


class _Outside(HTMLParser):
    """Collects whatever a page would load or run, and images without a text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in {"script", "link", "iframe", "object", "img"} or {"src", "href", "onclick"} & set(given):
            self.found.append(tag)
        if tag == "svg" and "aria-hidden" not in given and not given.get("aria-label"):
            self.found.append("svg without a text")


async def test_the_page_stands_alone(reporting: Reporting, client: httpx.AsyncClient) -> None:
    """The page loads and runs nothing, says what it is, and each picture has a text."""
    await reporting.hear(*a_season(800), a_day(LAST_DAY))
    page = await client.get("/reports/weekly.html")
    outside = _Outside()
    outside.feed(page.text)
    assert outside.found == []
    assert page.text.count(WATERMARK) >= 3
    assert page.text.count('role="img"') >= 10
    assert "url(http" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


@pytest.mark.capability("B13")
async def test_listing_target_zips(reporting: Reporting, client: httpx.AsyncClient) -> None:
    """The ZIPs with the most unvaccinated target members are announced with their figures, those of less vulnerable
    areas never; asked again with the same key, nothing more is announced."""
    await _three_zips(reporting)
    first, again = [await client.post("/target-zips", json=WEEK) for _ in range(2)]
    assert (first.status_code, again.headers.get("idempotency-replayed")) == (201, "true")
    assert [(one["zip5"], one["rank"], one["unvaccinated"]) for one in first.json()["listed"]] == [
        ("60623", 1, 40), ("60624", 2, None),
    ]  # fmt: skip
    said = await reporting.announced()
    assert [(one["zip5"], one["listed"], one.get("coverage")) for one in said] == [
        ("60623", True, 0.3333), ("60624", True, None),
    ]  # fmt: skip


@pytest.mark.capability("B13")
async def test_target_zips_give_no_small_count_away(reporting: Reporting, client: httpx.AsyncClient) -> None:
    """Three vaccinated of forty come out of no figure of the list: neither of the answer, nor of what is announced, nor
    of the report that shows it."""
    zips = [*_members("60623", 40, 3), *_members("60621", 60, 25), *_members("60624", 80, 30)]
    await reporting.hear(a_programme(), a_day(), *sorted(zips, key=lambda event: type(event).__name__))
    answer = (await client.post("/target-zips", json=WEEK | {"at_most": 3})).json()["listed"]
    said = await reporting.announced()
    shown = (await client.get("/reports/weekly")).json()["targets"]
    for rows in (answer, said, shown):
        assert {one["zip5"]: (one.get("members"), one.get("unvaccinated"), one.get("coverage")) for one in rows} == {
            "60624": (80, 50, 0.375), "60621": (60, None, None), "60623": (40, None, None),
        }  # fmt: skip


@pytest.mark.capability("B12")
async def test_a_plans_analyst_sees_its_own_figures_of_target_zips(
    reporting: Reporting, client: httpx.AsyncClient
) -> None:
    """Of a listed ZIP a plan's analyst sees the rank and the plan's own members, hidden where few; all plans' figures
    stand in no answer but the state's."""
    prairie = [a_fact(f"prairie-{n}", zip5="60623", tenant_id="prairie") for n in range(30)]
    few = [a_fact(f"few-{n}", zip5="60621", tenant_id="prairie") for n in range(4)]
    await _three_zips(reporting)
    await reporting.hear(*prairie, *few)
    await client.post("/target-zips", json=WEEK)
    figures = {}
    for plan in ("*", "lakeshore", "prairie"):
        headers = {"X-Role": "state" if plan == "*" else "analyst", "X-Plan": plan}
        report = (await client.get("/reports/weekly", headers=headers)).json()
        figures[plan] = [(one["zip5"], one["rank"], one["members"], one["unvaccinated"]) for one in report["targets"]]
    assert figures == {
        "*": [("60623", 1, 90, 70), ("60621", 2, None, None)],
        "lakeshore": [("60623", 1, 60, 40), ("60621", 2, None, None)],
        "prairie": [("60623", 1, None, None), ("60621", 2, None, None)],
    }
    pages = [
        (await client.get("/reports/weekly.html", headers={"X-Role": "analyst", "X-Plan": plan})).text
        for plan in ("*", "prairie")
    ]
    assert [(">90<" in page, "the figures are this plan" in page) for page in pages] == [(True, False), (False, True)]


async def test_a_report_shows_its_own_programmes_slots(reporting: Reporting, client: httpx.AsyncClient) -> None:
    """Blocks for another programme's vaccine, and those held for another plan, are in no report of this one; what was
    told before blocks named their vaccine is in all."""
    await reporting.hear(
        a_programme(), a_day(), a_programme(programme_id="shingles-50", vaccine_group="zoster"),
    )  # fmt: skip
    await reporting.hear(
        a_pool(site_id="united-center", vaccine_group="covid-19"),
        a_pool(site_id="malcolm-x", vaccine_group="zoster"),
        a_pool(site_id="loretto"),
        a_pool(site_id="triton", vaccine_group="covid-19", tenant_id="prairie"),
        a_pool(site_id="open-to-all", vaccine_group="covid-19", tenant_id=None),
    )
    seen = {}
    for programme, plan in ((PROGRAMME, "*"), (PROGRAMME, "lakeshore"), ("shingles-50", "lakeshore")):
        answer = await client.get(
            "/reports/weekly", params={"programme_id": programme}, headers={"X-Role": "analyst", "X-Plan": plan}
        )
        seen[programme, plan] = {one["site_id"] for one in answer.json()["slots"]}
    assert seen == {
        (PROGRAMME, "*"): {"united-center", "loretto", "triton", "open-to-all"},
        (PROGRAMME, "lakeshore"): {"united-center", "loretto", "open-to-all"},
        ("shingles-50", "lakeshore"): {"malcolm-x", "loretto"},
    }


async def test_delisting(reporting: Reporting, client: httpx.AsyncClient) -> None:
    """A ZIP that left the list is announced as no longer listed, once, without figures."""
    await _three_zips(reporting)
    await client.post("/target-zips", json=WEEK)
    await reporting.hear(*(a_dose(f"60624-{n}") for n in range(28)))
    for week, key in ((1, "key-second"), (2, "key-third")):
        await reporting.hear(a_day(7 * week))
        body = WEEK | {"week_on": str(DAY + timedelta(weeks=week))}
        listing = await client.post("/target-zips", json=body, headers={"Idempotency-Key": key})
        assert listing.json()["delisted"] == (["60624"] if week == 1 else [])
    gone = [one for one in await reporting.announced() if not one["listed"]]
    assert [(one["zip5"], "members" in one) for one in gone] == [("60624", False)]
    report = (await client.get("/reports/weekly")).json()
    assert [one["zip5"] for one in report["targets"]] == ["60623"]


@pytest.mark.parametrize(
    ("change", "headers", "refused"),
    [
        ({"programme_id": "unknown"}, {}, "unknown-programme"),
        ({"week_on": str(DAY + timedelta(days=1))}, {}, "not-a-monday"),
        ({"week_on": str(DAY - timedelta(days=7))}, {}, "week-past"),
        ({"week_on": str(DAY + timedelta(days=14))}, {}, "week-ahead"),
        ({"week_on": "2199-12-30"}, {}, "week-ahead"),
        ({"week_on": "9999-12-27"}, {}, "invalid-request"),
        ({}, {"X-Plan": "lakeshore"}, "all-tenants-needed"),
        ({}, {"X-Role": "analyst"}, "forbidden"),
    ],
)
async def test_refused_lists(
    reporting: Reporting, client: httpx.AsyncClient, change: dict[str, str], headers: dict[str, str], refused: str
) -> None:
    """A list for an unknown programme, for no Monday, for a week before the last list's or after the next one, for one
    plan only or asked by an analyst announces nothing."""
    await _three_zips(reporting)
    await client.post("/target-zips", json=WEEK, headers={"Idempotency-Key": "key-before"})
    before = await reporting.announced()
    answer = await client.post("/target-zips", json=WEEK | change, headers=headers)
    assert answer.json()["type"] == f"urn:vcc:problem:{refused}"
    assert await reporting.announced() == before


async def test_a_rebuild_empties_every_table(reporting: Reporting, client: httpx.AsyncClient) -> None:
    """After the wipe nothing is left but the trail, what was discarded and a new generation; only an operator may."""
    await _three_zips(reporting)
    assert (await client.post("/rebuild")).status_code == 403
    await reporting.database.pool.execute(
        'insert into dead_letter (consumer, topic, partition, "offset", headers, reason, detail, state) '
        "select 'reporting.case', 'vcc.case.v1', 0, n, '[]', 'bad-json', '', s "
        "from unnest(array['dead', 'discarded']) with ordinality as row (s, n)"
    )
    answer = await client.post("/rebuild", headers={"X-Role": "operator", "Idempotency-Key": "key-wipe"})
    assert (answer.status_code, answer.json()["generation"]) == (202, 2)
    assert not any((await reporting.dump()).values())
    assert await reporting.fetch("select state from dead_letter") == [("discarded",)]
    assert await reporting.fetch("select count(*) from inbox") == [(0,)]
    progress = await client.get("/rebuild", headers={"X-Role": "operator"})
    assert progress.json() == {"generation": 2, "records_behind": 0}


@pytest.mark.parametrize(("behind", "status", "refused"), [(7, 409, "log-not-read"), (None, 503, "log-unavailable")])
async def test_no_list_of_half_a_log(reporting: Reporting, behind: int | None, status: int, refused: str) -> None:
    """While records wait to be read, or nobody knows how many, no list is announced; later the same key gets it."""
    app, left = app_of(reporting.database), [behind]

    async def log_reader(_generation: Generation) -> int | None:
        return left[0]

    app.dependency_overrides[log_reader_of] = lambda: log_reader
    await _three_zips(reporting)
    async with client_of(reporting.database, app) as asking:
        answer = await asking.post("/target-zips", json=WEEK)
        assert (answer.status_code, answer.json()["type"]) == (status, f"urn:vcc:problem:{refused}")
        assert await reporting.announced() == []
        left[0] = 0
        assert (await asking.post("/target-zips", json=WEEK)).status_code == 201


async def test_no_list_from_tables_wiped_meanwhile(reporting: Reporting) -> None:
    """A rebuild that begins after the log's end was asked for leaves nothing to list from: refused."""
    app = app_of(reporting.database)

    async def wiping(_generation: Generation) -> int:
        async with transaction(reporting.database.pool, "*") as connection:
            await rebuild.wipe(connection)
        return 0

    app.dependency_overrides[log_reader_of] = lambda: wiping
    await _three_zips(reporting)
    async with client_of(reporting.database, app) as asking:
        answer = await asking.post("/target-zips", json=WEEK)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:vcc:problem:log-not-read")
    assert await reporting.announced() == []


@pytest.mark.parametrize("path", ["/reports/weekly", "/reports/weekly.html", "/coverage.csv"])
@pytest.mark.parametrize("asked", ["as_of=0001-01-01", "known_on=0001-01-01", "as_of=9999-12-31"])
async def test_no_day_at_the_calendars_ends(
    reporting: Reporting, client: httpx.AsyncClient, path: str, asked: str
) -> None:
    """A day that nobody can have meant is refused as a field of the request."""
    await reporting.hear(a_programme(), a_day())
    answer = await client.get(f"{path}?{asked}")
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:vcc:problem:invalid-request")
