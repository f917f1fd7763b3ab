"""How a database that the environment names is entered, in each of its roles: with the site's own authority, where one
is named, and never in the clear beyond loopback unless a setting allows it."""

from collections.abc import Mapping

from deploy.environment import told
from deploy.errors import StackError
from deploy.local.plan import external_dsn
from services.kit.private_channels import postgres_refusal, with_authority

TRUE = ("true", "1", "yes", "on")


def private_dsn(service: str, environ: Mapping[str, str], setting: str = "dsn") -> str | None:
    """None where the environment names none. `setting` says as which role."""
    if (dsn := external_dsn(service, environ, setting)) is None:
        return None
    own = f"VCC_{service.upper()}"
    allows = (told(f"VCC_{service.upper()}_POSTGRES_ALLOWS_PLAINTEXT", environ) or "").lower() in TRUE
    secured = with_authority(dsn, told(f"VCC_{service.upper()}_POSTGRES_CAFILE", environ))
    if refusal := postgres_refusal(own, secured, setting.upper(), allows=allows):
        raise StackError(f"{service}: its database would be reached in the clear", refusal)
    return secured
