"""The weekly report computed from the log alone: how far outreach got, and what happened week by week."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from functools import cached_property

from tests.chaos.checker import catalog
from tests.chaos.checker.log import Body, latest, of_type
from tests.chaos.checker.model.population import Population, day

SPOKEN = frozenset({
    "complete", "initial-refusal", "do-not-call", "callback-scheduled", "already-vaccinated", "booked", "moved",
})  # fmt: skip
STAGES = ("enrolled", "ever-eligible", "case-opened", "attempted", "reached", "booked", "dose-after-outreach")
OUTCOMES = ("dose-after-outreach", "dose-at-own-site-otherwise", "dose-elsewhere", "dose-before-the-case", "no-dose")
WEEKS = 12


class Weekly(Population):
    """The figures of the report."""

    # -- how far outreach got

    @cached_property
    def ways(self) -> dict[tuple[str, str], tuple[list[bool], str | None]]:
        """For each person and plan the stages that were passed, and the outcome where a case was opened."""
        entered: dict[tuple[str, str], bool] = {}
        for one in self.of(catalog.DECIDED, "decided_on"):
            if one["enrolled"]:
                who = self.person(one["member_token"]), one["tenant_id"]
                entered[who] = entered.get(who, False) or one["status"] == "eligible"
        opened, tried, booked = self._opened(), self._tried(), self._booked()
        return {
            who: self._way(who[0], is_eligible, opened.get(who), tried.get(who), booked.get(who))
            for who, is_eligible in entered.items()
        }  # fmt: skip

    def _way(
        self, person: str, is_eligible: bool, opened_on: date | None, reached: bool | None, fulfilled: bool | None
    ) -> tuple[list[bool], str | None]:
        given = self.vaccination(person)
        is_open = is_eligible and opened_on is not None
        is_tried = is_open and reached is not None
        is_reached = is_open and bool(reached)
        is_booked = is_reached and fulfilled is not None
        after = given is not None and opened_on is not None and given[0] >= opened_on
        is_dosed = is_booked and bool(fulfilled) and after and given is not None and given[1] == "appointment"
        stages = [True, is_eligible, is_open, is_tried, is_reached, is_booked, is_dosed]
        return stages, self._outcome(is_dosed, given, opened_on) if is_open else None

    @staticmethod
    def _outcome(is_dosed: bool, given: tuple[date, str] | None, opened_on: date | None) -> str:
        if is_dosed:
            return "dose-after-outreach"
        if given is None:
            return "no-dose"
        if opened_on is not None and given[0] < opened_on:
            return "dose-before-the-case"
        return "dose-at-own-site-otherwise" if given[1] == "appointment" else "dose-elsewhere"

    def _opened(self) -> dict[tuple[str, str], date]:
        found: dict[tuple[str, str], date] = {}
        for one in self.of(catalog.CASE, "opened_on"):
            who, on = (self.person(one["member_token"]), one["tenant_id"]), day(one["opened_on"])
            found[who] = min(found.get(who, on), on)
        return found

    @cached_property
    def attempts(self) -> list[Body]:
        """Those that nobody has taken back by then."""
        taken = {one["attempt_id"] for one in self.of(catalog.RETRACTED, "retracted_on")}
        return [one for one in self.of(catalog.ATTEMPT, "attempted_on") if one["attempt_id"] not in taken]

    def _tried(self) -> dict[tuple[str, str], bool]:
        found: dict[tuple[str, str], bool] = {}
        for one in self.attempts:
            who = self.person(one["member_token"]), one["tenant_id"]
            found[who] = found.get(who, False) or one["disposition"] in SPOKEN
        return found

    def _booked(self) -> dict[tuple[str, str], bool]:
        found: dict[tuple[str, str], bool] = {}
        for one in self.appointments:
            if not one["walk_in"] and one["status"] != "entered-in-error":
                who = self.person(one["member_token"]), one["tenant_id"]
                found[who] = found.get(who, False) or one["status"] == "fulfilled"
        return found

    @cached_property
    def appointments(self) -> list[Body]:
        """The newest version of each."""
        newest: dict[str, Body] = {}
        for one in sorted(self.of(catalog.APPOINTMENT, "changed_on"), key=lambda one: int(one["version"])):
            newest[one["appointment_id"]] = one
        return list(newest.values())

    def funnel(self, plan: str | None) -> tuple[list[int], dict[str, int]]:
        """People by stage and by outcome, of one plan or over all."""
        stages: defaultdict[str, list[bool]] = defaultdict(lambda: [False] * len(STAGES))
        outcomes: defaultdict[str, list[str]] = defaultdict(list)
        for (person, tenant_id), (passed, outcome) in self.ways.items():
            if plan in {None, tenant_id}:
                stages[person] = [a or b for a, b in zip(stages[person], passed, strict=True)]
                outcomes[person] += [outcome] if outcome else []
        best = Counter(min(each, key=OUTCOME_RANK) for each in outcomes.values() if each)
        return [sum(column) for column in zip(*stages.values(), strict=True)], {one: best[one] for one in OUTCOMES}

    # -- week by week

    def weeks(self) -> defaultdict[tuple[date, str], Counter[str]]:
        """Deeds by week and kind, of each sort how many."""
        found: defaultdict[tuple[date, str], Counter[str]] = defaultdict(Counter)
        since = _monday(self.today) - timedelta(weeks=WEEKS - 1)
        for on, deed, sort in self._deeds():
            if on >= since:
                found[_monday(on), deed][sort] += 1
        return found

    def _deeds(self) -> Iterable[tuple[date, str, str]]:
        for one in self.attempts:
            yield day(one["attempted_on"]), "attempt", one["disposition"]
        booked_on = self._first_said()
        for one in self.appointments:
            if not one["walk_in"] and one["status"] != "entered-in-error":
                yield booked_on[one["appointment_id"]], "booking", ""
            if one["status"] == "fulfilled":
                yield day(one["start_on"]), "walk-in" if one["walk_in"] else "fulfilled", ""
            if one["status"] == "noshow":
                yield day(one["start_on"]), "noshow", ""
            if one["status"] == "cancelled":
                yield day(one["changed_on"]), "cancellation", ""
        for person in self.persons:
            for on, source in self.doses.get(person.person, []):
                yield on, "dose by source", source
                yield on, "dose by svi", person.svi_group

    def _first_said(self) -> dict[str, date]:
        first: dict[str, date] = {}
        for one in self.of(catalog.APPOINTMENT, "changed_on"):
            on = day(one["changed_on"])
            first[one["appointment_id"]] = min(first.get(one["appointment_id"], on), on)
        return first

    def people_by(self, codes: Callable[[Body], Iterable[str]]) -> dict[str, int]:
        """How many people's attempts named each code."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for one in self.attempts:
            for code in codes(one):
                found[code].add(self.person(one["member_token"]))
        return {code: len(people) for code, people in found.items()}

    def slots(self) -> dict[tuple[str, str, str | None], tuple[int, int, int]]:
        """Capacity, booked and used by week, site and plan."""
        known = [one for one in of_type(self.mine, catalog.POOL) if day(one.body["changed_on"]) <= self.today]
        since = _monday(self.today) - timedelta(weeks=WEEKS - 1)
        found: Counter[tuple[tuple[str, str, str | None], str]] = Counter()
        for fact in latest(known, catalog.POOL).values():
            one = fact.body
            if day(one["week_on"]) >= since:
                for name in ("capacity", "booked", "fulfilled"):
                    found[(one["week_on"], one["site_id"], one.get("tenant_id")), name] += one[name]
        keys = {key for key, _ in found}
        return {key: (found[key, "capacity"], found[key, "booked"], found[key, "fulfilled"]) for key in keys}


_RANK = {one: (one != "dose-after-outreach", one == "no-dose", one) for one in OUTCOMES}
OUTCOME_RANK = _RANK.__getitem__
"""Of a person's outcomes in several plans the first counts."""


def _monday(on: date) -> date:
    return on - timedelta(days=on.weekday())
