"""Who is asking: OpenID Connect bearer tokens, verified against the issuer's published keys. Which roles there are
and what they may do stands in one table, `roles.yaml`."""

import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Annotated, Any, NoReturn

import httpx
import jwt
import structlog
from fastapi import Depends, FastAPI, Header, Security
from fastapi.dependencies.models import Dependant
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from jwt.types import Options
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Message, Receive, Scope

from services.kit import asking, grants
from services.kit.access_tokens import WHY, require_access_token
from services.kit.asking import Asked
from services.kit.grants import Grant, Sites
from services.kit.issuer_keys import IssuerKeys, IssuerUnavailableError, TrustedIssuer
from services.kit.masking import SEES
from services.kit.postgres import ALL_TENANTS
from services.kit.problem import RETRY_AFTER_S, Refusal, RefusedError
from services.kit.roles import TABLE, Purpose, Roles
from services.kit.signed import is_signed_route

MAX_TOKEN_CHARS = 8192
_CLAIMS = "vcc.claims"
"""Where a request's scope keeps what its token says."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Principal:
    """`tenant` is the one this request acts for; `tenants` are all that the token carries. `grants` are the pairs of
    both, where the token says them; then `roles` are those for the tenant, and `sites` the ones that they are bound to
    (none named: every site). `asked`: the request that it comes with, for the trail."""

    subject: str
    roles: frozenset[str]
    tenants: frozenset[str]
    tenant: str
    grants: frozenset[Grant] | None = None
    sites: Sites = None
    asked: Asked | None = field(default=None, compare=False, repr=False)

    def acting_for(self, tenant: str) -> "Principal":
        """The same, with the roles and sites that it has for this tenant."""
        if self.grants is None:
            return replace(self, tenant=tenant)
        mine = grants.for_tenant(self.grants, tenant)
        return replace(self, tenant=tenant, roles=grants.roles_of(mine), sites=grants.sites_of(mine))

    def within(self, roles: frozenset[str]) -> "Principal":
        """The same, bound to the sites that it has by these of its roles."""
        if self.grants is None:
            return self
        mine = [grant for grant in grants.for_tenant(self.grants, self.tenant) if grant.role in roles]
        return replace(self, sites=grants.sites_of(mine))

    def may(self, permission: str) -> bool:
        """Whether one of its roles has a permission beside the one that its route asks for."""
        return bool(self.roles & TABLE.that_may(permission))

    def sees(self, field: str, permission: str) -> bool:
        """Whether it sees a protected field by those of its roles that have this permission."""
        return field in TABLE.seen_by(self.roles & TABLE.that_may(permission))

    def acts_at(self, site_id: str) -> bool:
        return self.sites is None or site_id in self.sites


@dataclass(frozen=True, slots=True)
class Denial:
    """A known principal asked for what it may not have. `target` holds the ids in the path."""

    principal: Principal
    route: str
    target: tuple[str, ...]
    reason: str


_REQUIRED: Options = {"require": ["exp", "iat", "iss", "aud", "sub"], "enforce_minimum_key_length": True}


class Auth:
    """Turns a bearer token into its claims, and a choice of tenant into a principal."""

    def __init__(
        self,
        trusted: TrustedIssuer,
        *,
        on_denied: Callable[[Denial], Awaitable[None]] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.trusted = trusted
        self.on_denied = on_denied
        self._keys = IssuerKeys(trusted, transport, clock)

    async def claims(self, token: str) -> Mapping[str, Any]:
        """The verified claims; `jwt.PyJWTError` for a token that must not be believed."""
        if len(token) > MAX_TOKEN_CHARS:
            raise jwt.DecodeError("too long")
        header = jwt.get_unverified_header(token)
        key_id = header.get("kid")
        key = await self._keys.find(key_id) if isinstance(key_id, str) else None
        if key is None:
            raise jwt.InvalidKeyError("no such key")
        trusted = self.trusted
        claims: Mapping[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[key.algorithm_name],
            audience=trusted.audience,
            issuer=trusted.issuer,
            leeway=trusted.leeway_s,
            options=_REQUIRED,
        )
        require_access_token(header, claims, trusted.token_types, trusted.longest_life_s)
        return claims

    def principal(self, claims: Mapping[str, Any]) -> Principal:
        """Who the claims speak of, not yet acting for a tenant (unless there is only one choice). Grants are believed
        alone where the token has them; of two lists each role holds for each named tenant, and for all of them only
        one that may act for all."""
        if (claim := _at(claims, self.trusted.grants_claim)) is not None:
            return self._granted(claims["sub"], grants.read(claim, self.trusted.every_tenant_roles))
        roles = _strings(claims, self.trusted.roles_claim)
        tenants = _strings(claims, self.trusted.tenants_claim)
        return self._granted(claims["sub"], grants.paired(roles, tenants, self.trusted.every_tenant_roles), roles)

    @staticmethod
    def _granted(subject: str, granted: frozenset[Grant], said: frozenset[str] = frozenset()) -> Principal:
        """`said`: roles that the token names, also where they hold for nobody: a denial's row shows them."""
        tenants = frozenset(grant.tenant for grant in granted)
        known = Principal(subject, said or grants.roles_of(granted), tenants, "", granted)
        return known.acting_for(tenant) if (tenant := _only(tenants)) else known


def _only(tenants: frozenset[str]) -> str:
    """The tenant to act for where none is chosen; empty where there is a choice to be made, or nothing to choose."""
    if ALL_TENANTS in tenants:
        return ALL_TENANTS
    return next(iter(tenants)) if len(tenants) == 1 else ""


def _strings(claims: Mapping[str, Any], path: str) -> frozenset[str]:
    """The strings at a dotted path (`realm_access.roles`), given as a list or as one string with spaces."""
    found = _at(claims, path)
    if isinstance(found, str):
        found = found.split()
    return (
        frozenset(entry for entry in found if isinstance(entry, str) and entry)
        if isinstance(found, list)
        else frozenset()
    )


def _at(found: Any, path: str) -> Any:
    """A name may hold dots itself, as an address does (`https://plans.example/roles`): the longest name that is there
    is taken for a step."""
    if not isinstance(found, Mapping) or path in found:
        return found.get(path) if isinstance(found, Mapping) else None
    steps = path.split(".")
    for taken in range(len(steps) - 1, 0, -1):
        if (name := ".".join(steps[:taken])) in found:
            return _at(found[name], ".".join(steps[taken:]))
    return None


UNAUTHENTICATED = Refusal("unauthenticated", "Unauthorized", "A valid bearer token is needed.", 401)
FORBIDDEN = Refusal("forbidden", "Forbidden", "None of the token's roles may do this.", 403)
TENANT_NEEDED = Refusal(
    "tenant-needed", "Tenant Needed", "The token carries several tenants: choose one with X-Tenant.", 400
)
ISSUER_UNAVAILABLE = Refusal("issuer-unavailable", "Service Unavailable", "Tokens can't be checked at the moment.", 503)
_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", description="A token of the trusted OpenID Connect issuer")


async def authenticate(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    x_tenant: Annotated[
        str | None, Header(min_length=1, max_length=64, description="Which of the token's tenants to act for")
    ] = None,
    x_purpose: Annotated[Purpose | None, Header(description="What the request is for (HL7 v3 PurposeOfUse)")] = None,
) -> Principal:
    """The dependency below every other one of this module; FastAPI runs it once per request."""
    auth: Auth = request.app.state.auth
    claims = await _verified(auth, request.scope, credentials.credentials if credentials else None)
    known = auth.principal(claims)
    if (asked := asking.of_request(request.scope)) is not None:
        asked.said = x_purpose
    return _coming_with(request, await _acting_for(auth, request, _coming_with(request, known), x_tenant))


def _coming_with(request: Request, principal: Principal) -> Principal:
    """Each knows of the other: the trail tells of both."""
    asked = asking.of_request(request.scope)
    if asked is not None:
        asked.principal = replace(principal, asked=None)
    return replace(principal, asked=asked)


async def _verified(auth: Auth, scope: Scope, token: str | None) -> Mapping[str, Any]:
    """The claims of the request's token, looked at once."""
    if (known := scope.get(_CLAIMS)) is not None:
        claims: Mapping[str, Any] = known
        return claims
    if token is None:
        _refuse_token(scope, "no-token", "A bearer token is needed.", "Bearer")
    try:
        scope[_CLAIMS] = claims = await auth.claims(token)
    except jwt.PyJWTError as error:
        log.warning("token refused", reason=type(error).__name__)
        why = WHY.get(type(error), "The token is not valid here")
        _refuse_token(
            scope, _kebab(type(error).__name__), f"{why}.", f'Bearer error="invalid_token", error_description="{why}"'
        )
    except IssuerUnavailableError:
        raise RefusedError(ISSUER_UNAVAILABLE, {"Retry-After": str(RETRY_AFTER_S)}) from None
    return claims


def token_first(scope: Scope, receive: Receive) -> Receive:
    """No byte of a body is read before the request's token is believed, where the application asks for tokens. Whoever
    puts something in the place of `authenticate` answers for it; where a signature is asked for it stands for the
    token."""
    app: FastAPI = scope["app"]
    auth: Auth | None = None if authenticate in app.dependency_overrides else app.state.auth

    async def receive_authenticated() -> Message:
        if auth is not None and _CLAIMS not in scope and not is_signed_route(scope):
            scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
            await _verified(auth, scope, token.strip() if scheme.lower() == "bearer" else None)
        return await receive()

    return receive_authenticated


async def _acting_for(auth: Auth, request: Request, principal: Principal, wanted: str | None) -> Principal:
    if wanted is None and principal.tenant:
        return principal
    if wanted is None and principal.tenants:
        raise RefusedError(TENANT_NEEDED)
    if wanted is None or not {wanted, ALL_TENANTS} & principal.tenants:
        await deny(auth, request, principal, "tenant")
    return principal.acting_for(wanted)


def _refuse_token(scope: Scope, why: str, detail: str, challenge: str) -> NoReturn:
    if (asked := asking.of_request(scope)) is not None:
        asked.why = why
    raise RefusedError(UNAUTHENTICATED.saying(detail), {"WWW-Authenticate": challenge})


async def deny(
    auth: Auth, request: Request, principal: Principal, reason: str, refusal: Refusal | None = None
) -> NoReturn:
    """Refuse with 403, after the denial has been recorded."""
    route, target = route_of(request.scope), ids_in(request.scope)
    principal = _coming_with(request, principal)
    log.warning("denied", method=request.method, route=route_template(request.scope), reason=reason)
    if auth.on_denied is not None:
        await auth.on_denied(Denial(principal, route, target, reason))
    forbidden = FORBIDDEN.saying("The token carries no such tenant.") if reason == "tenant" else FORBIDDEN
    raise RefusedError(refusal or forbidden, {"WWW-Authenticate": 'Bearer error="insufficient_scope"'})


_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")


def ids_in(scope: Mapping[str, Any]) -> tuple[str, ...]:
    """The ids in the path; what looks like none is not told."""
    values = map(str, scope.get("path_params", {}).values())
    return tuple(value if _ID.fullmatch(value) else "?" for value in values)


def route_of(scope: Mapping[str, Any]) -> str:
    """`POST /cases/{case_id}/release`."""
    return f"{scope['method']} {route_template(scope)}"


def _kebab(name: str) -> str:
    """`ExpiredSignatureError` as `expired-signature`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name.removesuffix("Error")).lower()


def route_template(scope: Mapping[str, Any]) -> str:
    """The route as declared (`/cases/{case_id}`), so that no id of a path reaches a log, metric or title."""
    included = scope.get("fastapi", {}).get("effective_route_context")
    for route in (included, scope.get("route")):
        template = getattr(route, "path_format", None)
        if isinstance(template, str):
            return template
    return "(none)"


def may(permission: str, table: Roles = TABLE) -> Any:
    """`principal: Annotated[Principal, may("cases.read")]`: any one of the roles that have the permission will do, at
    the sites that it is granted for. Raises RolesError for a permission that the table does not know."""
    return Depends(_Permitted(permission, table))


class _Permitted:
    """The dependency of one permission; the interface's document reads off it what a route asks for."""

    def __init__(self, permission: str, table: Roles = TABLE) -> None:
        self.permission, self.table = permission, table
        self.roles = table.that_may(permission)

    async def __call__(self, request: Request, principal: Annotated[Principal, Depends(authenticate)]) -> Principal:
        if not self.roles & principal.roles:
            await deny(request.app.state.auth, request, principal, "role")
        mine = self.roles & principal.roles
        request.scope[SEES] = self.table.seen_by(mine)
        if (asked := asking.of_request(request.scope)) is not None:
            asked.roles = mine
        return _coming_with(request, principal.within(self.roles))


class _PermittedForAll(_Permitted):
    async def __call__(self, request: Request, principal: Annotated[Principal, Depends(authenticate)]) -> Principal:
        found = await super().__call__(request, principal)
        if found.tenant != ALL_TENANTS:
            await deny(request.app.state.auth, request, found, "tenant", ALL_TENANTS_NEEDED)
        return found


ALL_TENANTS_NEEDED = Refusal(
    "all-tenants-needed", "All Tenants Needed", "This needs a token for all tenants.", HTTPStatus.FORBIDDEN
)


def may_for_all(permission: str) -> Any:
    """As `may`, acting for all tenants: for what belongs to the deployment and not to a plan."""
    return Depends(_PermittedForAll(permission))


@dataclass(frozen=True, slots=True)
class RouteAsks:
    """What a route asks for: a permission, which these roles have, acting for all tenants or not."""

    permission: str
    roles: frozenset[str]
    for_all: bool


def asked_by(dependant: Dependant) -> RouteAsks | None:
    """What a route asks for; None: nothing."""
    if isinstance(asked := dependant.call, _Permitted):
        return RouteAsks(asked.permission, asked.roles, isinstance(asked, _PermittedForAll))
    return next((found for below in dependant.dependencies if (found := asked_by(below))), None)
