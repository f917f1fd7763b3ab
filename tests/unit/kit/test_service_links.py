"""A container's environment in Kubernetes: links to services look like settings."""

from pathlib import Path

import pytest

from deploy.errors import StackError
from deploy.topics import kafka_settings
from services.kit.service_links import service_links
from services.kit.settings import SettingsError, read_migration_settings, read_settings

TOLD = {
    "VCC_KAFKA_BOOTSTRAP_SERVERS": "kafka:9092",
    "VCC_KAFKA_SECURITY_PROTOCOL": "SSL",
    "VCC_ELIGIBILITY_DSN": "postgresql://eligibility@postgres/eligibility?sslmode=verify-full",
    "VCC_OIDC_ISSUER": "https://issuer.example",
    "VCC_ELIGIBILITY_HTTP_PORT": "8080",
}
LINKS = {
    "VCC_ELIGIBILITY_PORT": "tcp://10.96.0.7:8080",
    "VCC_ELIGIBILITY_SERVICE_HOST": "10.96.0.7",
    "VCC_ELIGIBILITY_SERVICE_PORT": "8080",
    "VCC_ELIGIBILITY_SERVICE_PORT_HTTP": "8080",
    "VCC_ELIGIBILITY_PORT_8080_TCP": "tcp://10.96.0.7:8080",
    "VCC_ELIGIBILITY_PORT_8080_TCP_PROTO": "tcp",
    "VCC_ELIGIBILITY_PORT_8080_TCP_PORT": "8080",
    "VCC_ELIGIBILITY_PORT_8080_TCP_ADDR": "10.96.0.7",
    "VCC_ELIGIBILITY_METRICS_PORT": "tcp://10.96.0.8:9090",
    "VCC_KAFKA_PORT": "tcp://10.96.0.9:9092",
    "VCC_KAFKA_SERVICE_HOST": "10.96.0.9",
    "VCC_OIDC_SERVICE_PORT_HTTPS": "443",
}
OTHERS = {"VCC_OUTREACH_PORT": "tcp://10.96.0.5:8080", "KUBERNETES_PORT": "tcp://10.96.0.1:443"}


def test_service_links_are_no_settings() -> None:
    """All kinds of them, of the service itself and of what stands where Kafka's and the issuer's settings do, change
    nothing; those that a service would have read are named."""
    assert read_settings("eligibility", TOLD | LINKS | OTHERS) == read_settings("eligibility", TOLD)
    assert service_links("eligibility", TOLD | LINKS | OTHERS) == sorted(LINKS)


def test_commands_read_the_brokers_as_services_do(tmp_path: Path) -> None:
    """`./vcc topics create` in a container is told the same links; a secret by file is read, and what nobody knows is
    refused by its name, never by its value."""
    user = tmp_path / "user"
    user.write_text("hatter\n")
    told = {name: value for name, value in TOLD.items() if "KAFKA" in name} | {
        "VCC_KAFKA_SASL_USERNAME_FILE": str(user)
    }
    assert kafka_settings(told | LINKS | OTHERS) == kafka_settings(told)
    assert kafka_settings(told).sasl_username == "hatter"
    with pytest.raises(StackError, match=r"VCC_KAFKA_BOOTSTRAP_SERVER:") as refused:
        kafka_settings(told | {"VCC_KAFKA_BOOTSTRAP_SERVER": "rabbit:9092"})
    assert "rabbit" not in str(refused.value)


def test_a_link_in_the_place_of_a_setting_is_not_that_setting() -> None:
    """A service named `vcc-eligibility-http` must not decide where eligibility listens."""
    told = TOLD | {"VCC_ELIGIBILITY_HTTP_PORT": "tcp://10.96.0.7:80"}
    assert read_settings("eligibility", told).http_port == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VCC_ELIGIBILITY_PORT", "8080"),
        ("VCC_ELIGIBILITY_HTTP_PROT", "8080"),
        ("VCC_KAFKA_BOOTSTRAP_SERVER", "kafka:9092"),
        ("VCC_ELIGIBILITY_PORTS", "tcp://10.96.0.7:8080"),
    ],
)
def test_slips_of_the_pen_are_still_refused(name: str, value: str) -> None:
    """What is no link by name and value is a setting that nobody knows."""
    with pytest.raises(SettingsError, match=name):
        read_settings("eligibility", TOLD | {name: value})


def test_a_migration_asks_for_the_database_only() -> None:
    """Neither a broker nor an issuer is named, and its own limits are read; beyond loopback each role enters privately,
    as for a service (v5.0.0-12.3.2)."""
    told = {"VCC_ELIGIBILITY_DSN": TOLD["VCC_ELIGIBILITY_DSN"], "VCC_ELIGIBILITY_MIGRATION_DEADLINE_S": "7"}
    settings = read_migration_settings("eligibility", told)
    assert (settings.dsn.get_secret_value(), settings.migration_deadline_s) == (TOLD["VCC_ELIGIBILITY_DSN"], 7)
    with pytest.raises(SettingsError, match="VCC_ELIGIBILITY_DSN"):
        read_migration_settings("eligibility", {})
    elsewhere = told | {"VCC_ELIGIBILITY_OWNER_DSN": "postgresql://owner@postgres/eligibility"}
    with pytest.raises(SettingsError, match="VCC_ELIGIBILITY_OWNER_DSN: expected sslmode"):
        read_migration_settings("eligibility", elsewhere)
    owner_dsn = read_migration_settings("eligibility", elsewhere | {"VCC_ELIGIBILITY_POSTGRES_CAFILE": "/c"}).owner_dsn
    assert owner_dsn is not None
    assert owner_dsn.get_secret_value().endswith("?sslmode=verify-full&sslrootcert=%2Fc")
