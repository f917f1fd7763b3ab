"""Which consumer groups the backlog is made of."""

from deploy.groups import topic_by_group
from deploy.local.backlog import by_generation


def test_a_rebuilt_service_reads_in_other_groups() -> None:
    """Before a rebuild the groups are those of the subscriptions; afterwards those of the rebuilt service, and only
    those, carry the generation. No topic gets lost."""
    groups = topic_by_group()
    assert by_generation(groups, {"reporting": 1}) == groups
    rebuilt = by_generation(groups, {"reporting": 3})
    assert sorted(rebuilt.values()) == sorted(groups.values())
    assert {new for new in rebuilt if new not in groups} == {f"{g}.3" for g in groups if g.startswith("reporting.")}
