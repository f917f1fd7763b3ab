"""What the news about members does to their live bookings: doses, deaths, departures, persons who are one. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

from services.scheduling.appointments.cancellation import Cancellation
from services.scheduling.appointments.rules import Change, LiveBooking, cancel_for, meets_need
from services.scheduling.doses.rules import Dose
from services.scheduling.members.rules import Standing


def settle(bookings: Sequence[LiveBooking], doses: Mapping[UUID, Sequence[Dose]], today: date) -> list[Change]:
    """What becomes of live bookings by all that is known now, as (before, after); cancelled ones first, because they
    make room for moved ones. The same knowledge gives the same answer in whichever order it came."""
    kept: list[LiveBooking] = []
    cancelled: list[Change] = []
    for live in bookings:
        reason = _reason(live, doses.get(live.survivor, ()), today)
        if reason is None:
            kept.append(live)
        else:
            cancelled.append((live.appointment, cancel_for(live.appointment, reason, today)))
    doubles, moved = _move(kept, today)
    return [*cancelled, *doubles, *moved]


def _reason(live: LiveBooking, doses: Sequence[Dose], today: date) -> Cancellation | None:
    """Why a booking is cancelled by what is known; None if it is kept. One for a past day is left to the site. So is
    today's when the dose may be this very appointment's, heard from the registry before the site has recorded it."""
    booking = live.appointment
    if booking.start_on < today:
        return None
    if live.standing is Standing.DECEASED:
        return Cancellation.PAT_DEC
    if live.standing is Standing.DISENROLLED:
        return Cancellation.PAT_MT
    vaccinated = live.standing is Standing.VACCINATED and booking.start_on > today
    return Cancellation.PAT if vaccinated or any(_closes(dose, live) for dose in doses) else None


def _closes(dose: Dose, live: LiveBooking) -> bool:
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


def _needs_none(live: LiveBooking) -> bool:
    """Eligibility offers the member no dose now. A death that is to be checked says nothing about that."""
    return live.standing in {Standing.VACCINATED, Standing.INELIGIBLE} and not live.death_to_be_checked


def _move(kept: Sequence[LiveBooking], today: date) -> tuple[list[Change], list[Change]]:
    """Bookings under a retired token go to the surviving one, unless it has its own; then they are cancelled."""
    own = [live for live in kept if live.appointment.member_token == live.survivor]
    taken = {claim for live in own for claim in _claims(live, today)}
    doubles: list[Change] = []
    moved: list[Change] = []
    for live in kept:
        booking = live.appointment
        if booking.member_token == live.survivor:
            continue
        claims = _claims(live, today)
        if not claims & taken:
            taken |= claims
            after = replace(
                booking, member_token=live.survivor, version=booking.version + 1, changed_on=today, by_rule=True
            )  # fmt: skip
            moved.append((booking, after))
        elif booking.start_on >= today:
            doubles.append((booking, cancel_for(booking, Cancellation.OTH_ERR, today)))
    return doubles, moved


def _claims(live: LiveBooking, today: date) -> set[tuple[UUID, str, str]]:
    """What of a person one live booking alone may be for: a programme, and a vaccine on the days to come."""
    booking = live.appointment
    claims = {(live.survivor, "programme", booking.programme_id)}
    return claims | {(live.survivor, "vaccine", booking.vaccine_group)} if booking.start_on >= today else claims
