"""The invariants, in the order of the architecture; each looks at all of the evidence and says what diverges."""

from collections.abc import Callable, Iterator

from tests.chaos.checker.divergence import Divergence
from tests.chaos.checker.evidence import Evidence
from tests.chaos.checker.invariants.announcements import days_are_as_opened, listings_are_as_answered
from tests.chaos.checker.invariants.answers import answers_are_given_once
from tests.chaos.checker.invariants.appointments import (
    appointments_are_as_asked,
    no_slot_is_oversold,
    one_live_booking,
    pools_count_their_appointments,
)
from tests.chaos.checker.invariants.attempts import attempts_are_as_asked, nothing_goes_out_twice
from tests.chaos.checker.invariants.cases import cases_are_as_decided, notices_are_as_given
from tests.chaos.checker.invariants.copies import copies_are_of_the_log, marks_are_of_the_log, reporting_is_of_the_log
from tests.chaos.checker.invariants.dead_letters import dead_letters_are_the_poison
from tests.chaos.checker.invariants.doses import doses_are_as_reported, reports_are_as_heard
from tests.chaos.checker.invariants.doubtful import (
    doubtful_rows_are_as_decided,
    who_may_be_one_waits,
    who_was_told_apart_is_two,
)
from tests.chaos.checker.invariants.events import (
    events_are_one_thing,
    news_of_a_member_is_in_order,
    the_last_word_stands_last,
    versions_are_in_order,
)
from tests.chaos.checker.invariants.figures import cells_are_as_counted, figures_are_as_counted, nothing_hidden_shows
from tests.chaos.checker.invariants.files import every_row_ends_once, files_are_as_submitted
from tests.chaos.checker.invariants.members import (
    deaths_are_as_said,
    decisions_are_as_decided,
    members_are_as_stated,
    statements_are_as_said,
)
from tests.chaos.checker.invariants.rows import rows_are_events
from tests.chaos.checker.invariants.sites import (
    appointments_keep_their_dose,
    blocks_are_as_opened,
    sites_are_as_described,
)
from tests.chaos.checker.invariants.waiting import nothing_waits

Invariant = Callable[[Evidence], Iterator[Divergence]]

INVARIANTS: tuple[Invariant, ...] = (
    files_are_as_submitted,
    every_row_ends_once,
    doubtful_rows_are_as_decided,
    who_was_told_apart_is_two,
    who_may_be_one_waits,
    members_are_as_stated,
    deaths_are_as_said,
    statements_are_as_said,
    reports_are_as_heard,
    doses_are_as_reported,
    decisions_are_as_decided,
    rows_are_events,
    appointments_keep_their_dose,
    events_are_one_thing,
    attempts_are_as_asked,
    appointments_are_as_asked,
    days_are_as_opened,
    sites_are_as_described,
    blocks_are_as_opened,
    listings_are_as_answered,
    copies_are_of_the_log,
    marks_are_of_the_log,
    cases_are_as_decided,
    notices_are_as_given,
    versions_are_in_order,
    the_last_word_stands_last,
    news_of_a_member_is_in_order,
    no_slot_is_oversold,
    one_live_booking,
    pools_count_their_appointments,
    nothing_goes_out_twice,
    reporting_is_of_the_log,
    cells_are_as_counted,
    figures_are_as_counted,
    nothing_hidden_shows,
    dead_letters_are_the_poison,
    answers_are_given_once,
    nothing_waits,
)
