"""What the news about members does to their live bookings: doses, deaths, departures, persons who are one. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import NamedTuple
from uuid import UUID

from services.scheduling.appointments.rules import (
    Appointment,
    Cancellation,
    Change,
    Dose,
    Standing,
    cancel_for,
    meets_need,
)


class Live(NamedTuple):
    """A live booking beside what is now known of its member. `rightful` is the token of the person as merged;
    `death_to_be_checked`: as eligibility's newest answer says."""

    appointment: Appointment
    standing: Standing | None
    rightful: UUID
    began_on: date
    death_to_be_checked: bool = False


def settle(bookings: Sequence[Live], doses: Mapping[UUID, Sequence[Dose]], today: date) -> list[Change]:
    """What becomes of live bookings by all that is known now, as (before, after); cancelled ones first, because they
    make room for moved ones. The same knowledge gives the same answer in whichever order it came."""
    kept: list[Live] = []
    cancelled: list[Change] = []
    for one in bookings:
        reason = _reason(one, doses.get(one.rightful, ()), today)
        if reason is None:
            kept.append(one)
        else:
            cancelled.append((one.appointment, cancel_for(one.appointment, reason, today)))
    doubles, moved = _move(kept, today)
    return [*cancelled, *doubles, *moved]


def _reason(live: Live, doses: Sequence[Dose], today: date) -> Cancellation | None:
    """A booking for a past day is left to the site. So is today's when the dose may be this very appointment's, heard
    from the registry before the site has recorded it."""
    booking = live.appointment
    if booking.start_on < today:
        return None
    if live.standing is Standing.DECEASED:
        return Cancellation.PAT_DEC
    if live.standing is Standing.DISENROLLED:
        return Cancellation.PAT_MT
    vaccinated = live.standing is Standing.VACCINATED and booking.start_on > today
    return Cancellation.PAT if vaccinated or any(_closes(dose, live) for dose in doses) else None


def _closes(dose: Dose, live: Live) -> bool:
    """A dose of the same vaccine and campaign that became known after the booking was made, and met its need. One that
    was given before somebody booked is another of the series, reported late: it ends the booking only once eligibility
    says that the member needs no dose now."""
    booking = live.appointment
    return (
        not dose.retracted
        and booking.vaccine_group in dose.groups
        and dose.heard_no > booking.since_no
        and live.began_on <= dose.administered_on < booking.start_on
        and dose.appointment_id != booking.appointment_id
        and (meets_need(dose.administered_on, dose.groups, booking) or _needs_none(live))
    )


def _needs_none(live: Live) -> bool:
    """Eligibility offers the member no dose now. A death that is to be checked says nothing about that."""
    return live.standing in {Standing.VACCINATED, Standing.INELIGIBLE} and not live.death_to_be_checked


def _move(kept: Sequence[Live], today: date) -> tuple[list[Change], list[Change]]:
    """Bookings under a retired token go to the surviving one, unless it has its own; then they are cancelled."""
    taken = {
        (one.rightful, one.appointment.programme_id) for one in kept if one.appointment.member_token == one.rightful
    }
    doubles: list[Change] = []
    moved: list[Change] = []
    for one in kept:
        booking = one.appointment
        if booking.member_token == one.rightful:
            continue
        if (one.rightful, booking.programme_id) not in taken:
            taken.add((one.rightful, booking.programme_id))
            after = replace(
                booking, member_token=one.rightful, version=booking.version + 1, changed_on=today, by_rule=True
            )  # fmt: skip
            moved.append((booking, after))
        elif booking.start_on >= today:
            doubles.append((booking, cancel_for(booking, Cancellation.OTH_ERR, today)))
    return doubles, moved


def merged(known: Mapping[UUID, UUID], pairs: Iterable[tuple[UUID, UUID]]) -> dict[UUID, UUID]:
    """The survivor of every retired token, after more merges (retired, surviving); no chain is longer than one step.
    A merge of a person with itself (a circle) says nothing."""
    survivor = dict(known)
    for retired, surviving in pairs:
        old, new = survivor.get(retired, retired), survivor.get(surviving, surviving)
        if old == new:
            continue
        survivor[old] = new
        for token, last in survivor.items():
            if last == old:
                survivor[token] = new
    return survivor
