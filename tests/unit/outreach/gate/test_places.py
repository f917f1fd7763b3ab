"""Where a member may be, and the days on which clocks change."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from schemas.outreach_v1 import Channel
from services.outreach.gate.asked import History, Member, Refused, Request
from services.outreach.gate.policy import GATE
from services.outreach.gate.reference.build import tables
from services.outreach.gate.rules import decide
from services.outreach.gate.zones import FOLDER, Reach

CHICAGO = ZoneInfo("America/Chicago")


def test_the_tables_say_what_the_package_says() -> None:
    """Both bundled tables are those that the installed package makes."""
    assert {name: (FOLDER / name).read_text("utf-8") for name in tables()} == tables()


@pytest.mark.parametrize("changes", [datetime(2026, 3, 8, tzinfo=CHICAGO), datetime(2026, 11, 1, tzinfo=CHICAGO)])
def test_hours_open_by_the_changed_clock(changes: datetime) -> None:
    """On the day on which clocks change, in either direction, calls begin at nine by the new one."""
    evening = (changes - timedelta(hours=2)).astimezone(UTC)
    decision = decide(Request(Channel.PHONE), Member(Reach("60623")), History(), GATE, evening)
    assert isinstance(decision, Refused)
    assert decision.next_permitted_at == changes.replace(hour=9)
