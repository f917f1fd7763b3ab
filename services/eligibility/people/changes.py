"""What a row changed, in the words that its sender is told; for rosters also which of them. Pure."""

from services.eligibility.people.coverage import ends_elsewhere
from services.eligibility.people.enrolment import Enrolment, Span

ADDED, ENDED, EXTENDED, MOVED = "added", "ended", "extended", "moved"
MERGED, RENUMBERED, RENAMED, CHANGED = "merged", "renumbered", "renamed", "changed"
DIED, DEATH_REPORTED, LIVES = "died", "death-reported", "lives"
FAMILY_ENDED, FAMILY_WAITS, STALE = "family-ended", "family-waits", "stale"
REPEATED = "repeated"
DOSE_ADDED, DOSE_CHANGED, DOSE_DELETED = "dose-added", "dose-changed", "dose-deleted"

CHANGES = {
    ADDED: "A member, or a coverage of one, that was not there before.",
    ENDED: "A coverage ends sooner than was known, or never was.",
    EXTENDED: "A coverage lasts longer than was known, or goes on.",
    MOVED: "Another address.",
    MERGED: "Two entries turned out to be one person.",
    RENUMBERED: "Another member number.",
    RENAMED: "Another name or birth date.",
    DIED: "The member's death.",
    DEATH_REPORTED: "A death that somebody must check: the row is older than one that does not tell of it.",
    LIVES: "The member lives: a death is taken back.",
    CHANGED: "Anything else: a begin, a telephone number, a language …",
    FAMILY_ENDED: "Coverage of dependants ended with the subscriber's.",
    FAMILY_WAITS: "The subscriber died: rows of the dependants must say whether their cover goes on.",
    STALE: "Nothing, for what stands was said later.",
    REPEATED: "Nothing, for the transaction was read before.",
    DOSE_ADDED: "A report of a dose that was not there before.",
    DOSE_CHANGED: "A report of a dose that says something else now.",
    DOSE_DELETED: "A report of a dose, taken back.",
}

Spans = tuple[Span, ...]


def changes_of(before: Enrolment, after: Enrolment) -> tuple[str, ...]:
    """What is different; never nothing."""
    found = _spans_changed(before.spans, after.spans) if before.spans != after.spans else []
    if _home(before) != _home(after):
        found.append(MOVED)
    if before.member_id != after.member_id:
        found.append(RENUMBERED)
    if _called(before) != _called(after):
        found.append(RENAMED)
    return tuple(found) or (CHANGED,)


def _spans_changed(before: Spans, after: Spans) -> list[str]:
    """Looked at by the last day of each span: one that was covered and is not any more has ended, also in the past."""
    is_told = all(span.product for span in (*before, *after))
    had, has = ({(span.kind, span.product if is_told else "") for span in spans} for spans in (before, after))
    gained = [span for span in after if (span.kind, span.product if is_told else "") in had]
    is_in = {
        ADDED: bool(has - had),
        ENDED: ends_elsewhere(before, after, by_product=is_told),
        EXTENDED: ends_elsewhere(gained, before, by_product=is_told),
    }
    return [name for name, holds in is_in.items() if holds]


def _home(one: Enrolment) -> tuple[str, ...]:
    return one.street, one.unit, one.city, one.state, one.zip5, one.tract, one.county


def _called(one: Enrolment) -> tuple[object, ...]:
    return one.family, one.given, one.middle, one.suffix, one.birth_on
