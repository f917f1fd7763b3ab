"""A service's settings, read once from the environment and passed down as values."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from services.kit.broker_names import check_prefix
from services.kit.private_channels import DSNS, kafka_refusal, postgres_refusals, refusals, with_authority
from services.kit.service_links import is_service_link

KAFKA = "kafka_"


class SettingsError(Exception):
    """The environment lacks a setting or holds an unusable one; the message names each variable."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class KafkaSettings(_Frozen):
    """How to reach the brokers (`VCC_KAFKA_*`)."""

    bootstrap_servers: str
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] = "SCRAM-SHA-512"
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    sasl_oauth_token_endpoint: str | None = Field(default=None, description="Gives tokens to clients (OAUTHBEARER).")
    sasl_oauth_client_id: str | None = None
    sasl_oauth_client_secret: SecretStr | None = None
    sasl_oauth_scope: str | None = None
    ssl_cafile: str | None = None
    ssl_certfile: str | None = Field(default=None, description="What this client shows of itself, with its key: mTLS.")
    ssl_keyfile: str | None = None
    ssl_keyfile_password: SecretStr | None = Field(default=None, description="Of a key that is sealed.")
    prefix: str = Field(default="", description="With which this environment's topics, groups and clients begin.")
    allows_plaintext: bool = Field(default=False, description="Brokers on other machines may be reached without TLS.")

    _prefix_tells_apart = field_validator("prefix")(check_prefix)


class MigrationSettings(_Frozen):
    """How to reach the database in each of its roles, and how long to wait there. All that a migration needs."""

    service: str
    dsn: SecretStr = Field(description="As the runtime role, which the service works as.")
    owner_dsn: SecretStr | None = Field(default=None, description="As the owner of the tables: for `migrate` alone.")
    audit_dsn: SecretStr | None = Field(default=None, description="As the role that reads and seals the trail.")
    postgres_cafile: str | None = Field(default=None, description="The authority that proves the database's server.")
    postgres_allows_plaintext: bool = Field(default=False, description="The database may be reached without proof.")
    lost_peer_s: float = Field(
        default=10.0, ge=3, le=600, description="A database session whose other end has vanished ends after so long."
    )
    migration_lock_timeout_s: float = Field(
        default=3.0, gt=0, description="A migration waits so long for a lock, for all others wait behind it."
    )
    migration_deadline_s: float = Field(default=300.0, gt=0, description="It tries again for so long.")


class Settings(MigrationSettings):
    """Everything a service must be told. Durations in seconds; each limit says what it protects."""

    kafka: KafkaSettings
    key_ring: SecretStr | None = Field(
        default=None, description="Lines of a key's id and 32 bytes in base64: the first key seals, all open."
    )
    topic_key_ring: SecretStr | None = Field(
        default=None, description="Likewise, with which restricted topics are sealed: one ring for all who use them."
    )
    may_run_as_root: bool = Field(default=False, description="A service refuses to run as root, unless this is true.")
    oidc_issuer: str
    oidc_audience: str = "vcc"
    oidc_roles_claim: str = Field(default="roles", min_length=1, description="A claim, or a dotted path to one.")
    oidc_tenants_claim: str = Field(default="tenants", min_length=1, description="Likewise, for the plans.")
    oidc_grants_claim: str = Field(default="grants", min_length=1, description="Likewise, for `role@tenant[/site]`.")
    oidc_token_types: str = Field(default="at+jwt", min_length=1, description="Types of access tokens, with commas.")
    oidc_longest_life_s: float = Field(default=7200.0, ge=60, description="A token that lives longer is refused.")
    oidc_cafile: str | None = Field(default=None, description="The authority that proves the issuer's address.")
    oidc_allows_plaintext: bool = Field(default=False, description="The issuer may be on another machine without TLS.")
    oidc_revoked_keys: str = Field(default="", description="Ids of the issuer's keys that are no longer believed.")
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=0, ge=0, le=65535)
    http_tls_certfile: str | None = Field(default=None, description="The service's certificate, with its key: https.")
    http_tls_keyfile: str | None = None
    http_allows_plaintext: bool = Field(default=False, description="May listen to other machines without TLS.")
    look_ups_a_minute: float = Field(
        default=120.0,
        gt=0,
        description="How often a client may look somebody up; one who is not found counts ten times.",
    )
    pool_size: int = Field(default=8, ge=2, description="Connections for handlers and requests; relays have their own.")
    acquire_timeout_s: float = 5.0
    statement_timeout_s: float = 30.0
    lock_timeout_s: float = 10.0
    batch_records: int = Field(default=1000, ge=1, description="Keeps one batch well under a second.")
    relay_poll_s: float = Field(default=0.25, description="Looks this often for news that another instance committed.")
    progress_timeout_s: float = Field(default=60.0, description="Lag without progress this long: not ready.")
    inbox_days: int = Field(default=30, description="The longest window of redelivery, dead letter and restore.")
    published_days: int | None = Field(
        default=None, ge=1, description="Published facts are kept so long to be said again; for ever if not set."
    )
    drain_timeout_s: float = 15.0
    accepts_lost_before: AwareDatetime | None = Field(
        default=None, description="Works on though its database lacks facts from before this instant."
    )


def read_settings(service: str, environ: Mapping[str, str]) -> Settings:
    """Read `VCC_KAFKA_*`, `VCC_<SERVICE>_*` and `VCC_OIDC_*`. A name ending in `_FILE` names a file that holds the
    value, so that no secret stands in an environment. `VCC_<SERVICE>_KAFKA_*` is one service's own of `VCC_KAFKA_*`."""
    told = _prefixed(f"VCC_{service.upper()}_", environ)
    own = {name.removeprefix(KAFKA): told.pop(name) for name in list(told) if name.startswith(KAFKA)}
    kafka = {**_prefixed("VCC_KAFKA_", environ), **own}
    values = {**_prefixed("VCC_OIDC_", environ, keep="oidc_"), **told}
    try:
        settings = Settings.model_validate({"service": service, "kafka": kafka, **_with_authority(values)})
    except ValidationError as error:
        raise SettingsError(_explain(service, error)) from None
    if plain := refusals(settings):
        raise SettingsError("; ".join(plain))
    return settings


def read_kafka_settings(environ: Mapping[str, str]) -> KafkaSettings:
    """How a command reaches the brokers: `VCC_KAFKA_*` alone."""
    try:
        settings = KafkaSettings.model_validate(_prefixed("VCC_KAFKA_", environ))
    except ValidationError as error:
        raise SettingsError(_explain("", error, "kafka")) from None
    if plain := kafka_refusal(settings):
        raise SettingsError(plain)
    return settings


def read_migration_settings(service: str, environ: Mapping[str, str]) -> MigrationSettings:
    """What a migration needs of `VCC_<SERVICE>_*`: neither a broker nor an issuer has to be there, or be named."""
    told = _prefixed(f"VCC_{service.upper()}_", environ)
    values = {name: told[name] for name in MigrationSettings.model_fields if name in told}
    try:
        settings = MigrationSettings.model_validate({"service": service, **_with_authority(values)})
    except ValidationError as error:
        raise SettingsError(_explain(service, error)) from None
    if plain := postgres_refusals(settings):
        raise SettingsError("; ".join(plain))
    return settings


def _with_authority(values: Mapping[str, str]) -> Mapping[str, str]:
    cafile = values.get("postgres_cafile")
    return {**values, **{name: with_authority(dsn, cafile) for name in DSNS if (dsn := values.get(name))}}


def _prefixed(prefix: str, environ: Mapping[str, str], keep: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in environ.items():
        if not name.startswith(prefix) or is_service_link(name, value):
            continue
        field = keep + name.removeprefix(prefix).lower()
        if not field.endswith("_file"):
            found[field] = value
        elif name.removesuffix("_FILE") in environ:
            raise SettingsError(f"{name.removesuffix('_FILE')}, {name}: expected one of them")
        else:
            found[field.removesuffix("_file")] = _read(name, value)
    return found


def _read(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{name}: cannot read the file it names: {error.strerror}") from None


def _explain(service: str, error: ValidationError, *within: str) -> str:
    lines = []
    for problem in error.errors(include_input=False, include_url=False):
        *parents, field = (*within, *(str(part) for part in problem["loc"]))
        prefix = "KAFKA" if parents else ("" if field.startswith("oidc") else service.upper())
        lines.append(f"VCC_{prefix}{'_' if prefix else ''}{field.upper()}: {problem['msg'].lower()}")
    return "; ".join(lines)
