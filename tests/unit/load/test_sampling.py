"""What the sampler takes from a service's metrics."""

from tests.load.sampling import counts_in

METRICS = """\
# TYPE vcc_records_total counter
vcc_records_total{group="outreach.dose-administered",topic="vcc.dose-administered.v1"} 12.0
vcc_records_total{group="outreach.case",topic="vcc.case.v1"} 1.2e+06
vcc_records_created{group="outreach.case",topic="vcc.case.v1"} 1.7e+09
vcc_published_total{topic="vcc.case.v1"} 3.0
vcc_published_total{topic="vcc.contact-attempt.v1"} 4.0
vcc_lag{group="outreach.case",topic="vcc.case.v1"} 5.0
"""


def test_records_are_counted_by_group_and_publications_by_service() -> None:
    """Times of creation and gauges are none of both."""
    assert counts_in("outreach", METRICS) == {
        "outreach.dose-administered": 12,
        "outreach.case": 1_200_000,
        "outreach published": 7,
    }
