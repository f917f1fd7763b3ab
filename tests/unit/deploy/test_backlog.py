"""Which consumer groups the backlog is made of."""

from deploy.groups import topic_by_group
from deploy.local.backlog import by_generation
from services.kit.generation import Generation


def test_a_rebuilt_service_reads_in_other_groups() -> None:
    """Before a rebuild the groups are those of the subscriptions; afterwards those of the rebuilt service, and only
    those, carry the generation. No topic gets lost."""
    groups = topic_by_group()
    assert by_generation(groups, {"reporting": Generation()}) == groups
    rebuilt = by_generation(groups, {"reporting": Generation(3, "0a1b2c3d")})
    assert sorted(rebuilt.values()) == sorted(groups.values())
    renamed = {f"{group}.3-0a1b2c3d" for group in groups if group.startswith("reporting.")}
    assert {new for new in rebuilt if new not in groups} == renamed
