"""Member-eligibility facts as a first roster brings them forth: sized like real ones, all of one instant."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

from schemas.eligibility_v1 import (
    AgeBand,
    EligibilityStatus,
    LineOfBusiness,
    MemberEligibilityDecidedV1,
    RaceEthnicity,
    Svi,
    SviLevel,
)
from schemas.envelope import HEADER_ID, Event
from schemas.outreach_v1 import CaseChangedV1, CaseStatus
from services.kit.contract import Header, Record, headers_of, source_of
from services.kit.ids import new_id
from services.kit.outbox import shard_of
from tests.load import marks

DAY = date(2021, 3, 1)
AT = datetime(2021, 3, 1, 18, tzinfo=UTC)
PROGRAMME, ZONE = "illinois-connectors-65", "America/Chicago"
ELIGIBLE_SHARE = 0.6
REDELIVERED_SHARE = 0.05
REFERENCE = (
    "insert into programme (programme_id, version, title, vaccine_group, time_zone) "
    f"values ('{PROGRAMME}', 1, 'Connectors, 65 and older', 'covid-19', '{ZONE}')",
    f"insert into business_day (business_on) values ('{DAY}')",
)
"""What outreach has heard before the roster: the programme and the day."""


def records(count: int, seed: int = 1, more_headers: Sequence[Header] = ()) -> list[Record]:
    """`count` facts about as many members, and some of them delivered twice."""
    chance = random.Random(seed)
    made = [_record(chance, more_headers) for _ in range(count)]
    again = chance.sample(made, int(count * REDELIVERED_SHARE))
    for one in again:
        made.insert(chance.randrange(len(made) // 2, len(made)), one)
    return made


def case_records(count: int, seed: int = 1) -> list[Record]:
    """As many facts about outreach cases."""
    chance = random.Random(seed)
    return [_record_of(_a_case(chance), "outreach") for _ in range(count)]


def numbered(records: Sequence[Record]) -> list[Record]:
    """The same with one header more: epoch, relay shard and number, as high-water marks need. An event that is
    delivered twice keeps its number."""
    numbers: dict[Header, int] = {}
    made = []
    for record in records:
        name_and_id = next(one for one in record.headers if one[0] == HEADER_ID)
        number = numbers.setdefault(name_and_id, len(numbers) + 1)
        shard = shard_of((record.key or b"").decode())
        made.append(replace(record, headers=(*record.headers, (marks.HEADER, f"1.{shard}.{number}".encode()))))
    return made


def shard_number(record: Record) -> bytes:
    """The relay shard in a numbered record's header."""
    return (dict(record.headers)[marks.HEADER] or b"").split(b".")[1]


def with_epoch(record: Record, epoch: int) -> Record:
    """A numbered record as a producer of that epoch writes it."""
    headers = dict(record.headers)
    _, _, rest = (headers[marks.HEADER] or b"").partition(b".")
    return replace(record, headers=tuple((headers | {marks.HEADER: f"{epoch}.".encode() + rest}).items()))


def _record(chance: random.Random, more_headers: Sequence[Header]) -> Record:
    return _record_of(a_fact(chance), "eligibility", more_headers)


def _record_of(fact: Event, producer: str, more_headers: Sequence[Header] = ()) -> Record:
    headers = headers_of(new_id(), source_of(producer), fact.event_type, fact.occurred_at.isoformat(), None)
    body = fact.model_dump_json(exclude_none=True).encode()
    return Record("", 0, 0, fact.key().encode(), body, (*headers, *more_headers))


def a_fact(chance: random.Random) -> MemberEligibilityDecidedV1:
    """One member, enrolled in one plan, under one programme."""
    eligible = chance.random() < ELIGIBLE_SHARE
    tract = f"17031{chance.randrange(10**6):06}"
    return MemberEligibilityDecidedV1(
        occurred_at=AT,
        enrolment_id=new_id(),
        member_token=new_id(),
        tenant_id=chance.choice(("lakeshore", "prairie")),
        programme_id=PROGRAMME,
        programme_version=1,
        phase="community",
        version=1,
        status=EligibilityStatus.ELIGIBLE if eligible else EligibilityStatus.INELIGIBLE,
        reasons=("age-in-range", "area-vulnerable") if eligible else ("age-out-of-range",),
        vaccinated=False,
        doses_valid=0,
        priority=chance.randrange(100, 1000) if eligible else 0,
        age_band=chance.choice(list(AgeBand)),
        sex=chance.choice(("female", "male")),
        race_ethnicity=chance.choice(list(RaceEthnicity)),
        language=chance.choice(("en", "es", "pl")),
        line_of_business=LineOfBusiness.MEDICARE,
        zip5=f"606{chance.randrange(60):02}",
        tract=tract,
        county_fips=tract[:5],
        svi=Svi(level=SviLevel.TRACT, release="2018", value=round(chance.random(), 4), vulnerable=eligible),
        enrolled=True,
        contact_protected=False,
        decided_on=DAY,
    )


def _a_case(chance: random.Random) -> CaseChangedV1:
    return CaseChangedV1(
        occurred_at=AT,
        case_id=new_id(),
        version=1,
        enrolment_id=new_id(),
        member_token=new_id(),
        tenant_id=chance.choice(("lakeshore", "prairie")),
        programme_id=PROGRAMME,
        status=CaseStatus.OPEN,
        priority=chance.randrange(100, 1000),
        attempts=0,
        opened_on=DAY,
        changed_on=DAY,
    )
