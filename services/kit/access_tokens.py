"""Which well-signed tokens are access tokens for us: of the right type, borne by anybody, and not for long (RFC 9068).
Pure."""

from collections.abc import Mapping, Set
from typing import Any

import jwt

OF_ID_TOKENS = ("nonce", "at_hash", "c_hash")
OTHER_USES = {"typ": {"id", "refresh", "logout"}, "token_use": {"id"}}
"""Claims by which issuers tell their other tokens from access tokens, where the header says `JWT` of all."""


class WrongTypeError(jwt.InvalidTokenError):
    """An ID token, or another that is not meant for an API."""


class SenderConstrainedError(jwt.InvalidTokenError):
    """It is only good together with a proof of its holder's key, which nobody checks here."""


class LivesTooLongError(jwt.InvalidTokenError):
    """It would be good for longer than a lost token may be."""


WHY: Mapping[type[jwt.PyJWTError], str] = {
    jwt.ExpiredSignatureError: "The token has expired",
    jwt.ImmatureSignatureError: "The token is not valid yet",
    jwt.InvalidAudienceError: "The token is for another audience",
    jwt.InvalidIssuerError: "The token is of another issuer",
    jwt.MissingRequiredClaimError: "The token lacks a claim that is needed",
    WrongTypeError: "The token is no access token",
    SenderConstrainedError: "The token is bound to a key of its holder",
    LivesTooLongError: "The token lives too long",
}
"""What may be said of a token that is refused. Of one that nobody trustworthy has signed nothing is."""


def require_access_token(
    header: Mapping[str, Any], claims: Mapping[str, Any], types: Set[str], longest_life_s: float
) -> None:
    """Raises one of the three errors above unless the token, whose signature and times are good, is an access token of
    one of these `types` (the header's `typ`, in lower case and without `application/`)."""
    kind = str(header.get("typ", "")).lower().removeprefix("application/")
    others = any(str(claims.get(claim, "")).lower() in uses for claim, uses in OTHER_USES.items())
    if kind not in types or others or any(claim in claims for claim in OF_ID_TOKENS):
        raise WrongTypeError
    if claims.get("cnf") is not None:
        raise SenderConstrainedError
    if claims["exp"] - claims["iat"] > longest_life_s:
        raise LivesTooLongError
