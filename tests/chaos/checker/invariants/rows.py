"""2. A business row exists if and only if its event is in the log."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.chaos.checker import catalog
from tests.chaos.checker.divergence import Divergence
from tests.chaos.checker.evidence import Evidence
from tests.chaos.checker.invariants.comparing import Key, Table, compare, saying
from tests.chaos.checker.log import Body, latest, of_type
from tests.chaos.checker.model.eligibility import told
from tests.chaos.checker.tables import Row, instant

Select = Callable[[Row], bool]


@dataclass(frozen=True, slots=True)
class Owned:
    """A producer's table and the events that announce its rows. `columns`: the body's field by column."""

    service: str
    table: str
    kind: str
    key: tuple[str, ...]
    columns: Mapping[str, str]
    announced: Select = lambda _: True


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


def _is_versioned(row: Row) -> bool:
    return int(row["version"]) > 0


OWNED = (
    Owned("eligibility", "decision", catalog.DECIDED, ("enrolment_id", "programme_id"), _same("version"),
          _is_versioned),
    Owned(
        "eligibility", "dose", catalog.DOSE, ("dose_id",),
        {**_same("version", "cvx", "vaccine_group", "vaccine_groups", "administered_on", "known_on", "sources",
                 "appointment_id", "supersedes"), "member_token": "member_token"}, _is_versioned,
    ),
    Owned("eligibility", "programme", catalog.PROGRAMME, ("programme_id", "version"), _same("document_sha256")),
    Owned("eligibility", "clock", catalog.DAY, ("time_zone",), _same("business_on")),
    Owned(
        "eligibility", "feed_file", catalog.FILE, ("file_id",),
        {**_same("sha256", "kind", "rows_accepted", "rows_rejected", "rows_unlinked", "rows_unchanged"),
         "plan": "tenant_id"},
        lambda row: row["state"] in {"processed", "stopped", "cancelled"} and bool(row["kind"]),
    ),
    Owned(
        "outreach", "outreach_case", catalog.CASE, ("case_id",),
        _same("version", "enrolment_id", "member_token", "tenant_id", "programme_id", "status", "closed_reason",
              "priority", "attempts", "opened_on", "paused_until_on"),
    ),
    Owned(
        "outreach", "attempt", catalog.ATTEMPT, ("attempt_id",),
        {**_same("case_id", "enrolment_id", "member_token", "tenant_id", "programme_id", "channel", "disposition",
                 "attempted_at", "attempted_on", "worker_id", "given", "topics", "barriers", "refusal_domain",
                 "callback_at", "direction", "against"), "stopped": "stopped_channels", "resumed": "resumed_channels"},
    ),
    Owned("outreach", "attempt_retraction", catalog.RETRACTED, ("attempt_id",),
          _same("tenant_id", "worker_id", "reason", "retracted_on")),
    Owned(
        "outreach", "referral", catalog.REFERRAL, ("referral_id",),
        {**_same("version", "enrolment_id", "tenant_id", "kind", "status", "status_reason", "status_on", "requested_on",
                 "due_on", "gates_appointment_id"), "is_escalated": "overdue"},
    ),
    Owned(
        "scheduling", "appointment", catalog.APPOINTMENT, ("appointment_id",),
        _same("version", "status", "enrolment_id", "member_token", "tenant_id", "programme_id", "site_id", "slot_id",
              "block_id", "start_at", "start_on", "walk_in", "cancellation_reason", "changed_on", "by_rule",
              "outcome_overdue"),
    ),
    Owned(
        "scheduling", "block", catalog.POOL, ("block_id",),
        {**_same("version", "site_id", "week_on", "cvx", "capacity", "booked", "fulfilled", "released", "changed_on"),
         "held_for": "tenant_id"},
    ),
)  # fmt: skip


def rows_are_events(evidence: Evidence) -> Iterator[Divergence]:
    """Each row of a producer with the newest event about it, each event with its row, and both say the same."""
    for owned in OWNED:
        yield from _compare(evidence, owned)
    yield from _merges(evidence)
    yield from _facts(evidence)
    yield from _listings(evidence)


def _compare(evidence: Evidence, owned: Owned) -> Iterator[Divergence]:
    say = saying(2, "rows_are_events")
    rows = [row for row in evidence.table(owned.service, owned.table) if owned.announced(row)]
    expected = {_key(owned.key, body): _said(owned.columns, body) for body in _bodies(evidence, owned)}
    found = {_key(owned.key, row): {name: _or_none(row[name]) for name in owned.columns} for row in rows}
    yield from compare(say, f"{owned.service}.{owned.table}", expected, found)


def _bodies(evidence: Evidence, owned: Owned) -> Iterable[Body]:
    """The newest of each row; every version where each has a row of its own."""
    if "version" in owned.key:
        return [fact.body for fact in of_type(evidence.facts, owned.kind)]
    return [fact.body for fact in latest(evidence.facts, owned.kind).values()]


def _key(names: tuple[str, ...], row: Mapping[str, Any]) -> Key:
    return tuple(str(row[name]) for name in names)


def _said(columns: Mapping[str, str], body: Body) -> dict[str, Any]:
    """What the body says of these columns, in the form of the tables."""
    return {column: said(body, name) for column, name in columns.items()}


def _or_none(value: Any) -> Any:
    """What is not known is an empty text in the tables, and left out in a body."""
    return None if value == "" else value


LISTS = frozenset({"given", "topics", "barriers", "cvx_not_counted", "rejections", "reasons", "sources",
                   "stopped_channels", "resumed_channels"})  # fmt: skip
COUNTS = frozenset({"released", "rows_unlinked", "rows_unchanged"})
FLAGS = frozenset({"walk_in", "by_rule", "outcome_overdue"})
INSTANTS = frozenset({"death_reports_until"})


def said(body: Body, name: str) -> Any:
    """A field of a body, with what it is when it is left out."""
    left_out: Any = [] if name in LISTS else 0 if name in COUNTS else False if name in FLAGS else None
    value = body.get(name, left_out)
    return instant(value) if name.endswith("_at") or name in INSTANTS else value


def _merges(evidence: Evidence) -> Iterator[Divergence]:
    say = saying(2, "rows_are_events")
    persons = evidence.table("eligibility", "person")
    found: Table = {
        (row["member_token"],): {"merged_into": row["merged_into"]} for row in persons if row["merged_into"]
    }
    expected: Table = {(member_token,): {"merged_into": last} for member_token, last in evidence.survivor_of.items()}
    yield from compare(say, "eligibility.person", expected, found)


def _facts(evidence: Evidence) -> Iterator[Divergence]:
    """Eligibility keeps the whole of the answer of which it told last what others need."""
    say = saying(2, "rows_are_events")
    kept: dict[Key, Any] = {
        (row["enrolment_id"], row["programme_id"]): row["fact"] for row in evidence.table("eligibility", "decision")
    }
    for entity, fact in latest(evidence.facts, catalog.DECIDED).items():
        answer = kept.get(entity)
        if answer is None or _without_nothing(told(answer)) != _without_nothing(fact.body):
            yield say(f"eligibility.decision {'/'.join(entity)}", f"the fact of {fact.record}", "another one")


def _without_nothing(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_nothing(one) for name, one in value.items() if one is not None}
    return value


def _listings(evidence: Evidence) -> Iterator[Divergence]:
    """Of a compacted topic only the last word counts, and that is reporting's own row."""
    say = saying(2, "rows_are_events")
    columns = _same("week_on", "occurred_at", "listed", "rank", "members", "unvaccinated", "coverage")
    bodies = [fact.body for fact in latest(evidence.facts, catalog.LISTED).values()]
    expected = {_key(("programme_id", "zip5"), body): _said(columns, body) for body in bodies}
    rows = evidence.table("reporting", "target_zip")
    found = {_key(("programme_id", "zip5"), row): {name: row[name] for name in columns} for row in rows}
    yield from compare(say, "reporting.target_zip", expected, found, lambda key: key[0])
