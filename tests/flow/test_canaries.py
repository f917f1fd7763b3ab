"""Canary members go through everything and sing in no sink: no log line, metric, record, report, error or database but
eligibility's own holds what names, dates, places or numbers them."""

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer

from deploy.local.process import plain_environment
from deploy.local.state import ROOT
from schemas.catalog import CONTACT_ATTEMPT
from tests.bodies import PROGRAMME
from tests.flow.chain import pass_through
from tests.flow.feeds import Member, Row, Shot, a_member, a_registry_file, a_roster
from tests.flow.songs import PLANTED, SONGS, everything, heard, heard_in, in_sinks
from tests.flow.world import World

pytestmark = [pytest.mark.slow, pytest.mark.kafka, pytest.mark.postgres, pytest.mark.timeout(400)]
BORN_ON = date(1937, 11, 23)
ENOUGH = 14  # vaccinated, for the report to show figures: where all is hidden nothing could sing


def canaries(count: int) -> list[Member]:
    """A flock of one name at one address; each has numbers of its own."""
    return [
        a_member(
            family="Quixwhistle", given=f"Zorblattina{chr(97 + n // 26)}{chr(97 + n % 26)}", birth_on=BORN_ON,
            place=("93230", "06031000900"), street="7731 Ptarmigan Gulch", phone="2139997731",
            email="zorb.q@gulch.example", medicaid_id="97731468A",
            member_id=f"CNRY7731{n:02d}", registry_id=f"887731{n:02d}",
        )
        for n in range(count)
    ]  # fmt: skip


async def test_no_canary_sings(world: World, tmp_path: Path) -> None:
    """Rosters, registry files, calls, bookings, doses, a dead letter, bad rows and bad requests full of canaries leave
    no trace of them anywhere but in eligibility's own database."""
    flock = canaries(20 + ENOUGH)
    await pass_through(world, flock[:18])
    await feed_broken_rows(world, *flock[18:20])
    await vaccinate(world, flock[20:])
    found = await in_errors(world, flock[17])
    await plant_dead_letter(world, flock[0])
    found |= await in_sinks(world) | await in_reports(world, tmp_path / "report")
    assert not found, "\n".join(sorted(found))
    own = heard_in(await everything(world.stack.dsns["eligibility"]), "")
    assert {line.rpartition(": ")[2] for line in own} >= set(SONGS[:9]), "they are where they belong"


async def feed_broken_rows(world: World, one: Member, other: Member) -> None:
    """Rows that are rejected for values that sing, and a dose that waits for a member who never comes."""
    today = await world.today()
    yesterday = today - timedelta(days=1)
    roster = a_roster(today, one, Row(other, extra=("QUIXWHISTLE*ZORBLATTINA*19371123",)))
    broken = roster.replace(b"D8*19371123", b"D8*QUIXWHISTLE").replace(b"INS*Y", b"INS*PTARMIGAN", 1)
    shots = [
        Shot(one, today, rxa_3="1937-11-23"),
        Shot(one, yesterday, cvx="9997731"),
        Shot(one, BORN_ON - timedelta(days=1)),
        Shot(one, yesterday, action="Zorblattina"),
        Shot(replace(other, given="Zorblattina", registry_id="88773199"), yesterday),
    ]
    files = [await world.news(content) for content in (broken, a_registry_file(today, *shots))]
    assert sum(file["rows_rejected"] for file in files) >= 4, [file["rejections"] for file in files]
    assert files[1]["rows_unlinked"] > 0
    await world.send(b"Quixwhistle,Zorblattina,1937-11-23,CNRY7731\n" * 3)


async def vaccinate(world: World, people: Sequence[Member]) -> None:
    today = await world.today()
    await world.news(a_roster(today, *people))
    await world.news(a_registry_file(today, *(Shot(one, today - timedelta(days=1)) for one in people)))


async def in_errors(world: World, canary: Member) -> set[str]:
    """What sings in the answers to requests full of canaries; one of them, with odd headers, is a good one."""
    secret = f"{canary.family} {canary.given} {BORN_ON} {canary.phone}"
    case, odd = await world.case_of(canary), {"traceparent": secret, "X-Correlation-Id": secret}
    assert case is not None
    attempts = f"/cases/{case['case_id']}/attempts"
    bad: list[object] = [{"disposition": secret, "channel": secret, secret: secret}, [secret], secret]
    good = {"channel": "phone", "disposition": "no-answer", "claim": True}
    asked = [("outreach", "coordinator-lakeshore", path, bad) for path in (attempts, f"/cases/{secret}/release")]
    asked += [("scheduling", "coordinator-lakeshore", path, bad) for path in ("/appointments", f"/sites/{secret}")]
    asked += [("scheduling", "site", "/walk-ins", bad), ("scheduling", "state", "/sites", bad)]
    asked += [("eligibility", "operator", "/business-days", bad), ("reporting", "state", "/target-zips", bad)]
    asked += [("outreach", "coordinator-lakeshore", attempts, [good])]
    found: set[str] = set()
    for service, client, path, bodies in asked:
        for body in bodies:
            headers = {"Idempotency-Key": world.key(), **odd}
            answer = await world.ask(service, client).raw("POST", path, json=body, headers=headers)
            found |= heard(f"{answer.status_code} of {service}", answer.text + str(answer.headers))
    looks = [("eligibility", "/members", {"member_id": f"{secret} and more than forty characters of it"}),
             ("eligibility", f"/members/{secret}", {}), ("outreach", "/cases", {"zip5": secret, "after": secret}),
             ("scheduling", "/slots", {"week": secret, secret: secret})]  # fmt: skip
    for service, path, params in looks:
        answer = await world.ask(service, "coordinator-lakeshore").raw("GET", path, params=params)
        found |= heard(f"{answer.status_code} of {service}", answer.text + str(answer.headers))
    await world.settle()
    return found


async def plant_dead_letter(world: World, canary: Member) -> None:
    """A broken record whose bytes sing. Whoever lists dead letters sees where and why, and no content."""
    body = f'{{"family": "{canary.family}", "{canary.given}": "{BORN_ON}", "attempt_id": "{canary.phone}"}}'.encode()
    headers = [("ce_specversion", b"1.0"), ("ce_id", str(uuid4()).encode()),
               ("ce_type", b"vcc.contact-attempt.logged.v1"), (PLANTED, canary.street.encode())]  # fmt: skip
    async with AIOKafkaProducer(bootstrap_servers=world.stack.bootstrap) as producer:
        await producer.send_and_wait(CONTACT_ATTEMPT.name, body, canary.member_id.encode(), headers=headers)
    await world.settle()
    for service in CONTACT_ATTEMPT.consumers:
        operator = world.ask(service, "operator")
        listed = await operator.get("/dead-letters")
        assert [one["reason"] for one in listed] == ["bad-schema"]
        assert heard("dead letters", str(listed)) == set()
        discard = f"/dead-letters/{listed[0]['dead_letter_id']}/discard"
        assert (await operator.post(discard, world.key()))[0] == 200


def run(command: list[str], environ: dict[str, str]) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, check=False)


async def in_reports(world: World, folder: Path) -> set[str]:
    """The report in every form: as answers, and as the command prints and writes it."""
    found: set[str] = set()
    report = await world.ask("reporting", "state").get("/reports/weekly", programme_id=PROGRAMME)
    assert report["headline"]["target"]["vaccinated"] is not None
    for path in ("/reports/weekly", "/reports/weekly.html", "/coverage.csv"):
        answer = await world.ask("reporting", "state").raw("GET", path, params={"programme_id": PROGRAMME})
        assert answer.status_code == 200, answer.text
        found |= heard(path, answer.text)
    command = [sys.executable, "-m", "deploy.cli", "report", "--programme", PROGRAMME, "--out", str(folder)]
    environ = {**plain_environment(), "VCC_STATE_DIR": str(world.stack.folder.path)}
    done = await asyncio.to_thread(run, command, environ)
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed
    files = {path.name: path.read_bytes() for path in folder.iterdir()}  # noqa: ASYNC240 - a dozen small files
    assert files.keys() >= {"report.html", "report.json", "coverage.csv", "target_zips.csv"}
    for name, content in {"what the report's command prints": printed, **files}.items():
        found |= heard(name, content)
    return found
