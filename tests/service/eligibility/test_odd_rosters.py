"""The awkward plans of the rounds of faults, without the faults: what comes of their files, and of what persons decide
of them, is what the checker works out from the files and the requests alone."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from services.eligibility.feeds import profiles
from services.eligibility.intake.api import doubtful_rows as doubtful_api
from services.eligibility.intake.api import files as files_api
from services.eligibility.intake.api import held as held_api
from tests.chaos import mutants
from tests.chaos.checker.evidence import Evidence
from tests.chaos.checker.invariants.doubtful import doubtful_rows_are_as_decided, who_was_told_apart_is_two
from tests.chaos.checker.invariants.files import every_row_ends_once, files_are_as_submitted
from tests.chaos.checker.invariants.members import deaths_are_as_said, decisions_are_as_decided, members_are_as_stated
from tests.chaos.checker.ledger import Ledger as KnownLedger
from tests.chaos.checker.log import Record
from tests.chaos.checker.tables import EVERYWHERE, OWN, Rows, read_service
from tests.chaos.clerk import Clerk
from tests.chaos.driver import BEATS
from tests.chaos.launcher import with_senders
from tests.chaos.ledger import Ledger
from tests.chaos.odd_rosters import OddRosters
from tests.service.eligibility.conftest import FIRST_DAY, Office
from tests.service.eligibility.door import acting, door

pytestmark = pytest.mark.postgres
SEEDS = range(3)
MUTANTS_TOLD = {
    "one-list-a-file": "every_row_ends_once",
    "joins-by-agreement": "members_are_as_stated",
    "reads-again": "every_row_ends_once",
    "number-of-two": "members_are_as_stated",
    "credulous": "every_row_ends_once",
    "undecided": "doubtful_rows_are_as_decided",
    "merges-whom-it-told-apart": "who_was_told_apart_is_two",
    "holds-nothing": "files_are_as_submitted",
}
INVARIANTS = (
    files_are_as_submitted, every_row_ends_once, doubtful_rows_are_as_decided, who_was_told_apart_is_two,
    members_are_as_stated, deaths_are_as_said, decisions_are_as_decided,
)  # fmt: skip


@pytest.fixture
def app(office: Office, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    known = with_senders(profiles.profiles())
    monkeypatch.setattr(profiles, "profiles", lambda: known)
    app = door(office.database, files_api.routes, held_api.routes, doubtful_api.routes)
    acting(app, "operator")
    return app


@dataclass(slots=True)
class Desk:
    """Takes the clerk's files and words to the office, which works at once, and writes all down."""

    office: Office
    client: httpx.AsyncClient
    run: Path
    ledger: Ledger
    keys: int = 0
    answers: Counter[str] = field(default_factory=Counter)

    async def submit(self, path: str) -> tuple[int, Any]:
        file = f"feeds/{path}"
        file_id = await self.office.submit((self.run / file).read_bytes())
        answer = 201, {"file_id": str(file_id)}
        self.ledger.note("eligibility", "POST", "/feed-files", file=file, status=answer[0], answer=answer[1])
        await self.office.work()
        return answer

    async def write(self, service: str, client: str, path: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        self.keys += 1
        key = f"odd-{self.keys:06d}"
        answer = await self.client.post(path, json=dict(body), headers={"Idempotency-Key": key})
        said = answer.json()
        self.answers[f"{body.get('decision') or path.rpartition('/')[2]} {answer.status_code}"] += 1
        self.ledger.note(service, "POST", path, key=key, body=dict(body), client=client,
                         status=answer.status_code, answer=said)  # fmt: skip
        await self.office.work()
        return answer.status_code, said

    async def read(self, service: str, client: str, path: str, **params: Any) -> Any:
        assert (service, client) == ("eligibility", "operator")
        answer = await self.client.get(path, params=params)
        return answer.raise_for_status().json()

    async def until_ready(self, service: str) -> None:
        """It always is."""


async def evidence_of(office: Office, run: Path) -> Evidence:
    """What is to be seen of eligibility; what it said stands in its outbox still."""
    nothing: dict[str, dict[str, Rows]] = {one: {name: [] for name in (*EVERYWHERE, *OWN[one])} for one in OWN}
    said = await office.fetch("select event_id, aggregatetype, aggregateid, type, payload from outbox order by id")
    records = [
        Record(
            one["aggregatetype"], 0, offset, one["aggregateid"].encode(), one["payload"],
            (("ce_id", str(one["event_id"]).encode()), ("ce_type", one["type"].encode())),
        )
        for offset, one in enumerate(said)
    ]  # fmt: skip
    tables = {**nothing, "eligibility": await read_service("eligibility", office.database.dsn)}
    return Evidence(KnownLedger.read(run), records, tables)


async def diverging(office: Office, client: httpx.AsyncClient, run: Path, seed: int) -> dict[str, list[str]]:
    """What is not as the checker has it, by invariant, after all beats of the odd plans."""
    (run / "feeds").mkdir()
    with Ledger(run) as ledger:
        desk = Desk(office, client, run, ledger)
        clerk = Clerk(desk, OddRosters(run / "feeds", FIRST_DAY, Random(f"{seed}:odd")), str(seed))
        for beat, day_no in enumerate(BEATS):
            if day_no:
                await office.open_day(FIRST_DAY + timedelta(days=day_no))
            clerk.begin(beat, day_no)
            await clerk.finish()
    evidence = await evidence_of(office, run)
    print(json.dumps({"answers": desk.answers, **told(evidence)}))
    found = {one.__name__: [str(each) for each in one(evidence)] for one in INVARIANTS}
    return {name: each for name, each in found.items() if each}


@pytest.mark.parametrize("seed", SEEDS)
async def test_odd_plans_are_as_the_checker_has_them(
    office: Office, client: httpx.AsyncClient, tmp_path: Path, seed: int
) -> None:
    """Several plans' lists in a file, numbers that pass on, quarters, doubtful rows, held files: members, rows, facts
    and what waits are what the written rules ask for."""
    assert await diverging(office, client, tmp_path, seed) == {}


@pytest.mark.parametrize("name", MUTANTS_TOLD)
async def test_a_wrong_version_is_found_out(
    office: Office, client: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The check bites: with one rule put out of action the checker says so."""
    monkeypatch.setattr(mutants, "put", monkeypatch.setattr)
    mutants.MUTANTS[name].install("eligibility")
    assert MUTANTS_TOLD[name] in await diverging(office, client, tmp_path, 1)


def told(evidence: Evidence) -> dict[str, Counter[str]]:
    """What there was of each, for whoever wants to know what a seed covers."""
    people = evidence.files.people
    return {
        "lists": Counter(f"{one.plan} {one.state}" for each in people.lists.values() for one in each),
        "held": Counter(people.turns.reasons.values()),
        "doubts": Counter(f"{one.code} {one.state}" for one in people.doubts.rows),
        "rejected": Counter(people.doubts.outcomes.values()),
        "apart": Counter({"pairs": len(people.doubts.apart)}),
        "members": Counter("without a number" if not one.member_id else "with" for one in people.enrolments()),
    }
