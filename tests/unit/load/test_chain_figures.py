"""What a pass through the chain says, from looks at a made-up one."""

from tests.load.chain_figures import ROSTERS, Leg, Pass, result_of
from tests.load.sampling import Look

NAMES = ("eligibility", "outreach", "scheduling", "reporting", "postgres", "kafka")


def a_pass(members: int, wall_s: float, rss_mb: float = 90.0) -> Pass:
    """Every process takes a tenth of a core, others a half; outreach is ready two thirds through."""
    counts = (0, members, members)
    looks = [
        Look(
            at=wall_s * n / 2,
            cpu_s={**dict.fromkeys(NAMES, wall_s * n / 20), "others": wall_s * n / 4},
            rss_mb=dict.fromkeys(NAMES, rss_mb),
            counts={"outreach.member-eligibility": counts[n], "outreach.slot-pool": n},
        )
        for n in range(3)
    ]
    return Pass(
        members, [Leg(ROSTERS, members, wall_s, wall_s / 2, looks, {"log": 1600, "outreach": 500}, 2)], [], 50, 5
    )


def test_rates_shares_and_disk_are_told() -> None:
    """A thousand members in ten seconds, by six processes of a tenth of a core each."""
    figures = {one.what: one for one in result_of([a_pass(1000, 10.0)]).figures}
    assert figures["1,000, 834: to the report"].value == 100
    assert figures["1,000, 834: to eligibility"].value == 200
    assert figures["1,000, 834: outreach.member-eligibility"].note == "1,000 by 5.0 s"
    assert figures["1,000, 834: all, processor"].value == 6000
    assert figures["1,000, 834: others on this machine"].value == 0.5
    assert figures["1,000, 834: log, disk"].value == 800
    assert figures["1,000: reporting, rebuilt from the log"].value == 10
    assert "1,000, 834: outreach.slot-pool" not in figures


def test_time_per_member_should_not_grow_with_size() -> None:
    """A quarter more for each member of a larger population misses the aim."""
    figures = {one.what: one for one in result_of([a_pass(1000, 10.0), a_pass(2000, 25.0)]).figures}
    assert figures["time per member, largest / smallest - 1"].verdict == "missed"
    flat = {one.what: one for one in result_of([a_pass(1000, 10.0), a_pass(2000, 21.0)]).figures}
    assert flat["time per member, largest / smallest - 1"].verdict == "met"


def test_too_much_memory_is_a_miss() -> None:
    """Over 300 MB in any service."""
    figures = {one.what: one for one in result_of([a_pass(1000, 10.0, rss_mb=301.0)]).figures}
    assert figures["1,000: reporting, memory at most"].verdict == "missed"
