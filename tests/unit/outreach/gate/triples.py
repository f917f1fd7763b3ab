"""Random members, instants and histories as plain values, which lie where rules change: at full hours, around midnight,
at the changes of clocks and on holidays. `asked` makes of one what the gate takes."""

from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Any

from schemas.outreach_v1 import Channel
from services.outreach.gate.asked import Consent, Contact, History, Member, Request
from services.outreach.gate.policy import CallKind
from services.outreach.gate.zones import Preference, Reach

Triple = dict[str, Any]

ZIPS = ("60623", "10001", "33101", "32501", "02903", "40202", "42001", "46201", "47601", "79901", "75201", "85001",
        "86503", "97901", "83814", "90011", "99501", "99546", "96813", "00901", "35203", "84101", "57701", "58501",
        "19104", "06101", "96910", "09001", "20001", "70112", "37402", "49801")  # fmt: skip
STATES = ("IL", "IN", "TN", "TX", "FL", "RI", "KY", "AZ", "HI", "GU", "AE", "ND", "ID")
AREA_CODES = ("312", "212", "850", "401", "606", "808", "907", "602", "800", "928", "219", "423", "915", "671")
CHANNELS = tuple(channel.value for channel in Channel)
CHANGES = (datetime(2026, 3, 8, 9, tzinfo=UTC), datetime(2026, 11, 1, 8, tzinfo=UTC))
HOLIDAYS = tuple(datetime(2026, month, day, 15, tzinfo=UTC) for month, day in ((7, 3), (12, 25), (11, 26), (5, 25)))
HOUR = timedelta(hours=1)
NOTHING, A_LITTLE = timedelta(), timedelta(microseconds=1)


def a_triple(dice: Random) -> Triple:
    now = _instant(dice)
    channel = dice.choice(CHANNELS if dice.random() < 0.4 else CHANNELS[:2])
    kind = dice.choices(("manual", "autodialled", "prerecorded"), (6, 2, 2))[0]

    def rarely() -> bool:
        return dice.random() < 0.02

    return {
        "now": now, "channel": channel, "kind": kind, "scope": "vaccination-outreach",
        "confirms_stop": dice.random() < 0.05, "is_promised": dice.random() < 0.1,
        "zip5": dice.choice(ZIPS) if dice.random() < 0.8 else dice.choice((None, "99999", "00000")),
        "state": dice.choice(STATES) if dice.random() < 0.15 else None,
        "area_codes": tuple(dice.sample(AREA_CODES, dice.choice((0, 0, 1, 1, 2)))),
        "preferences": tuple(_preference(dice) for _ in range(dice.choice((0, 0, 0, 1, 2)))),
        "reassigned": rarely(), "is_deceased": rarely(), "is_death_reported": rarely(), "is_enrolled": not rarely(),
        "is_protected": rarely(), "do_not_call": rarely(), "barred": _few(dice), "stopped": _few(dice),
        "invalid": _few(dice), "consents": tuple(_consent(dice, now, channel, kind) for _ in range(dice.randrange(3))),
        "contacts": tuple(_contact(dice, now, channel) for _ in range(dice.choice((0, 1, 2, 4, 8, 12)))),
        "stops": tuple(_said(dice, now, channel) for _ in range(dice.randrange(2))),
        "confirmations": tuple(_said(dice, now, channel) for _ in range(dice.randrange(2))),
    }  # fmt: skip


def _instant(dice: Random) -> datetime:
    """Half of them exactly at a full hour, or just before."""
    around = dice.choice((*CHANGES, *HOLIDAYS, datetime(2026, 1 + dice.randrange(12), 1, tzinfo=UTC)))
    at = around + HOUR * dice.randrange(-72, 24 * 28)
    return dice.choice((at, at - A_LITTLE, at + HOUR * dice.random(), at + timedelta(minutes=dice.randrange(60))))


def _few(dice: Random) -> frozenset[str]:
    return frozenset(channel for channel in CHANNELS if dice.random() < 0.05)


def _preference(dice: Random) -> tuple[frozenset[int], int, int]:
    opens = 15 * dice.randrange(24, 80)
    days = frozenset(dice.sample(range(7), dice.randrange(1, 8)))
    return days, opens, opens + 15 * dice.randrange(1, 16)


def _consent(dice: Random, now: datetime, channel: str, kind: str) -> tuple[Any, ...]:
    given = now + timedelta(days=dice.choice((-400, -30, -1, 0, 0, 2)))
    ends = tuple(given + timedelta(days=dice.choice((1, 30, 400))) if dice.random() < 0.3 else None for _ in range(2))
    scope = "vaccination-outreach" if dice.random() < 0.8 else "research"
    said = channel if dice.random() < 0.8 else dice.choice(CHANNELS)
    return said, kind if dice.random() < 0.8 else "autodialled", scope, given, *ends


def _contact(dice: Random, now: datetime, channel: str) -> tuple[str, str, datetime]:
    """Many of them about a day, a week or thirty days ago, to the hour."""
    ago = HOUR * dice.randrange(0, 30) + timedelta(days=dice.choice((0, 0, 1, 5, 6, 7, 28, 29, 30)))
    said = channel if dice.random() < 0.8 else dice.choice(CHANNELS)
    return said, dice.choice(("manual", "prerecorded")), now - ago - dice.choice((NOTHING, A_LITTLE))


def _said(dice: Random, now: datetime, channel: str) -> tuple[str, datetime]:
    ago = timedelta(seconds=dice.choice((0, 30, 299, 300, 301, 86_400)))
    return channel if dice.random() < 0.8 else dice.choice(CHANNELS), now - ago


def asked(triple: Triple) -> tuple[Request, Member, History]:
    """The same for the gate."""
    request = Request(
        Channel(triple["channel"]), CallKind(triple["kind"]), triple["scope"], triple["confirms_stop"],
        triple["is_promised"],
    )  # fmt: skip
    wanted = tuple(Preference(days, _time(opens), _time(closes)) for days, opens, closes in triple["preferences"])
    reach = Reach(triple["zip5"], triple["state"], triple["area_codes"], wanted, triple["reassigned"])
    consents = tuple(
        Consent(Channel(channel), CallKind(kind), scope, "paper", given, expires, withdrawn)
        for channel, kind, scope, given, expires, withdrawn in triple["consents"]
    )
    barred, stopped, invalid = (frozenset(map(Channel, triple[name])) for name in ("barred", "stopped", "invalid"))
    member = Member(
        reach=reach, is_deceased=triple["is_deceased"], is_death_reported=triple["is_death_reported"],
        is_enrolled=triple["is_enrolled"], is_protected=triple["is_protected"], do_not_call=triple["do_not_call"],
        barred=barred, stopped=stopped, invalid=invalid, consents=consents,
    )  # fmt: skip
    made = tuple(Contact(Channel(channel), at, CallKind(kind)) for channel, kind, at in triple["contacts"])
    stops, confirmations = (_contacts(triple[name]) for name in ("stops", "confirmations"))
    return request, member, History(made, stops, confirmations)


def _contacts(said: tuple[tuple[str, datetime], ...]) -> tuple[Contact, ...]:
    return tuple(Contact(Channel(channel), at) for channel, at in said)


def _time(minutes: int) -> time:
    return time(minutes // 60, minutes % 60)
