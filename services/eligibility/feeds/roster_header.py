"""The head of an 834 transaction: who sends what to whom, and by which profile it is read."""

from datetime import date, datetime

from services.eligibility.feeds.profiles import DEFAULT, Profile, choose_profile, named_profile
from services.eligibility.feeds.records import RosterHeader
from services.eligibility.feeds.roster_loop import RosterContext, at
from services.eligibility.feeds.values import day, digits, instant, time_zone
from services.eligibility.feeds.x12 import Segment, Separators

NOT_PRODUCTION = frozenset({"T", "I"})
"""ISA15: test data, and information only."""


def read_header(
    isa: Segment, gs: Segment, st: Segment, head: list[Segment], separators: Separators, fixed: Profile | None
) -> tuple[RosterHeader, RosterContext]:
    """The header and what its rows need to know. A fixed profile goes before the sender's."""
    implementation = at(gs, 8) or at(st, 3)
    chosen = fixed or choose_profile(at(isa, 6), at(gs, 2), at(isa, 8), implementation)
    profile = chosen or named_profile(DEFAULT)
    bgn = next((segment for segment in head if segment[0] == "BGN"), [])
    sponsor, payer = _party(head, "P5"), _party(head, "IN")
    is_full = profile.is_full(at(bgn, 8))
    header = RosterHeader(
        profile=profile.name,
        is_known_sender=chosen is not None,
        sender=at(isa, 6),
        receiver=at(isa, 8),
        interchange_control=at(isa, 13),
        group_control=at(gs, 6),
        transaction_control=at(st, 2),
        implementation=implementation,
        is_full=is_full,
        absence_terminates=is_full and profile.absence_terminates,
        is_test=at(isa, 15).upper() in NOT_PRODUCTION,
        sponsor_id=at(sponsor, 4),
        sponsor_name=at(sponsor, 2),
        payer_system=at(payer, 3),
        payer_id=at(payer, 4),
        payer_name=at(payer, 2),
        reference=at(bgn, 2),
        action=at(bgn, 8),
        created_at=_created_at(bgn, gs),
        declared=_declared(head),
        purpose=at(bgn, 1),
        original=at(bgn, 6),
    )
    assigner = at(payer, 4) or at(gs, 3) or at(isa, 8)
    return header, RosterContext(profile, separators, assigner, _file_day(isa, gs))


def _party(head: list[Segment], role: str) -> Segment:
    return next((segment for segment in head if segment[0] == "N1" and at(segment, 1) == role), [])


def _declared(head: list[Segment]) -> tuple[tuple[str, int], ...]:
    found = ((at(segment, 1), at(segment, 2)) for segment in head if segment[0] == "QTY")
    return tuple((kind, int(count)) for kind, count in found if digits(count, min(len(count), 9)))


def _created_at(bgn: Segment, gs: Segment) -> datetime | None:
    """When it was said, in the zone that BGN05 names; a day without hour takes that of the group of the same day."""
    on, hour = at(bgn, 3), at(bgn, 4)[:6]
    if not hour and at(gs, 4) == on:
        hour = at(gs, 5)[:6]
    found = instant(on + hour) or instant(on) or instant(at(gs, 4) + at(gs, 5)[:6]) or instant(at(gs, 4))
    return found.replace(tzinfo=time_zone(at(bgn, 5))) if found else None


def _file_day(isa: Segment, gs: Segment) -> date | None:
    """The later of the two days the envelope names: nothing in it can have happened after it."""
    days = [found for found in (day(at(gs, 4)), day("20" + at(isa, 9))) if found]
    return max(days, default=None)
