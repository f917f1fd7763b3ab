"""A local OpenID Connect issuer for the embedded stack and the tests: it gives a token to whoever reads a file on this
machine. It is no identity provider and speaks on loopback only, so it can't be taken for one.

    VCC_ISSUER_PORT=8090 VCC_ISSUER_STATE=.vcc/issuer python -m deploy.local.issuer
"""

import base64
import hmac
import json
import logging
import os
import secrets
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote_plus

import jwt
import uvicorn
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from jwt.algorithms import RSAAlgorithm

from services.kit.http import create_app
from services.kit.loopback import is_loopback
from services.kit.roles import TABLE

TOKEN_LIFE_S = 3600
AUDIENCE = "vcc"
TENANT = "local"


class IssuerStateError(Exception):
    """The issuer's folder can't be used: give VCC_ISSUER_STATE a folder that only you can read."""


def load_key(state: Path) -> rsa.RSAPrivateKey:
    """The signing key, made at the first start and kept, so that tokens outlive a restart."""
    path = state / "key.pem"
    if not path.exists():
        made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        _write_private(
            path,
            made.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
        )
    key = serialization.load_pem_private_key(_read_private(path), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def load_clients(state: Path) -> dict[str, dict[str, Any]]:
    """Client id → secret, and roles with tenants or grants (`role@tenant[/site]`). Read for each token: clients can be
    added while this runs."""
    path = state / "clients.json"
    if not path.exists():
        clients = {name: _new_client(name) for name in TABLE.roles}
        _write_private(path, json.dumps(clients, indent=2).encode())
    loaded: dict[str, dict[str, Any]] = json.loads(_read_private(path))
    return loaded


def _new_client(name: str) -> dict[str, Any]:
    tenant = "*" if name in TABLE.every_tenant else TENANT
    return {"secret": secrets.token_urlsafe(32), "grants": [f"{name}@{tenant}"]}


def _write_private(path: Path, content: bytes) -> None:
    """Whole or not at all, and never readable by others, not even for a moment."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    unfinished.replace(path)


def _read_private(path: Path) -> bytes:
    if path.stat().st_mode & 0o077:
        raise IssuerStateError(f"{path.name} can be read by others: set its mode to 0600")
    return path.read_bytes()


def build(state: Path, issuer: str) -> FastAPI:
    """The application; `issuer` is its own address, which every token names."""
    app = create_app("Local issuer, never for production", "1")
    key = load_key(state)
    load_clients(state)
    public = _public_jwk(key)

    @app.get("/.well-known/openid-configuration")
    async def discovery() -> dict[str, Any]:
        return {
            "issuer": issuer,
            "jwks_uri": f"{issuer}/jwks.json",
            "token_endpoint": f"{issuer}/token",
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": ["token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        }

    @app.get("/jwks.json")
    async def jwks() -> dict[str, Any]:
        return {"keys": [public]}

    @app.get("/ready")
    async def ready() -> dict[str, bool]:
        return {"ready": True}

    @app.post("/token")
    async def token(request: Request) -> JSONResponse:
        form = {name: values[-1] for name, values in parse_qs((await request.body()).decode("latin-1")).items()}
        if form.get("grant_type") != "client_credentials":
            return JSONResponse({"error": "unsupported_grant_type"}, 400)
        name, secret = _credentials(request.headers.get("authorization", ""), form)
        client = load_clients(state).get(name)
        if client is None or not hmac.compare_digest(client["secret"].encode(), secret.encode()):
            return JSONResponse({"error": "invalid_client"}, 401, {"WWW-Authenticate": "Basic"})
        claims = _claims(issuer, name, client)
        signed = jwt.encode(claims, key, "RS256", headers={"kid": public["kid"], "typ": "at+jwt"})
        return JSONResponse({"access_token": signed, "token_type": "Bearer", "expires_in": TOKEN_LIFE_S})

    return app


def _claims(issuer: str, name: str, client: Mapping[str, Any]) -> dict[str, Any]:
    now = int(time.time())
    return {
        "iss": issuer,
        "sub": name,
        "client_id": name,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + TOKEN_LIFE_S,
        "jti": secrets.token_hex(16),
        **{claim: client[claim] for claim in ("roles", "tenants", "grants") if claim in client},
    }


def _credentials(authorization: str, form: Mapping[str, str]) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return unquote_plus(name), unquote_plus(secret)


def _public_jwk(key: rsa.RSAPrivateKey) -> dict[str, Any]:
    """With the key's thumbprint (RFC 7638) as its id."""
    jwk = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    members = {name: jwk[name] for name in ("e", "kty", "n")}
    digest = Hash(SHA256())
    digest.update(json.dumps(members, separators=(",", ":"), sort_keys=True).encode())
    thumbprint = base64.urlsafe_b64encode(digest.finalize()).rstrip(b"=").decode()
    return {**members, "kid": thumbprint, "use": "sig", "alg": "RS256"}


def bind(host: str, port: int) -> socket.socket:
    """A listening socket on loopback; any other host is refused, whatever the settings say."""
    if not is_loopback(host):
        raise IssuerStateError("the local issuer binds loopback addresses only: it must never serve production")
    bound = socket.create_server((host, port))
    if not is_loopback(bound.getsockname()[0]):
        bound.close()
        raise IssuerStateError("the host's name does not lead to loopback")
    return bound


def main(environ: Mapping[str, str]) -> int:
    logging.basicConfig(level=logging.WARNING)
    try:
        state = Path(environ["VCC_ISSUER_STATE"])
        host = environ.get("VCC_ISSUER_HOST", "127.0.0.1")
        listener = bind(host, int(environ["VCC_ISSUER_PORT"]))
        issuer = f"http://{host}:{listener.getsockname()[1]}"
        app = build(state, issuer)
    except KeyError as error:
        print(f"local issuer: {error.args[0]} is not set", file=sys.stderr)
        return 2
    except (IssuerStateError, OSError, ValueError) as error:
        print(f"local issuer: {error}", file=sys.stderr)
        return 2
    print(f"local issuer, never for production: {issuer}", file=sys.stderr, flush=True)
    uvicorn.Server(uvicorn.Config(app, access_log=False, log_config=None)).run(sockets=[listener])
    return 0


if __name__ == "__main__":
    raise SystemExit(main(os.environ))
