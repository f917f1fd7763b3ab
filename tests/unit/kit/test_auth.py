"""Tokens are believed only if the trusted issuer signed them for us; the issuer here is the local one."""

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from deploy.local import issuer as local_issuer
from services.kit.access_tokens import WrongTypeError
from services.kit.app import Service, create
from services.kit.auth import Auth, Denial
from services.kit.issuer_keys import IssuerUnavailableError, TrustedIssuer
from services.kit.settings import read_settings
from tests.unit.kit.issuer import ISSUER, TRUSTED, Wire, a_token, bearing

NEEDED = {"VCC_OIDC_ISSUER": ISSUER, "VCC_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "VCC_KIT_DSN": "postgresql://"}


async def test_a_good_token_gives_the_principal(client: httpx.AsyncClient, state: Path) -> None:
    """A token of the trusted issuer gives subject, roles and its one tenant."""
    response = await client.get("/v1/dens/7", headers=bearing(a_token(state)))
    assert response.json() == {"who": "brock", "tenant": "sett", "roles": ["badger"]}


async def test_the_issuers_own_token_is_good(client: httpx.AsyncClient, wire: Wire, state: Path) -> None:
    """What /token hands to a client with its secret is accepted."""
    secret = local_issuer.load_clients(state)["operator"]["secret"]
    async with httpx.AsyncClient(transport=wire, base_url=ISSUER) as to_issuer:
        form = {"grant_type": "client_credentials"}
        token = (await to_issuer.post("/token", data=form, auth=("operator", secret))).json()["access_token"]
    response = await client.get("/v1/dens/7", headers=bearing(token))
    assert response.json() == {"who": "operator", "tenant": "*", "roles": ["operator"]}


async def test_the_issuer_grants_what_its_file_says(client: httpx.AsyncClient, wire: Wire, state: Path) -> None:
    """A client with grants gets a token that says them in place of roles and tenants."""
    clients = local_issuer.load_clients(state) | {"brock": {"secret": "s3cret", "grants": ["badger@sett/north"]}}
    local_issuer._write_private(state / "clients.json", json.dumps(clients).encode())
    async with httpx.AsyncClient(transport=wire, base_url=ISSUER) as to_issuer:
        form = {"grant_type": "client_credentials"}
        token = (await to_issuer.post("/token", data=form, auth=("brock", "s3cret"))).json()["access_token"]
    response = await client.get("/v1/dens/7", headers=bearing(token))
    assert response.json() == {"who": "brock", "tenant": "sett", "roles": ["badger"]}


async def test_no_token_is_asked_for(client: httpx.AsyncClient) -> None:
    """Without a token: 401 with a bare challenge."""
    response = await client.get("/v1/dens/7")
    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
    assert response.json()["type"] == "urn:vcc:problem:unauthenticated"


FORGED: dict[str, dict[str, Any]] = {
    "expired": {"exp": int(time.time()) - 31},
    "of another issuer": {"iss": "http://127.0.0.1:666"},
    "for another audience": {"aud": "somebody-else"},
    "without expiry": {"exp": None},
    "without audience": {"aud": None},
    "without subject": {"sub": None},
    "not valid yet": {"nbf": int(time.time()) + 9000},
    "signed by a stranger": {"key": rsa.generate_private_key(public_exponent=65537, key_size=2048)},
    "signed by another algorithm": {"algorithm": "PS256"},
    "signed on a curve": {"algorithm": "ES256", "key": ec.generate_private_key(ec.SECP256R1())},
    "of an unknown key": {"kid": "moonshine"},
    "signed with nothing": {"algorithm": "none", "key": ""},
    "signed with a shared secret": {"algorithm": "HS256", "key": "x" * 64},
    "too long": {"padding": "x" * 9000},
    "of no type": {"kind": None},
    "of any type": {"kind": "JWT"},
    "an ID token": {"nonce": "n-0S6"},
    "an ID token by its hash": {"at_hash": "77Qm"},
    "an ID token by its use": {"token_use": "id"},
    "a refresh token": {"typ": "Refresh"},
    "bound to a key": {"cnf": {"jkt": "0ZcOCORZ"}},
    "good for three hours": {"exp": int(time.time()) + 10_800},
}
SAID = {"expired": "has expired", "not valid yet": "not valid yet", "for another audience": "another audience",
        "of any type": "no access token", "an ID token": "no access token", "bound to a key": "bound to a key",
        "good for three hours": "lives too long", "signed by a stranger": "not valid here"}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
async def test_a_bad_token_is_not_believed(client: httpx.AsyncClient, state: Path, name: str) -> None:
    """A token that is wrong in one way only gets 401 and `invalid_token`, with the reason in words, and the log has
    the reason and nothing of the token (v5.0.0-9.2.1, v5.0.0-9.2.2, v5.0.0-9.2.3)."""
    token = a_token(state, **FORGED[name])
    with capture_logs() as lines:
        response = await client.get("/v1/dens/7", headers=bearing(token))
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith('Bearer error="invalid_token", error_description="The token')
    assert SAID.get(name, "The token") in response.json()["detail"]
    (line,) = (one for one in lines if one["event"] == "token refused")
    assert line["reason"].endswith("Error")
    assert token not in repr(lines)


async def test_an_issuer_of_one_type_is_told_apart_by_claims(wire: Wire, state: Path) -> None:
    """Where all tokens are called JWT an access token is taken and an ID token is not (v5.0.0-9.2.2)."""
    auth = Auth(replace(TRUSTED, token_types=frozenset({"at+jwt", "jwt"})), transport=wire)
    assert (await auth.claims(a_token(state, kind="JWT")))["sub"] == "brock"
    with pytest.raises(WrongTypeError):
        await auth.claims(a_token(state, kind="JWT", typ="ID"))


async def test_a_revoked_key_signs_nothing_any_more(wire: Wire, state: Path) -> None:
    """Though the issuer goes on publishing it, no token of that key is believed (v5.0.0-9.1.3)."""
    kid = local_issuer._public_jwk(local_issuer.load_key(state))["kid"]
    auth = Auth(replace(TRUSTED, revoked_keys=frozenset({kid})), transport=wire)
    with pytest.raises(jwt.InvalidKeyError):
        await auth.claims(a_token(state))


async def test_clocks_may_differ_a_little(client: httpx.AsyncClient, state: Path) -> None:
    """A token that expired within the leeway is still good."""
    token = a_token(state, exp=int(time.time()) - 10)
    assert (await client.get("/v1/dens/7", headers=bearing(token))).status_code == 200


async def test_the_wrong_role_is_denied_and_recorded(
    client: httpx.AsyncClient, state: Path, denied: list[Denial]
) -> None:
    """A known principal without the role gets 403, and the denial is recorded first, with the route and its ids."""
    with capture_logs() as lines:
        response = await client.get("/v1/dens/7-a", headers=bearing(a_token(state, roles=["stoat"])))
    assert response.status_code == 403
    assert response.headers["www-authenticate"] == 'Bearer error="insufficient_scope"'
    (denial,) = denied
    assert (denial.route, denial.target, denial.reason) == ("GET /v1/dens/{den_id}", ("7-a",), "role")
    assert denial.principal.subject == "brock"
    assert "7-a" not in repr(lines)


async def test_a_denied_path_that_is_no_id_is_not_kept(
    client: httpx.AsyncClient, state: Path, denied: list[Denial]
) -> None:
    """What stands in a path but has not the shape of an id is not written to the trail."""
    await client.get("/v1/dens/Old Brock", headers=bearing(a_token(state, roles=[])))
    assert denied[0].target == ("?",)


@pytest.mark.expects_error_log("dependency unavailable")
async def test_a_denial_that_cannot_be_recorded_is_no_answer(app: FastAPI, state: Path) -> None:
    """If the trail can't be written the answer is 503 and not the denial."""

    async def broken(_: Denial) -> None:
        raise ConnectionRefusedError

    app.state.auth.on_denied = broken
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://den") as client:
        response = await client.get("/v1/dens/7", headers=bearing(a_token(state, roles=[])))
    assert response.status_code == 503


TenantCase = tuple[list[str], list[str], str | None, int, str]

"""Roles and tenants of the token, the tenant asked for; the status and the tenant acted for."""

TENANTS: list[TenantCase] = [
    (["badger"], ["sett"], "sett", 200, "sett"),
    (["badger"], ["sett"], "holt", 403, ""),
    (["badger"], ["sett", "holt"], "holt", 200, "holt"),
    (["badger"], ["sett", "holt"], None, 400, ""),
    (["badger"], [], None, 403, ""),
    (["badger"], ["*"], None, 403, ""),
    (["badger"], ["*"], "sett", 403, ""),
    (["badger"], ["*", "sett"], None, 200, "sett"),
    (["badger"], ["sett"], "*", 403, ""),
    (["operator"], ["*"], None, 200, "*"),
    (["operator"], ["*"], "sett", 200, "sett"),
    (["operator"], ["sett"], "*", 403, ""),
]


@pytest.mark.parametrize(("roles", "tenants", "wanted", "status", "tenant"), TENANTS)
async def test_tenants(
    client: httpx.AsyncClient,
    state: Path,
    roles: list[str],
    tenants: list[str],
    wanted: str | None,
    status: int,
    tenant: str,
) -> None:
    """A principal acts for a tenant that its token carries; `*` counts only with a role that may use it."""
    chosen = {} if wanted is None else {"X-Tenant": wanted}
    response = await client.get("/v1/dens/7", headers=bearing(a_token(state, roles=roles, tenants=tenants), **chosen))
    assert response.status_code == status
    assert response.json().get("tenant", "") == tenant


@pytest.mark.parametrize(
    ("tenants", "wanted", "roles"),
    [
        (["*", "sett"], None, {"operator"}),
        (["*", "sett"], "sett", {"badger", "operator"}),
        (["*", "sett"], "holt", {"operator"}),
        (["*"], "holt", {"operator"}),
        (["sett", "holt"], "holt", {"badger", "operator"}),
    ],
)
def test_two_lists_pair_all_tenants_with_those_roles_alone_that_may_act_for_all(
    tenants: list[str], wanted: str | None, roles: set[str]
) -> None:
    """A badger of one sett is none elsewhere because his token also names an operator of all (v5.0.0-8.2.1)."""
    principal = Auth(TRUSTED).principal({"sub": "brock", "roles": ["badger", "operator"], "tenants": tenants})
    assert (principal.acting_for(wanted) if wanted else principal).roles == roles


GrantCase = tuple[list[str], str | None, int, str, list[str]]

"""Grants of the token, the tenant asked for; the status, the tenant acted for and the roles that hold there."""

GRANTS: list[GrantCase] = [
    (["badger@sett"], None, 200, "sett", ["badger"]),
    (["badger@sett/north"], "sett", 200, "sett", ["badger"]),
    (["badger@sett", "stoat@holt"], "sett", 200, "sett", ["badger"]),
    (["badger@sett", "stoat@holt"], "holt", 403, "", []),  # its role there is another
    (["badger@sett", "badger@holt"], None, 400, "", []),
    (["badger@sett", "operator@*"], None, 200, "*", ["operator"]),
    (["badger@sett", "operator@*"], "sett", 200, "sett", ["badger", "operator"]),
    (["badger@sett", "operator@*"], "holt", 200, "holt", ["operator"]),
    (["badger@*"], "sett", 403, "", []),  # a role that acts for no more than its tenants
    (["badger", "@sett", "badger@sett/", "badger@sett/no/rth", "Badger@sett"], None, 403, "", []),
    ([], None, 403, "", []),
]


@pytest.mark.parametrize(("granted", "wanted", "status", "tenant", "roles"), GRANTS)
async def test_roles_and_tenants_are_pairs(
    client: httpx.AsyncClient,
    state: Path,
    granted: list[str],
    wanted: str | None,
    status: int,
    tenant: str,
    roles: list[str],
) -> None:
    """A grant is a role for one tenant; beside grants the token's other claims say nothing, and what is no grant
    grants nothing."""
    chosen = {} if wanted is None else {"X-Tenant": wanted}
    token = a_token(state, roles=["badger", "operator"], tenants=["*", "sett", "holt"], grants=granted)
    response = await client.get("/v1/dens/7", headers=bearing(token, **chosen))
    assert response.status_code == status
    assert (response.json().get("tenant", ""), response.json().get("roles", [])) == (tenant, roles)


@pytest.mark.parametrize(
    ("granted", "tenant", "sites"),
    [
        ("badger@sett/north badger@sett/south", "sett", {"north", "south"}),
        ("badger@sett/north badger@sett", "sett", None),
        ("badger@sett/north badger@holt", "sett", {"north"}),
        ("badger@sett/north operator@sett", "sett", {"north"}),  # the operator's role does not open the badger's sites
        ("operator@*/north badger@sett/south", "sett", {"south"}),
        ("badger@sett", "sett", None),
    ],
)
def test_a_role_holds_at_the_sites_of_its_grants(granted: str, tenant: str, sites: set[str] | None) -> None:
    """Only grants of the roles that are asked for count, for the tenant that is acted for."""
    principal = Auth(TRUSTED).principal({"sub": "brock", "grants": granted}).acting_for(tenant)
    assert principal.within(frozenset({"badger"})).sites == sites


@pytest.mark.parametrize(
    ("claims", "roles"),
    [
        ({"realm_access": {"roles": ["a", "b"]}}, {"a", "b"}),
        ({"realm_access": {"roles": "a b"}}, {"a", "b"}),
        ({"realm_access": ["a"]}, set()),
        ({"realm_access": {"roles": [1, None, "a"]}}, {"a"}),
        ({}, set()),
    ],
)
def test_roles_are_read_where_the_issuer_puts_them(claims: dict[str, Any], roles: set[str]) -> None:
    """A dotted path leads to the roles; what is no string is no role."""
    auth = Auth(TrustedIssuer(issuer=ISSUER, audience="vcc", roles_claim="realm_access.roles"))
    assert auth.principal({"sub": "brock", **claims}).roles == roles


@pytest.mark.parametrize(
    ("environ", "claims"),
    [
        ({}, {"roles": ["badger"], "tenants": ["sett"]}),
        (
            {"VCC_OIDC_ROLES_CLAIM": "resource_access.den.app.roles", "VCC_OIDC_TENANTS_CLAIM": "organisation"},
            {"resource_access": {"den.app": {"roles": ["badger"]}}, "organisation": "sett", "roles": ["operator"]},
        ),
        ({"VCC_OIDC_GRANTS_CLAIM": "den.may"}, {"den": {"may": "badger@sett"}, "roles": ["stoat"], "grants": ["x@y"]}),
        (
            {"VCC_OIDC_ROLES_CLAIM": "https://den.example/roles", "VCC_OIDC_TENANTS_CLAIM": "https://den.example/of"},
            {"https://den.example/roles": "badger", "https://den.example/of": ["sett"], "tenants": ["*"]},
        ),
    ],
)
def test_settings_name_the_claims(environ: dict[str, str], claims: dict[str, Any]) -> None:
    """An identity provider of one's own says by settings where roles and tenants stand; claims of our names are then
    nobody's."""
    service = Service(name="kit", title="Den", subscriptions=(), routers=(), migrations=Path())
    app = create(service, read_settings("kit", NEEDED | environ))
    principal = app.state.auth.principal({"sub": "brock", **claims})
    assert (principal.roles, principal.tenant) == ({"badger"}, "sett")


def test_the_settings_say_which_tokens_are_believed() -> None:
    """Types and revoked keys are lists with commas, whatever the blanks and the letters' case of a type."""
    environ = {
        "VCC_OIDC_TOKEN_TYPES": "at+jwt, JWT",
        "VCC_OIDC_LONGEST_LIFE_S": "900",
        "VCC_OIDC_REVOKED_KEYS": "Kx, 7,",
    }
    service = Service(name="kit", title="Den", subscriptions=(), routers=(), migrations=Path())
    trusted = create(service, read_settings("kit", NEEDED | environ)).state.auth.trusted
    assert (trusted.token_types, trusted.longest_life_s, trusted.revoked_keys) == ({"at+jwt", "jwt"}, 900, {"Kx", "7"})


@pytest.mark.expects_error_log("issuer keys unreadable")
@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(), st.lists(st.text(alphabet="eyJhbGciOiI.-_", max_size=30), max_size=4).map(".".join)))
async def test_no_text_is_a_token(text: str) -> None:
    """Whatever is sent as a token is refused as one, and never a fault."""
    auth = Auth(TRUSTED, transport=httpx.MockTransport(lambda _: httpx.Response(200, json={"keys": []})))
    with pytest.raises((jwt.PyJWTError, IssuerUnavailableError)):
        await auth.claims(text)
