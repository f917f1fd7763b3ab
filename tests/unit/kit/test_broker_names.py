"""How an environment's names on shared brokers begin, and how a process is told so."""

from pathlib import Path

import pytest
from aiokafka import TopicPartition

from services.kit.broker_names import TAKEN, check_prefix, in_catalog, on_broker
from services.kit.kafka import client_options
from services.kit.settings import KafkaSettings, SettingsError, read_kafka_settings, read_settings

ENVIRONMENT = {
    "VCC_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092",
    "VCC_OUTREACH_DSN": "postgresql://outreach:secret@127.0.0.1:5432/outreach",
    "VCC_OIDC_ISSUER": "http://127.0.0.1:8080",
}


@pytest.mark.parametrize("prefix", ["", "staging.", "plan-a-", "il.staging.", "2."])
def test_prefixes_that_tell_environments_apart(prefix: str) -> None:
    """None, or words of Kafka's and Kubernetes' letters with a divider at the end."""
    assert check_prefix(prefix) == prefix


@pytest.mark.parametrize("prefix", ["staging", "Staging.", "st_aging.", ".staging.", "sta ging.", "a" * 80 + ".", "*."])
def test_prefixes_that_would_run_into_others(prefix: str) -> None:
    """Without a divider `stag` would have the rights to what is called `staging…`; other letters no user may have."""
    with pytest.raises(ValueError, match="expected lower-case letters"):
        check_prefix(prefix)


@pytest.mark.parametrize("word", sorted(TAKEN))
def test_no_prefix_begins_as_names_without_one_do(word: str) -> None:
    """Who has rights to `outreach.…` or `vcc.…` of the environment without a prefix has none in another one, and who
    has them to `staging.outreach.…` none in an environment that would be called so."""
    for prefix in (f"{word}.", f"{word}-2.", f"{word}.b-", f"staging.{word}.", f"staging-{word}-"):
        with pytest.raises(ValueError, match="expected no word among those"):
            check_prefix(prefix)


def test_a_service_says_which_setting_has_a_bad_prefix() -> None:
    """The error names the variable and what is expected, and not what was given."""
    for read in (lambda told: read_settings("outreach", told), read_kafka_settings):
        with pytest.raises(SettingsError, match=r"VCC_KAFKA_PREFIX: .*with a dot or a dash") as refused:
            read({**ENVIRONMENT, "VCC_KAFKA_PREFIX": "Sesame"})
        assert "Sesame" not in str(refused.value)


def test_a_partition_has_a_name_on_either_side() -> None:
    """What the catalog calls `vcc.case.v1` is behind the prefix on the brokers, and back."""
    there = TopicPartition("staging.vcc.case.v1", 3)
    assert on_broker("staging.", TopicPartition("vcc.case.v1", 3)) == there
    assert in_catalog("staging.", there) == TopicPartition("vcc.case.v1", 3)


def test_clients_are_told_apart_on_the_brokers() -> None:
    """The brokers' logs, metrics and quotas go by client id: the environment stands in it."""
    settings = KafkaSettings(bootstrap_servers="a:1,b:2", prefix="staging.")
    assert client_options(settings)["client_id"] == "staging.vcc"
    assert client_options(settings, "vcc-outreach-relay")["client_id"] == "staging.vcc-outreach-relay"
    assert client_options(KafkaSettings(bootstrap_servers="a:1"))["client_id"] == "vcc"


def test_every_setting_may_come_by_file(tmp_path: Path) -> None:
    """A user's name too, of one service and of all, for a service and for a command; without the line's end."""
    files = {
        name: tmp_path / name
        for name in ("VCC_OUTREACH_KAFKA_SASL_USERNAME", "VCC_KAFKA_SASL_PASSWORD", "VCC_KAFKA_SASL_USERNAME")
    }
    for name, path in files.items():
        path.write_text(f"{name.lower()}\n")
    told = {**ENVIRONMENT, **{f"{name}_FILE": str(path) for name, path in files.items()}}
    own, common = read_settings("outreach", told).kafka, read_kafka_settings(told)
    assert own.sasl_username == "vcc_outreach_kafka_sasl_username"
    assert common.sasl_username == "vcc_kafka_sasl_username"
    for one in (own, common):
        assert one.sasl_password is not None
        assert one.sasl_password.get_secret_value() == "vcc_kafka_sasl_password"


def test_a_setting_that_is_said_twice_is_refused(tmp_path: Path) -> None:
    """By value and by file: nobody could tell which of them holds."""
    path = tmp_path / "user"
    path.write_text("sesame")
    twice = {**ENVIRONMENT, "VCC_KAFKA_SASL_USERNAME": "simsim", "VCC_KAFKA_SASL_USERNAME_FILE": str(path)}
    with pytest.raises(SettingsError, match="VCC_KAFKA_SASL_USERNAME, VCC_KAFKA_SASL_USERNAME_FILE: expected one"):
        read_kafka_settings(twice)


def test_a_file_that_is_not_there_is_named() -> None:
    """The setting that names it, and why it can't be read."""
    with pytest.raises(SettingsError, match="VCC_KAFKA_SASL_USERNAME_FILE: cannot read the file"):
        read_kafka_settings({**ENVIRONMENT, "VCC_KAFKA_SASL_USERNAME_FILE": "/nowhere/user"})
