"""What each component is told."""

import os
from pathlib import Path

import pytest

from deploy.errors import StackError
from deploy.local.plan import SERVICES, Plan, external_dsn, with_absolute_paths
from deploy.local.state import Folder


def a_plan(tmp_path: Path, **environ: str) -> Plan:
    return Plan(Folder(tmp_path), environ=environ)


def test_everything_is_embedded_unless_named(tmp_path: Path) -> None:
    """Without settings, Kafka, Postgres and the issuer are ours."""
    plan = a_plan(tmp_path)
    assert (plan.own_kafka, plan.own_postgres, plan.own_issuer) == (True, True, True)


def test_what_is_named_is_not_embedded(tmp_path: Path) -> None:
    """With brokers, four databases and an issuer named, none of them is ours."""
    databases = {f"VCC_{name.upper()}_DSN": f"postgresql://db/{name}" for name in SERVICES}
    plan = a_plan(tmp_path, VCC_KAFKA_BOOTSTRAP_SERVERS="kafka:9092", VCC_OIDC_ISSUER="https://id.example", **databases)
    assert (plan.own_kafka, plan.own_postgres, plan.own_issuer) == (False, False, False)
    assert plan.issuer_url(None) == "https://id.example"


def test_postgres_is_embedded_when_one_service_has_no_database(tmp_path: Path) -> None:
    """Naming one service's database leaves the others to the embedded server."""
    assert a_plan(tmp_path, VCC_OUTREACH_DSN="postgresql://db/outreach").own_postgres


def test_brokers_settings_reach_every_service(tmp_path: Path) -> None:
    """All of VCC_KAFKA_* is passed on when the brokers are somebody else's."""
    given = {
        "VCC_KAFKA_BOOTSTRAP_SERVERS": "kafka:9092",
        "VCC_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "VCC_KAFKA_SASL_PASSWORD_FILE": "/run/secrets/kafka",
        "VCC_KAFKA_SSL_CAFILE": "/etc/kafka/ca.pem",
    }
    plan = a_plan(tmp_path, **given)
    told = plan.service("outreach", 8081, plan.kafka_environment(None), "http://id").environment
    assert {name: told[name] for name in given} == given


def test_a_service_is_told_its_own_settings_only(tmp_path: Path) -> None:
    """A service learns its own settings and where its DSN's file is; never another's, never the DSN itself."""
    (tmp_path / "secrets").mkdir()
    plan = a_plan(
        tmp_path, VCC_OUTREACH_POOL_SIZE="4", VCC_OUTREACH_DSN="postgresql://db/outreach", VCC_REPORTING_POOL_SIZE="9",
        VCC_OUTREACH_HTTP_TLS_CERTFILE="/c.pem", VCC_OUTREACH_HTTP_TLS_KEYFILE="/k.pem",
    )  # fmt: skip
    told = plan.service("outreach", 8081, plan.kafka_environment_of("outreach", 9092), "http://id").environment
    assert {name: value for name, value in told.items() if name.startswith("VCC_")} == {
        "VCC_OUTREACH_POOL_SIZE": "4",
        "VCC_OUTREACH_DSN_FILE": str(tmp_path / "secrets" / "outreach.dsn"),
        "VCC_OUTREACH_HTTP_HOST": "127.0.0.1",
        "VCC_OUTREACH_HTTP_PORT": "8081",
        "VCC_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092",
        "VCC_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "VCC_KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
        "VCC_KAFKA_SASL_USERNAME": "vcc-outreach",
        "VCC_KAFKA_SASL_PASSWORD_FILE": str(tmp_path / "secrets" / "kafka-vcc-outreach.password"),
        "VCC_OIDC_ISSUER": "http://id",
        "VCC_OUTREACH_KEY_RING_FILE": str(tmp_path / "secrets" / "outreach.keys"),
        "VCC_OUTREACH_TOPIC_KEY_RING_FILE": str(tmp_path / "secrets" / "topics.keys"),
        **({"VCC_OUTREACH_MAY_RUN_AS_ROOT": "true"} if os.geteuid() == 0 else {}),
    }


def test_the_authority_of_a_database_is_told_to_those_that_have_one_elsewhere(tmp_path: Path) -> None:
    """The embedded database has no certificate that an authority could prove."""
    (tmp_path / "secrets").mkdir()
    plan = a_plan(
        tmp_path, VCC_OUTREACH_DSN="postgresql://db/outreach", VCC_OUTREACH_POSTGRES_CAFILE="/ca.pem",
        VCC_REPORTING_POSTGRES_CAFILE="/ca.pem",
    )  # fmt: skip
    told = [
        plan.service(name, 8081, plan.kafka_environment_of(name, 9092), "http://id").environment
        for name in ("outreach", "reporting")
    ]
    assert [name for one in told for name in one if name.endswith("CAFILE")] == ["VCC_OUTREACH_POSTGRES_CAFILE"]


def test_a_service_with_a_login_of_its_own_is_told_no_other(tmp_path: Path) -> None:
    """On brokers of one's own a service that has a user is not told the password of the user who makes topics."""
    given = {
        "VCC_KAFKA_BOOTSTRAP_SERVERS": "kafka:9092",
        "VCC_KAFKA_SASL_USERNAME": "vcc-admin",
        "VCC_KAFKA_SASL_PASSWORD_FILE": "/run/secrets/admin",
        "VCC_OUTREACH_KAFKA_SASL_USERNAME": "vcc-outreach",
    }
    plan = a_plan(tmp_path, **given)
    assert plan.kafka_environment(None)["VCC_KAFKA_SASL_USERNAME"] == "vcc-admin"
    told = plan.service("outreach", 1, plan.kafka_environment_of("outreach", None), "http://id").environment
    assert {name for name in told if "KAFKA" in name} == {
        "VCC_KAFKA_BOOTSTRAP_SERVERS", "VCC_OUTREACH_KAFKA_SASL_USERNAME",
    }  # fmt: skip
    told = plan.service("reporting", 1, plan.kafka_environment_of("reporting", None), "http://id").environment
    assert told["VCC_KAFKA_SASL_USERNAME"] == "vcc-admin"


def test_a_database_may_be_named_by_file(tmp_path: Path) -> None:
    """The file's content counts, without its last newline; a missing file is named."""
    (tmp_path / "dsn").write_text("postgresql://db/outreach\n")
    named = {"VCC_OUTREACH_DSN_FILE": str(tmp_path / "dsn")}
    assert external_dsn("outreach", named) == "postgresql://db/outreach"
    with pytest.raises(StackError, match=r"VCC_OUTREACH_DSN_FILE: .*missing cannot be read"):
        external_dsn("outreach", {"VCC_OUTREACH_DSN_FILE": str(tmp_path / "missing")})


def test_relative_files_are_found_from_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file named from where the user stands becomes absolute; other settings stay as they are."""
    monkeypatch.chdir(tmp_path)
    given = {"VCC_KAFKA_SSL_CAFILE": "ca.pem", "VCC_OUTREACH_DSN_FILE": "dsn", "VCC_OIDC_ISSUER": "x", "A_FILE": "y"}
    made = with_absolute_paths(given)
    assert list(made.values()) == [str(tmp_path / "ca.pem"), str(tmp_path / "dsn"), "x", "y"]
