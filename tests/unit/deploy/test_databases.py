"""Databases that the environment names, before anybody enters them."""

import pytest

from deploy.errors import StackError
from deploy.local.databases import private_dsn

ELSEWHERE = "postgresql://u:canary@db.example/outreach"


@pytest.mark.parametrize("setting", ["dsn", "owner_dsn", "audit_dsn"])
def test_a_database_elsewhere_is_entered_privately_in_every_role(setting: str) -> None:
    """Beyond loopback a role's DSN gets the site's authority, or is refused by its name and without its password
    (v5.0.0-12.3.2)."""
    named = {f"VCC_OUTREACH_{setting.upper()}": ELSEWHERE}
    with pytest.raises(StackError, match="reached in the clear") as refused:
        private_dsn("outreach", named, setting)
    assert f"VCC_OUTREACH_{setting.upper()}: expected sslmode=verify-full" in str(refused.value)
    assert "canary" not in str(refused.value)
    secured = private_dsn("outreach", {**named, "VCC_OUTREACH_POSTGRES_CAFILE": "/ca.pem"}, setting)
    assert secured == f"{ELSEWHERE}?sslmode=verify-full&sslrootcert=%2Fca.pem"
    assert private_dsn("outreach", {**named, "VCC_OUTREACH_POSTGRES_ALLOWS_PLAINTEXT": "true"}, setting) == ELSEWHERE


def test_a_database_that_is_not_named_is_embedded() -> None:
    """What another service's variables say counts nothing."""
    assert private_dsn("outreach", {"VCC_REPORTING_DSN": ELSEWHERE}) is None
