"""Who may do what on the brokers, as the catalog has it and as operators take it."""

from pathlib import Path

import pytest

from deploy.acls import Acl, Operation, Resource, acls_of, all_acls, services_of
from deploy.cli import main
from deploy.groups import topic_by_group
from schemas.catalog import TOPICS, Classification

GOLDEN = Path(__file__).parents[2] / "data" / "acls"


def test_each_topic_has_one_writer() -> None:
    """Only a topic's producer may write it (v5.0.0-8.2.1)."""
    writes = [acl for service in services_of() for acl in acls_of(service) if acl.operation is Operation.WRITE]
    assert {(acl.user, acl.name) for acl in writes} == {(f"vcc-{topic.producer}", topic.name) for topic in TOPICS}
    assert len(writes) == len(TOPICS)


def test_whoever_hears_a_topic_may_read_it_and_nobody_else() -> None:
    """A topic is read by its consumers and by who wrote it."""
    for topic in TOPICS:
        readers = {
            service for service in services_of()
            if Acl(f"vcc-{service}", Resource.TOPIC, topic.name, Operation.READ) in acls_of(service)
        }  # fmt: skip
        assert readers == {topic.producer, *topic.consumers}


def test_every_group_of_a_service_is_within_its_prefix() -> None:
    """The rights to groups cover each group that the services read in, and those of no other service."""
    prefixes = {service: next(acl.name for acl in acls_of(service) if acl.is_prefix) for service in services_of()}
    for group in topic_by_group():
        assert [name for name, prefix in prefixes.items() if group.startswith(prefix)] == [group.partition(".")[0]]


def test_environments_of_one_cluster_have_no_right_in_common() -> None:
    """Whatever a name of one environment is, no right of another's covers it: neither word for word nor by how it
    begins; nor has anybody a user in both."""
    by_prefix = {prefix: all_acls(prefix=prefix) for prefix in ("", "staging.", "staging.il.", "il-")}
    for prefix, own in by_prefix.items():
        others = [acl for other, acls in by_prefix.items() if other != prefix for acl in acls]
        assert {acl.user for acl in own}.isdisjoint(acl.user for acl in others)
        names = {(acl.resource, acl.name) for acl in own}
        for right in others:
            assert not any(
                name.startswith(right.name) if right.is_prefix else name == right.name
                for resource, name in names
                if resource == right.resource
            )


@pytest.mark.parametrize(
    ("arguments", "environment"), [(["--prefix", "staging."], {}), ([], {"VCC_KAFKA_PREFIX": "staging."})]
)
@pytest.mark.parametrize(
    ("target", "file"), [("kafka-acls", "kafka-acls.staging.sh"), ("strimzi", "strimzi.staging.yaml")]
)
def test_the_rights_of_one_environment_are_printed(
    arguments: list[str], environment: dict[str, str], target: str, file: str,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """By an argument or by the setting that the services have, with users, topics and groups behind the prefix."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert main(["topics", "acls", "--for", target, *arguments]) == 0
    assert capsys.readouterr().out == (GOLDEN / file).read_text("utf-8")


def test_a_prefix_that_tells_nothing_apart_gets_no_rights(capsys: pytest.CaptureFixture[str]) -> None:
    """`staging` without a divider would cover `staging2` too."""
    with pytest.raises(SystemExit):
        main(["topics", "acls", "--prefix", "staging"])
    assert "with a dot or a dash at the end" in capsys.readouterr().err


@pytest.mark.parametrize(("target", "file"), [("kafka-acls", "kafka-acls.sh"), ("strimzi", "strimzi.yaml")])
def test_the_rights_are_printed_for_operators(target: str, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`./vcc topics acls` prints exactly the committed rights, without a stack: a change of the catalog shows here."""
    assert main(["topics", "acls", "--for", target]) == 0
    assert capsys.readouterr().out == (GOLDEN / file).read_text("utf-8")


def test_a_restricted_topic_is_read_by_its_readers_alone() -> None:
    """Of how members are reached nobody hears but outreach, scheduling, whose sites expect them, and eligibility, which
    writes it and asks its own log."""
    restricted = {topic.name for topic in TOPICS if topic.classification is Classification.RESTRICTED}
    readers = {
        (service, acl.name)
        for service in services_of()
        for acl in acls_of(service)
        if acl.name in restricted and acl.operation is Operation.READ
    }
    services = ("eligibility", "outreach", "scheduling")
    assert readers == {(service, "vcc.member-contact.v1") for service in services}
