"""What Kubernetes puts into every container of a namespace about each of its services: `VCC_ELIGIBILITY_PORT=tcp://…`
of a service named `vcc-eligibility`, and more of the kind. They look like settings and nobody has set them."""

import re
from collections.abc import Mapping

_BY_NAME = re.compile(r"_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$")
_ADDRESS = re.compile(r"(tcp|udp|sctp)://\S+")


def is_service_link(name: str, value: str) -> bool:
    """By its name, which no setting has, or by its value, which no port has."""
    return bool(_BY_NAME.search(name) or (name.endswith("_PORT") and _ADDRESS.fullmatch(value)))


def service_links(service: str, environ: Mapping[str, str]) -> list[str]:
    """Those that stand where this service's settings do."""
    prefixes = ("VCC_KAFKA_", "VCC_OIDC_", f"VCC_{service.upper()}_")
    return sorted(name for name, value in environ.items() if name.startswith(prefixes) and is_service_link(name, value))
