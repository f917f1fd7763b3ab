"""A plausible season for a few thousand members, as the facts that the other services would have announced."""

from random import Random
from typing import Any

from schemas.eligibility_v1 import DoseSource, FeedKind, ReasonCount, SviLevel
from schemas.envelope import Event
from schemas.outreach_v1 import BesdDomain, CaseStatus, Channel, Disposition
from schemas.scheduling_v1 import AppointmentStatus
from services.kit.ids import derived_id
from tests.facts import a_day, a_dose, a_fact, a_merge, a_programme, a_tract, an_appointment
from tests.service.reporting.builders import VACCINATED, a_case, a_file, a_pool, an_attempt

LAST_DAY = 41
CHICAGO = ("60608", "60609", "60612", "60617", "60619", "60620", "60621", "60623", "60624", "60628", "60629", "60632",
           "60636", "60637", "60639", "60644", "60649", "60651", "60653", "60804")  # fmt: skip
ELSEWHERE = ("60614", "60618", "60625", "60640", "60657", "61101", "61602", "61701", "61801", "62002", "62201",
             "62203", "62269", "62521", "62703", "60085", "60099", "60120", "60432", "60901")  # fmt: skip
RACES = ("hispanic", "black-or-african-american", "white", "asian", "multiracial", "unknown", "other",
         "american-indian-or-alaska-native")  # fmt: skip
BANDS = ("65-69", "70-74", "75-79", "80-84", "85+")
NO_ANSWER = (Disposition.NO_ANSWER, Disposition.LEFT_MESSAGE, Disposition.ANSWERING_MACHINE, Disposition.BUSY,
             Disposition.WRONG_NUMBER, Disposition.DISCONNECTED, Disposition.THIRD_PARTY)  # fmt: skip
SPOKEN = (Disposition.COMPLETE, Disposition.INITIAL_REFUSAL, Disposition.CALLBACK_SCHEDULED, Disposition.BOOKED,
          Disposition.ALREADY_VACCINATED, Disposition.DO_NOT_CALL)  # fmt: skip
BARRIERS = ("transportation-insecurity", "language-access", "digital-access", "social-connection",
            "personal-health-literacy", "housing-instability")  # fmt: skip
SITES = ("united-center", "loretto", "malcolm-x", "triton")


class Season:
    """Builds the events member by member."""

    def __init__(self, members: int, seed: int = 11) -> None:
        self.random = Random(seed)
        self.events: list[Event] = [a_programme(title="Vaccine Community Connectors, 65 and older")]
        self.booked: dict[tuple[str, int], list[int]] = {}
        for number in range(members):
            self._member(f"member-{number}")
        for (site, week), (booked, used) in sorted(self.booked.items()):
            self.events.append(a_pool(week, 1, site_id=site, capacity=max(80, booked), booked=booked, fulfilled=used))
        self.events += [a_day(day) for day in range(LAST_DAY + 1)]
        for week in range(6):
            rejected = (ReasonCount(reason="birth-date-missing", rows=7), ReasonCount(reason="zip-unknown", rows=3))
            self.events += [
                a_file(f"roster-{week}", week * 7, rows_read=members, rows_accepted=members - 10, rows_rejected=10,
                       rejections=rejected, rows_unchanged=members // 2),
                a_file(f"iis-{week}", week * 7 + 2, kind=FeedKind.HL7_VXU, sender="i-care", tenant_id=None,
                       rows_read=900, rows_accepted=881, rows_rejected=19, rows_unlinked=64,
                       rejections=(ReasonCount(reason="pid-3-missing", rows=19),)),
            ]  # fmt: skip

    def _member(self, name: str) -> None:
        random = self.random
        zip5 = random.choice(CHICAGO if random.random() < 0.7 else ELSEWHERE)
        middle = 0.82 if zip5 in CHICAGO else 0.4
        value = round(min(0.99, max(0.01, random.gauss(middle, 0.16))), 4)
        svi = a_tract(value) if random.random() > 0.05 else a_tract(0.86, SviLevel.COUNTY)
        said: dict[str, Any] = {
            "tenant_id": random.choice(("lakeshore", "lakeshore", "prairie")), "zip5": zip5, "svi": svi,
            "age_band": random.choices(BANDS, (5, 4, 3, 2, 1))[0],
            "race_ethnicity": random.choices(RACES, (24, 34, 22, 8, 3, 6, 2, 1))[0],
        }  # fmt: skip
        eligible = svi.vulnerable
        open_fact = {} if eligible else {"status": "ineligible", "reasons": ("area-not-vulnerable",)}
        before = random.random() < 0.62 - 0.4 * value
        self.events.append(a_fact(name, 1, 0, **(said | open_fact | (_vaccinated(said) if before else {}))))
        if before:
            self.events.append(a_dose(name, 1, -random.randint(1, 50), known_on=a_day().business_on))
        elif eligible and random.random() < 0.93:
            self._outreach(name, said)
        elif random.random() < 0.25:
            self._elsewhere(name, said, random.randint(1, LAST_DAY))
        if random.random() < 0.01:
            self.events.append(a_merge(f"{name}-double", name, random.randint(0, LAST_DAY)))

    def _elsewhere(self, name: str, said: dict[str, Any], day: int) -> None:
        known = day + self.random.randint(1, 12)
        if known > LAST_DAY:
            return
        self.events.append(a_dose(name, 1, day, known_on=a_day(known).business_on))
        self.events.append(a_fact(name, 2, known, **(said | _vaccinated(said))))

    def _outreach(self, name: str, said: dict[str, Any]) -> None:
        random, plan = self.random, said["tenant_id"]
        self.events.append(a_case(name, tenant_id=plan))
        if random.random() < 0.15:
            self._elsewhere(name, said, random.randint(2, LAST_DAY))
            return
        day = random.randint(0, 35)
        for number in range(random.choices((0, 1, 2, 3), (2, 4, 3, 1))[0]):
            if day > LAST_DAY:
                return
            spoken = random.random() < 0.42
            disposition = random.choices(SPOKEN, (20, 18, 8, 46, 5, 3))[0] if spoken else random.choice(NO_ANSWER)
            refused = disposition is Disposition.INITIAL_REFUSAL
            self.events.append(an_attempt(
                name, day, number, tenant_id=plan, disposition=disposition,
                channel=random.choice((Channel.PHONE, Channel.PHONE, Channel.TEXT, Channel.VISIT)),
                refusal_domain=random.choices(list(BesdDomain), (5, 3, 2, 4))[0] if refused else None,
                barriers=tuple(random.sample(BARRIERS, random.choices((0, 1, 2), (6, 3, 1))[0])) if spoken else (),
            ))  # fmt: skip
            if disposition is Disposition.BOOKED:
                self._appointment(name, said, day)
                return
            day += random.randint(2, 9)

    def _appointment(self, name: str, said: dict[str, Any], day: int) -> None:
        random, plan = self.random, said["tenant_id"]
        start, site = day + random.randint(1, 8), random.choice(SITES)
        common = {"tenant_id": plan, "site_id": site}
        self.events.append(an_appointment(name, 1, start, day, **common))
        places = self.booked.setdefault((site, start // 7), [0, 0])
        places[0] += 1
        if start > LAST_DAY:
            return
        ends = random.choices(("fulfilled", "noshow", "cancelled"), (84, 9, 7))[0]
        self.events.append(an_appointment(name, 2, start, start, status=AppointmentStatus(ends), **common))
        if ends == "fulfilled":
            places[1] += 1
            self.events += [
                a_dose(name, 1, start, sources=(DoseSource.APPOINTMENT,),
                       appointment_id=derived_id("appointment", name, plan)),
                a_fact(name, 2, start, **(said | _vaccinated(said))),
                a_case(name, 2, start, tenant_id=plan, status=CaseStatus.CLOSED, closed_reason="vaccinated"),
            ]  # fmt: skip


def _vaccinated(said: dict[str, Any]) -> dict[str, Any]:
    reasons = ("already-vaccinated",) if said["svi"].vulnerable else ("area-not-vulnerable", "already-vaccinated")
    return {**VACCINATED, "reasons": reasons}


def a_season(members: int = 5000) -> list[Event]:
    """All events, topic after topic."""
    events = Season(members).events
    return sorted(events, key=lambda event: type(event).__name__)
