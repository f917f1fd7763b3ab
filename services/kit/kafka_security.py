"""How a client of the brokers proves who it is, and has them prove who they are."""

import ssl
from typing import Any

from faststream.kafka.security import parse_security
from faststream.security import BaseSecurity, SASLOAuthBearer, SASLPlaintext, SASLScram256, SASLScram512

from services.kit.kafka_tokens import tokens_of
from services.kit.settings import KafkaSettings


def security_of(settings: KafkaSettings) -> BaseSecurity:
    """TLS and SASL as the settings ask for."""
    use_ssl = settings.security_protocol.endswith("SSL")
    context = _context(settings) if use_ssl else None
    if not settings.security_protocol.startswith("SASL"):
        return BaseSecurity(ssl_context=context, use_ssl=use_ssl)
    if settings.sasl_mechanism == "OAUTHBEARER":
        return SASLOAuthBearer(ssl_context=context, use_ssl=use_ssl)
    kinds = {"PLAIN": SASLPlaintext, "SCRAM-SHA-256": SASLScram256, "SCRAM-SHA-512": SASLScram512}
    password = settings.sasl_password.get_secret_value() if settings.sasl_password else ""
    return kinds[settings.sasl_mechanism](settings.sasl_username or "", password, ssl_context=context, use_ssl=use_ssl)


def _context(settings: KafkaSettings) -> ssl.SSLContext:
    """Read anew for each client, so that a renewed certificate is shown from the next connection of a new one on."""
    context = ssl.create_default_context(cafile=settings.ssl_cafile)
    if settings.ssl_certfile:
        password = settings.ssl_keyfile_password
        # Without one the library would ask at the terminal for that of a sealed key.
        given = password.get_secret_value() if password else ""
        context.load_cert_chain(settings.ssl_certfile, settings.ssl_keyfile, given)
    return context


def token_options(settings: KafkaSettings) -> dict[str, Any]:
    """What FastStream's security does not carry."""
    is_wanted = settings.security_protocol.startswith("SASL") and settings.sasl_mechanism == "OAUTHBEARER"
    return {"sasl_oauth_token_provider": tokens_of(settings)} if is_wanted else {}


def security_options(settings: KafkaSettings) -> dict[str, Any]:
    """The same as options of aiokafka's clients."""
    return {**parse_security(security_of(settings)), **token_options(settings)}
