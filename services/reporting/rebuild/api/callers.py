"""Who acts for every plan."""

from services.kit.auth import ALL_TENANTS_NEEDED, Principal
from services.kit.postgres import ALL_TENANTS
from services.kit.problem import RefusedError


def need_all_tenants(principal: Principal) -> None:
    """Refuse a token for one plan."""
    if principal.tenant != ALL_TENANTS:
        raise RefusedError(ALL_TENANTS_NEEDED)
