"""A service's settings, read once from the environment and passed down as values."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr, ValidationError


class SettingsError(Exception):
    """The environment lacks a setting or holds an unusable one; the message names each variable."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class KafkaSettings(_Frozen):
    """How to reach the brokers (`VCC_KAFKA_*`)."""

    bootstrap_servers: str
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    ssl_cafile: str | None = None


class Settings(_Frozen):
    """Everything a service must be told. Durations in seconds; each limit says what it protects."""

    service: str
    kafka: KafkaSettings
    dsn: SecretStr
    oidc_issuer: str
    oidc_audience: str = "vcc"
    oidc_roles_claim: str = Field(default="roles", min_length=1, description="A claim, or a dotted path to one.")
    oidc_tenants_claim: str = Field(default="tenants", min_length=1, description="Likewise, for the plans.")
    oidc_grants_claim: str = Field(default="grants", min_length=1, description="Likewise, for `role@tenant[/site]`.")
    oidc_token_types: str = Field(default="at+jwt", min_length=1, description="Types of access tokens, with commas.")
    oidc_longest_life_s: float = Field(default=7200.0, ge=60, description="A token that lives longer is refused.")
    oidc_revoked_keys: str = Field(default="", description="Ids of the issuer's keys that are no longer believed.")
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=0, ge=0, le=65535)
    look_ups_a_minute: float = Field(
        default=120.0,
        gt=0,
        description="How often a client may look somebody up; one who is not found counts ten times.",
    )
    pool_size: int = Field(default=8, ge=2, description="Connections for handlers and requests; relays have their own.")
    acquire_timeout_s: float = 5.0
    statement_timeout_s: float = 30.0
    lock_timeout_s: float = 10.0
    lost_peer_s: float = Field(
        default=10.0, ge=3, le=600, description="A database session whose other end has vanished ends after so long."
    )
    migration_lock_timeout_s: float = Field(
        default=3.0, gt=0, description="A migration waits so long for a lock, for all others wait behind it."
    )
    migration_deadline_s: float = Field(default=300.0, gt=0, description="It tries again for so long.")
    batch_records: int = Field(default=1000, ge=1, description="Keeps one batch well under a second.")
    relay_poll_s: float = Field(default=0.25, description="Looks this often for news that another instance committed.")
    progress_timeout_s: float = Field(default=60.0, description="Lag without progress this long: not ready.")
    inbox_days: int = Field(default=30, description="The longest window of redelivery, dead letter and restore.")
    drain_timeout_s: float = 15.0
    accepts_lost_before: AwareDatetime | None = Field(
        default=None, description="Works on though its database lacks facts from before this instant."
    )


def read_settings(service: str, environ: Mapping[str, str]) -> Settings:
    """Read `VCC_KAFKA_*`, `VCC_<SERVICE>_*` and `VCC_OIDC_*`. A name ending in `_FILE` names a file that holds the
    value, so that no secret stands in an environment."""
    values = {**_prefixed("VCC_OIDC_", environ, keep="oidc_"), **_prefixed(f"VCC_{service.upper()}_", environ)}
    try:
        return Settings.model_validate({"service": service, "kafka": _prefixed("VCC_KAFKA_", environ), **values})
    except ValidationError as error:
        raise SettingsError(_explain(service, error)) from None


def _prefixed(prefix: str, environ: Mapping[str, str], keep: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in environ.items():
        if not name.startswith(prefix):
            continue
        field = keep + name.removeprefix(prefix).lower()
        if field.endswith("_file") and not field.endswith("cafile"):
            found[field.removesuffix("_file")] = _read(name, value)
        else:
            found[field] = value
    return found


def _read(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{name}: cannot read the file it names: {error.strerror}") from None


def _explain(service: str, error: ValidationError) -> str:
    lines = []
    for problem in error.errors(include_input=False, include_url=False):
        *parents, field = (str(part) for part in problem["loc"])
        prefix = "KAFKA" if parents else ("" if field.startswith("oidc") else service.upper())
        lines.append(f"VCC_{prefix}{'_' if prefix else ''}{field.upper()}: {problem['msg'].lower()}")
    return "; ".join(lines)
