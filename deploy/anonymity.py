"""How many people stand alone with what a topic carries of them: `python -m deploy.anonymity` asks the stack that is
up.

Of each person the newest facts count. `known`: by attributes that others may know (docs/adr/0024 says what remains of
them and why); `all`: by everything in the facts but ids, versions and the days on which they were made."""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import aclosing
from typing import Any, NamedTuple, get_args
from uuid import UUID

from deploy.console import table
from deploy.local.running import kafka_environment, require_up
from deploy.local.state import here
from deploy.topics import kafka_settings
from schemas.catalog import TOPIC_OF_EVENT
from schemas.eligibility_v1 import DoseAdministeredV1, MemberEligibilityDecidedV1
from schemas.envelope import HEADER_TYPE, Event
from schemas.outreach_v1 import CaseChangedV1, ContactAttemptLoggedV1
from schemas.referral_v1 import ReferralChangedV1
from schemas.scheduling_v1 import AppointmentChangedV1
from services.kit.offsets import offsets, records_at

Body = Mapping[str, Any]
Fields = Callable[[str], bool]

ENTITY: Mapping[type[Event], tuple[str, ...]] = {
    MemberEligibilityDecidedV1: ("enrolment_id", "programme_id"),
    DoseAdministeredV1: ("dose_id",),
    CaseChangedV1: ("case_id",),
    ContactAttemptLoggedV1: ("attempt_id",),
    AppointmentChangedV1: ("appointment_id",),
    ReferralChangedV1: ("referral_id",),
}
KNOWN_TO_OTHERS = frozenset({
    "tenant_id", "zip5", "tract", "county_fips", "age_band", "sex", "race_ethnicity", "language", "line_of_business",
    "svi", "cvx", "mvx", "lot", "administered_on", "start_on", "site_id",
})  # fmt: skip
OF_THE_FACT = frozenset({"occurred_at", "version", "programme_version", "decided_on", "known_on", "changed_on"})
SMALL = 11


class Share(NamedTuple):
    """Of so many people: how many are alone with what is carried of them, and how many in a group of less than 11."""

    people: int
    alone: int
    in_small: int


def share(bodies: Iterable[Body], entity: tuple[str, ...], is_counted: Fields) -> Share:
    """Of the people that facts of one kind speak of, by the fields that are counted."""
    newest: dict[tuple[Any, ...], Body] = {}
    for body in bodies:
        key = tuple(body[name] for name in entity)
        if key not in newest or body.get("version", 1) >= newest[key].get("version", 1):
            newest[key] = body
    facts: defaultdict[str, list[str]] = defaultdict(list)
    for body in newest.values():
        carried = {name: value for name, value in body.items() if value is not None and is_counted(name)}
        facts[body["member_token"]].append(json.dumps(carried, sort_keys=True))
    alike = Counter(tuple(sorted(said)) for said in facts.values()).values()
    return Share(len(facts), sum(people == 1 for people in alike), sum(people for people in alike if people < SMALL))


def is_of_the_person(event: type[Event]) -> Fields:
    """Whether a field says something of the person: no id, and nothing of the fact itself."""
    fields = event.model_fields
    ids = {name for name, field in fields.items() if UUID in (field.annotation, *get_args(field.annotation))}
    return lambda name: name in fields.keys() - ids - OF_THE_FACT


async def _bodies(environment: Mapping[str, str], event: type[Event]) -> AsyncIterator[Body]:
    """Every fact of this kind that is in the log."""
    settings, name = kafka_settings(environment), event.event_type.encode()
    async with offsets(settings) as broker:
        ends = await broker.ends(await broker.partitions({TOPIC_OF_EVENT[event].name}))
    async with aclosing(records_at(settings, {place: range(end) for place, end in ends.items()})) as batches:
        async for batch in batches:
            for record in batch:
                if dict(record.headers).get(HEADER_TYPE) == name:
                    yield json.loads(record.value)


async def measure(environment: Mapping[str, str]) -> list[list[str]]:
    rows = [["topic", "people", "alone by what is known", "in groups below 11", "alone by all", "in groups below 11"]]
    for event, entity in ENTITY.items():
        bodies = [body async for body in _bodies(environment, event)]
        known = share(bodies, entity, lambda name: name in KNOWN_TO_OTHERS)
        everything = share(bodies, entity, is_of_the_person(event))
        rows.append([TOPIC_OF_EVENT[event].name, f"{known.people:,}", *_percent(known), *_percent(everything)])
    return rows


def _percent(found: Share) -> tuple[str, str]:
    people = found.people or 1
    return f"{found.alone / people:.1%}", f"{found.in_small / people:.1%}"


if __name__ == "__main__":
    folder = here()
    require_up(folder)
    print(table(asyncio.run(measure(kafka_environment(folder)))))
