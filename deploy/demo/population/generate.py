"""Generates the demo's feeds: two plans' weekly rosters and a registry's daily messages, with the truth about them."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path
from random import Random

from deploy.demo.population import rates
from deploy.demo.population.doses import Campaign
from deploy.demo.population.enrolments import LAKESHORE, PRAIRIE, Enrolment, Registrar
from deploy.demo.population.extract import write_extract
from deploy.demo.population.ledger import FileTruth, Ledger
from deploy.demo.population.people import Person, Town
from deploy.demo.population.registry import Registry
from deploy.demo.population.reports import Clerk, Report, all_rows
from deploy.demo.population.roster import Roster
from deploy.demo.population.truth import link_reports, summarise, write_people

FIRST_DAY = date(2021, 3, 1)
EXTRACT_AFTER_DAYS = 22
MESSAGES_A_FILE = 5_000


def generate(
    out: Path, members: int = 20_000, seed: int = 20210301, weeks: int = 6, first_day: date = FIRST_DAY
) -> Ledger:
    """Writes `out/<day>/<file>` for every day of submission, `ledger.json` and `people.json.gz`.

    `members` is the number of people of 65 and older on the first day; those of 60 to 64 come on top. The same
    arguments give the same bytes.
    """
    if weeks < 2:
        raise ValueError("two weeks at least: a move, a merge or an end needs a file before and one after it")
    last_day = first_day + timedelta(days=weeks * 7 - 1)
    town = Town(seed, first_day, last_day)
    people = list(town.people(members))
    enrolments = Registrar(seed, first_day, weeks).enrol(people, town)
    _share_record_numbers(people, Random(f"{seed}:mrn"))
    people += town.strangers(round(members * rates.STRANGERS), people)
    extract_day = first_day + timedelta(days=min(EXTRACT_AFTER_DAYS, weeks * 7 - 1))
    mean_svi = sum(enrolment.person.svi for enrolment in enrolments) / len(enrolments)
    campaign = Campaign(seed, first_day, last_day, mean_svi)
    reports = list(_report_all(people, campaign, Clerk(seed, first_day, last_day, extract_day, town.taken)))
    ledger = Ledger(seed, members, first_day, last_day, rates.stated())
    ledger.files = _write_files(out, seed, weeks, first_day, enrolments, reports)
    rows = list(all_rows(reports))
    outcomes = link_reports(rows, enrolments)
    ledger.totals = {**_totals(people, enrolments, first_day), **summarise(rows, outcomes)}
    write_people(out / ledger.people, people, enrolments, rows, outcomes)
    (out / "ledger.json").write_text(json.dumps(ledger.as_json(), default=str, indent=1) + "\n")
    return ledger


def _report_all(people: list[Person], campaign: Campaign, clerk: Clerk) -> Iterator[Report]:
    """Doses, and of some people without one a refusal or a mistake."""
    for person in people:
        doses = campaign.doses(person)
        yield from clerk.of_doses(doses)
        draw, day = campaign.random.random(), clerk.early_day()
        if doses or (person.died_on and day >= person.died_on):
            continue
        if draw < rates.REFUSALS:
            yield clerk.of_refusal(campaign.mistaken(person, day))
        elif draw < rates.REFUSALS + rates.RETRACTED:
            yield from clerk.of_mistake(campaign.mistaken(person, day))


def _share_record_numbers(people: list[Person], random: Random) -> None:
    """A clinic gives two people the same record number: an identifier alone proves nothing."""
    latest: dict[str, Person] = {}
    for person in people:
        zip5 = person.homes[0][1].place.zip5
        if zip5 in latest and random.random() < rates.MRN_REUSED:
            person.mrn = latest[zip5].mrn
        latest[zip5] = person


def _write_files(
    out: Path, seed: int, weeks: int, first_day: date, enrolments: list[Enrolment], reports: list[Report]
) -> list[FileTruth]:
    """Day by day, rosters first, then messages, then the extract; the order of submission."""
    rosters = [Roster(plan, seed, first_day, enrolments) for plan in (LAKESHORE, PRAIRIE)]
    registry = Registry(seed)
    order = Random(f"{seed}:order")
    by_day = {
        day: list(group)
        for day, group in groupby(sorted(reports, key=lambda report: report.day), key=lambda report: report.day)
    }
    files: list[FileTruth] = []
    for offset in range(weeks * 7):
        day = first_day + timedelta(days=offset)
        if offset % 7 == 0:
            files += [roster.write(out, offset // 7) for roster in rosters]
        today = by_day.get(day, [])
        messages = _in_order([report for report in today if report.kind != "extract"], order)
        for part, start in enumerate(range(0, len(messages), MESSAGES_A_FILE), 1):
            files.append(registry.write(out, day, part, messages[start : start + MESSAGES_A_FILE], len(files)))
        if extract := [report for report in today if report.kind == "extract"]:
            files.append(write_extract(out, day, extract, len(files)))
    return files


def _in_order(reports: list[Report], order: Random) -> list[Report]:
    """Shuffled, but no report of a vaccination before an earlier one of it; a repeated one follows at once."""
    place: dict[str, float] = {}
    for report in reports:
        place.setdefault(report.event, order.random())
    return sorted(reports, key=lambda report: place[report.event])


def _totals(people: list[Person], enrolments: list[Enrolment], first_day: date) -> Counter[str]:
    totals: Counter[str] = Counter()
    for person in people:
        totals["strangers" if person.is_stranger else "people"] += 1
        totals["people_65"] += not person.is_stranger and person.age(first_day) >= 65
    for enrolment in enrolments:
        totals[f"enrolments_{enrolment.plan.code.lower()}"] += 1
        totals[f"ended_{enrolment.ended_by}"] += enrolment.ended_by is not None
    totals.pop("ended_None", None)
    return totals
