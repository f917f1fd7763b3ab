"""Somebody comes to the site: he is checked in and screened, and, if no dose is given, that is said. Doses are recorded
as ever."""

from collections.abc import Mapping
from uuid import UUID

from services.kit.unit_of_work import UnitOfWork
from services.scheduling.appointments import arrivals
from services.scheduling.appointments.flow.bookings import Outcome, change
from services.scheduling.appointments.rules import Appointment
from services.scheduling.appointments.site_steps import NotGiven
from services.scheduling.days.rules import Moment, SiteDay
from services.scheduling.desk import store
from services.scheduling.desk.screening import Question, Reply
from services.scheduling.refusals import RefusalCode


async def screen(work: UnitOfWork, appointment_id: UUID, answers: Mapping[Question, Reply], moment: Moment) -> Outcome:
    """Keep what the member answered, for the first time or anew."""
    outcome = await change(work, appointment_id, arrivals.screen, moment)
    if isinstance(outcome, Appointment):
        await store.save_screening(work.connection, outcome, answers, moment.at)
    return outcome


async def take_back(work: UnitOfWork, appointment_id: UUID, moment: Moment) -> Outcome:
    """It was another one who came: what he answered is nobody's."""
    outcome = await change(work, appointment_id, arrivals.take_back, moment)
    if isinstance(outcome, Appointment):
        await store.forget_screening(work.connection, appointment_id)
    return outcome


async def not_given(work: UnitOfWork, appointment_id: UUID, reason: NotGiven, moment: Moment) -> Outcome:
    """The member came and was not vaccinated."""

    def rule(booking: Appointment, day: SiteDay) -> Appointment | RefusalCode:
        return arrivals.not_given(booking, reason, day)

    return await change(work, appointment_id, rule, moment)
