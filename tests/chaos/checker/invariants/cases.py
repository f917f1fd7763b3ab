"""3. Every outreach case is as the policy has it, by all that outreach has heard; in which order leaves no trace."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from tests.chaos.checker import catalog
from tests.chaos.checker.divergence import Divergence
from tests.chaos.checker.evidence import Evidence
from tests.chaos.checker.invariants.comparing import Table, compare, saying
from tests.chaos.checker.log import Body, latest, of_type
from tests.chaos.checker.model.cases import STANDING, Known, decide, grouped, is_taken_away, offers_outreach
from tests.chaos.checker.tables import Row, instant

NOTICE = "/lost-booking-notice"


def cases_are_as_decided(evidence: Evidence) -> Iterator[Divergence]:
    """There is a case for everybody to whom outreach was ever offered, in the state that follows from the facts."""
    say = saying(3, "cases_are_as_decided")
    heard = _Heard(evidence)
    expected = {entity: heard.case(entity, fact) for entity, fact in heard.facts.items() if entity in heard.offered}
    cases = evidence.table("outreach", "outreach_case")
    found: Table = {(row["enrolment_id"], row["programme_id"]): row for row in cases}
    yield from compare(say, "case of enrolment", expected, found)


def notices_are_as_given(evidence: Evidence) -> Iterator[Divergence]:
    """Whoever heard without a call that his booking is off is noted once, under a booking of his that he did not give
    up himself; nothing is noted that nobody said."""
    say = saying(3, "notices_are_as_given")
    asked = Counter(
        (one.path.split("/")[2], (one.request.first.body or {})["how"])
        for one in evidence.effects if one.service == "outreach" and one.path.endswith(NOTICE)
    )  # fmt: skip
    rows = evidence.table("outreach", "loss_notice")
    kept = Counter((row["case_id"], row["how"]) for row in rows)
    for case_id, how in sorted((asked - kept) + (kept - asked)):
        yield say(f"case {case_id}", f"{asked[case_id, how]} notices ({how})", f"{kept[case_id, how]}")
    cases = {row["case_id"]: row for row in evidence.table("outreach", "outreach_case")}
    booked = {fact.body["appointment_id"]: fact.body for fact in latest(evidence.facts, catalog.APPOINTMENT).values()}
    for row in rows:
        case, one = cases[row["case_id"]], booked.get(row["appointment_id"], {})
        is_his = one.get("enrolment_id") == case["enrolment_id"] and row["tenant_id"] == case["tenant_id"]
        if not is_his or one["status"] != "cancelled" or not is_taken_away(one):
            yield say(f"notice of case {row['case_id']}", "a booking of his that was taken away", "another one")


class _Heard:
    """What outreach has heard, by what it is looked up by."""

    def __init__(self, evidence: Evidence) -> None:
        decided = of_type(evidence.read_by("outreach.member-eligibility"), catalog.DECIDED)
        self.facts = {entity: fact.body for entity, fact in latest(decided, catalog.DECIDED).items()}
        self.offered: dict[tuple[str, ...], str] = {}
        for fact in (one for one in decided if offers_outreach(one.body)):
            on = fact.body["decided_on"]
            self.offered[fact.entity] = min(self.offered.get(fact.entity, on), on)
        self.retired = {row["member_token"]: row["person_token"] for row in evidence.table("outreach", "person")}
        self.doses = defaultdict[str, list[Body]](list)
        for body in self._latest(evidence, catalog.DOSE, "outreach.dose-administered"):
            self.doses[self.person(body["member_token"])].append(body)
        self.appointments = grouped(
            self._latest(evidence, catalog.APPOINTMENT, "outreach.appointment"), "enrolment_id", "programme_id"
        )
        self.attempts = defaultdict[tuple[str, str], list[Row]](list)
        stance = sorted(_standing(evidence), key=lambda one: (one["attempted_at"], one["attempt_id"]))
        for row in stance:
            self.attempts[self.person(row["member_token"]), row["tenant_id"]].append(row)
        programmes = self._latest(evidence, catalog.PROGRAMME, "outreach.programme")
        self.programmes = {body["programme_id"]: body for body in programmes}
        days = self._latest(evidence, catalog.DAY, "outreach.business-day-opened")
        self.days = {body["time_zone"]: body["business_on"] for body in days}
        told_at = {
            fact.body["attempt_id"]: fact.body["occurred_at"] for fact in of_type(evidence.facts, catalog.ATTEMPT)
        }
        self.said = defaultdict[str, list[Row]](list)
        appointments = [one for bodies in self.appointments.values() for one in bodies]
        everything = [*(self._said(row, told_at) for row in stance), *_reported(appointments)]
        for said in sorted(everything, key=lambda one: (one["at"], one["source_id"])):
            self.said[self.person(said["member_token"])].append(said)
        listings = self._latest(evidence, catalog.LISTED, "outreach.target-zips")
        self.noticed = {row["appointment_id"]: row["how"] for row in evidence.table("outreach", "loss_notice")}
        self.targets = {(body["programme_id"], body["zip5"]) for body in listings if body["listed"]}

    @staticmethod
    def _latest(evidence: Evidence, kind: str, group: str) -> list[Body]:
        return [fact.body for fact in latest(evidence.read_by(group), kind).values()]

    def _said(self, row: Row, told_at: dict[str, str]) -> Row:
        """What an attempt says for all the person's plans."""
        told = told_at.get(row["attempt_id"])
        return {
            "source_id": row["attempt_id"], "tenant_id": row["tenant_id"], "member_token": row["member_token"],
            "programme_id": row["programme_id"], "at": instant(row["attempted_at"]),
            "told_at": instant(told or row["logged_at"]), "counted_on": row["counted_on"],
            "group": self.programmes.get(row["programme_id"], {}).get("vaccine_group"),
            "stance": STANDING.get(row["disposition"]), "stops": row["stopped"], "resumes": row["resumed"],
            "reports_death": row["disposition"] == "deceased",
        }  # fmt: skip

    def person(self, member_token: str) -> str:
        return str(self.retired.get(member_token, member_token))

    def case(self, entity: tuple[str, ...], fact: Body) -> dict[str, Any]:
        programme = self.programmes.get(fact["programme_id"], {})
        opened_on = self.days.get(programme.get("time_zone", ""), fact["decided_on"])
        person = self.person(fact["member_token"])
        known = Known(
            fact=fact,
            today=date.fromisoformat(max(opened_on, fact["decided_on"])),
            is_retired=person != fact["member_token"],
            vaccine_group=programme.get("vaccine_group"),
            is_target=(fact["programme_id"], fact.get("zip5")) in self.targets,
            doses=self.doses.get(person, ()),
            appointments=self.appointments.get(entity, ()),
            attempts=self.attempts.get((person, fact["tenant_id"]), ()),
            said=self.said.get(person, ()),
            noticed=self.noticed,
        )
        return decide(known) | {"opened_on": self.offered[entity]}


def _standing(evidence: Evidence) -> Iterator[Row]:
    """The attempts that nobody took back."""
    taken = {row["attempt_id"] for row in evidence.table("outreach", "attempt_retraction")}
    return (row for row in evidence.table("outreach", "attempt") if row["attempt_id"] not in taken)


def _reported(appointments: Iterable[Body]) -> Iterator[Row]:
    """Deaths of which sites told by what they cancelled."""
    for one in appointments:
        is_report = one.get("cancellation_reason") == "pat-dec" and not one.get("by_rule")
        if one["status"] == "cancelled" and is_report:
            at = instant(one["occurred_at"])
            yield {
                "source_id": one["appointment_id"], "tenant_id": one["tenant_id"], "member_token": one["member_token"],
                "programme_id": one["programme_id"], "at": at, "told_at": at, "counted_on": one["changed_on"],
                "group": None, "stance": None, "stops": (), "resumes": (), "reports_death": True,
            }  # fmt: skip
