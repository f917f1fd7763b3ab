"""3 and 7. What a service keeps of others' facts is the log as it has read it, each fact once; reporting is nothing but
the log."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.chaos.checker import catalog
from tests.chaos.checker.divergence import Divergence
from tests.chaos.checker.evidence import Evidence
from tests.chaos.checker.invariants.comparing import Table, compare, saying
from tests.chaos.checker.invariants.rows import said
from tests.chaos.checker.log import Body, Fact, latest, of_type, survivors_in
from tests.chaos.checker.model.cases import groups_of, offers_outreach
from tests.chaos.checker.tables import instant

Make = Callable[[Body], Any]


@dataclass(frozen=True, slots=True)
class Copy:
    """A table that is made of one kind of event; `every`: with a row for each of its versions."""

    service: str
    table: str
    kind: str
    key: tuple[str, ...]
    columns: Mapping[str, Make]
    every: bool = False


def _names(*names: str) -> dict[str, Make]:
    return {name: _same(name) for name in names}


def _same(name: str) -> Make:
    return lambda body: said(body, name)


def _words(name: str) -> Make:
    return lambda body: " ".join(body[name])


def _or_zero(name: str) -> Make:
    return lambda body: body.get(name, 0)


def _standing(body: Body) -> str:
    if body.get("merged_into"):
        return "merged"
    if body["status"] == "eligible":
        return "eligible"
    if "deceased" in body["reasons"]:
        return "deceased"
    if not body["enrolled"]:
        return "disenrolled"
    return "vaccinated" if body["vaccinated"] and body["reasons"] != ["death-reported"] else "ineligible"


def _groups(body: Body) -> list[str]:
    return body.get("vaccine_groups") or [body["vaccine_group"]]


def _dose_on(body: Body) -> str | None:
    return body["dose"]["administered_on"] if body["status"] == "fulfilled" and body.get("dose") else None


_ENROLMENT, _DOSE = ("enrolment_id", "programme_id"), ("dose_id",)
_DECIDED: dict[str, Make] = {
    **_names(
        "version", "tenant_id", "member_token", "programme_version", "status", "reasons", "enrolled", "age_band",
        "race_ethnicity", "language", "line_of_business", "zip5", "county_fips", "merged_into", "decided_on",
    ),
    "svi_level": lambda body: body["svi"]["level"], "svi_release": lambda body: body["svi"]["release"],
    "svi_value": lambda body: body["svi"].get("value"), "vulnerable": lambda body: body["svi"]["vulnerable"],
}  # fmt: skip
_RECORDED = _names("version", "action", "member_token", "vaccine_group", "vaccine_groups", "cvx", "administered_on",
                   "known_on", "sources", "appointment_id")  # fmt: skip
_PUBLISHED = _names("version", "title", "vaccine_group", "effective_on", "time_zone", "doses_needed",
                    "doses_since_on", "cvx_not_counted")  # fmt: skip

COPIES = (
    Copy(
        "outreach", "enrolment", catalog.DECIDED, _ENROLMENT,
        {**_names("version", "tenant_id", "member_token", "vaccinated", "doses_valid", "enrolled", "contact_protected",
                  "merged_into", "priority", "zip5", "tract", "language", "decided_on"),
         **{name: _or_zero(name) for name in ("phone_version", "address_version", "email_version")},
         "death_reports_until": lambda body: instant(body.get("death_reports_until")),
         "channels_barred": lambda body: " ".join(body.get("channels_barred", ())),
         "interpreter_needed": lambda body: body.get("interpreter_needed") or "unknown",
         "eligible": lambda body: body["status"] == "eligible", "reasons": _words("reasons")},
    ),
    Copy(
        "outreach", "dose", catalog.DOSE, _DOSE,
        {**_names("version", "member_token", "vaccine_group", "administered_on", "appointment_id"),
         "live": lambda body: body["action"] != "retract", "sources": _words("sources"),
         "vaccine_groups": lambda body: " ".join(groups_of(body))},
    ),
    Copy(
        "outreach", "appointment", catalog.APPOINTMENT, ("appointment_id",),
        {**_names("version", "tenant_id", "enrolment_id", "programme_id", "member_token", "status", "site_id",
                  "start_at", "start_on", "changed_on", "cancellation_reason"),
         "dose_on": _dose_on, "by_rule": lambda body: body.get("by_rule", False),
         "outcome_overdue": lambda body: body.get("outcome_overdue", False),
         "told_at": lambda body: instant(body["occurred_at"])},
    ),
    Copy("outreach", "programme", catalog.PROGRAMME, ("programme_id",),
         _names("version", "title", "vaccine_group", "time_zone")),
    Copy("outreach", "business_day", catalog.DAY, (), _names("business_on")),
    Copy("outreach", "target_zip", catalog.LISTED, ("programme_id", "zip5"), _names("week_on", "listed")),
    Copy("scheduling", "enrolment", catalog.DECIDED, _ENROLMENT,
         {**_names("version", "tenant_id", "member_token", "reasons", "death_reports_until"),
          "standing": _standing}),
    Copy("scheduling", "dose", catalog.DOSE, _DOSE,
         {**_names("version", "member_token", "vaccine_group", "administered_on"), "vaccine_groups": _groups,
          "retracted": lambda body: body["action"] == "retract"}),
    Copy("scheduling", "programme", catalog.PROGRAMME, ("programme_id",), _names("version", "vaccine_group")),
    Copy("scheduling", "business_day", catalog.DAY, (), _names("business_on")),
)  # fmt: skip
REPORTING = (
    Copy("reporting", "programme_version", catalog.PROGRAMME, ("programme_id", "version"), _PUBLISHED, every=True),
    Copy("reporting", "programme", catalog.PROGRAMME, ("programme_id",), _PUBLISHED),
    Copy("reporting", "business_day", catalog.DAY, (), _names("business_on")),
    Copy("reporting", "enrolment_version", catalog.DECIDED, (*_ENROLMENT, "version"), _DECIDED, every=True),
    Copy("reporting", "enrolment", catalog.DECIDED, _ENROLMENT, _DECIDED),
    Copy("reporting", "member_merge", catalog.MERGED, ("retired_token", "surviving_token", "merged_on"), {},
         every=True),
    Copy("reporting", "dose_version", catalog.DOSE, ("dose_id", "version"), _RECORDED, every=True),
    Copy("reporting", "dose", catalog.DOSE, _DOSE, _RECORDED),
    Copy("reporting", "case_version", catalog.CASE, ("case_id", "version"),
         _names("tenant_id", "programme_id", "enrolment_id", "member_token", "status", "closed_reason", "opened_on",
                "changed_on"), every=True),
    Copy("reporting", "referral_version", catalog.REFERRAL, ("referral_id", "version"),
         _names("tenant_id", "enrolment_id", "member_token", "partner_id", "kind", "need", "status", "status_reason",
                "status_on", "requested_on", "due_on", "overdue", "gates_appointment_id"), every=True),
    Copy("reporting", "contact_attempt", catalog.ATTEMPT, ("attempt_id",),
         _names("tenant_id", "programme_id", "enrolment_id", "member_token", "channel", "disposition", "attempted_on",
                "given", "topics", "barriers", "refusal_domain")),
    Copy("reporting", "attempt_retraction", catalog.RETRACTED, ("attempt_id",), _names("tenant_id", "retracted_on")),
    Copy("reporting", "appointment_version", catalog.APPOINTMENT, ("appointment_id", "version"),
         _names("tenant_id", "programme_id", "enrolment_id", "member_token", "status", "site_id", "start_on", "walk_in",
                "cancellation_reason", "changed_on"), every=True),
    Copy("reporting", "slot_pool_version", catalog.POOL, ("block_id", "version"),
         _names("site_id", "site_zip5", "week_on", "tenant_id", "cvx", "capacity", "booked", "fulfilled", "changed_on"),
         every=True),
    Copy("reporting", "feed_file", catalog.FILE, ("file_id",),
         _names("kind", "sender", "tenant_id", "rows_read", "rows_accepted", "rows_rejected", "rows_unlinked",
                "rows_unchanged", "rejections", "business_on")),
)  # fmt: skip


def copies_are_of_the_log(evidence: Evidence) -> Iterator[Divergence]:
    """Outreach's and scheduling's copies are the newest fact of each thing, as far as they have read."""
    for copy in COPIES:
        yield from _compare(evidence, copy, 3, "copies_are_of_the_log")
    yield from _first_offers(evidence)
    yield from _merged(evidence, "outreach", "person", "person_token")
    yield from _merged(evidence, "scheduling", "person", "person_token")
    yield from _begun(evidence)
    yield from _deaths(evidence)


def reporting_is_of_the_log(evidence: Evidence) -> Iterator[Divergence]:
    """Every table of reporting is what somebody would get who read the log anew."""
    for copy in REPORTING:
        yield from _compare(evidence, copy, 7, "reporting_is_of_the_log")


def marks_are_of_the_log(evidence: Evidence) -> Iterator[Divergence]:
    """Each group has marked exactly the events of its topic that it has applied."""
    say = saying(3, "marks_are_of_the_log")
    for group, topic in catalog.GROUPS.items():
        expected = {fact.event_id for fact in evidence.read_by(group) if fact.record.topic == topic}
        rows = evidence.table(group.partition(".")[0], "inbox")
        found = {row["event_id"] for row in rows if row["consumer"] == group}
        for event_id in sorted(expected - found):
            yield say(f"{group} event {event_id}", "applied", "never")
        for event_id in sorted(found - expected):
            yield say(f"{group} event {event_id}", "an event of the log", "none")


def _facts(evidence: Evidence, service: str, kind: str) -> list[Fact]:
    topic = catalog.TOPIC[catalog.KIND[kind].topic]
    return of_type(evidence.read_by(topic.group(service)), kind)


def _compare(evidence: Evidence, copy: Copy, number: int, invariant: str) -> Iterator[Divergence]:
    facts = _facts(evidence, copy.service, copy.kind)
    bodies = [fact.body for fact in (facts if copy.every else latest(facts, copy.kind).values())]
    expected = {
        tuple(str(body[name]) for name in copy.key): {name: make(body) for name, make in copy.columns.items()}
        for body in bodies
    }  # fmt: skip
    found = {tuple(str(row[name]) for name in copy.key): row for row in evidence.table(copy.service, copy.table)}
    yield from compare(saying(number, invariant), f"{copy.service}.{copy.table}", expected, found)


def _first_offers(evidence: Evidence) -> Iterator[Divergence]:
    """The first day on which outreach was offered."""
    first: dict[tuple[str, ...], str] = {}
    facts = _facts(evidence, "outreach", catalog.DECIDED)
    for fact in (one for one in facts if offers_outreach(one.body)):
        first[fact.entity] = min(first.get(fact.entity, "9"), fact.body["decided_on"])
    expected = {fact.entity: {"eligible_on": first.get(fact.entity)} for fact in facts}
    rows = evidence.table("outreach", "enrolment")
    found: Table = {(row["enrolment_id"], row["programme_id"]): row for row in rows}
    shared = {key: expected[key] for key in expected.keys() & found.keys()}
    say = saying(3, "copies_are_of_the_log")
    yield from compare(say, "outreach.enrolment", shared, {key: found[key] for key in shared})


def _merged(evidence: Evidence, service: str, table: str, column: str) -> Iterator[Divergence]:
    """Who turned out to be whom; a token that stands for itself is its own survivor, or has none."""
    retired = survivors_in(_facts(evidence, service, catalog.MERGED)).keys() & evidence.survivor_of.keys()
    say = saying(3, "copies_are_of_the_log")
    heard = {
        member_token for kind in MEMBERS for fact in _facts(evidence, service, kind) for member_token in _tokens(fact)
    }
    for member_token in sorted(heard - {row["member_token"] for row in evidence.table(service, table)}):
        yield say(f"{service}.{table} {member_token}", "a row", "none")
    for row in evidence.table(service, table):
        member_token, found = row["member_token"], row[column]
        expected = evidence.survivor_of[member_token] if member_token in retired else None
        if (found or member_token) != (expected or member_token):
            yield say(f"{service}.{table} {member_token}", f"{column} {expected}", str(found))


MEMBERS = (catalog.DECIDED, catalog.MERGED, catalog.DOSE)
"""Events of which every listener keeps the members."""


def _tokens(fact: Fact) -> list[str]:
    return [fact.body[name] for name in ("member_token", "retired_token", "surviving_token") if name in fact.body]


def _deaths(evidence: Evidence) -> Iterator[Divergence]:
    """Scheduling's reports of deaths: each attempt that said so and each cancellation for it that a person made, until
    it was taken back."""
    retracted = {fact.body["attempt_id"] for fact in _facts(evidence, "scheduling", catalog.RETRACTED)}
    said: dict[str, str] = {}
    for fact in _facts(evidence, "scheduling", catalog.ATTEMPT):
        if fact.body["disposition"] == "deceased":
            said[fact.body["attempt_id"]] = fact.body["member_token"]
    for fact in of_type(evidence.facts, catalog.APPOINTMENT):
        if fact.body.get("cancellation_reason") == "pat-dec" and not fact.body.get("by_rule"):
            said[fact.body["appointment_id"]] = fact.body["member_token"]
    found = {
        row["report_id"]: row["member_token"]
        for row in evidence.table("scheduling", "death_report") if row["reported_at"] and not row["retracted"]
    }  # fmt: skip
    expected = {report: member_token for report, member_token in said.items() if report not in retracted}
    say = saying(3, "copies_are_of_the_log")
    for report in sorted(expected.keys() ^ found.keys()):
        yield say(f"scheduling.death_report {report}", str(expected.get(report)), str(found.get(report)))


def _begun(evidence: Evidence) -> Iterator[Divergence]:
    """Since when each programme runs, in any of its versions."""
    begun: dict[str, str] = {}
    for fact in _facts(evidence, "scheduling", catalog.PROGRAMME):
        on = fact.body["effective_on"]
        begun[fact.body["programme_id"]] = min(begun.get(fact.body["programme_id"], on), on)
    say = saying(3, "copies_are_of_the_log")
    for row in evidence.table("scheduling", "programme"):
        if row["began_on"] != begun.get(row["programme_id"]):
            yield say(f"scheduling.programme {row['programme_id']}", "began_on of its first version", "another")
