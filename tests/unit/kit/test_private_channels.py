"""Which ways out of a machine a service takes, and which addresses stay on it."""

import pytest

from services.kit.loopback import host_of, is_loopback
from services.kit.private_channels import is_private, listens_in_the_clear, postgres_refusal, with_authority
from services.kit.settings import Settings, SettingsError, read_settings

EVERYWHERE = "0.0.0.0"  # noqa: S104
ENVIRONMENT = {
    "VCC_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092",
    "VCC_OUTREACH_DSN": "postgresql://outreach:secret@127.0.0.1:5432/outreach",
    "VCC_OIDC_ISSUER": "http://127.0.0.1:8080",
}


def read(**changed: str) -> Settings:
    return read_settings("outreach", {**ENVIRONMENT, **changed})


@pytest.mark.parametrize(
    ("host", "stays"),
    [
        ("localhost", True), ("LOCALHOST", True), ("127.0.0.1", True), ("127.200.3.4", True), ("::1", True),
        ("[::1]", True), ("::ffff:127.0.0.1", True), ("::ffff:7f00:1", True),
        ("localhost.evil", False), ("127.0.0.1.evil.example", False), ("localhost.", False), ("evil.localhost", False),
        ("::ffff:10.0.0.1", False), (EVERYWHERE, False), ("::", False), ("", False), ("127.1", False),
        ("2130706433", False), ("128.0.0.1", False), ("::2", False),
    ],
)  # fmt: skip
def test_what_stays_on_this_machine(host: str, stays: bool) -> None:
    """Only localhost, 127.0.0.0/8 and ::1 stay here, whichever way they are written; a look-alike does not
    (v5.0.0-12.3.1)."""
    assert is_loopback(host) is stays


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("kafka:9092", "kafka"),
        ("[::1]:9092", "::1"),
        ("::1", "::1"),
        ("kafka", "kafka"),
        (" 127.0.0.1:1 ", "127.0.0.1"),
    ],
)
def test_a_host_is_told_from_its_port(address: str, host: str) -> None:
    """The colons of an IPv6 address are not taken for a port's."""
    assert host_of(address) == host


@pytest.mark.parametrize(
    "servers", ["kafka:9092", "127.0.0.1:9092,kafka:9092", "[::ffff:10.0.0.1]:9092", "localhost.evil:9092"]
)
@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SASL_PLAINTEXT"])
def test_brokers_elsewhere_need_tls(servers: str, protocol: str) -> None:
    """One broker of the list on another machine is enough to refuse plain text; a password in it counts for nothing
    (v5.0.0-12.3.1)."""
    plain = {"VCC_KAFKA_BOOTSTRAP_SERVERS": servers, "VCC_KAFKA_SECURITY_PROTOCOL": protocol}
    with pytest.raises(SettingsError, match="VCC_KAFKA_ALLOWS_PLAINTEXT"):
        read(**plain)
    assert read(**plain, VCC_KAFKA_ALLOWS_PLAINTEXT="true")
    assert read(**plain, VCC_OUTREACH_KAFKA_ALLOWS_PLAINTEXT="true")
    with pytest.raises(SettingsError, match="VCC_KAFKA_ALLOWS_PLAINTEXT"):
        read(**plain, VCC_REPORTING_KAFKA_ALLOWS_PLAINTEXT="true")
    assert read(**{**plain, "VCC_KAFKA_SECURITY_PROTOCOL": "SASL_SSL"})


def test_brokers_here_may_be_spoken_to_plainly() -> None:
    """All servers on loopback need no certificate."""
    assert read(VCC_KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1,[::1]:2,localhost:3")


@pytest.mark.parametrize(
    ("dsn", "is_refused"),
    [
        ("postgresql://u:p@db.example/outreach", True),
        ("postgresql://u:p@db.example/outreach?sslmode=require", True),
        ("postgresql://u:p@db.example/outreach?sslmode=verify-ca", True),
        ("postgresql://u:p@db.example/outreach?sslmode=verify-full", False),
        ("postgresql://u:p@127.0.0.1:5432,db.example:5432/outreach", True),
        ("postgresql://u:p@localhost.evil/outreach", True),
        ("postgresql:///outreach?host=db.example", True),
        ("postgresql:///outreach?host=/var/run/postgresql", False),
        ("postgresql://u:p@%2Fvar%2Frun/outreach", False),
        ("postgresql:///outreach?service=elsewhere", True),
        ("postgresql://u:p@[::1]:5432/outreach", False),
        ("postgresql:///outreach", False),
    ],
)
def test_a_database_elsewhere_proves_itself(dsn: str, is_refused: bool) -> None:
    """A database on another machine is reached with its certificate verified, host name included (v5.0.0-12.3.2)."""
    assert bool(postgres_refusal("VCC_OUTREACH", dsn, environ={})) is is_refused
    assert not postgres_refusal("VCC_OUTREACH", dsn, allows=True, environ={})


def test_what_the_driver_reads_from_the_environment_counts() -> None:
    """A host or a mode that stands in PGHOST or PGSSLMODE is judged as if it stood in the DSN."""
    elsewhere = {"PGHOST": "db.example"}
    assert postgres_refusal("VCC_OUTREACH", "postgresql:///outreach", environ=elsewhere)
    assert not postgres_refusal(
        "VCC_OUTREACH", "postgresql:///outreach", environ={**elsewhere, "PGSSLMODE": "verify-full"}
    )


def test_an_authority_makes_the_database_prove_itself() -> None:
    """With an authority's file the DSN asks for a verified certificate, and keeps what it says itself."""
    dsn = "postgresql://u:p%40@db.example/outreach?application_name=x"
    made = with_authority(dsn, "/etc/ca.pem")
    assert made == f"{dsn}&sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem"
    assert with_authority(made, "/other.pem") == made
    assert with_authority(dsn, None) == dsn
    read(VCC_OUTREACH_DSN=dsn, VCC_OUTREACH_POSTGRES_CAFILE="/etc/ca.pem")
    with pytest.raises(SettingsError, match="VCC_OUTREACH_POSTGRES_ALLOWS_PLAINTEXT"):
        read(VCC_OUTREACH_DSN=dsn)


@pytest.mark.parametrize("setting", ["DSN", "OWNER_DSN", "AUDIT_DSN"])
def test_every_role_of_the_database_proves_the_server(setting: str) -> None:
    """The service's, the owner's and the audit role's DSN are held to the same, and the refusal names which it was
    (v5.0.0-12.3.2)."""
    elsewhere = {f"VCC_OUTREACH_{setting}": "postgresql://u:p@db.example/outreach"}
    with pytest.raises(SettingsError, match=f"^VCC_OUTREACH_{setting}: expected sslmode=verify-full"):
        read(**elsewhere)
    read(**elsewhere, VCC_OUTREACH_POSTGRES_ALLOWS_PLAINTEXT="true")
    secured = getattr(read(**elsewhere, VCC_OUTREACH_POSTGRES_CAFILE="/etc/ca.pem"), setting.lower())
    assert secured.get_secret_value().endswith("?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem")


@pytest.mark.parametrize(
    ("address", "expected"),
    [("https://id.example", True), ("http://127.0.0.1:1", True), ("http://id.example", False), ("https://", False),
     ("http://localhost.evil", False), ("http://[::ffff:10.0.0.1]/", False), ("http://127.0.0.1@id.example", False)],
)  # fmt: skip
def test_an_issuer_elsewhere_needs_https(address: str, expected: bool) -> None:
    """An issuer on another machine is asked over https only, unless a setting allows it (v5.0.0-12.3.2)."""
    assert is_private(address) is expected
    if expected:
        read(VCC_OIDC_ISSUER=address)
    elif address.startswith("http:"):
        with pytest.raises(SettingsError, match="VCC_OIDC_ALLOWS_PLAINTEXT"):
            read(VCC_OIDC_ISSUER=address)
        read(VCC_OIDC_ISSUER=address, VCC_OIDC_ALLOWS_PLAINTEXT="true")


@pytest.mark.parametrize("host", [EVERYWHERE, "::", "10.1.2.3", "localhost.evil"])
def test_other_machines_reach_a_service_by_tls(host: str) -> None:
    """A service that listens beyond loopback has a certificate, or a setting says that it has none (v5.0.0-12.2.1)."""
    with pytest.raises(SettingsError, match="VCC_OUTREACH_HTTP_ALLOWS_PLAINTEXT"):
        read(VCC_OUTREACH_HTTP_HOST=host)
    allowed = read(VCC_OUTREACH_HTTP_HOST=host, VCC_OUTREACH_HTTP_ALLOWS_PLAINTEXT="true")
    certificate = {"VCC_OUTREACH_HTTP_TLS_CERTFILE": "/c.pem", "VCC_OUTREACH_HTTP_TLS_KEYFILE": "/k.pem"}
    secured = read(VCC_OUTREACH_HTTP_HOST=host, **certificate)
    assert (listens_in_the_clear(allowed), listens_in_the_clear(secured)) == (True, False)
    with pytest.raises(SettingsError, match="expected both or none"):
        read(VCC_OUTREACH_HTTP_TLS_CERTFILE="/c.pem")


def test_a_refusal_holds_no_secret() -> None:
    """Whoever reads why a service does not start learns no password."""
    with pytest.raises(SettingsError) as refused:
        read(VCC_OUTREACH_DSN="postgresql://u:canary@db.example/outreach", VCC_KAFKA_BOOTSTRAP_SERVERS="kafka:1")
    assert "canary" not in str(refused.value)
    assert "VCC_OUTREACH_DSN" in str(refused.value)


def test_a_service_may_have_its_own_user() -> None:
    """What is said of one service's Kafka holds before what is said of all; others don't hear it."""
    common = {"VCC_KAFKA_SASL_USERNAME": "everybody", "VCC_OUTREACH_KAFKA_SASL_USERNAME": "vcc-outreach"}
    assert read(**common).kafka.sasl_username == "vcc-outreach"
    assert (
        read_settings(
            "reporting", {**ENVIRONMENT, **common, "VCC_REPORTING_DSN": ENVIRONMENT["VCC_OUTREACH_DSN"]}
        ).kafka.sasl_username
        == "everybody"
    )
