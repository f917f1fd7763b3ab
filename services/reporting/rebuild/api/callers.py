"""Who acts for every plan."""

from services.kit.auth import Principal
from services.kit.postgres import ALL_TENANTS
from services.kit.problem import Refusal, RefusedError

ALL_NEEDED = Refusal("all-tenants-needed", "All Tenants Needed", "This needs a token for all tenants.", 403)


def need_all_tenants(principal: Principal) -> None:
    """Refuse a token for one plan."""
    if principal.tenant != ALL_TENANTS:
        raise RefusedError(ALL_NEEDED)
