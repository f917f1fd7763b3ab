"""What a deployment says about messages, read once. Without it none is sent, and none is queued."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from schemas.outreach_v1 import Channel
from services.kit.loopback import is_loopback
from services.kit.private_channels import is_private
from services.kit.settings import SettingsError
from services.kit.signed import read_secrets
from services.outreach.messages.senders import Sender, Senders, read_senders

SENDERS_FILE = "VCC_MESSAGES_SENDERS_FILE"
SMTP, PROVIDER = "VCC_MESSAGES_SMTP_", "VCC_MESSAGES_TEXT_"
SECRETS = "VCC_MESSAGES_CALLBACK_SECRETS"


class Tls(StrEnum):
    """How the connection to a mail server is encrypted."""

    STARTTLS = "starttls"
    FROM_THE_START = "tls"
    NONE = "none"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class SmtpSettings(_Frozen):
    """`VCC_MESSAGES_SMTP_*`: the mail server that takes our e-mails."""

    host: str = Field(min_length=1)
    port: int = Field(default=587, ge=1, le=65535)
    tls: Tls = Tls.STARTTLS
    username: str | None = None
    password: SecretStr | None = None
    cafile: str | None = None
    timeout_s: float = Field(default=30.0, gt=0, le=300)


class ProviderSettings(_Frozen):
    """`VCC_MESSAGES_TEXT_*`: where text messages are posted, and with which token."""

    url: str = Field(min_length=1)
    token: SecretStr
    cafile: str | None = None
    timeout_s: float = Field(default=30.0, gt=0, le=300)


class MessageSettings(_Frozen):
    """All of it. A channel without its adapter, or a plan without its sender, sends nothing. `secrets`: with which
    providers sign."""

    senders: Mapping[str, Sender] = {}
    smtp: SmtpSettings | None = None
    provider: ProviderSettings | None = None
    secrets: tuple[bytes, ...] = Field(default=(), repr=False)

    def sender_of(self, tenant_id: str, channel: Channel) -> Sender | None:
        """The plan's, if it sends by this channel."""
        sender = self.senders.get(tenant_id)
        has = {
            Channel.EMAIL: self.smtp is not None and sender is not None and sender.email is not None,
            Channel.TEXT: self.provider is not None and sender is not None and sender.text is not None,
        }
        return sender if has.get(channel) else None


def read_message_settings(environ: Mapping[str, str]) -> MessageSettings:
    """A name that ends in `_FILE` names a file that holds the value."""
    settings = MessageSettings(
        senders=_senders(environ),
        smtp=_read(SmtpSettings, SMTP, environ),
        provider=_read(ProviderSettings, PROVIDER, environ),
        secrets=_secrets(environ),
    )
    if settings.smtp and settings.smtp.tls is Tls.NONE and not is_loopback(settings.smtp.host):
        raise SettingsError(f"{SMTP}TLS: expected starttls or tls for a server on another machine")
    if settings.provider and not is_private(settings.provider.url):
        raise SettingsError(f"{PROVIDER}URL: expected https, or http on loopback")
    return settings


def _senders(environ: Mapping[str, str]) -> Senders:
    if not (path := environ.get(SENDERS_FILE)):
        return {}
    try:
        return read_senders(_content(SENDERS_FILE, path))
    except ValidationError as error:
        raise SettingsError(f"{SENDERS_FILE}: {_explained(error)}") from None
    except ValueError as error:
        raise SettingsError(f"{SENDERS_FILE}: {error}") from None


def _secrets(environ: Mapping[str, str]) -> tuple[bytes, ...]:
    """With which providers sign what they tell, `whsec_…`; several, so that two hold while one takes the other's place.
    Without any no callback is believed."""
    path = environ.get(f"{SECRETS}_FILE")
    text = _content(f"{SECRETS}_FILE", path) if path else environ.get(SECRETS, "")
    try:
        return read_secrets(text) if text else ()
    except ValueError as error:
        raise SettingsError(f"{SECRETS}: {error}") from None


def _read(kind: type[Any], prefix: str, environ: Mapping[str, str]) -> Any:
    """None where nothing of it is said."""
    said: dict[str, str] = {}
    for name, value in environ.items():
        if name.startswith(prefix) and value:
            field = name.removeprefix(prefix).lower()
            said[field.removesuffix("_file")] = _content(name, value) if field.endswith("_file") else value
    try:
        return kind.model_validate(said) if said else None
    except ValidationError as error:
        raise SettingsError(f"{prefix}…: {_explained(error)}") from None


def _content(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{name}: cannot read the file it names: {error.strerror}") from None


def _explained(error: ValidationError) -> str:
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg'].lower()}" for one in problems)
