"""What leaves this machine is encrypted, and who answers is proved by a certificate; else a service does not start.
Each way out has a setting that allows it in the clear, and whose name says so."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from services.kit.loopback import host_of, is_loopback

if TYPE_CHECKING:
    from services.kit.settings import KafkaSettings, MigrationSettings, Settings

VERIFIES = "verify-full"
DSNS = ("dsn", "owner_dsn", "audit_dsn")
"""The settings by which a service's database is entered, in each of its roles (services/kit/rights.py)."""


def refusals(settings: "Settings") -> list[str]:
    """One line for each way on which this service would speak in the clear to another machine."""
    own = f"VCC_{settings.service.upper()}"
    found = [
        kafka_refusal(settings.kafka),
        *postgres_refusals(settings),
        _oidc_refusal(settings),
        _http_refusal(own, settings),
    ]
    return [line for line in found if line]


def kafka_refusal(kafka: "KafkaSettings") -> str:
    """Why the brokers can't be asked as the settings say; nothing where they can."""
    return _open_line_to_brokers(kafka) or _half_a_login(kafka) or _open_line_to_tokens(kafka)


def _half_a_login(kafka: "KafkaSettings") -> str:
    if bool(kafka.ssl_certfile) != bool(kafka.ssl_keyfile):
        return "VCC_KAFKA_SSL_CERTFILE, VCC_KAFKA_SSL_KEYFILE: expected both or none"
    if kafka.ssl_certfile and not kafka.security_protocol.endswith("SSL"):
        return "VCC_KAFKA_SECURITY_PROTOCOL: expected SSL or SASL_SSL where a certificate is to be shown"
    needed = {
        "SASL_OAUTH_TOKEN_ENDPOINT": kafka.sasl_oauth_token_endpoint,
        "SASL_OAUTH_CLIENT_ID": kafka.sasl_oauth_client_id,
        "SASL_OAUTH_CLIENT_SECRET": kafka.sasl_oauth_client_secret,
    }
    lacking = [f"VCC_KAFKA_{name}" for name, value in needed.items() if not value]
    return f"{', '.join(lacking)}: expected with OAUTHBEARER" if _by_token(kafka) and lacking else ""


def _open_line_to_tokens(kafka: "KafkaSettings") -> str:
    """The secret goes there: nobody may read it on its way."""
    if not _by_token(kafka) or is_private(kafka.sasl_oauth_token_endpoint or ""):
        return ""
    return "VCC_KAFKA_SASL_OAUTH_TOKEN_ENDPOINT: expected https, or http on loopback"


def _by_token(kafka: "KafkaSettings") -> bool:
    return kafka.security_protocol.startswith("SASL") and kafka.sasl_mechanism == "OAUTHBEARER"


def _open_line_to_brokers(kafka: "KafkaSettings") -> str:
    """Every server of the list counts: any of them may be the one that is asked."""
    if kafka.security_protocol.endswith("SSL") or kafka.allows_plaintext:
        return ""
    if all(is_loopback(host_of(server)) for server in kafka.bootstrap_servers.split(",")):
        return ""
    return (
        "VCC_KAFKA_SECURITY_PROTOCOL: expected SASL_SSL or SSL for brokers on other machines "
        "(VCC_KAFKA_ALLOWS_PLAINTEXT=true allows plain text)"
    )


def postgres_refusals(settings: "MigrationSettings") -> list[str]:
    """Each role's DSN counts: any of them may name another server."""
    own, allows = f"VCC_{settings.service.upper()}", settings.postgres_allows_plaintext
    found = [
        postgres_refusal(own, dsn.get_secret_value(), name.upper(), allows=allows)
        for name in DSNS
        if (dsn := getattr(settings, name)) is not None
    ]
    return [line for line in found if line]


def postgres_refusal(
    own: str, dsn: str, name: str = "DSN", *, allows: bool = False, environ: Mapping[str, str] = os.environ
) -> str:
    """`own` begins the names of the settings, of which `name` holds the DSN. What that leaves out the driver takes from
    `environ`."""
    query = parse_qs(urlsplit(dsn).query)
    mode = query.get("sslmode", query.get("ssl", [environ.get("PGSSLMODE", "")]))[-1]
    if allows or mode == VERIFIES or ("service" not in query and all(map(_stays_here, _hosts(dsn, query, environ)))):
        return ""
    return (
        f"{own}_{name}: expected sslmode={VERIFIES} for a database on another machine, or the authority's certificate "
        f"in {own}_POSTGRES_CAFILE ({own}_POSTGRES_ALLOWS_PLAINTEXT=true allows less)"
    )


def _hosts(dsn: str, query: Mapping[str, list[str]], environ: Mapping[str, str]) -> list[str]:
    """Without any the driver goes to this machine's own socket."""
    written = urlsplit(dsn).netloc.rpartition("@")[2] or query.get("host", [environ.get("PGHOST", "")])[-1]
    return [host_of(server) for server in written.split(",")] if written else []


def _stays_here(host: str) -> bool:
    return host.startswith(("/", "%2F", "%2f")) or is_loopback(host)


def with_authority(dsn: str, cafile: str | None) -> str:
    """The DSN that has the server proved by this authority, unless it says itself how."""
    if cafile is None:
        return dsn
    parts = urlsplit(dsn)
    given = parse_qs(parts.query)
    added = {name: value for name, value in (("sslmode", VERIFIES), ("sslrootcert", cafile)) if name not in given}
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, urlencode(added))))))


def is_private(address: str) -> bool:
    """Whether a web address is https, or http on loopback."""
    parts = urlsplit(address)
    if parts.scheme == "https" and parts.hostname:
        return True
    return parts.scheme == "http" and is_loopback(parts.hostname or "")


def _oidc_refusal(settings: "Settings") -> str:
    if settings.oidc_allows_plaintext or is_private(settings.oidc_issuer):
        return ""
    return "VCC_OIDC_ISSUER: expected https, or http on loopback (VCC_OIDC_ALLOWS_PLAINTEXT=true allows plain http)"


def listens_in_the_clear(settings: "Settings") -> bool:
    """Whether requests reach this service unencrypted from another machine."""
    return not (settings.http_tls_certfile or is_loopback(settings.http_host))


def _http_refusal(own: str, settings: "Settings") -> str:
    if bool(settings.http_tls_certfile) != bool(settings.http_tls_keyfile):
        return f"{own}_HTTP_TLS_CERTFILE, {own}_HTTP_TLS_KEYFILE: expected both or none"
    if settings.http_allows_plaintext or not listens_in_the_clear(settings):
        return ""
    return (
        f"{own}_HTTP_HOST: expected a loopback address, or {own}_HTTP_TLS_CERTFILE and {own}_HTTP_TLS_KEYFILE "
        f"({own}_HTTP_ALLOWS_PLAINTEXT=true allows plain http, for a proxy in front that ends TLS)"
    )
